//! Opens what documents are searched with.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    assistant::{self, DocumentParts},
    document::Partition,
    documents,
    index::{Hit, Index, IndexError, IndexedDocument, Query},
};

/// Opens the engines that search documents.
pub(super) fn open(config: &documents::Config) -> DocumentParts {
    let (reader, largest_file) = assistant::reader(config);
    DocumentParts { index: Arc::new(Nothing), embedding: None, reader, largest_file }
}

/// An index that finds nothing.
struct Nothing;

#[async_trait]
impl Index for Nothing {
    async fn put(&self, _: &Partition, _: IndexedDocument) -> Result<(), IndexError> {
        Ok(())
    }

    async fn remove(&self, _: &Partition, _: Option<u64>) -> Result<(), IndexError> {
        Ok(())
    }

    async fn holds(&self, _: &Partition) -> Result<bool, IndexError> {
        Ok(true)
    }

    async fn search(&self, _: &[Partition], _: &Query) -> Result<Vec<Hit>, IndexError> {
        Ok(Vec::new())
    }
}
