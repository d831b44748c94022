//! Our own forward pass for the decoder families people use: llama, mistral3, qwen2, qwen3, smollm3.
//!
//! `family` says what sets them apart, `metadata` and `shape` check what the file says, `rope` turns positions into rotations,
//! `weights` reads the tensors, `memory` holds keys and values, `decoder` is all of it, and `pass` computes a `step`. A file that needs anything which this pass
//! does not do is refused with a sentence: candle's models remain for those.

mod buffers;
mod decoder;
mod family;
#[cfg(test)]
mod kept_tests;
mod memory;
mod metadata;
mod pass;
#[cfg(test)]
mod quality_tests;
#[cfg(test)]
pub(super) mod reference_tests;
mod rope;
mod shape;
mod step;
#[cfg(test)]
mod tests;
mod weights;

pub(super) use self::decoder::{MemoryLimits, Model};
pub(super) use self::family::interleaves;
pub(super) use self::rope::attention_factor;
