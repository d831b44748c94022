//! A tensor in a safetensors file.

use safetensors::Dtype;

/// A tensor as its file has it.
pub(in super::super) struct StoredTensor {
    /// The index of the file.
    pub file: usize,
    /// Its offset in the file, in bytes.
    pub start: u64,
    pub dtype: Dtype,
    pub dims: Vec<usize>,
}
