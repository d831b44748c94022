//! The documents of an assistant, and what they are searched with.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OnceCell;

use super::{indexed::Indexed, kept::Kept, reader::FileReader};
use crate::{
    assistant::collections::Searchable,
    document::Partition,
    index::Index,
    inference::{EmbeddingModel, Reranker},
};

/// What documents are searched with: engines that the program opens once.
pub struct DocumentParts {
    /// What finds passages.
    pub index: Arc<dyn Index>,
    /// What turns texts into vectors; without it the search is lexical only.
    pub embedding: Option<Arc<dyn EmbeddingModel>>,
    /// The collections of the configuration, which are put into the index when they are searched.
    pub collections: Arc<Searchable>,
    /// What orders what was found; without it, it stays as the index gives it.
    pub reranker: Option<Arc<dyn Reranker>>,
    /// What reads files.
    pub reader: Arc<dyn FileReader>,
    /// The most bytes of a file.
    pub largest_file: u64,
}

/// The documents that answers rest on.
pub struct Documents {
    pub(super) kept: Arc<dyn Kept>,
    pub(super) index: Arc<dyn Index>,
    pub(super) embedding: Option<Arc<dyn EmbeddingModel>>,
    /// The collections of the configuration.
    pub(super) collections: Arc<Searchable>,
    pub(super) reranker: Option<Arc<dyn Reranker>>,
    pub(super) reader: Arc<dyn FileReader>,
    pub(super) largest_file: u64,
    /// What the vectors of all questions have in common, once it is known.
    pub(super) generic: OnceCell<Arc<[f32]>>,
    /// Which documents of which partitions were put into the index. Each is locked while its partition is brought up to date.
    pub(super) indexed: Mutex<HashMap<Partition, Indexed>>,
}

impl Documents {
    /// Documents with nothing in their index yet.
    pub fn new(kept: Arc<dyn Kept>, parts: DocumentParts) -> Self {
        let DocumentParts { index, embedding, reranker, collections, reader, largest_file } = parts;
        Self {
            kept,
            index,
            embedding,
            reranker,
            collections,
            reader,
            largest_file,
            generic: OnceCell::new(),
            indexed: Mutex::default(),
        }
    }

    /// The collections of the configuration.
    pub fn collections(&self) -> &Searchable {
        &self.collections
    }

    /// What reads files.
    pub fn reader(&self) -> &dyn FileReader {
        &*self.reader
    }

    pub(super) fn lock_indexed(&self) -> MutexGuard<'_, HashMap<Partition, Indexed>> {
        self.indexed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
