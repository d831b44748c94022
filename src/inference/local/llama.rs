//! The forward pass: candle's quantised llama, held to what it does rightly.
//!
//! Candle ignores what it does not know (`RoPE` scaling, biases, other head sizes) and answers wrongly without a word; so
//! everything in the file must be something it reads, or the file is refused.

use std::io::Cursor;

use candle_core::quantized::gguf_file::{self, Content, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_llama::{MAX_SEQ_LEN, ModelWeights};

use super::forward::{BLOCK, Forward, Part};
use super::gguf::{Gguf, GgufError, first_line};

/// The largest number of layers accepted: the biggest known llama has 126.
const MAX_LAYERS: u64 = 512;

/// Weights of at most this many elements are widened to f32. Candle's quantised kernels share each product out to threads
/// that wait for one another in a busy loop: on two busy cores, the witness (2.7 million) wrote 5 tokens a second with them,
/// and some hundreds without. From about here on, the arithmetic outweighs the waiting.
const WIDENED: usize = 8 << 20;

/// The tensors of one layer that candle reads; each is called `blk.<n>.<name>.weight`.
const LAYER: [&str; 9] =
    ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"];

/// The weights, shared by every sequence.
pub(super) struct Llama {
    weights: ModelWeights,
}

/// What the file says about the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    layers: usize,
    embedding: usize,
    heads: usize,
    kv_heads: usize,
    context: usize,
}

impl Llama {
    /// Loads the weights; returns them with the number of tokens that fit in the context.
    pub(super) fn load(mut gguf: Gguf, vocabulary: usize) -> Result<(Self, usize), GgufError> {
        let shape = read_shape(&gguf)?;
        refuse_what_would_be_wrong(&gguf, shape)?;
        check_shapes(&gguf, shape, vocabulary)?;
        normalise(&mut gguf, shape);
        let elements: usize = gguf.content.tensor_infos.values().map(|info| info.shape.elem_count()).sum();
        if elements <= WIDENED {
            gguf = widen(gguf)
                .map_err(|error| GgufError::damaged(format!("its weights cannot be read: {}", first_line(&error))))?;
        }
        Self::from_checked(gguf, shape)
    }

    fn from_checked(mut gguf: Gguf, shape: Shape) -> Result<(Self, usize), GgufError> {
        let weights = ModelWeights::from_gguf(gguf.content, &mut gguf.source, &Device::Cpu)
            .map_err(|error| GgufError::damaged(format!("its weights cannot be loaded: {}", first_line(&error))))?;
        Ok((Self { weights }, shape.context))
    }
}

impl Llama {
    /// A new, empty sequence.
    fn start(&self) -> Sequence {
        // A clone shares the weights. Candle keeps keys, values and a mask for each length inside the model and never lets
        // them go: a clone for each sequence gives the memory back.
        Sequence { weights: self.weights.clone(), position: 0 }
    }
}

/// One conversation being read and continued.
struct Sequence {
    weights: ModelWeights,
    position: usize,
}

impl Sequence {
    /// Appends tokens; the result is one logit for each token of the vocabulary, for what may follow the last of them.
    fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>, String> {
        let logits = Tensor::new(tokens, &Device::Cpu)
            .and_then(|input| input.unsqueeze(0))
            .and_then(|input| self.weights.forward(&input, self.position))
            .and_then(|output| output.squeeze(0)?.to_vec1())
            .map_err(|error| first_line(&error))?;
        self.position += tokens.len();
        Ok(logits)
    }
}

/// Candle's models behind the engine's seam: their sequences keep keys and values themselves, so there is one at a time, and its
/// table of blocks only tells it from another.
pub(super) struct OneByOne {
    llama: Llama,
    vocabulary: usize,
    context: usize,
    /// The sequence of the last step, with its first block. Its memory is given back when the next one begins.
    sequence: Option<(Option<u32>, Sequence)>,
}

impl OneByOne {
    /// `context` bounds a sequence, in tokens.
    pub(super) fn new(llama: Llama, vocabulary: usize, context: usize) -> Self {
        Self { llama, vocabulary, context, sequence: None }
    }
}

impl Forward for OneByOne {
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn context(&self) -> usize {
        self.context
    }

    fn blocks(&self) -> usize {
        self.context.div_ceil(BLOCK)
    }

