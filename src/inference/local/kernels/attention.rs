//! Attention of one query row over cached keys and values.
//!
//! The query heads that share a key-value head go together, so that each key and each value is read and widened once.

use super::backend::{Backend, dispatch};
use super::scalar;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Tokens in a block of the cache.
const BLOCK: usize = 16;

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
    pub(super) fn place(&self, block: u32, kv_head: usize) -> usize {
        (block as usize * self.kv_heads + kv_head) * BLOCK * self.dim
    }
}

/// Writes the keys or the values of one token (`kv_heads × dim`) into its slot of a block.
///
/// # Panics
/// When the slot is not one of 16, or the cache has no such block.
pub(in super::super) fn store(cache: &mut [u16], heads: &Heads, block: u32, slot: usize, x: &[f32]) {
    assert!(slot < BLOCK && x.len() == heads.kv_heads * heads.dim, "one token in one of 16 slots");
    for (kv_head, x) in x.chunks_exact(heads.dim).enumerate() {
        let out = &mut cache[heads.place(block, kv_head) + slot * heads.dim..][..heads.dim];
        dispatch!(Backend::best(), narrow(x, out));
    }
}

/// One query row (`heads × dim`) over the `length` tokens whose blocks are in `table`: softmax(q·k·scale)·v, into `out`.
/// `scratch` keeps its memory from call to call.
///
/// # Panics
/// When the table has not enough blocks, or a slice not its size.
#[allow(clippy::too_many_arguments)] // The shape of a layer, its two caches and two buffers: a struct would be made and taken apart at each call.
pub(in super::super) fn attend(
    query: &[f32],
    keys: &[u16],
    values: &[u16],
    table: &[u32],
    length: usize,
    heads: &Heads,
    scale: f32,
    scratch: &mut Vec<f32>,
    out: &mut [f32],
) {
    let cache = Cache { keys, values, table: &table[..length.div_ceil(BLOCK)], length };
    attend_with(Backend::best(), query, &cache, heads, scale, scratch, out);
}

/// One sequence's tokens in the cache of a layer.
pub(super) struct Cache<'a> {
    pub(super) keys: &'a [u16],
    pub(super) values: &'a [u16],
    /// Exactly the blocks that hold `length` tokens.
    pub(super) table: &'a [u32],
    pub(super) length: usize,
}

/// [`attend`] on a given backend.
pub(super) fn attend_with(
    backend: Backend,
    query: &[f32],
    cache: &Cache<'_>,
    heads: &Heads,
    scale: f32,
    scratch: &mut Vec<f32>,
    out: &mut [f32],
) {
    assert!(query.len() == heads.heads * heads.dim && out.len() == query.len(), "heads × dim values");
    assert!(heads.heads.is_multiple_of(heads.kv_heads), "each key-value head has as many query heads");
    match backend {
        Backend::Scalar => scalar::attend(query, cache, heads, scale, scratch, out),
        #[cfg(target_arch = "x86_64")]
        Backend::Avx2(_) | Backend::Avx512(_) => in_vectors(backend, query, cache, heads, scale, scratch, out),
    }
}

/// Chooses the vector kernel; only called with a backend that has one.
#[cfg(target_arch = "x86_64")]
macro_rules! on {
    ($backend:ident, $name:ident($($argument:expr),*)) => {
        match $backend {
            Backend::Avx2(proof) => avx2::$name(proof, $($argument),*),
            Backend::Avx512(proof) => avx512::$name(proof, $($argument),*),
            Backend::Scalar => unreachable!("the scalar backend has its own attention"),
        }
    };
}

#[cfg(target_arch = "x86_64")]
fn in_vectors(
    backend: Backend,
    query: &[f32],
    cache: &Cache<'_>,
    heads: &Heads,
    scale: f32,
    scratch: &mut Vec<f32>,
    out: &mut [f32],
) {
    let (dim, group) = (heads.dim, heads.heads / heads.kv_heads);
    let pieces = dim.div_ceil(16);
    let padded = pieces * 16;
    let stride = cache.table.len() * BLOCK;
    scratch.clear();
    scratch.resize(group * stride + BLOCK * padded + 2 * group * padded + group, 0.0);
    let (scores, rest) = scratch.split_at_mut(group * stride);
    let (block, rest) = rest.split_at_mut(BLOCK * padded);
    let (queries, rest) = rest.split_at_mut(group * padded);
    let (sums, totals) = rest.split_at_mut(group * padded);
    if cache.length == 0 {
        out.fill(0.0);
        return;
    }
    for kv_head in 0..heads.kv_heads {
        let own = kv_head * group * dim..(kv_head + 1) * group * dim;
        for (to, from) in queries.chunks_exact_mut(padded).zip(query[own.clone()].chunks_exact(dim)) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = from * scale;
            }
        }
        // Only the tokens there are: what lies behind them in the last block may be anything, even not a number.
        let tokens = |index: usize| {
            let start = cache.table.get(index).map_or(0, |&block| heads.place(block, kv_head));
            start..start + cache.length.saturating_sub(index * BLOCK).min(BLOCK) * dim
        };
        for index in 0..cache.table.len() {
            let (own, next) = (&cache.keys[tokens(index)], &cache.keys[tokens(index + 1)]);
            on!(backend, widen(own, next, dim, pieces, block));
            on!(backend, scores(queries, block, pieces, &mut scores[index * BLOCK..], stride));
        }
        sums.fill(0.0);
        for (scores, total) in scores.chunks_exact_mut(stride).zip(totals.iter_mut()) {
            *total = on!(backend, soften(scores, cache.length));
        }
        for index in 0..cache.table.len() {
            let (own, next) = (&cache.values[tokens(index)], &cache.values[tokens(index + 1)]);
            on!(backend, widen(own, next, dim, pieces, block));
            on!(backend, gather(&scores[index * BLOCK..], stride, block, pieces, sums));
        }
        for ((to, from), total) in out[own].chunks_exact_mut(dim).zip(sums.chunks_exact(padded)).zip(&*totals) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = from / total;
            }
        }
    }
}
