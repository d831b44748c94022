//! An encoder as an embedding model.

use async_trait::async_trait;

use super::pace::Urgency;
use super::tokens::Input;
use super::worker::Worker;
use crate::inference::{EmbeddingError, EmbeddingLimits, EmbeddingModel, Prefixes, TextKind};

/// An encoder that embeds texts. What is longer than its context is cut: the models are trained so.
pub struct LocalEncoder {
    pub(super) name: String,
    pub(super) limits: EmbeddingLimits,
    pub(super) prefixes: Prefixes,
    pub(super) worker: Worker,
}

#[async_trait]
impl EmbeddingModel for LocalEncoder {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> EmbeddingLimits {
        self.limits
    }

    async fn embed(&self, kind: TextKind, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let max_batch = self.limits.max_batch;
        if texts.len() > max_batch {
            return Err(EmbeddingError::BatchTooLarge { texts: texts.len(), max_batch });
        }
        let prefix = self.prefixes.of(kind);
        let inputs = texts.iter().map(|text| Input::Text(format!("{prefix}{text}"))).collect();
        let urgency = match kind {
            TextKind::Query => Urgency::Query,
            TextKind::Passage => Urgency::Passages,
        };
        self.worker.compute(inputs, urgency).await
    }
}
