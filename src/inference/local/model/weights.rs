//! The weights of a model. The shape of every tensor is checked before the first is read.

use std::io;

use candle_core::Device;
use candle_core::quantized::GgmlDType;

use super::super::entries::{Expected, Need};
use super::super::forward::Cost;
use super::super::gguf::Gguf;
use super::super::gguf_error::{GgufError, first_line};
use super::super::kernels::{Matrix, Pool, WeightType};
use super::super::packed::{PackedWeights, TensorSpec, Writer, log_repacking};
use super::family::Family;
use super::metadata::WHO;
use super::shape::Shape;

/// All weights of a model.
pub(super) struct Weights {
    pub embedding: Matrix,
    pub layers: Vec<Layer>,
    pub norm: Vec<f32>,
    /// The output matrix; `None` where it is the embedding (tied).
    pub output: Option<Matrix>,
    /// Divisors of the `RoPE` frequencies.
    pub rope: Option<Vec<f32>>,
    pub origin: WeightsOrigin,
}

/// Where the packed matrices came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WeightsOrigin {
    /// They were packed from the model's file at this start.
    Packed,
    /// They were packed at an earlier start.
    Cache,
}

/// One layer.
pub(super) struct Layer {
    pub attention_norm: Vec<f32>,
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub query_norm: Option<Vec<f32>>,
    pub key_norm: Option<Vec<f32>>,
    pub attention_output: Matrix,
    pub ffn_norm: Vec<f32>,
    pub gate: Matrix,
    pub up: Matrix,
    pub down: Matrix,
}

impl Layer {
    fn matrices(&self) -> [&Matrix; 7] {
        let linear = [&self.query.matrix, &self.key.matrix, &self.value.matrix];
        [linear[0], linear[1], linear[2], &self.attention_output, &self.gate, &self.up, &self.down]
    }
}

/// A matrix and its bias.
pub(super) struct Linear {
    pub matrix: Matrix,
    pub bias: Option<Vec<f32>>,
}

/// The matrices of a layer, in the order in which they are read.
const LAYER: [&str; 7] = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];

/// The tensors that a model of this shape has.
fn expected(family: &Family, shape: &Shape, vocabulary: usize, hidden: usize) -> Expected {
    let mut expected = Expected::default();
    let (width, queries, keys) = (shape.width, shape.queries(), shape.keys());
    expected.add("token_embd.weight", &[vocabulary, width], Need::Required);
    expected.add("output_norm.weight", &[width], Need::Required);
    expected.add("output.weight", &[vocabulary, width], Need::Optional);
    expected.add("rope_freqs.weight", &[shape.dim / 2], Need::Optional);
    let biases = if family.biases { Need::Required } else { Need::Optional };
    for layer in 0..shape.layers {
        let mut add = |name: &str, dims: &[usize], need| expected.add(format!("blk.{layer}.{name}"), dims, need);
        add("attn_norm.weight", &[width], Need::Required);
        for (name, rows) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
            add(&format!("{name}.weight"), &[rows, width], Need::Required);
            add(&format!("{name}.bias"), &[rows], biases);
        }
        if family.head_norms {
            add("attn_q_norm.weight", &[shape.dim], Need::Required);
            add("attn_k_norm.weight", &[shape.dim], Need::Required);
        }
        add("attn_output.weight", &[width, queries], Need::Required);
        add("ffn_norm.weight", &[width], Need::Required);
        add("ffn_gate.weight", &[hidden, width], Need::Required);
        add("ffn_up.weight", &[hidden, width], Need::Required);
        add("ffn_down.weight", &[width, hidden], Need::Required);
    }
    expected
}

/// Reads tensors that were checked.
struct Reader<'a> {
    gguf: &'a mut Gguf,
    pool: &'a Pool,
    /// The matrices, as the file has them.
    tensors: &'a [TensorSpec],
    matrices: Matrices<'a>,
}

/// Where matrices are read from.
enum Matrices<'a> {
    Kept(PackedWeights<'a>),
    /// From the model's file; they are packed, and kept if possible.
    Packed(Keeping),
}

/// What happens to matrices as they are packed.
enum Keeping {
    /// They are not kept.
    Not,
    Written(Writer),
    Failed(io::Error),
}

