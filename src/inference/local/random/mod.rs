//! A model of a real shape with weights that mean nothing: it computes as long as a trained one, so that anyone can measure a machine.

mod gguf;

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::str::FromStr;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use self::gguf::{Type, Value, string};
use super::vocabulary::byte_character;

/// How tensors lie in a file: the next begins at a multiple of this.
const ALIGNMENT: u64 = 32;

/// Reserved tokens at the end of the vocabulary: the first begins a text, the second ends it.
const RESERVED: usize = 256;

/// The shape of a model people know, in the architecture `llama`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How it is asked for.
    pub name: &'static str,
    width: usize,
    layers: usize,
    heads: usize,
    kv_heads: usize,
    dim: usize,
    hidden: usize,
    vocabulary: usize,
    /// Whether the embedding is used both ways.
    tied: bool,
}

/// The shapes there are.
pub const SHAPES: [Shape; 5] = [
    // For tests.
    Shape::new("tiny", [256, 2, 4, 2, 64, 512, 4096], true),
    // Qwen3 0.6B, Llama 3.2 1B, Ministral 3 3B, Mistral 7B.
    Shape::new("0.6b", [1024, 28, 16, 8, 128, 3072, 151_936], true),
    Shape::new("1b", [2048, 16, 32, 8, 64, 8192, 128_256], true),
    Shape::new("3b", [3072, 26, 32, 8, 128, 9216, 131_072], true),
    Shape::new("7b", [4096, 32, 32, 8, 128, 14_336, 32_768], false),
];

impl Shape {
    const fn new(name: &'static str, sizes: [usize; 7], tied: bool) -> Self {
        let [width, layers, heads, kv_heads, dim, hidden, vocabulary] = sizes;
        Self { name, width, layers, heads, kv_heads, dim, hidden, vocabulary, tied }
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        SHAPES.into_iter().find(|shape| shape.name == name).ok_or_else(|| {
            format!("there is no shape {name:?}: choose one of {}", SHAPES.map(|shape| shape.name).join(", "))
        })
    }
}

/// How the weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantisation {
    /// llama.cpp's mix: `Q4_K`, with `Q6_K` for the embedding and for half of the tensors that matter most.
    Q4KM,
    /// `Q8_0` throughout.
    Q8,
    /// f16 throughout.
    F16,
}

impl FromStr for Quantisation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "q4_k_m" => Ok(Self::Q4KM),
            "q8_0" => Ok(Self::Q8),
            "f16" => Ok(Self::F16),
            _ => Err(format!("there is no quantisation {name:?}: choose one of q4_k_m, q8_0, f16")),
        }
    }
}

/// Writes such a model as a GGUF file: some gigabytes for the larger shapes.
pub fn write(shape: &Shape, quantisation: Quantisation, path: &Path) -> io::Result<()> {
    let tensors = tensors(shape, quantisation);
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    let mut header = Vec::new();
    header.extend(b"GGUF");
    header.extend(3_u32.to_le_bytes());
    header.extend((tensors.len() as u64).to_le_bytes());
    let metadata = metadata(shape);
    header.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in &metadata {
        string(&mut header, key);
        value.write(&mut header);
    }
    let mut offset = 0_u64;
    for tensor in &tensors {
        string(&mut header, &tensor.name);
        header.extend((tensor.dims.len() as u32).to_le_bytes());
        // GGUF counts from the innermost.
        for size in tensor.dims.iter().rev() {
            header.extend((*size as u64).to_le_bytes());
        }
        header.extend(tensor.kind.number().to_le_bytes());
        header.extend(offset.to_le_bytes());
        offset += (tensor.bytes() as u64).next_multiple_of(ALIGNMENT);
    }
    let padding = (header.len() as u64).next_multiple_of(ALIGNMENT) as usize;
    header.resize(padding, 0);
    out.write_all(&header)?;
    let mut random = StdRng::seed_from_u64(1);
    for tensor in &tensors {
        tensor.write(&mut random, &mut out)?;
    }
    out.flush()
}

struct Tensor {
    name: String,
    /// Rows and columns, or the length.
    dims: Vec<usize>,
    kind: Type,
}

impl Tensor {
    fn bytes(&self) -> usize {
        let (values, size) = self.kind.block();
        self.dims.iter().product::<usize>() / values * size
    }

    fn write(&self, random: &mut StdRng, out: &mut impl Write) -> io::Result<()> {
        let (_, size) = self.kind.block();
        let mut block = vec![0; size];
        for _ in 0..self.bytes() / size {
            random.fill_bytes(&mut block);
            self.kind.scale(&mut block);
            out.write_all(&block)?;
        }
        let padding = self.bytes().next_multiple_of(ALIGNMENT as usize) - self.bytes();
        out.write_all(&[0; ALIGNMENT as usize][..padding])
    }
}

