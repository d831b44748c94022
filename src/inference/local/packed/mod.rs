//! Packed weights in a file, so that the next start reads them instead of packing them again. Everything in the file is verified.
//!
//! `file` is the file format, `cache` decides whether a file belongs to a model and where it is, `source_file` identifies the model's
//! files. If anything does not match, the weights are packed again; the reason is one line of the log.

mod cache;
mod file;
mod pieces;
mod source_file;
mod tensor;

pub(super) use self::cache::{PackedCache, log_repacking};
pub(super) use self::file::{PackedWeights, Writer};
pub(super) use self::tensor::TensorSpec;
