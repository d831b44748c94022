//! The layout of keys and values in memory.

/// Tokens in a KV block.
pub(super) const BLOCK: usize = 16;

/// The heads of an attention layer. Keys and values are f16 bits, per layer: `[block][kv_head][16 tokens][dim]`.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_field_names)] // The names of the model files.
pub(in super::super) struct Heads {
    /// Heads of the query, a multiple of `kv_heads`.
    pub(in super::super) heads: usize,
    /// Heads of keys and values.
    pub(in super::super) kv_heads: usize,
    /// Values in a head.
    pub(in super::super) dim: usize,
}

impl Heads {
    /// The index of the first value of a head in a block.
    pub(super) fn offset(&self, block: u32, kv_head: usize) -> usize {
        (block as usize * self.kv_heads + kv_head) * BLOCK * self.dim
    }
}

/// The keys and values of one sequence in a layer.
pub(super) struct SequenceKv<'a> {
    pub(super) keys: &'a [u16],
    pub(super) values: &'a [u16],
    /// Its KV blocks, exactly as many as `length` tokens need.
    pub(super) table: &'a [u32],
    pub(super) length: usize,
}
