//! Our own forward pass for the decoder families people use: llama, mistral3, qwen2, qwen3, smollm3.
//!
//! `family` says what sets them apart, `metadata` and `shape` check what the file says, `rope` turns positions into rotations,
//! `weights` reads the tensors, `memory` holds keys and values, and `pass` computes. A file that needs anything which this pass
//! does not do is refused with a sentence: candle's models remain for those.

mod family;
mod memory;
mod metadata;
mod pass;
mod rope;
mod shape;
mod weights;

use std::sync::Arc;

pub(super) use self::rope::attention_factor;

use self::family::Family;
use self::memory::KvMemory;
use self::metadata::Metadata;
use self::pass::Buffers;
use self::shape::Shape;
use self::weights::Weights;
use super::forward::{AdapterId, BLOCK, BatchLimits, Cost, Forward, SequenceSlice, StepOutput};
use super::gguf::{Gguf, GgufError};
use super::kernels::{Pool, Rotation};

/// Whether a GGUF of this architecture has the two halves of each head of queries and keys interleaved, which `transformers` has
/// one after the other.
pub(super) fn interleaves(architecture: &str) -> bool {
    Family::find(architecture).is_some_and(|family| family.rotation == Rotation::Interleaved)
}

/// Tokens of a step in which a sequence decodes: enough for the arithmetic to be fast, few enough for the next token not to be late. A
/// multiple of the twelve rows that the kernels take at once.
const DECODE_STEP: usize = 60;

/// Tokens of a step that only prefills: no sequence waits for a token, and the weights are read half as often.
const PREFILL_STEP: usize = 2 * DECODE_STEP;

/// What the configuration allows a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryLimits {
    /// Positions of one sequence.
    pub context: usize,
    /// Bytes for keys and values, of all sequences together.
    pub memory: usize,
}

/// A model that is ready to compute.
pub(super) struct Model {
    family: &'static Family,
    shape: Shape,
    weights: Weights,
    memory: KvMemory,
    buffers: Buffers,
    pool: Arc<Pool>,
}

impl Model {
    /// Checks the file, reads its weights and reserves the memory. The file stays usable when it is refused: another engine
    /// may know what this one does not.
    pub(super) fn load(
        gguf: &mut Gguf,
        vocabulary: usize,
        limits: MemoryLimits,
        pool: Arc<Pool>,
    ) -> Result<Self, GgufError> {
        let metadata = Metadata::of(gguf)?;
        let family = metadata.family;
        let mut shape = Shape::read(metadata)?;
        let memory = KvMemory::reserve(&shape, limits.memory)?;
        let weights = Weights::read(gguf, family, &shape, vocabulary, &pool)?;
        if let Some(factors) = &weights.rope {
            shape.rope.divide(factors)?;
        }
        // One sequence alone cannot have more positions than there is memory.
        shape.context = shape.context.min(limits.context).min(memory.blocks() * BLOCK);
        let buffers = Buffers::new();
        tracing::info!(
            family = family.name,
            origin = ?weights.origin,
            weights_mib = weights.bytes() >> 20,
            blocks = memory.blocks(),
            threads = pool.threads(),
            "the model is computed here"
        );
        Ok(Self { family, shape, weights, memory, buffers, pool })
    }

    /// Refuses what would reach beyond the memory: an error of the scheduler costs a step, not the engine.
    fn check(&self, slices: &[SequenceSlice<'_>]) -> Result<(), String> {
        for slice in slices {
            let end = slice.start.saturating_add(slice.tokens.len());
            if slice.tokens.is_empty() {
                return Err("a slice of the step has no tokens".to_owned());
            }
            if end > self.shape.context {
                return Err(format!("position {end} is beyond the context of {}", self.shape.context));
            }
            if slice.block_table.len() * BLOCK < end {
                return Err(format!("{} blocks do not cover {end} positions", slice.block_table.len()));
            }
            if let Some(block) = slice.block_table.iter().find(|block| **block as usize >= self.memory.blocks()) {
                return Err(format!("there is no block {block}"));
            }
            if let Some(token) = slice.tokens.iter().find(|token| **token as usize >= self.vocabulary()) {
                return Err(format!("there is no token {token}"));
            }
            if slice.adapter != AdapterId::BASE {
                return Err(format!("there is no adapter {}", slice.adapter.0));
            }
        }
        Ok(())
    }
}

impl Forward for Model {
    fn vocabulary(&self) -> usize {
        self.weights.embedding.rows()
    }

    fn hidden(&self) -> Option<usize> {
        Some(self.shape.width)
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits {
            context: self.shape.context,
            blocks: self.memory.blocks(),
            sequences: DECODE_STEP,
            paged: true,
            decode_step: DECODE_STEP,
            prefill_step: PREFILL_STEP,
        }
    }

    fn cost(&self) -> Cost {
        self.weights.cost()
    }

    fn step(&mut self, slices: &[SequenceSlice<'_>], out: &mut StepOutput) -> Result<(), String> {
        out.clear();
        self.check(slices)?;
        self.compute(slices, out);
        Ok(())
    }

    fn erase(&mut self, blocks: &[u32]) {
        self.memory.erase(blocks);
    }

    fn erase_all(&mut self) {
        self.memory.erase_all();
    }

    fn is_finite(&self, block: u32) -> bool {
        self.memory.is_finite(block)
    }
}

#[cfg(test)]
mod kept_tests;
#[cfg(test)]
mod quality_tests;
#[cfg(test)]
pub(super) mod reference_tests;
#[cfg(test)]
mod tests;
