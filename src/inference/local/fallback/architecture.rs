//! What candle's model of each architecture reads, and how many tokens it may be given at once.

use super::super::entries::{Expected, Need};
use super::super::gguf::Gguf;
use super::super::gguf_error::GgufError;
use super::shape::Shape;

use self::Architecture::{Glm4, Lfm2, Llama, Phi2, Phi3, Qwen2, Qwen3};

/// An architecture that one of candle's models computes correctly, within what is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Architecture {
    Llama,
    Qwen2,
    Qwen3,
    Phi2,
    Phi3,
    Glm4,
    Lfm2,
}

const ALL: [Architecture; 7] = [Llama, Qwen2, Qwen3, Phi2, Phi3, Glm4, Lfm2];

impl Architecture {
    /// The architecture of a file.
    pub(super) fn of(gguf: &Gguf) -> Result<Self, GgufError> {
        let name = gguf.text("general.architecture").unwrap_or("unknown");
        ALL.into_iter().find(|architecture| architecture.name() == name).ok_or_else(|| {
            GgufError::unsupported(match name {
                "gemma3" => "candle computes another activation function than Gemma 3 has".to_owned(),
                "qwen3moe" => "candle computes mixtures of experts on CUDA only".to_owned(),
                _ => format!("candle has no model for {name:?} that follows the file"),
            })
        })
    }

    /// `general.architecture`, and the prefix of the metadata.
    pub(super) fn name(self) -> &'static str {
        match self {
            Llama => "llama",
            Qwen2 => "qwen2",
            Qwen3 => "qwen3",
            Phi2 => "phi2",
            Phi3 => "phi3",
            Glm4 => "glm4",
            Lfm2 => "lfm2",
        }
    }

    /// The full name of a key.
    pub(super) fn key(self, name: &str) -> String {
        format!("{}.{name}", self.name())
    }

    /// The metadata key of the norms' ε.
    pub(super) fn epsilon(self) -> &'static str {
        if self == Phi2 { "attention.layer_norm_epsilon" } else { "attention.layer_norm_rms_epsilon" }
    }

    /// Whether heads may have another size than width / heads.
    pub(super) fn sized_heads(self) -> bool {
        matches!(self, Qwen3 | Glm4)
    }

    /// How many of a head's `dim` values are rotated; `None` when the file says so.
    pub(super) fn rotated(self, dim: usize) -> Option<usize> {
        match self {
            Phi2 => None,
            Glm4 => Some(dim / 2),
            _ => Some(dim),
        }
    }

    /// The base of the `RoPE` frequencies that candle assumes.
    pub(super) fn fixed_base(self) -> Option<f64> {
        matches!(self, Phi2 | Phi3).then_some(10_000.0)
    }

    /// Whether the prompt must be computed in one pass: lfm2's convolutions lose their state with each pass of several tokens.
    pub(super) fn reads_at_once(self) -> bool {
        self == Lfm2
    }

    /// How many of `count` tokens to compute next, at position `start`; `alone` when a single token was computed before.
    ///
    /// Powers of two, because candle never frees the mask of a length and position: for 4096 positions, they take 50 MB at most. After
    /// a single token, qwen3 would attend to the wrong keys with more than one.
    pub(super) fn piece(self, count: usize, start: usize, alone: bool) -> usize {
        match self {
            Lfm2 if start == 0 => count,
            Lfm2 => 1,
            Qwen3 if alone => 1,
            _ => 1 << count.ilog2().min(6),
        }
    }

    /// The required and the optional tensors of a file.
    pub(super) fn tensors(self, shape: &Shape) -> Expected {
        let (vocabulary, width) = (shape.vocabulary, shape.width);
        let norm = if self == Lfm2 { "token_embd_norm" } else { "output_norm" };
        let mut expected = Expected::default();
        let mut add = |(name, dims): (String, Vec<usize>), need| expected.add(name, &dims, need);
        add(weight("token_embd", &[vocabulary, width]), Need::Required);
        add(weight(norm, &[width]), Need::Required);
        // Without it the embedding is also the output matrix (tied), in the models that support this.
        let output = if matches!(self, Phi2 | Phi3) { Need::Required } else { Need::Optional };
        add(weight("output", &[vocabulary, width]), output);
        if self == Phi2 {
            add(bias("output_norm", width), Need::Required);
            add(bias("output", vocabulary), Need::Required);
        }
        for layer in 0..shape.kv_heads.len() {
            let mut add_here = |(name, dims), need| add((format!("blk.{layer}.{name}"), dims), need);
            for tensor in self.layer(shape, layer) {
                add_here(tensor, Need::Required);
            }
            for tensor in biases(shape, layer).into_iter().filter(|_| self == Glm4) {
                add_here(tensor, Need::Optional);
            }
        }
        expected
    }

    fn layer(self, shape: &Shape, layer: usize) -> Tensors {
        let Shape { width, hidden, .. } = *shape;
        let (queries, keys) = (shape.heads * shape.dim, shape.kv_heads[layer] * shape.dim);
        let mut tensors = vec![weight("attn_norm", &[width])];
        if self == Phi2 {
            tensors.extend([bias("attn_norm", width), bias("attn_qkv", queries + 2 * keys)]);
            tensors.extend([bias("attn_output", width), bias("ffn_up", hidden), bias("ffn_down", width)]);
        } else {
            tensors.push(weight("ffn_norm", &[width]));
        }
        if self == Lfm2 && keys == 0 {
            tensors.push(weight("shortconv.conv", &[width, shape.convolution]));
            tensors.push(weight("shortconv.in_proj", &[3 * width, width]));
            tensors.push(weight("shortconv.out_proj", &[width, width]));
        } else {
            tensors.push(weight("attn_output", &[width, queries]));
            if matches!(self, Phi2 | Phi3) {
                tensors.push(weight("attn_qkv", &[queries + 2 * keys, width]));
            } else {
                tensors.push(weight("attn_q", &[queries, width]));
                tensors.extend(["attn_k", "attn_v"].map(|name| weight(name, &[keys, width])));
            }
            if matches!(self, Qwen3 | Lfm2) {
                tensors.extend(["attn_q_norm", "attn_k_norm"].map(|name| weight(name, &[shape.dim])));
            }
        }
        if self == Qwen2 {
            tensors.extend(biases(shape, layer));
        }
        if self == Glm4 {
            tensors.extend(["post_attention_norm", "post_ffw_norm"].map(|name| weight(name, &[width])));
        }
        // Gate and up projection in one matrix, where there is no separate gate.
        let up = if matches!(self, Phi3 | Glm4) { 2 * hidden } else { hidden };
        tensors.extend([weight("ffn_up", &[up, width]), weight("ffn_down", &[width, hidden])]);
        if !matches!(self, Phi2 | Phi3 | Glm4) {
            tensors.push(weight("ffn_gate", &[hidden, width]));
        }
        tensors
    }
}

/// Names and shapes of tensors.
type Tensors = Vec<(String, Vec<usize>)>;

fn weight(name: &str, dims: &[usize]) -> (String, Vec<usize>) {
    (format!("{name}.weight"), dims.to_vec())
}

fn bias(name: &str, length: usize) -> (String, Vec<usize>) {
    (format!("{name}.bias"), vec![length])
}

fn biases(shape: &Shape, layer: usize) -> Tensors {
    let (queries, keys) = (shape.heads * shape.dim, shape.kv_heads[layer] * shape.dim);
    vec![bias("attn_q", queries), bias("attn_k", keys), bias("attn_v", keys)]
}
