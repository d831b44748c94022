//! Holds a file to what candle's model of its architecture reads, and writes its numbers the way candle reads them.

use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::Value;

use super::super::gguf::{Gguf, GgufError, integer};
use super::architecture::Architecture;

/// The largest number of layers accepted: the biggest known llama has 126.
const MAX_LAYERS: u64 = 512;

/// Positions of one sequence at most: candle's tables for llama and phi2 end there, and masks grow with its square.
const MAX_CONTEXT: usize = 4096;

/// Where the whole prompt is read at once, a prompt's attention takes some hundred megabytes, and what comes after the first
/// 1024 tokens is read one by one.
const MAX_CONTEXT_AT_ONCE: usize = 2048;

/// Keys that are read, held to what candle takes for granted, or change no logit. Another one may change the arithmetic, so
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

/// What a file says about its model.
pub(super) struct Shape {
    pub vocabulary: usize,
    pub width: usize,
    pub hidden: usize,
    pub heads: usize,
    /// For each layer; 0 is one without attention.
    pub kv_heads: Vec<usize>,
    /// The size of a head.
    pub dim: usize,
    /// How much of it is rotated.
    pub rotated: usize,
    pub base: f32,
    pub epsilon: f32,
    /// The length of lfm2's convolutions.
    pub convolution: usize,
    pub context: usize,
}

/// The metadata of one architecture.
struct Metadata<'a> {
    gguf: &'a Gguf,
    architecture: Architecture,
}

impl Metadata<'_> {
    fn value(&self, name: &str) -> Option<&Value> {
        self.gguf.content.metadata.get(&self.architecture.key(name))
    }

    fn absurd(&self, name: &str) -> GgufError {
        GgufError::damaged(format!("{} is missing or absurd", self.architecture.key(name)))
    }

    fn ignored(&self, name: &str) -> GgufError {
        let key = self.architecture.key(name);
        GgufError::unsupported(format!("it sets {key}, which candle would ignore and so answer wrongly"))
    }

    /// A whole number between 1 and `most`; `None` when the key is not there.
    fn optional(&self, name: &str, most: u64) -> Result<Option<usize>, GgufError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = integer(value).filter(|number| (1..=most).contains(number));
        number.map(|number| Some(number as usize)).ok_or_else(|| self.absurd(name))
    }

    fn number(&self, name: &str, most: u64) -> Result<usize, GgufError> {
        self.optional(name, most)?.ok_or_else(|| self.absurd(name))
    }

    /// A number above 0, at most `most`; `None` when the key is not there.
    fn real(&self, name: &str, most: f64) -> Result<Option<f64>, GgufError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        real(value).filter(|number| *number > 0.0 && *number <= most).map(Some).ok_or_else(|| self.absurd(name))
    }

    /// One number for all layers, or one for each.
    fn kv_heads(&self, layers: usize, heads: usize) -> Result<Vec<usize>, GgufError> {
        let name = "attention.head_count_kv";
        let each = match self.value(name) {
            None => vec![heads; layers],
            Some(Value::Array(list)) => list.iter().filter_map(integer).map(|count| count as usize).collect(),
            Some(_) => vec![self.number(name, heads as u64)?; layers],
        };
        let fits = |count: &usize| match self.architecture {
            Architecture::Lfm2 => *count == 0 || heads.is_multiple_of(*count),
            Architecture::Phi2 => *count == heads,
            _ => *count > 0 && heads.is_multiple_of(*count) && *count == each[0],
        };
        if each.len() == layers && each.iter().all(fits) { Ok(each) } else { Err(self.absurd(name)) }
    }

    fn refuse_what_is_not_followed(&self) -> Result<(), GgufError> {
        let prefix = self.architecture.key("");
        let names = self.gguf.content.metadata.keys().filter_map(|key| key.strip_prefix(&prefix));
        if let Some(name) = names.filter(|name| !FOLLOWED.contains(name)).min() {
            return Err(self.ignored(name));
        }
        if self.value("expert_count").is_some_and(|count| integer(count).is_none_or(|count| count > 1)) {
            return Err(self.ignored("expert_count"));
        }
        if self.value("attention.causal").is_some_and(|causal| !causal.to_bool().unwrap_or(false)) {
            return Err(self.ignored("attention.causal"));
        }
        let kind = self.value("rope.scaling.type").map(|kind| kind.to_string().map_or("", String::as_str));
        if kind.is_some_and(|kind| kind != "none") {
            return Err(self.ignored("rope.scaling.type"));
        }
        // A factor without a type is linear scaling.
        let factor = self.value("rope.scaling.factor").map_or(Some(1.0), real);
        if kind.is_none() && !factor.is_some_and(|factor| [0.0, 1.0].contains(&factor)) {
            return Err(self.ignored("rope.scaling.factor"));
        }
        Ok(())
    }

    fn shape(&self, vocabulary: usize) -> Result<Shape, GgufError> {
        let layers = self.number("block_count", MAX_LAYERS)?;
        let width = self.number("embedding_length", 1 << 20)?;
        let heads = self.number("attention.head_count", 4096)?;
        let kv_heads = self.kv_heads(layers, heads)?;
        let sized = self.optional("attention.key_length", 4096)?.filter(|_| self.architecture.sized_heads());
        let dim = sized.unwrap_or(width / heads);
        if dim == 0 || !dim.is_multiple_of(4) || (sized.is_none() && width != heads * dim) {
            return Err(GgufError::damaged("its numbers of heads do not fit its width"));
        }
        let rotated = match self.architecture.rotated(dim) {
            Some(rotated) => rotated,
            None => self.number("rope.dimension_count", dim as u64)?,
        };
        for (name, size) in
            [("attention.key_length", dim), ("attention.value_length", dim), ("rope.dimension_count", rotated)]
        {
            if let Some(found) = self.optional(name, 1 << 20)?.filter(|found| *found != size) {
                let key = self.architecture.key(name);
                return Err(GgufError::unsupported(format!("{key} is {found}, candle can only use {size}")));
            }
        }
        let base = self.real("rope.freq_base", 1e12)?.unwrap_or(10_000.0);
        if self.architecture.fixed_base().is_some_and(|fixed| fixed.total_cmp(&base).is_ne()) {
            return Err(self.ignored("rope.freq_base"));
        }
        let epsilon = self.architecture.epsilon();
        let default = Some(1e-5).filter(|_| self.architecture == Architecture::Llama);
        let epsilon = self.real(epsilon, 1.0)?.or(default).ok_or_else(|| self.absurd(epsilon))?;
        let lfm2 = self.architecture == Architecture::Lfm2;
        let convolution = if lfm2 { self.number("shortconv.l_cache", 64)? } else { 0 };
        let (base, epsilon) = (base as f32, epsilon as f32);
        let (context, hidden) = (self.context()?, self.hidden()?);
        Ok(Shape { vocabulary, width, hidden, heads, kv_heads, dim, rotated, base, epsilon, convolution, context })
    }

    fn context(&self) -> Result<usize, GgufError> {
        let bound = if self.architecture.reads_at_once() { MAX_CONTEXT_AT_ONCE } else { MAX_CONTEXT };
        // Within its window, such a model sees everything.
        let window = self.value("attention.sliding_window").map_or(Some(0), integer);
        let window = match window.ok_or_else(|| self.absurd("attention.sliding_window"))? {
            0 => usize::MAX,
            window => window as usize,
        };
        Ok(self.number("context_length", 1 << 32)?.min(bound).min(window))
    }

    /// The width of the network, which the file's number need not be.
    fn hidden(&self) -> Result<usize, GgufError> {
        let name = "blk.0.ffn_down.weight";
        match self.gguf.content.tensor_infos.get(name).map(|info| info.shape.dims()) {
            Some([_, hidden]) => Ok(*hidden),
            _ => Err(GgufError::damaged(format!("the tensor {name} is missing, or is no matrix"))),
        }
    }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::F32(number) => Some(f64::from(*number)),
        Value::F64(number) => Some(*number),
        other => integer(other).map(|number| number as f64),
    }
}

