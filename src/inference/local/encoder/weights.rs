//! The weights of an encoder: from the tensors of its safetensors to packed matrices.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use safetensors::Dtype;

use super::super::gguf_error::GgufError;
use super::super::kernels::{LayerNorm, Matrix, Pool, WeightType, bf16_to_f32, f16_to_f32, f32_to_f16};
use super::super::safetensors::{StoredTensor, Tensors, main_file, weight_files};
use super::settings::Shape;
use crate::inference::config::Weights;

/// Values of a block of `Q8_0`, and its bytes: a scale in f16 and the codes.
const BLOCK: usize = 32;
const BLOCK_BYTES: usize = 34;

/// Bytes that are read at once for [`Files::print`].
const HASHED_AT_ONCE: usize = 1 << 20;

/// A matrix and what is added to its product.
pub(super) struct Linear {
    pub weights: Matrix,
    pub bias: Vec<f32>,
}

/// Rows that are looked up: f32, or f16 bits.
pub(super) enum Table {
    Full(Vec<f32>),
    Half(Vec<u16>),
    Brain(Vec<u16>),
}

impl Table {
    /// Adds a row to `out`, which is as long as a row.
    pub(super) fn add(&self, row: usize, out: &mut [f32]) {
        let range = row * out.len()..(row + 1) * out.len();
        match self {
            Self::Full(values) => out.iter_mut().zip(&values[range]).for_each(|(out, value)| *out += value),
            Self::Half(bits) => out.iter_mut().zip(&bits[range]).for_each(|(out, bits)| *out += f16_to_f32(*bits)),
            Self::Brain(bits) => out.iter_mut().zip(&bits[range]).for_each(|(out, bits)| *out += bf16_to_f32(*bits)),
        }
    }
}

/// The files of a model, and their tensors.
#[allow(clippy::struct_field_names)] // They are files.
pub(super) struct Files {
    files: Vec<File>,
    tensors: Tensors,
    /// What the encoder's names begin with.
    prefix: String,
    weights: Weights,
}

impl Files {
    /// Opens the safetensors of a folder.
    pub(super) fn open(folder: &Path, weights: Weights) -> Result<Self, GgufError> {
        let names = weight_files(&main_file(folder)?)?;
        let files = names.iter().map(File::open).collect::<Result<Vec<File>, _>>()?;
        let mut tensors = Tensors::default();
        for (index, file) in files.iter().enumerate() {
            tensors.add(index, file)?;
        }
        let words = "embeddings.word_embeddings.weight";
        let mut prefixes = tensors.names().filter_map(|name| name.strip_suffix(words)).map(str::to_owned);
        let (Some(prefix), None) = (prefixes.next(), prefixes.next()) else {
            return Err(GgufError::damaged(format!("it has no tensor {words}, or several")));
        };
        drop(prefixes);
        Ok(Self { files, tensors, prefix, weights })
    }