impl Weights {
    /// Checks every tensor of the file, then reads and packs them, or reads them as they were packed before.
    pub(super) fn read(
        gguf: &mut Gguf,
        family: &Family,
        shape: &Shape,
        vocabulary: usize,
        pool: &Pool,
    ) -> Result<Self, GgufError> {
        let gate = gguf.content.tensor_infos.get("blk.0.ffn_gate.weight");
        // Without the tensor any value will do: the check reports it as missing.
        let hidden = gate.map_or(1, |info| info.shape.dims()[0]);
        expected(family, shape, vocabulary, hidden).check(gguf, WHO)?;
        let tensors = &matrices(gguf, shape.layers)?[..];
        let Some(mut cache) = gguf.cache.take() else {
            return Reader { gguf, pool, tensors, matrices: Matrices::Packed(Keeping::Not) }
                .weights(shape.layers)
                .map(|(w, _)| w);
        };
        let kept = cache.load(tensors, pool).and_then(|packed| {
            let path = packed.path().to_owned();
            let reader = Reader { gguf, pool, tensors, matrices: Matrices::Kept(packed) };
            let read = reader
                .weights(shape.layers)
                .inspect(|_| tracing::info!(path = %path.display(), "the weights were packed before"));
            read.map_err(|error| format!("{}: {error}", path.display()))
        });
        match kept {
            Ok((weights, _)) => return Ok(weights),
            Err(reason) => log_repacking(&reason),
        }
        let matrices = Matrices::Packed(cache.create(tensors)?.map_or(Keeping::Not, Keeping::Written));
        let (weights, written) = Reader { gguf, pool, tensors, matrices }.weights(shape.layers)?;
        let kept = match written {
            Keeping::Not => return Ok(weights),
            Keeping::Written(writer) => cache.finish(writer, pool),
            Keeping::Failed(error) => Err(error),
        };
        match kept {
            Ok(path) => tracing::info!(path = %path.display(), "the packed weights are kept"),
            Err(error) => cache.failed(&error),
        }
        Ok(weights)
    }

    /// Memory held by the matrices, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let layers = self.layers.iter().flat_map(Layer::matrices);
        layers.chain([&self.embedding]).chain(&self.output).map(Matrix::bytes).sum()
    }

    /// What a step costs: it reads the layers and the output matrix, but only one row of the embedding for each token.
    pub(super) fn cost(&self) -> Cost {
        let layers = || self.layers.iter().flat_map(Layer::matrices);
        let head = self.output.as_ref().unwrap_or(&self.embedding);
        Cost {
            bytes: layers().map(Matrix::bytes).sum::<usize>() + head.bytes(),
            operations: 2 * layers().map(|matrix| matrix.rows() * matrix.columns()).sum::<usize>(),
        }
    }
}

