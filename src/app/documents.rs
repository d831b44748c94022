//! Opens what documents are searched with.

use std::sync::Arc;

use super::{Encoders, collections};
use crate::{
    assistant::{
        self, DocumentParts, LocalDocuments,
        collections::{Indexing, Searchable},
    },
    config::Config,
};

/// Opens the engines that search documents, and what reads the folders of collections.
pub(super) fn open(config: &Config, encoders: &Encoders) -> anyhow::Result<(DocumentParts, Indexing)> {
    let (kept, shared) = (collections::collections(config)?, collections::postgres(config)?);
    let index = collections::index(config, shared.clone());
    let Encoders { embedding, reranker, .. } = encoders.clone();
    let searchable = Searchable::new(kept.clone(), Arc::clone(&index), embedding.as_deref(), shared.clone());
    // One reader for all: it holds how many files are read at a time.
    let (reader, largest_file) = assistant::reader(&config.documents);
    let indexing = Indexing::new(kept, &config.documents, Arc::clone(&reader), embedding.clone(), shared);
    let collections = Arc::new(searchable);
    Ok((DocumentParts { index, embedding, collections, reranker, reader, largest_file }, indexing))
}

/// Opens the same engines for documents of files on this machine, without collections.
#[must_use]
pub fn open_local(config: &Config, encoders: &Encoders) -> LocalDocuments {
    let index = collections::in_memory();
    let Encoders { embedding, reranker, .. } = encoders.clone();
    let (reader, largest_file) = assistant::reader(&config.documents);
    let collections = Arc::new(Searchable::none(Arc::clone(&index)));
    LocalDocuments::new(DocumentParts { index, embedding, collections, reranker, reader, largest_file })
}
