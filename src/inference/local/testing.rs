//! A tiny random model for tests, and ways to spoil it.

use std::collections::BTreeMap;
use std::io::Cursor;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::vocabulary::byte_character;

pub(super) const BOS: u32 = 0;
pub(super) const START: u32 = 1;
pub(super) const END: u32 = 2;
pub(super) const THINK: u32 = 3;

/// A GGUF in the making: change what should be wrong, then [`Model::bytes`].
pub(super) struct Model {
    pub metadata: BTreeMap<String, Value>,
    pub tensors: BTreeMap<String, Vec<usize>>,
}

pub(super) fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

pub(super) fn texts(values: &[&str]) -> Value {
    Value::Array(values.iter().map(|value| text(value)).collect())
}

/// One layer, width 16, two heads, a byte-level vocabulary of 262 tokens: four reserved, the bytes, two merges.
pub(super) fn tiny() -> Model {
    let mut tokens: Vec<String> =
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>"].map(str::to_owned).to_vec();
    tokens.extend((0..=u8::MAX).map(|byte| byte_character(byte).to_string()));
    tokens.extend(["us".to_owned(), "Ġl".to_owned()]);
    let kinds = (0..tokens.len()).map(|id| Value::I32(if id < 3 { 3 } else { 1 + 3 * i32::from(id == 3) })).collect();
    let metadata = [
        ("general.architecture", text("llama")),
        ("general.name", text("tiny")),
        ("llama.block_count", Value::U32(1)),
        ("llama.embedding_length", Value::U32(16)),
        ("llama.attention.head_count", Value::U32(2)),
        ("llama.attention.head_count_kv", Value::U32(1)),
        ("llama.context_length", Value::U32(256)),
        ("llama.rope.dimension_count", Value::U32(8)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("gpt-2")),
        ("tokenizer.ggml.tokens", Value::Array(tokens.iter().map(|token| text(token)).collect())),
        ("tokenizer.ggml.token_type", Value::Array(kinds)),
        ("tokenizer.ggml.merges", texts(&["u s", "Ġ l"])),
        ("tokenizer.ggml.bos_token_id", Value::U32(BOS)),
        ("tokenizer.ggml.eos_token_id", Value::U32(END)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
    ];
    let tensors: [(&str, &[usize]); 11] = [
        ("token_embd", &[262, 16]),
        ("output_norm", &[16]),
        ("blk.0.attn_norm", &[16]),
        ("blk.0.attn_q", &[16, 16]),
        ("blk.0.attn_k", &[8, 16]),
        ("blk.0.attn_v", &[8, 16]),
        ("blk.0.attn_output", &[16, 16]),
        ("blk.0.ffn_norm", &[16]),
        ("blk.0.ffn_gate", &[24, 16]),
        ("blk.0.ffn_up", &[24, 16]),
        ("blk.0.ffn_down", &[16, 24]),
    ];
    Model {
        metadata: metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        tensors: tensors.into_iter().map(|(name, dims)| (format!("{name}.weight"), dims.to_vec())).collect(),
    }
}

impl Model {
    /// The same model with one entry more or another.
    pub(super) fn with(mut self, key: &str, value: Value) -> Self {
        self.metadata.insert(key.to_owned(), value);
        self
    }

    /// The same model with one entry less.
    pub(super) fn without(mut self, key: &str) -> Self {
        self.metadata.remove(key);
        self
    }

    /// The same model with one tensor more, or of another shape.
    pub(super) fn tensor(mut self, name: &str, dims: &[usize]) -> Self {
        self.tensors.insert(name.to_owned(), dims.to_vec());
        self
    }

    /// The file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        // Deterministic weights that differ from one another: a sine is random enough.
        let tensors: Vec<(&str, QTensor)> = self
            .tensors
            .iter()
            .map(|(name, dims)| {
                let count: usize = dims.iter().product();
                let weights: Vec<f32> = (0..count).map(|i| (i as f32 * 12.9898 + name.len() as f32).sin()).collect();
                let tensor = Tensor::from_vec(weights, dims.clone(), &Device::Cpu).unwrap();
                (name.as_str(), QTensor::quantize(&tensor, GgmlDType::F32).unwrap())
            })
            .collect();
        let metadata: Vec<(&str, &Value)> = self.metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let borrowed: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
        let mut file = Cursor::new(Vec::new());
        gguf_file::write(&mut file, &metadata, &borrowed).unwrap();
        file.into_inner()
    }

    /// The file, read back.
    pub(super) fn gguf(&self) -> super::gguf::Gguf {
        super::gguf::Gguf::embedded(self.bytes().leak()).unwrap()
    }
}
