//! The trait of models that say how well a passage answers a query: slower and better than comparing their vectors.

use async_trait::async_trait;

use super::embedding::EmbeddingError;

/// A model that reads a query and a passage together.
#[async_trait]
pub trait Reranker: Send + Sync + 'static {
    /// The model's name. Scores of different models cannot be compared.
    fn name(&self) -> &str;

    /// The most passages in one call.
    fn max_batch(&self) -> usize;

    /// One score from 0 to 1 for each passage, in their order: the higher, the better it answers the query. What is longer than the
    /// model's context is cut at the end of the passage.
    async fn score(&self, query: &str, passages: &[String]) -> Result<Vec<f32>, EmbeddingError>;
}