fn tensors(shape: &Shape, quantisation: Quantisation) -> Vec<Tensor> {
    let Shape { width, layers, heads, kv_heads, dim, hidden, vocabulary, tied, .. } = *shape;
    let (usual, better) = match quantisation {
        Quantisation::Q4KM => (Type::Q4K, Type::Q6K),
        Quantisation::Q8 => (Type::Q8, Type::Q8),
        Quantisation::F16 => (Type::F16, Type::F16),
    };
    let mut tensors = Vec::new();
    let mut add = |name: String, dims: &[usize], kind| tensors.push(Tensor { name, dims: dims.to_vec(), kind });
    add("token_embd.weight".to_owned(), &[vocabulary, width], better);
    add("output_norm.weight".to_owned(), &[width], Type::F32);
    if !tied {
        add("output.weight".to_owned(), &[vocabulary, width], better);
    }
    for layer in 0..layers {
        // `use_more_bits` of llama.cpp: the first and last eighths, and each third between.
        let matters = layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
        let chosen = if matters { better } else { usual };
        let matrices = [
            ("attn_q", heads * dim, width, usual),
            ("attn_k", kv_heads * dim, width, usual),
            ("attn_v", kv_heads * dim, width, chosen),
            ("attn_output", width, heads * dim, usual),
            ("ffn_gate", hidden, width, usual),
            ("ffn_up", hidden, width, usual),
            ("ffn_down", width, hidden, chosen),
        ];
        for (name, rows, columns, kind) in matrices {
            add(format!("blk.{layer}.{name}.weight"), &[rows, columns], kind);
        }
        for name in ["attn_norm", "ffn_norm"] {
            add(format!("blk.{layer}.{name}.weight"), &[width], Type::F32);
        }
    }
    tensors
}

fn metadata(shape: &Shape) -> Vec<(&'static str, Value)> {
    let (tokens, merges) = vocabulary(shape.vocabulary);
    let first = shape.vocabulary - RESERVED;
    let number = |value: usize| Value::U32(value as u32);
    let text = |value: &str| Value::Text(value.to_owned());
    vec![
        ("general.architecture", text("llama")),
        ("general.name", Value::Text(format!("random {}", shape.name))),
        ("llama.context_length", Value::U32(32_768)),
        ("llama.embedding_length", number(shape.width)),
        ("llama.block_count", number(shape.layers)),
        ("llama.feed_forward_length", number(shape.hidden)),
        ("llama.attention.head_count", number(shape.heads)),
        ("llama.attention.head_count_kv", number(shape.kv_heads)),
        ("llama.attention.key_length", number(shape.dim)),
        ("llama.attention.value_length", number(shape.dim)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("llama.rope.dimension_count", number(shape.dim)),
        ("llama.rope.freq_base", Value::F32(500_000.0)),
        ("llama.vocab_size", number(shape.vocabulary)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("llama-bpe")),
        (
            "tokenizer.ggml.token_type",
            Value::Numbers((0..tokens.len()).map(|id| 1 + 2 * i32::from(id >= first)).collect()),
        ),
        ("tokenizer.ggml.tokens", Value::Texts(tokens)),
        ("tokenizer.ggml.merges", Value::Texts(merges)),
        ("tokenizer.ggml.bos_token_id", number(first)),
        ("tokenizer.ggml.eos_token_id", number(first + 1)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(false)),
        ("tokenizer.chat_template", text("{% for message in messages %}{{ message.content }}{% endfor %}")),
    ]
}

/// The bytes, then tokens that are longer by one common letter each, and the reserved ones; with the merges that make them.
fn vocabulary(size: usize) -> (Vec<String>, Vec<String>) {
    let letters = b" etaoinshrdlucmfwypvbgkqjxz".map(|byte| byte_character(byte).to_string());
    let mut tokens: Vec<String> = (0..=u8::MAX).map(|byte| byte_character(byte).to_string()).collect();
    let mut merges = Vec::new();
    let mut at = 0;
    while tokens.len() < size - RESERVED {
        for letter in letters.iter().take(size - RESERVED - tokens.len()) {
            merges.push(format!("{} {letter}", tokens[at]));
            tokens.push(format!("{}{letter}", tokens[at]));
        }
        at += 1;
    }
    tokens.extend((0..RESERVED).map(|number| format!("<|reserved_{number}|>")));
    (tokens, merges)
}

#[cfg(test)]
mod tests {
    use super::super::LocalModel;
    use super::super::bench::Figure;
    use super::{Quantisation, SHAPES, Shape, write};
    use crate::inference::Config;

    #[test]
    fn each_kind_is_a_model_that_computes() {
        let folder = tempfile::tempdir().unwrap();
        let shape: Shape = "tiny".parse().unwrap();
        for name in ["q4_k_m", "q8_0", "f16"] {
            let file = folder.path().join(format!("{name}.gguf"));
            write(&shape, name.parse().unwrap(), &file).unwrap();
            let config = Config { file: Some(file), context: 256, kv_memory: 8, threads: 1, ..Config::default() };
            let model = LocalModel::open(&config, folder.path()).unwrap();
            assert!(model.measure(Figure::Rooms(3), 0).unwrap() > 0.0, "{name}");
            assert!(model.measure(Figure::First, 1).unwrap() > 0.0, "{name}");
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = "13b".parse::<Shape>().unwrap_err();
        assert!(error.contains("13b") && SHAPES.iter().all(|shape| error.contains(shape.name)), "{error}");
        assert!("q5_k".parse::<Quantisation>().unwrap_err().contains("q5_k"));
    }
}
