//! A step of the scheduler on a model: its limits, and the checks before the forward pass.

use super::super::forward::{AdapterId, BLOCK, BatchLimits, Cost, Forward, SequenceSlice, StepOutput};
use super::decoder::Model;

/// Tokens of a step in which a sequence decodes: enough for the arithmetic to be fast, few enough for the next token not to be late. A
/// multiple of the twelve rows that the kernels take at once.
const DECODE_STEP: usize = 60;

/// Tokens of a step that only prefills: no sequence waits for a token, and the weights are read half as often.
const PREFILL_STEP: usize = 2 * DECODE_STEP;

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

impl Model {
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
