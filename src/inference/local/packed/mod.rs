//! PackedWeights weights, kept in a file, so that the next start reads them as they are: nothing is packed, and nothing is trusted.
//!
//! `file` is the file; here is when it belongs to a model, and where it is. What does not fit, for whichever reason, is packed anew;
//! the reason is one line of the log.

mod cache;
mod file;
mod pieces;
mod source_file;
mod tensor;

pub(super) use self::cache::{PackedCache, pack_anew};
pub(super) use self::file::{PackedWeights, Writer};
pub(super) use self::tensor::TensorSpec;
