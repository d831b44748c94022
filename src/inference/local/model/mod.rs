//! Our own forward pass for the decoder families people use: llama, mistral3, qwen2, qwen3, smollm3.
//!
//! `family` says what sets them apart, `metadata` and `shape` check what the file says, `rope` turns positions into rotations,
//! `weights` reads the tensors, `memory` holds keys and values, and `pass` computes. A file that asks for anything this pass
//! does not do is refused with a sentence: candle's models remain for those.

mod family;
mod memory;
mod metadata;
mod pass;
mod rope;
mod shape;
mod weights;

use std::sync::Arc;

pub(super) use self::rope::growth;

use self::family::Family;
use self::memory::Memory;
use self::metadata::Metadata;
use self::pass::Buffers;
use self::shape::Shape;
use self::weights::Weights;
use super::forward::{BLOCK, Cost, Forward, Part};
use super::gguf::{Gguf, GgufError};
use super::kernels::{Pool, Rotation};

/// Whether a GGUF of this architecture has the two halves of each head of queries and keys interleaved, which `transformers` has
/// one after the other.
pub(super) fn interleaves(architecture: &str) -> bool {
    Family::find(architecture).is_some_and(|family| family.rotation == Rotation::Interleaved)
}

/// What the configuration allows a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
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
    memory: Memory,
    buffers: Buffers,
    pool: Arc<Pool>,
}

impl Model {
    /// Checks the file, reads its weights and reserves the memory. The file stays usable when it is refused: another engine
    /// may know what this one does not.
    pub(super) fn load(gguf: &mut Gguf, vocabulary: usize, limits: Limits, pool: Arc<Pool>) -> Result<Self, GgufError> {
        let metadata = Metadata::of(gguf)?;
        let family = metadata.family;
        let mut shape = Shape::read(metadata)?;
        let memory = Memory::reserve(&shape, limits.memory)?;
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

    /// Refuses what would reach beyond the memory: a mistake of the scheduler costs a step, not the engine.
    fn check(&self, parts: &[Part<'_>]) -> Result<(), String> {
        for part in parts {
            let end = part.start.saturating_add(part.tokens.len());
            if part.tokens.is_empty() {
                return Err("a part of the step has no tokens".to_owned());
            }
            if end > self.shape.context {
                return Err(format!("position {end} is beyond the context of {}", self.shape.context));
            }
            if part.table.len() * BLOCK < end {
                return Err(format!("{} blocks do not cover {end} positions", part.table.len()));
            }
            if let Some(block) = part.table.iter().find(|block| **block as usize >= self.memory.blocks()) {
                return Err(format!("there is no block {block}"));
            }
            if let Some(token) = part.tokens.iter().find(|token| **token as usize >= self.vocabulary()) {
                return Err(format!("there is no token {token}"));
            }
        }
        Ok(())
    }
}

impl Forward for Model {
    fn vocabulary(&self) -> usize {
        self.weights.embedding.rows()
    }

    fn context(&self) -> usize {
        self.shape.context
    }

    fn blocks(&self) -> usize {
        self.memory.blocks()
    }

    fn cost(&self) -> Cost {
        self.weights.cost()
    }

    fn step(&mut self, parts: &[Part<'_>], logits: &mut Vec<f32>) -> Result<(), String> {
        logits.clear();
        self.check(parts)?;
        self.compute(parts, logits);
        Ok(())
    }

    fn erase(&mut self, blocks: &[u32]) {
        self.memory.erase(blocks);
    }

    fn erase_all(&mut self) {
        self.memory.erase_all();
    }

    fn is_sound(&self, block: u32) -> bool {
        self.memory.is_sound(block)
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
