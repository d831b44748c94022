//! Chooses what computes a model file: our own forward pass, or candle for what it does not support.

use std::io;
use std::sync::Arc;

use super::fallback::CandleModel;
use super::forward::Forward;
use super::gguf::Gguf;
use super::gguf_error::GgufError;
use super::kernels::Pool;
use super::model::{MemoryLimits, Model};
use super::pooling::Pooling;
use crate::inference::Config;

/// What goes wrong while loading, before the file's name is added.
pub(super) enum LoadError {
    File(GgufError),
    Thread(io::Error),
}

impl From<GgufError> for LoadError {
    fn from(reason: GgufError) -> Self {
        Self::File(reason)
    }
}

/// The model that computes the file.
pub(super) fn forward(
    mut gguf: Gguf,
    vocabulary: usize,
    config: &Config,
    pool: Arc<Pool>,
) -> Result<Box<dyn Forward>, LoadError> {
    let limits = MemoryLimits { context: config.context, memory: config.kv_memory.saturating_mul(1 << 20) };
    let reason = match Model::load(&mut gguf, vocabulary, limits, pool) {
        Ok(model) => return Ok(Box::new(model)),
        Err(GgufError::Unsupported(reason)) => reason,
        Err(other) => return Err(other.into()),
    };
    match CandleModel::load(gguf, vocabulary, config.context) {
        Ok(model) => {
            tracing::warn!(
                reason,
                context = model.limits().context,
                "candle computes this model, one answer at a time"
            );
            Ok(Box::new(model))
        }
        Err(GgufError::Unsupported(theirs)) => {
            Err(GgufError::unsupported(format!("{reason}; nor can candle compute it: {theirs}")).into())
        }
        Err(other) => Err(other.into()),
    }
}

/// How the file wants hidden states to be pooled (`pooling_type`, as llama.cpp numbers it); the mean where it does not say.
pub(super) fn pooling(gguf: &Gguf) -> Option<Pooling> {
    let architecture = gguf.text("general.architecture").unwrap_or_default();
    match gguf.number(&format!("{architecture}.pooling_type")) {
        None | Some(1) => Some(Pooling::Mean),
        Some(3) => Some(Pooling::Last),
        Some(_) => None,
    }
}
