//! The trait between the scheduler, which decides what is computed, and the models that compute it.

/// Tokens in one KV block.
pub(super) const BLOCK: usize = 16;

/// A `LoRA` adapter, by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct AdapterId(pub u32);

impl AdapterId {
    /// The model without an adapter.
    pub(super) const BASE: Self = Self(0);
}

/// What a step returns for a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// The logits of its last token.
    Logits,
    /// The final hidden state of each of its tokens, after the last norm.
    Hidden,
}

/// The part of one sequence that a step computes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SequenceSlice<'a> {
    /// The tokens to compute; at least one.
    pub tokens: &'a [u32],
    /// The position of the first of them.
    pub start: usize,
    /// The sequence's KV blocks, which cover `start + tokens.len()` positions.
    pub block_table: &'a [u32],
    /// The adapter to compute with.
    pub adapter: AdapterId,
    /// What is returned; nothing while more of the prompt follows.
    pub output: Option<Output>,
}

/// The results of a step, in the order of its slices. The buffers are reused from step to step.
#[derive(Debug, Default)]
pub(super) struct StepOutput {
    /// `vocabulary` values for each slice with [`Output::Logits`].
    pub logits: Vec<f32>,
    /// `hidden` values for each token of each slice with [`Output::Hidden`].
    pub hidden: Vec<f32>,
}

impl StepOutput {
    /// Forgets the results of the step before.
    pub(super) fn clear(&mut self) {
        self.logits.clear();
        self.hidden.clear();
    }
}

/// What fits into a step, and into the memory for keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchLimits {
    /// Positions of one sequence, within the configuration.
    pub context: usize,
    /// KV blocks within the memory budget.
    pub blocks: usize,
    /// Sequences that may be computed together.
    pub sequences: usize,
    /// Whether keys and values are addressed by the block table alone, so that sequences may alternate and share blocks. A model
    /// without that is given one sequence from its first position to its end, and no block that another sequence has computed.
    pub paged: bool,
    /// Tokens of a step in which a sequence decodes: the more, the longer it waits for its next token.
    pub decode_step: usize,
    /// Tokens of a step that only prefills.
    pub prefill_step: usize,
}

/// What a model's weights cost, by their number: keys and values come on top.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Bytes of weights read by a decode step.
    pub bytes: usize,
    /// Multiplications and additions for each token of a prefill.
    pub operations: usize,
}

/// A model that computes. It owns the memory for keys and values; the scheduler decides which blocks belong to which sequence.
pub(super) trait Forward: Send {
    /// The number of tokens in the vocabulary.
    fn vocabulary(&self) -> usize;

    /// The number of values in a hidden state; `None` for a model that returns logits only.
    fn hidden(&self) -> Option<usize>;

    /// What fits into a step and into memory.
    fn limits(&self) -> BatchLimits;

    /// Computes all slices in one pass. `out` is cleared first. The error is one sentence for logs.
    fn step(&mut self, slices: &[SequenceSlice<'_>], out: &mut StepOutput) -> Result<(), String>;

    /// Overwrites the contents of blocks that no sequence will read again.
    fn erase(&mut self, blocks: &[u32]);

    /// Overwrites the contents of all blocks.
    fn erase_all(&mut self);

    /// Whether all keys and values of a block are finite.
    fn is_finite(&self, _block: u32) -> bool {
        true
    }

    /// What the weights cost; zeros where it is not known.
    fn cost(&self) -> Cost {
        Cost::default()
    }
}