impl Reader<'_> {
    /// All weights, read in the order of [`matrices`], and the file that was written of them.
    fn weights(mut self, layers: usize) -> Result<(Weights, Keeping), GgufError> {
        let weights = Weights {
            embedding: self.matrix("token_embd.weight")?,
            layers: (0..layers).map(|layer| self.layer(layer)).collect::<Result<_, _>>()?,
            norm: self.vector("output_norm.weight")?,
            output: self.if_there("output.weight", Self::matrix)?,
            rope: self.if_there("rope_freqs.weight", Self::vector)?,
            origin: if matches!(self.matrices, Matrices::Kept(_)) {
                WeightsOrigin::Cache
            } else {
                WeightsOrigin::Packed
            },
        };
        Ok((weights, if let Matrices::Packed(keeping) = self.matrices { keeping } else { Keeping::Not }))
    }

    fn layer(&mut self, layer: usize) -> Result<Layer, GgufError> {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        Ok(Layer {
            attention_norm: self.vector(&name("attn_norm"))?,
            query: self.linear(layer, "attn_q")?,
            key: self.linear(layer, "attn_k")?,
            value: self.linear(layer, "attn_v")?,
            query_norm: self.if_there(&name("attn_q_norm"), Self::vector)?,
            key_norm: self.if_there(&name("attn_k_norm"), Self::vector)?,
            attention_output: self.matrix(&name("attn_output"))?,
            ffn_norm: self.vector(&name("ffn_norm"))?,
            gate: self.matrix(&name("ffn_gate"))?,
            up: self.matrix(&name("ffn_up"))?,
            down: self.matrix(&name("ffn_down"))?,
        })
    }

    fn linear(&mut self, layer: usize, part: &str) -> Result<Linear, GgufError> {
        let matrix = self.matrix(&format!("blk.{layer}.{part}.weight"))?;
        let bias = self.if_there(&format!("blk.{layer}.{part}.bias"), Self::vector)?;
        Ok(Linear { matrix, bias })
    }

    fn if_there<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self, &str) -> Result<T, GgufError>,
    ) -> Result<Option<T>, GgufError> {
        self.gguf.content.tensor_infos.contains_key(name).then(|| read(self, name)).transpose()
    }

    fn vector(&mut self, name: &str) -> Result<Vec<f32>, GgufError> {
        let Gguf { content, source, .. } = self.gguf;
        content
            .tensor(source, name, &Device::Cpu)
            .and_then(|tensor| tensor.dequantize(&Device::Cpu)?.to_vec1())
            .map_err(|error| GgufError::damaged(format!("the tensor {name} cannot be read: {}", first_line(&error))))
    }

    fn matrix(&mut self, name: &str) -> Result<Matrix, GgufError> {
        let keeping = match &mut self.matrices {
            Matrices::Kept(packed) => return packed.matrix(name, self.pool),
            Matrices::Packed(keeping) => keeping,
        };
        let Gguf { content, source, .. } = &*self.gguf;
        let info = content.tensor_infos.get(name).ok_or_else(|| missing(name))?;
        let tensor = self.tensors.iter().find(|tensor| tensor.name == name).ok_or_else(|| missing(name))?;
        let row = tensor.columns / info.ggml_dtype.block_size() * info.ggml_dtype.type_size();
        // Within the file: opening it has checked that.
        let start = content.tensor_data_offset + info.offset;
        let matrix = Matrix::read(tensor.kind, tensor.rows, tensor.columns, self.pool, |rows, bytes| {
            source.read_at(bytes, start + (rows.start * row) as u64)
        })
        .map_err(|error| unreadable(name, error))?;
        if let Keeping::Written(writer) = keeping
            && let Err(error) = writer.add(tensor, &matrix, self.pool)
        {
            // The unfinished file is removed.
            *keeping = Keeping::Failed(error);
        }
        Ok(matrix)
    }
}

fn missing(name: &str) -> GgufError {
    GgufError::damaged(format!("the tensor {name} is missing"))
}

fn unreadable(name: &str, error: io::Error) -> GgufError {
    match error.kind() {
        io::ErrorKind::InvalidData => GgufError::unsupported(format!("the tensor {name} cannot be used: {error}")),
        _ => error.into(),
    }
}

/// The matrices of a file that was checked, in the order in which they are read. The error names the first, in that order, of a type
/// without kernels.
fn matrices(gguf: &Gguf, layers: usize) -> Result<Vec<TensorSpec>, GgufError> {
    let layer = |layer: usize| LAYER.map(|name| format!("blk.{layer}.{name}.weight"));
    let names = ["token_embd.weight".to_owned()].into_iter().chain((0..layers).flat_map(layer));
    let mut tensors = Vec::new();
    for name in names.chain(["output.weight".to_owned()]) {
        let Some(info) = gguf.content.tensor_infos.get(&name) else { continue };
        let kind = kind(info.ggml_dtype).ok_or_else(|| {
            GgufError::unsupported(format!(
                "the tensor {name} is stored as {:?}, which this engine cannot compute with",
                info.ggml_dtype
            ))
        })?;
        let [rows, columns] = *info.shape.dims() else { return Err(missing(&name)) };
        tensors.push(TensorSpec { name, kind, rows, columns });
    }
    Ok(tensors)
}

fn kind(stored: GgmlDType) -> Option<WeightType> {
    match stored {
        GgmlDType::F32 => Some(WeightType::F32),
        GgmlDType::F16 => Some(WeightType::F16),
        GgmlDType::BF16 => Some(WeightType::Bf16),
        GgmlDType::Q8_0 => Some(WeightType::Q8_0),
        GgmlDType::Q4K => Some(WeightType::Q4K),
        GgmlDType::Q6K => Some(WeightType::Q6K),
        _ => None,
    }
}