    /// Whether there is such a tensor, by its whole name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.get(name).is_some()
    }

    /// The whole name of one of the encoder's tensors.
    pub(super) fn own(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Eight hexadecimal digits of all tensors, in whichever files they are: they tell one fine-tuned model from another, whatever part of it
    /// was trained.
    pub(super) fn print(&self) -> Result<String, GgufError> {
        let mut print = blake3::Hasher::new();
        let mut piece = vec![0; HASHED_AT_ONCE];
        for (name, tensor) in self.tensors.names().filter_map(|name| Some((name, self.tensors.get(name)?))) {
            print.update(format!("{name}\0{:?}\0{:?}\0", tensor.dtype, tensor.dims).as_bytes());
            // Within the file's length.
            let end = tensor.start + (tensor.dims.iter().product::<usize>() * tensor.dtype.bitsize() / 8) as u64;
            for start in (tensor.start..end).step_by(HASHED_AT_ONCE) {
                let piece = &mut piece[..HASHED_AT_ONCE.min((end - start) as usize)];
                self.files[tensor.file].read_exact_at(piece, start)?;
                print.update(piece);
            }
        }
        Ok(print.finalize().to_hex()[..8].to_owned())
    }

    /// A tensor of this shape.
    fn find(&self, name: &str, dims: &[usize]) -> Result<&StoredTensor, GgufError> {
        let tensor = self.tensors.get(name);
        let tensor = tensor.ok_or_else(|| GgufError::damaged(format!("the tensor {name} is missing")))?;
        if tensor.dims != dims {
            return Err(GgufError::damaged(format!(
                "the tensor {name} has the shape {:?}, its config.json asks for {dims:?}",
                tensor.dims
            )));
        }
        if !matches!(tensor.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            return Err(GgufError::unsupported(format!(
                "the tensor {name} is stored as {:?}, which is not supported: only F16, BF16 and F32 are",
                tensor.dtype
            )));
        }
        Ok(tensor)
    }

    /// A tensor as f32; small ones only.
    pub(super) fn floats(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, GgufError> {
        let tensor = self.find(name, dims)?;
        let mut values = Vec::new();
        read_floats(&self.files[tensor.file], tensor, 0..dims.iter().product(), &mut values)?;
        Ok(values)
    }

    /// A table whose rows are looked up; of f32 weights, halves are kept where weights are not kept as they are stored.
    pub(super) fn table(&self, name: &str, rows: usize, columns: usize) -> Result<Table, GgufError> {
        let tensor = self.find(name, &[rows, columns])?;
        let file = &self.files[tensor.file];
        let count = rows * columns;
        if tensor.dtype == Dtype::F32 {
            let mut values = Vec::new();
            if self.weights == Weights::Stored {
                read_floats(file, tensor, 0..count, &mut values)?;
                return Ok(Table::Full(values));
            }
            let mut bits = Vec::with_capacity(count);
            for row in 0..rows {
                read_floats(file, tensor, row * columns..(row + 1) * columns, &mut values)?;
                bits.extend(values.iter().map(|value| f32_to_f16(*value)));
            }
            return Ok(Table::Half(bits));
        }
        let mut bytes = vec![0; count * 2];
        file.read_exact_at(&mut bytes, tensor.start)?;
        let bits = bytes.as_chunks::<2>().0.iter().map(|two| u16::from_le_bytes(*two)).collect();
        Ok(if tensor.dtype == Dtype::F16 { Table::Half(bits) } else { Table::Brain(bits) })
    }

    /// A matrix with its bias, by the name of both.
    pub(super) fn linear(&self, name: &str, rows: usize, columns: usize, pool: &Pool) -> Result<Linear, GgufError> {
        let bias = self.floats(&format!("{name}.bias"), &[rows])?;
        let name = format!("{name}.weight");
        let tensor = self.find(&name, &[rows, columns])?;
        let file = &self.files[tensor.file];
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidData => GgufError::unsupported(format!("the tensor {name} cannot be used: {error}")),
            _ => error.into(),
        };
        let (kind, size) = match tensor.dtype {
            Dtype::F16 => (WeightType::F16, 2),
            Dtype::BF16 => (WeightType::Bf16, 2),
            _ => (WeightType::F32, 4),
        };
        let weights = if self.weights == Weights::Int8 && columns.is_multiple_of(BLOCK) {
            let read = |rows: Range<usize>, bytes: &mut [u8]| {
                let mut values = Vec::new();
                read_floats(file, tensor, rows.start * columns..rows.end * columns, &mut values)?;
                for (block, bytes) in values.as_chunks::<BLOCK>().0.iter().zip(bytes.as_chunks_mut::<BLOCK_BYTES>().0) {
                    *bytes = quantise(block);
                }
                Ok(())
            };
            Matrix::read(WeightType::Q8_0, rows, columns, pool, read)
        } else {
            let read = |rows: Range<usize>, bytes: &mut [u8]| {
                file.read_exact_at(bytes, tensor.start + (rows.start * columns * size) as u64)
            };
            Matrix::read(kind, rows, columns, pool, read)
        };
        Ok(Linear { weights: weights.map_err(unreadable)?, bias })
    }

    /// A layer norm of the model's width.
    pub(super) fn norm(&self, name: &str, shape: &Shape) -> Result<LayerNorm, GgufError> {
        Ok(LayerNorm {
            weight: self.floats(&format!("{name}.weight"), &[shape.width])?,
            bias: self.floats(&format!("{name}.bias"), &[shape.width])?,
            epsilon: shape.epsilon,
        })
    }
}

/// Reads some values of a tensor, in place of what was in `values`.
fn read_floats(file: &File, tensor: &StoredTensor, range: Range<usize>, values: &mut Vec<f32>) -> io::Result<()> {
    let size = if tensor.dtype == Dtype::F32 { 4 } else { 2 };
    let mut bytes = vec![0; range.len() * size];
    file.read_exact_at(&mut bytes, tensor.start + (range.start * size) as u64)?;
    values.clear();
    let halves = bytes.as_chunks::<2>().0.iter().map(|two| u16::from_le_bytes(*two));
    match tensor.dtype {
        Dtype::F16 => values.extend(halves.map(f16_to_f32)),
        Dtype::BF16 => values.extend(halves.map(bf16_to_f32)),
        _ => values.extend(bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four))),
    }
    Ok(())
}

/// A block of `Q8_0`: value ≈ scale · code.
fn quantise(values: &[f32; BLOCK]) -> [u8; BLOCK_BYTES] {
    let peak = values.iter().map(|value| value.abs()).fold(0.0, f32::max);
    // `f32::max` ignores NaN: a block with one is marked by its scale, and so is all that is computed with it.
    let finite = values.iter().all(|value| value.is_finite());
    let scale = f32_to_f16(if finite { peak / 127.0 } else { f32::NAN });
    let inverse = if f16_to_f32(scale) > 0.0 { 1.0 / f16_to_f32(scale) } else { 0.0 };
    let mut bytes = [0; BLOCK_BYTES];
    bytes[..2].copy_from_slice(&scale.to_le_bytes());
    for (byte, value) in bytes[2..].iter_mut().zip(values) {
        *byte = ((value * inverse).round().clamp(-127.0, 127.0) as i8).cast_unsigned();
    }
    bytes
}