    fn step(&mut self, parts: &[Part<'_>], logits: &mut Vec<f32>) -> Result<(), String> {
        logits.clear();
        for part in parts {
            let first = part.table.first().copied();
            if part.start == 0 {
                self.sequence = Some((first, self.llama.start()));
            }
            let same = |whose: Option<u32>, sequence: &Sequence| whose == first && sequence.position == part.start;
            let sequence = self.sequence.as_mut().filter(|(whose, sequence)| same(*whose, sequence));
            let (_, sequence) = sequence.ok_or("one sequence was continued as another")?;
            let next = sequence.step(part.tokens)?;
            if part.logits {
                logits.extend(next);
            }
        }
        Ok(())
    }

    fn batches(&self) -> bool {
        false
    }
}

/// The same model with weights in f32, in memory.
fn widen(mut gguf: Gguf) -> candle_core::Result<Gguf> {
    let mut tensors = Vec::new();
    for name in gguf.content.tensor_infos.keys() {
        let narrow = gguf.content.tensor(&mut gguf.source, name, &Device::Cpu)?;
        tensors.push((name.as_str(), QTensor::quantize(&narrow.dequantize(&Device::Cpu)?, GgmlDType::F32)?));
    }
    let metadata: Vec<(&str, &Value)> = gguf
        .content
        .metadata
        .iter()
        .filter(|(key, _)| key.starts_with("llama.") || *key == "general.architecture")
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    let borrowed: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let mut file = Cursor::new(Vec::new());
    gguf_file::write(&mut file, &metadata, &borrowed)?;
    file.set_position(0);
    Ok(Gguf { content: Content::read(&mut file)?, source: Box::new(file) })
}

fn read_shape(gguf: &Gguf) -> Result<Shape, GgufError> {
    let architecture = gguf.text("general.architecture").unwrap_or("unknown");
    if architecture != "llama" {
        return Err(GgufError::unsupported(format!(
            "its architecture is {architecture:?}; only \"llama\" is supported for now"
        )));
    }
    let need = |key: &str, most: u64| {
        gguf.number(key)
            .filter(|value| (1..=most).contains(value))
            .map(|value| value as usize)
            .ok_or_else(|| GgufError::damaged(format!("{key} is missing or absurd")))
    };
    let layers = need("llama.block_count", MAX_LAYERS)?;
    let embedding = need("llama.embedding_length", 1 << 20)?;
    let heads = need("llama.attention.head_count", 4096)?;
    let context = need("llama.context_length", 1 << 32)?;
    let kv_heads = match gguf.number("llama.attention.head_count_kv") {
        None => heads,
        Some(count) => count as usize,
    };
    if kv_heads == 0 || !heads.is_multiple_of(kv_heads) || !embedding.is_multiple_of(heads * 2) {
        return Err(GgufError::damaged("its numbers of heads do not fit its width"));
    }
    let window = gguf.number("llama.attention.sliding_window").filter(|window| *window > 0);
    let context = context.min(MAX_SEQ_LEN).min(window.map_or(usize::MAX, |window| window as usize));
    Ok(Shape { layers, embedding, heads, kv_heads, context })
}

fn refuse_what_would_be_wrong(gguf: &Gguf, shape: Shape) -> Result<(), GgufError> {
    let head = (shape.embedding / shape.heads) as u64;
    for key in ["llama.attention.key_length", "llama.attention.value_length", "llama.rope.dimension_count"] {
        if let Some(size) = gguf.number(key).filter(|size| *size != head) {
            return Err(GgufError::unsupported(format!(
                "{key} is {size}, this engine can only use embedding / heads = {head}"
            )));
        }
    }
    if gguf.text("llama.rope.scaling.type").is_some_and(|kind| kind != "none") {
        return Err(GgufError::unsupported("it scales RoPE, which this engine does not apply yet"));
    }
    if gguf.number("llama.expert_count").is_some_and(|count| count > 1) {
        return Err(GgufError::unsupported("mixtures of experts are not supported yet"));
    }
    let known = |name: &str| {
        matches!(name, "token_embd.weight" | "output_norm.weight" | "output.weight")
            || name
                .strip_prefix("blk.")
                .and_then(|rest| rest.split_once('.'))
                .and_then(|(layer, rest)| Some((layer.parse::<usize>().ok()?, rest.strip_suffix(".weight")?)))
                .is_some_and(|(layer, part)| layer < shape.layers && LAYER.contains(&part))
    };
    match gguf.content.tensor_infos.keys().filter(|name| !known(name)).min() {
        None => Ok(()),
        Some(name) => Err(GgufError::unsupported(format!(
            "it holds the tensor {name}, which this engine would ignore and so answer wrongly"
        ))),
    }
}

/// Holds each tensor to the shape the forward pass expects, so that a bad file fails here and not in an answer.
fn check_shapes(gguf: &Gguf, shape: Shape, vocabulary: usize) -> Result<(), GgufError> {
    let dims = |name: &str| {
        gguf.content
            .tensor_infos
            .get(name)
            .map(|info| info.shape.dims())
            .ok_or_else(|| GgufError::damaged(format!("the tensor {name} is missing")))
    };
    let expect = |name: &str, expected: &[usize]| {
        let found = dims(name)?;
        if found == expected {
            return Ok(());
        }
        Err(GgufError::damaged(format!("the tensor {name} has the shape {found:?}, {expected:?} was expected")))
    };
    let width = shape.embedding;
    let kv = width / shape.heads * shape.kv_heads;
    expect("token_embd.weight", &[vocabulary, width])?;
    expect("output_norm.weight", &[width])?;
    if gguf.content.tensor_infos.contains_key("output.weight") {
        expect("output.weight", &[vocabulary, width])?;
    }
    let hidden = dims("blk.0.ffn_gate.weight")?[0];
    for layer in 0..shape.layers {
        for part in LAYER {
            let expected: &[usize] = match part {
                "attn_q" | "attn_output" => &[width, width],
                "attn_k" | "attn_v" => &[kv, width],
                "ffn_gate" | "ffn_up" => &[hidden, width],
                "ffn_down" => &[width, hidden],
                _ => &[width],
            };
            expect(&format!("blk.{layer}.{part}.weight"), expected)?;
        }
    }
    Ok(())
}

/// Writes the numbers the way candle insists on reading them: 32 bits, none left out.
fn normalise(gguf: &mut Gguf, shape: Shape) {
    let numbers = [
        ("llama.block_count", shape.layers),
        ("llama.embedding_length", shape.embedding),
        ("llama.attention.head_count", shape.heads),
        ("llama.attention.head_count_kv", shape.kv_heads),
        ("llama.rope.dimension_count", shape.embedding / shape.heads),
    ];
    for (key, number) in numbers {
        gguf.content.metadata.insert(key.to_owned(), Value::U32(number as u32));
    }
    gguf.content.metadata.entry("llama.attention.layer_norm_rms_epsilon".to_owned()).or_insert(Value::F32(1e-5));
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Forward, Llama, OneByOne, Part, normalise, read_shape};
    use crate::inference::local::{Gguf, WITNESS};

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!((a.len(), b.len()), (1152, 1152));
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    fn tokens() -> Vec<u32> {
        (0..200).map(|i| 3 + i * 7 % 1100).collect()
    }

