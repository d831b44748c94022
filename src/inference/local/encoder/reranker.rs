//! An encoder with a classification head as a reranker.

use async_trait::async_trait;

use super::pace::Urgency;
use super::tokens::Input;
use super::worker::Worker;
use crate::inference::{EmbeddingError, Reranker};

/// An encoder that scores passages.
pub struct LocalReranker {
    pub(super) name: String,
    pub(super) max_batch: usize,
    pub(super) worker: Worker,
}

#[async_trait]
impl Reranker for LocalReranker {
    fn name(&self) -> &str {
        &self.name
    }

    fn max_batch(&self) -> usize {
        self.max_batch
    }

    async fn score(&self, query: &str, passages: &[String]) -> Result<Vec<f32>, EmbeddingError> {
        if passages.len() > self.max_batch {
            return Err(EmbeddingError::BatchTooLarge { texts: passages.len(), max_batch: self.max_batch });
        }
        let pair = |passage: &String| Input::Pair(query.to_owned(), passage.clone());
        let results = self.worker.compute(passages.iter().map(pair).collect(), Urgency::Scores).await?;
        Ok(results.into_iter().flatten().collect())
    }
}
