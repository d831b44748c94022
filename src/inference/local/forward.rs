//! The seam between the scheduler and the models that compute.

/// Tokens in one block of keys and values.
pub(super) const BLOCK: usize = 16;

/// One sequence's share of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// The tokens to compute; at least one.
    pub tokens: &'a [u32],
    /// The position of the first of them.
    pub start: usize,
    /// The sequence's blocks, which cover `start + tokens.len()` positions.
    pub table: &'a [u32],
    /// Whether the logits of the last token are wanted.
    pub logits: bool,
}

/// What a model's weights cost, by their number: keys and values come on top.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Bytes of weights read for a step that writes.
    pub bytes: usize,
    /// Multiplications and additions for each token that is read and not answered.
    pub operations: usize,
}

/// A model that computes; it holds the memory of keys and values, the scheduler says which blocks are whose.
pub(super) trait Forward: Send {
    /// The number of tokens in the vocabulary.
    fn vocabulary(&self) -> usize;

    /// The positions the model was made for, within the configuration.
    fn context(&self) -> usize;

    /// The blocks of keys and values within the memory budget.
    fn blocks(&self) -> usize;

    /// Computes all parts in one pass. `logits` is cleared, then holds `vocabulary` values per part that wants them, in order.
    fn step(&mut self, parts: &[Part<'_>], logits: &mut Vec<f32>) -> Result<(), String>;

    /// Overwrites what blocks hold: nobody will read it any more.
    fn erase(&mut self, blocks: &[u32]);

    /// Overwrites what all blocks hold.
    fn erase_all(&mut self);

    /// Whether the keys and values of a block are all numbers.
    fn is_sound(&self, _block: u32) -> bool {
        true
    }

    /// What its weights cost; nothing where it is not known.
    fn cost(&self) -> Cost {
        Cost::default()
    }

    /// Whether it computes several sequences together, and finds what it computed by the tables alone. Otherwise it is given one
    /// sequence at a time, from its first position to its end, and no block of another.
    fn batches(&self) -> bool {
        true
    }
}