/// The shape of a file that candle's model computes rightly.
pub(super) fn check(gguf: &Gguf, architecture: Architecture, vocabulary: usize) -> Result<Shape, GgufError> {
    let metadata = Metadata { gguf, architecture };
    metadata.refuse_what_is_not_followed()?;
    let shape = metadata.shape(vocabulary)?;
    check_tensors(gguf, architecture, &shape)?;
    Ok(shape)
}

/// Holds each tensor to the shape the forward pass expects, so that a bad file fails here and not in an answer.
fn check_tensors(gguf: &Gguf, architecture: Architecture, shape: &Shape) -> Result<(), GgufError> {
    let (needed, optional) = architecture.tensors(shape);
    let found = &gguf.content.tensor_infos;
    let known = |name: &str| needed.iter().chain(&optional).any(|(known, _)| known == name);
    if let Some(name) = found.keys().filter(|name| !known(name)).min() {
        return Err(GgufError::unsupported(format!(
            "it holds the tensor {name}, which candle would ignore and so answer wrongly"
        )));
    }
    if let Some((name, _)) = needed.iter().find(|(name, _)| !found.contains_key(name)) {
        return Err(GgufError::damaged(format!("the tensor {name} is missing")));
    }
    for (name, expected) in needed.iter().chain(&optional) {
        let Some(info) = found.get(name) else { continue };
        if info.shape.dims() != expected {
            let dims = info.shape.dims();
            return Err(GgufError::damaged(format!(
                "the tensor {name} has the shape {dims:?}, {expected:?} was expected"
            )));
        }
        // What candle takes activations in is no type for weights.
        if matches!(info.ggml_dtype, GgmlDType::Q8_1 | GgmlDType::Q8K) {
            let kind = info.ggml_dtype;
            return Err(GgufError::unsupported(format!(
                "the tensor {name} is stored as {kind:?}, no type for weights"
            )));
        }
    }
    Ok(())
}

/// Writes the numbers the way candle insists on reading them: 32 bits, none left out. Its tables are as long as the context.
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
    // qwen3 rotates in f16 unless told otherwise: a third of a radian off at position 1000.
    gguf.content.metadata.insert("general.dtype".to_owned(), Value::U32(0));
}
