//! Checks a file against what candle's model of its architecture reads, and writes its numbers in the types that candle reads.

use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{TensorInfo, Value};

use super::super::entries::{Entries, real};
use super::super::gguf::{Gguf, integer};
use super::super::gguf_error::GgufError;
use super::architecture::Architecture;
use super::shape::Shape;

/// The largest number of layers accepted: the biggest known llama has 126.
const MAX_LAYERS: u64 = 512;

/// The most positions of a sequence: candle's tables for llama and phi2 end there, and masks grow with the square.
const MAX_CONTEXT: usize = 4096;

/// As [`MAX_CONTEXT`], where the whole prompt is computed in one pass: its attention takes some hundred megabytes, and what comes after
/// the first 1024 tokens is computed token by token.
const MAX_CONTEXT_AT_ONCE: usize = 2048;

/// Keys that candle reads, that are checked against what it assumes, or that change no logit. Another key may change the arithmetic, so
/// that a file with it is refused.
const FOLLOWED: [&str; 23] = [
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "vocab_size",
    "tensor_data_layout",
    "expert_count",
    "expert_used_count",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_epsilon",
    "attention.layer_norm_rms_epsilon",
    "attention.sliding_window",
    "attention.causal",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "shortconv.l_cache",
];

/// What computes, in the sentences about entries that it would ignore.
const WHO: &str = "candle";

/// The metadata of one architecture.
struct Metadata<'a> {
    gguf: &'a Gguf,
    entries: Entries<'a>,
    architecture: Architecture,
}

impl Metadata<'_> {
    /// One number for all layers, or one for each.
    fn kv_heads(&self, layers: usize, heads: usize) -> Result<Vec<usize>, GgufError> {
        let name = "attention.head_count_kv";
        let each = match self.entries.value(name) {
            None => vec![heads; layers],
            Some(Value::Array(list)) => list.iter().filter_map(integer).map(|count| count as usize).collect(),
            Some(_) => vec![self.entries.number(name, heads as u64)?; layers],
        };
        let fits = |count: &usize| match self.architecture {
            Architecture::Lfm2 => *count == 0 || heads.is_multiple_of(*count),
            Architecture::Phi2 => *count == heads,
            _ => *count > 0 && heads.is_multiple_of(*count) && *count == each[0],
        };
        if each.len() == layers && each.iter().all(fits) { Ok(each) } else { Err(self.entries.absurd(name)) }
    }

    fn refuse_what_is_not_followed(&self) -> Result<(), GgufError> {
        if let Some(name) = self.entries.names().filter(|name| !FOLLOWED.contains(name)).min() {
            return Err(self.entries.ignored(name, WHO));
        }
        if self.entries.value("expert_count").is_some_and(|count| integer(count).is_none_or(|count| count > 1)) {
            return Err(self.entries.ignored("expert_count", WHO));
        }
        if self.entries.value("attention.causal").is_some_and(|causal| !causal.to_bool().unwrap_or(false)) {
            return Err(self.entries.ignored("attention.causal", WHO));
        }
        let kind = self.entries.value("rope.scaling.type").map(|kind| kind.to_string().map_or("", String::as_str));
        if kind.is_some_and(|kind| kind != "none") {
            return Err(self.entries.ignored("rope.scaling.type", WHO));
        }
        // A factor without a type is linear scaling.
        let factor = self.entries.value("rope.scaling.factor").map_or(Some(1.0), real);
        if kind.is_none() && !factor.is_some_and(|factor| [0.0, 1.0].contains(&factor)) {
            return Err(self.entries.ignored("rope.scaling.factor", WHO));
        }
        Ok(())
    }

    fn shape(&self, vocabulary: usize) -> Result<Shape, GgufError> {
        let layers = self.entries.number("block_count", MAX_LAYERS)?;
        let width = self.entries.number("embedding_length", 1 << 20)?;
        let heads = self.entries.number("attention.head_count", 4096)?;
        let kv_heads = self.kv_heads(layers, heads)?;
        let sized = self.entries.optional("attention.key_length", 4096)?.filter(|_| self.architecture.sized_heads());
        let dim = sized.unwrap_or(width / heads);
        if dim == 0 || !dim.is_multiple_of(4) || (sized.is_none() && width != heads * dim) {
            return Err(GgufError::damaged("its numbers of heads do not fit its width"));
        }
        let rotated = match self.architecture.rotated(dim) {
            Some(rotated) => rotated,
            None => self.entries.number("rope.dimension_count", dim as u64)?,
        };
        for (name, size) in
            [("attention.key_length", dim), ("attention.value_length", dim), ("rope.dimension_count", rotated)]
        {
            if let Some(found) = self.entries.optional(name, 1 << 20)?.filter(|found| *found != size) {
                let key = self.architecture.key(name);
                return Err(GgufError::unsupported(format!("{key} is {found}, candle can only use {size}")));
            }
        }
        let base = self.entries.real("rope.freq_base", f64::MIN_POSITIVE, 1e12)?.unwrap_or(10_000.0);
        if self.architecture.fixed_base().is_some_and(|fixed| fixed.total_cmp(&base).is_ne()) {
            return Err(self.entries.ignored("rope.freq_base", WHO));
        }
        let epsilon = self.architecture.epsilon();
        let default = Some(1e-5).filter(|_| self.architecture == Architecture::Llama);
        let epsilon = self
            .entries
            .real(epsilon, f64::MIN_POSITIVE, 1.0)?
            .or(default)
            .ok_or_else(|| self.entries.absurd(epsilon))?;
        let lfm2 = self.architecture == Architecture::Lfm2;
        let convolution = if lfm2 { self.entries.number("shortconv.l_cache", 64)? } else { 0 };
        let (base, epsilon) = (base as f32, epsilon as f32);
        let (context, hidden) = (self.context()?, self.hidden()?);
        Ok(Shape { vocabulary, width, hidden, heads, kv_heads, dim, rotated, base, epsilon, convolution, context })
    }

    fn context(&self) -> Result<usize, GgufError> {
        let bound = if self.architecture.reads_at_once() { MAX_CONTEXT_AT_ONCE } else { MAX_CONTEXT };
        // Within its window, a model with a sliding window attends to all tokens.
        let window = self.entries.value("attention.sliding_window").map_or(Some(0), integer);
        let window = match window.ok_or_else(|| self.entries.absurd("attention.sliding_window"))? {
            0 => usize::MAX,
            window => window as usize,
        };
        Ok(self.entries.number("context_length", 1 << 32)?.min(bound).min(window))
    }

    /// The width of the feed-forward network, from its tensor: the file's number may differ.
    fn hidden(&self) -> Result<usize, GgufError> {
        let name = "blk.0.ffn_down.weight";
        match self.gguf.content.tensor_infos.get(name).map(|info| info.shape.dims()) {
            Some([_, hidden]) => Ok(*hidden),
            _ => Err(GgufError::damaged(format!("the tensor {name} is missing, or is no matrix"))),
        }
    }
}