    #[test]
    fn reading_in_chunks_gives_the_logits_of_reading_at_once() {
        let (llama, _) = Llama::load(Gguf::embedded(WITNESS).unwrap(), 1152).unwrap();
        let whole = llama.start().step(&tokens()).unwrap();
        let mut sequence = llama.start();
        let chunked = tokens().chunks(64).map(|chunk| sequence.step(chunk).unwrap()).last().unwrap();
        assert!(distance(&whole, &chunked) < 1e-3, "{}", distance(&whole, &chunked));
        // A new sequence knows nothing of the last.
        assert!(distance(&llama.start().step(&tokens()).unwrap(), &whole) < 1e-5);
    }

    #[test]
    fn widened_weights_answer_as_the_quantised_ones() {
        let (wide, _) = Llama::load(Gguf::embedded(WITNESS).unwrap(), 1152).unwrap();
        let mut gguf = Gguf::embedded(WITNESS).unwrap();
        let shape = read_shape(&gguf).unwrap();
        normalise(&mut gguf, shape);
        let (narrow, _) = Llama::from_checked(gguf, shape).unwrap();
        let (wide, narrow) = (wide.start().step(&tokens()).unwrap(), narrow.start().step(&tokens()).unwrap());
        // Activations in int8 lose a little; a wrong weight would lose everything.
        let spread = wide.iter().fold(0.0_f32, |most, logit| most.max(logit.abs()));
        assert!(distance(&wide, &narrow) < 0.05 * spread, "{} of {spread}", distance(&wide, &narrow));
    }

    #[test]
    fn sequences_one_by_one_give_the_logits_of_each_alone() {
        let (llama, _) = Llama::load(Gguf::embedded(WITNESS).unwrap(), 1152).unwrap();
        let whole = llama.start().step(&tokens()).unwrap();
        let mut model = OneByOne::new(llama, 1152, 1000);
        assert_eq!((model.blocks() * BLOCK, model.batches()), (1008, false));
        let mut logits = Vec::new();
        let mut step = |block: u32, start: usize, end: usize, wanted| {
            let tokens = &tokens()[start..end];
            let part = Part { tokens, start, table: &[block], logits: wanted };
            model.step(&[part], &mut logits).map(|()| logits.clone())
        };
        assert_eq!(step(0, 0, 64, false), Ok(vec![]));
        // Another sequence; then the first is gone.
        assert_eq!(step(1, 0, 64, false), Ok(vec![]));
        assert!(step(0, 64, 128, false).is_err() && step(1, 65, 128, false).is_err());
        assert_eq!([step(1, 64, 100, false), step(1, 100, 199, false)], [Ok(vec![]), Ok(vec![])]);
        assert_eq!(step(1, 199, 200, true).map(|logits| distance(&logits, &whole) < 1e-3), Ok(true));
    }
}
