//! Documents for the assistant: which of them a question may see, what of them answers it, and what comes in.
//!
//! The store is the truth; the index holds in memory what was searched lately. [`Documents::load`] brings the index to what the store says, so
//! whoever adds or removes a document writes it to the store and no more; what is forgotten is also taken out of the index at once
//! ([`Documents::drop_gone`]).

pub mod embed;
#[cfg(test)]
pub mod fakes;
mod ingest;
mod load;
mod long;
mod names;
mod partitions;
mod passages;
mod query;
mod search;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OnceCell;

pub use self::ingest::{FileReader, Ingested, Ingestion, SentFile, promises, readable, reader};
use self::load::Indexed;
pub use self::names::title;
pub use self::partitions::{Scope, compagnon_of, searched};
pub use self::search::{Found, Search};
use crate::{
    assistant::collections::Searchable,
    document::Partition,
    index::Index,
    inference::{EmbeddingModel, Reranker},
    store::Store,
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
    store: Store,
    index: Arc<dyn Index>,
    embedding: Option<Arc<dyn EmbeddingModel>>,
    /// The collections of the configuration.
    collections: Arc<Searchable>,
    reranker: Option<Arc<dyn Reranker>>,
    reader: Arc<dyn FileReader>,
    largest_file: u64,
    /// What the vectors of all questions have in common, once it is known.
    generic: OnceCell<Arc<[f32]>>,
    /// Which documents of which partitions were put into the index. Each is locked while its partition is brought up to date.
    indexed: Mutex<HashMap<Partition, Indexed>>,
}

impl Documents {
    /// Documents with nothing in their index yet.
    pub fn new(store: Store, parts: DocumentParts) -> Self {
        let DocumentParts { index, embedding, reranker, collections, reader, largest_file } = parts;
        Self {
            store,
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

    fn lock_indexed(&self) -> MutexGuard<'_, HashMap<Partition, Indexed>> {
        self.indexed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