/// The shape of a file, if candle's model computes it correctly.
pub(super) fn check(gguf: &Gguf, architecture: Architecture, vocabulary: usize) -> Result<Shape, GgufError> {
    let metadata = Metadata { gguf, entries: Entries::of(gguf, architecture.name()), architecture };
    metadata.refuse_what_is_not_followed()?;
    let shape = metadata.shape(vocabulary)?;
    check_tensors(gguf, architecture, &shape)?;
    Ok(shape)
}

/// Checks the shape and type of each tensor, so that a bad file fails here and not in an answer.
fn check_tensors(gguf: &Gguf, architecture: Architecture, shape: &Shape) -> Result<(), GgufError> {
    architecture.tensors(shape).check(gguf, WHO)?;
    // Types that candle uses for activations are not types for weights.
    let activations = |info: &&TensorInfo| matches!(info.ggml_dtype, GgmlDType::Q8_1 | GgmlDType::Q8K);
    let found = gguf.content.tensor_infos.iter();
    match found.filter(|(_, info)| activations(info)).min_by_key(|(name, _)| *name) {
        None => Ok(()),
        Some((name, info)) => {
            let kind = info.ggml_dtype;
            Err(GgufError::unsupported(format!("the tensor {name} is stored as {kind:?}, no type for weights")))
        }
    }
}

/// Writes the numbers as candle reads them: in 32 bits, none missing. Its tables are as long as the context.
pub(super) fn normalise(gguf: &mut Gguf, architecture: Architecture, shape: &Shape, context: usize) {
    let whole = |number: usize| Value::U32(number as u32);
    let kv_heads = match architecture {
        Architecture::Lfm2 => Value::Array(shape.kv_heads.iter().map(|count| whole(*count)).collect()),
        _ => whole(shape.kv_heads[0]),
    };
    let entries = [
        ("block_count", whole(shape.kv_heads.len())),
        ("context_length", whole(context)),
        ("embedding_length", whole(shape.width)),
        ("feed_forward_length", whole(shape.hidden)),
        ("attention.head_count", whole(shape.heads)),
        ("attention.head_count_kv", kv_heads),
        ("attention.key_length", whole(shape.dim)),
        ("rope.dimension_count", whole(shape.rotated)),
        ("rope.freq_base", Value::F32(shape.base)),
        ("shortconv.l_cache", whole(shape.convolution)),
        (architecture.epsilon(), Value::F32(shape.epsilon)),
    ];
    for (name, value) in entries {
        gguf.content.metadata.insert(architecture.key(name), value);
    }
    // Without this, qwen3 computes `RoPE` in f16: a third of a radian off at position 1000.
    gguf.content.metadata.insert("general.dtype".to_owned(), Value::U32(0));
}
