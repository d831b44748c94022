//! The numbers of a model, checked: none of them can make the forward pass panic or allocate without bound.

use super::super::gguf_error::GgufError;
use super::super::kernels::Heads;
use super::metadata::Metadata;
use super::rope::Rope;

/// The largest number of layers accepted: the biggest known llama has 126.
const MAX_LAYERS: u64 = 512;

/// The checked numbers of one model.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub layers: usize,
    /// The width of the residual stream.
    pub width: usize,
    pub heads: usize,
    pub kv_heads: usize,
    /// The size of one head.
    pub dim: usize,
    pub context: usize,
    pub epsilon: f32,
    /// The factor on attention scores before the softmax.
    pub scale: f32,
    pub temperature: Option<Temperature>,
    pub rope: Rope,
}

/// Queries are multiplied by `1 + scale · ln(1 + ⌊position / length⌋)`, which keeps attention sharp in long texts (`transformers`'
/// `get_llama_4_attn_scale`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Temperature {
    pub scale: f64,
    pub length: usize,
}

impl Temperature {
    /// The factor at a position.
    pub(super) fn at(self, position: usize) -> f32 {
        (1.0 + self.scale * ((position / self.length) as f64).ln_1p()) as f32
    }
}

impl Shape {
    /// Reads and checks the metadata.
    pub(super) fn read(metadata: Metadata<'_>) -> Result<Self, GgufError> {
        let layers = metadata.entries.number("block_count", MAX_LAYERS)?;
        let width = metadata.entries.number("embedding_length", 1 << 20)?;
        let heads = metadata.entries.number("attention.head_count", 4096)?;
        let kv_heads = metadata.entries.optional("attention.head_count_kv", 4096)?.unwrap_or(heads);
        if !heads.is_multiple_of(kv_heads) {
            return Err(GgufError::damaged("its numbers of heads do not fit one another"));
        }
        let dim = read_dim(metadata, width, heads)?;
        let context = metadata.entries.number("context_length", 1 << 32)?;
        let rope = Rope::read(metadata, dim, context)?;
        let epsilon = metadata
            .entries
            .real("attention.layer_norm_rms_epsilon", 0.0, 1.0)?
            .ok_or_else(|| metadata.entries.absurd("attention.layer_norm_rms_epsilon"))?;
        let scale = metadata.entries.real("attention.scale", 0.0, 1e3)?.filter(|scale| *scale > 0.0);
        Ok(Self {
            layers,
            width,
            heads,
            kv_heads,
            dim,
            context: context.min(read_window(metadata)?),
            epsilon: epsilon as f32,
            scale: scale.unwrap_or_else(|| 1.0 / (dim as f64).sqrt()) as f32,
            temperature: read_temperature(metadata, rope.original)?,
            rope,
        })
    }

    /// The heads of its attention.
    pub(super) fn heads(&self) -> Heads {
        Heads { heads: self.heads, kv_heads: self.kv_heads, dim: self.dim }
    }

    /// Values of one token's queries.
    pub(super) fn queries(&self) -> usize {
        self.heads * self.dim
    }

    /// Values of one token's keys.
    pub(super) fn keys(&self) -> usize {
        self.kv_heads * self.dim
    }
}

/// The size of a head; `RoPE` needs it even, and this engine rotates whole heads only.
fn read_dim(metadata: Metadata<'_>, width: usize, heads: usize) -> Result<usize, GgufError> {
    let given = metadata.entries.optional("attention.key_length", 1024)?;
    let dim = match given {
        Some(dim) => dim,
        None if width.is_multiple_of(heads) && width / heads <= 1024 => width / heads,
        None => return Err(GgufError::damaged("its number of heads does not fit its width")),
    };
    if !dim.is_multiple_of(2) {
        return Err(GgufError::damaged("the size of its heads is odd"));
    }
    for name in ["attention.value_length", "rope.dimension_count"] {
        if let Some(other) = metadata.entries.optional(name, 1 << 20)?.filter(|other| *other != dim) {
            return Err(GgufError::unsupported(format!(
                "{} is {other}, this engine needs it to be the size of a head, {dim}",
                metadata.entries.key(name)
            )));
        }
    }
    Ok(dim)
}

/// The sliding window, which bounds the context here: up to its length, attention with and without a window is the same.
fn read_window(metadata: Metadata<'_>) -> Result<usize, GgufError> {
    // Zero means that there is none.
    Ok(match metadata.entries.real("attention.sliding_window", 0.0, 0.0) {
        Ok(_) => usize::MAX,
        Err(_) => metadata.entries.number("attention.sliding_window", 1 << 32)?,
    })
}

fn read_temperature(metadata: Metadata<'_>, original: usize) -> Result<Option<Temperature>, GgufError> {
    let scale = metadata.entries.real("attention.temperature_scale", -10.0, 10.0)?.filter(|scale| *scale != 0.0);
    let length = metadata.entries.optional("attention.temperature_length", 1 << 32)?.unwrap_or(original);
    Ok(scale.map(|scale| Temperature { scale, length }))
}
