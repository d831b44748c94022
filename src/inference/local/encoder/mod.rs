//! Encoders: models that read a text as a whole, BERT and XLM-R, for vectors and for scores.

use std::path::Path;
use std::sync::Arc;

use super::local_model::OpenError;
use super::processors::Processors;
use crate::inference::{Config, EmbeddingModel, Reranker};

/// Opens the model of `model.embedding`; `None` where there is no such section.
pub fn open_embedding(
    processors: &Processors,
    config: &Config,
    data: &Path,
) -> Result<Option<Arc<dyn EmbeddingModel>>, OpenError> {
    let Some(_encoder) = &config.embedding else { return Ok(None) };
    let _ = (processors, data);
    Err(OpenError::NotPulled("model.embedding".to_owned()))
}

/// Opens the model of `model.reranker`; `None` where there is no such section.
pub fn open_reranker(
    processors: &Processors,
    config: &Config,
    data: &Path,
) -> Result<Option<Arc<dyn Reranker>>, OpenError> {
    let Some(_encoder) = &config.reranker else { return Ok(None) };
    let _ = (processors, data);
    Err(OpenError::NotPulled("model.reranker".to_owned()))
}
