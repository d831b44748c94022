//! How keys and values lie in memory, for those who write them, attend to them, or check the kernels.

/// Tokens in a block of the cache.
pub(super) const BLOCK: usize = 16;

/// The heads of an attention layer. Keys and values are f16 bits, per layer: `[block][kv_head][16 tokens][dim]`.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_field_names)] // The model files call them so.
pub(in super::super) struct Heads {
    /// Heads of the query, a multiple of `kv_heads`.
    pub(in super::super) heads: usize,
    /// Heads of keys and values.
    pub(in super::super) kv_heads: usize,
    /// Values in a head.
    pub(in super::super) dim: usize,
}

impl Heads {
    /// Where the first token of a block's head begins.
    pub(super) fn offset(&self, block: u32, kv_head: usize) -> usize {
        (block as usize * self.kv_heads + kv_head) * BLOCK * self.dim
    }
}

/// One sequence's tokens in the cache of a layer.
pub(super) struct SequenceKv<'a> {
    pub(super) keys: &'a [u16],
    pub(super) values: &'a [u16],
    /// Exactly the blocks that hold `length` tokens.
    pub(super) table: &'a [u32],
    pub(super) length: usize,
}
