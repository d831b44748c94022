//! Candle's models, and how each resets its sequence.

use candle_core::{DType, Device, Result, Tensor};
use candle_transformers::models::{
    quantized_glm4, quantized_lfm2, quantized_llama, quantized_phi, quantized_phi3, quantized_qwen2, quantized_qwen3,
};

use super::super::gguf::Gguf;
use super::architecture::Architecture;

/// One of candle's models, with the keys and values of its sequence.
pub(super) enum Weights {
    Llama(quantized_llama::ModelWeights),
    Qwen2(quantized_qwen2::ModelWeights),
    Qwen3(quantized_qwen3::ModelWeights),
    Phi2(quantized_phi::ModelWeights),
    Phi3(quantized_phi3::ModelWeights),
    Glm4(quantized_glm4::ModelWeights),
    Lfm2(quantized_lfm2::ModelWeights),
}

impl Weights {
    /// Loads a file that was checked.
    pub(super) fn load(architecture: Architecture, gguf: Gguf) -> Result<Self> {
        let Gguf { content, mut source, .. } = gguf;
        let (source, device) = (&mut source, &Device::Cpu);
        Ok(match architecture {
            Architecture::Llama => Self::Llama(quantized_llama::ModelWeights::from_gguf(content, source, device)?),
            Architecture::Qwen2 => Self::Qwen2(quantized_qwen2::ModelWeights::from_gguf(content, source, device)?),
            Architecture::Qwen3 => Self::Qwen3(quantized_qwen3::ModelWeights::from_gguf(content, source, device)?),
            Architecture::Phi2 => Self::Phi2(quantized_phi::ModelWeights::from_gguf(content, source, device)?),
            Architecture::Phi3 => Self::Phi3(quantized_phi3::ModelWeights::from_gguf(false, content, source, device)?),
            Architecture::Glm4 => {
                Self::Glm4(quantized_glm4::ModelWeights::from_gguf(content, source, device, DType::F32)?)
            }
            Architecture::Lfm2 => Self::Lfm2(quantized_lfm2::ModelWeights::from_gguf(content, source, device)?),
        })
    }

    /// `tokens` is `[1][n]`, n ≥ 1, at positions from `start` on; the result has one logit for each token of the vocabulary.
    pub(super) fn forward(&mut self, tokens: &Tensor, start: usize) -> Result<Tensor> {
        match self {
            Self::Llama(model) => model.forward(tokens, start),
            Self::Qwen2(model) => model.forward(tokens, start),
            Self::Qwen3(model) => model.forward(tokens, start),
            Self::Phi2(model) => model.forward(tokens, start),
            Self::Phi3(model) => model.forward(tokens, start),
            Self::Glm4(model) => model.forward(tokens, start),
            Self::Lfm2(model) => model.forward(tokens, start),
        }
    }

    /// Resets the sequence. Models without a function for it reset themselves at position 0 (lfm2 only with a pass of several tokens).
    pub(super) fn restart(&mut self) {
        match self {
            Self::Llama(model) => model.clear_kv_cache(),
            Self::Qwen2(model) => model.clear_kv_cache(),
            Self::Qwen3(model) => model.clear_kv_cache(),
            Self::Phi2(_) | Self::Phi3(_) | Self::Glm4(_) | Self::Lfm2(_) => {}
        }
    }
}
