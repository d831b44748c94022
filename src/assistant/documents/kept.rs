//! Where documents are kept, as far as a search needs to know: the store of the bot, or the memory of one run of the program.

use async_trait::async_trait;

use crate::{
    document::{Document, Partition, Passage},
    store::{GoneDocuments, Store, StoreError, StoredVectors},
};

/// What keeps documents. The errors are the store's; what is in memory has none.
#[async_trait]
pub trait Kept: Send + Sync + 'static {
    /// The documents of these partitions, in the order of their numbers.
    async fn documents(&self, partitions: &[Partition]) -> Result<Vec<Document>, StoreError>;

    /// The passages of a document, in order; `None` when it is not there any more.
    async fn passages(&self, document: &Document) -> Result<Option<Vec<Passage>>, StoreError>;

    /// The vectors that a model made of them; `None` when there are none of it.
    async fn vectors(&self, document: &Document, model: &str) -> Result<Option<Vec<Vec<f32>>>, StoreError>;

    /// Keeps the vectors of a document's passages, in place of those of another model.
    async fn put_vectors(&self, document: &Document, vectors: StoredVectors) -> Result<(), StoreError>;

    /// Where documents are no more since this was last asked.
    async fn gone_documents(&self) -> Result<GoneDocuments, StoreError>;
}

#[async_trait]
impl Kept for Store {
    async fn documents(&self, partitions: &[Partition]) -> Result<Vec<Document>, StoreError> {
        self.documents(partitions).await
    }

    async fn passages(&self, document: &Document) -> Result<Option<Vec<Passage>>, StoreError> {
        self.passages(document).await
    }

    async fn vectors(&self, document: &Document, model: &str) -> Result<Option<Vec<Vec<f32>>>, StoreError> {
        self.vectors(document, model).await
    }

    async fn put_vectors(&self, document: &Document, vectors: StoredVectors) -> Result<(), StoreError> {
        self.put_vectors(document, vectors).await
    }

    async fn gone_documents(&self) -> Result<GoneDocuments, StoreError> {
        self.gone_documents().await
    }
}
