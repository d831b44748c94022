//! Attention of query rows over cached keys and values.
//!
//! Queries that read the same keys and values are computed together, so that these are read and converted to f32 once: the query heads
//! of one key-value head, and several successive rows of a prompt.
#![allow(unsafe_code)] // Several threads write into one result.

use std::cell::RefCell;

use super::backend::{Backend, dispatch};
use super::kv::{BLOCK, Heads, SequenceKv};
use super::pool::{DisjointSlices, Pool};
use super::scalar;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// The most queries of a tile: their scores and sums stay in the L1 and L2 caches.
const MAX_TILE_QUERIES: usize = 16;

/// The most scores of a tile with more than one row: half of the usual L2 cache.
const MAX_TILE_SCORES: usize = 128 << 10;

thread_local! {
    /// Scores, a block as f32, queries and sums: kept from step to step, so that nothing is allocated.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Heads {
    /// How many successive rows of a sequence of `length` tokens make a tile; at least one.
    pub(in super::super) fn tile_rows(&self, length: usize) -> usize {
        let group = self.heads / self.kv_heads;
        (MAX_TILE_QUERIES / group).min(MAX_TILE_SCORES / (group * length.next_multiple_of(BLOCK))).max(1)
    }
}

/// Writes the keys or the values of one token (`kv_heads × dim`) into its slot of a block.
///
/// # Panics
/// When the slot is not one of 16, or the cache has no such block.
pub(in super::super) fn write_kv(cache: &mut [u16], heads: &Heads, block: u32, slot: usize, x: &[f32]) {
    assert!(slot < BLOCK && x.len() == heads.kv_heads * heads.dim, "one token in one of 16 slots");
    for (kv_head, x) in x.chunks_exact(heads.dim).enumerate() {
        let out = &mut cache[heads.offset(block, kv_head) + slot * heads.dim..][..heads.dim];
        dispatch!(Backend::best(), to_f16(x, out));
    }
}

/// Successive rows of one sequence, which attention takes together.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct QueryTile {
    /// The first of the rows.
    pub(in super::super) first: usize,
    /// How many there are: see [`Heads::tile_rows`].
    pub(in super::super) count: usize,
    /// The tokens that the first of them attends to; each that follows attends to one more.
    pub(in super::super) length: usize,
    /// The sequence, by the caller's number.
    pub(in super::super) sequence: usize,
}

/// Keys and values of one layer.
#[derive(Clone, Copy)]
pub(in super::super) struct LayerKv<'a> {
    /// f16 bits, see [`Heads`].
    pub(in super::super) keys: &'a [u16],
    /// As `keys`.
    pub(in super::super) values: &'a [u16],
    /// Their shape.
    pub(in super::super) heads: Heads,
    /// The factor on scores before the softmax.
    pub(in super::super) scale: f32,
}

/// softmax(q·k·scale)·v of every row of `queries` (`[rows][heads × dim]`), at the same index of `out`. The tiles contain every
/// row once; `table` returns the block table of a sequence.
///
/// # Panics
/// When a block table is too short, or a slice does not have its size.
pub(in super::super) fn attend<'a>(
    layer: &LayerKv<'_>,
    queries: &[f32],
    tiles: &[QueryTile],
    table: impl Fn(usize) -> &'a [u32] + Sync,
    out: &mut [f32],
    pool: &Pool,
) {
    let Heads { heads, kv_heads, dim } = layer.heads;
    assert!(heads.is_multiple_of(kv_heads), "each key-value head has as many query heads");
    assert!(queries.len() == out.len() && queries.len().is_multiple_of(heads * dim), "heads × dim values in a row");
    let (row, own) = (heads * dim, heads / kv_heads * dim);
    let results = DisjointSlices::new(out);
    let work = |index: usize| {
        let (tile, kv_head) = (&tiles[index / kv_heads], index % kv_heads);
        let length = tile.length + tile.count - 1;
        let cache = SequenceKv {
            keys: layer.keys,
            values: layer.values,
            table: &table(tile.sequence)[..length.div_ceil(BLOCK)],
            length,
        };
        let offset = |at: usize| (tile.first + at) * row + kv_head * own;
        let task = HeadTask { heads: &layer.heads, kv_head, scale: layer.scale, count: tile.count };
        SCRATCH.with_borrow_mut(|scratch| {
            task.attend(
                Backend::best(),
                &cache,
                scratch,
                |at| &queries[offset(at)..offset(at) + own],
                // SAFETY: each index has its own rows, or its own heads of them: no other thread writes to this range.
                |at, values| unsafe { results.slice_mut(offset(at), own) }.copy_from_slice(values),
            );
        });
    };
    let multiplications = tiles.iter().map(|tile| 2 * tile.count * tile.length * row).sum();
    pool.each_of(tiles.len() * kv_heads, multiplications, work);
}

/// The queries of one key-value head in a tile; its last row attends to all tokens of the sequence.
pub(super) struct HeadTask<'a> {
    pub(super) heads: &'a Heads,
    pub(super) kv_head: usize,
    pub(super) scale: f32,
    pub(super) count: usize,
}

impl HeadTask<'_> {
    /// Computes the rows one after the other: `query` returns the queries of a row (`group × dim`), `emit` takes its result.
    pub(super) fn attend<'q>(
        &self,
        backend: Backend,
        cache: &SequenceKv<'_>,
        scratch: &mut Vec<f32>,
        query: impl Fn(usize) -> &'q [f32],
        mut emit: impl FnMut(usize, &[f32]),
    ) {
        match backend {
            Backend::Scalar => {
                let mut out = vec![0.0; self.heads.heads / self.heads.kv_heads * self.heads.dim];
                for at in 0..self.count {
                    let length = cache.length + 1 - self.count + at;
                    let cache = SequenceKv { table: &cache.table[..length.div_ceil(BLOCK)], length, ..*cache };
                    scalar::attend(query(at), &cache, self.heads, self.kv_head, self.scale, scratch, &mut out);
                    emit(at, &out);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2(_) | Backend::Avx512(_) => self.in_vectors(backend, cache, scratch, query, emit),
        }
    }
}

/// Calls the vector kernel of a backend that has one.
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
impl HeadTask<'_> {
    fn in_vectors<'q>(
        &self,
        backend: Backend,
        cache: &SequenceKv<'_>,
        scratch: &mut Vec<f32>,
        query: impl Fn(usize) -> &'q [f32],
        mut emit: impl FnMut(usize, &[f32]),
    ) {
        let (dim, group) = (self.heads.dim, self.heads.heads / self.heads.kv_heads);
        let (pieces, all) = (dim.div_ceil(16), self.count * group);
        let (padded, stride) = (pieces * 16, cache.table.len() * BLOCK);
        let size = all * stride + BLOCK * padded + 2 * all * padded + all + group * dim;
        // Everything but the sums and the ends of queries is written before it is read.
        if scratch.len() < size {
            scratch.resize(size, 0.0);
        }
        let (scores, rest) = scratch[..size].split_at_mut(all * stride);
        let (block, rest) = rest.split_at_mut(BLOCK * padded);
        let (queries, rest) = rest.split_at_mut(all * padded);
        let (sums, rest) = rest.split_at_mut(all * padded);
        let (totals, result) = rest.split_at_mut(all);
        queries.fill(0.0);
        sums.fill(0.0);
        for (at, queries) in queries.chunks_exact_mut(group * padded).enumerate() {
            for (to, from) in queries.chunks_exact_mut(padded).zip(query(at).chunks_exact(dim)) {
                for (to, from) in to.iter_mut().zip(from) {
                    *to = from * self.scale;
                }
            }
        }
        // Only the tokens of the sequence: the rest of the last block is uninitialised, and may be infinite or NaN.
        let tokens = |index: usize| {
            let start = cache.table.get(index).map_or(0, |&block| self.heads.offset(block, self.kv_head));
            start..start + cache.length.saturating_sub(index * BLOCK).min(BLOCK) * dim
        };
        for index in 0..cache.table.len() {
            let (own, next) = (&cache.keys[tokens(index)], &cache.keys[tokens(index + 1)]);
            on!(backend, kv_to_f32(own, next, dim, pieces, block));
            on!(backend, scores(queries, block, pieces, &mut scores[index * BLOCK..], stride));
        }
        // The tokens that the first row attends to.
        let first = cache.length + 1 - self.count;
        for (at, (scores, total)) in scores.chunks_exact_mut(stride).zip(totals.iter_mut()).enumerate() {
            *total = on!(backend, softmax(scores, first + at / group));
        }
        for index in 0..cache.table.len() {
            let (own, next) = (&cache.values[tokens(index)], &cache.values[tokens(index + 1)]);
            on!(backend, kv_to_f32(own, next, dim, pieces, block));
            let seen = first.saturating_sub(index * BLOCK);
            if seen >= BLOCK {
                on!(backend, weighted_sum(&scores[index * BLOCK..], stride, block, pieces, sums));
                continue;
            }
            // The tokens that the rows attend to end in this block, each row with one token more than the row before it.
            let scores = scores[index * BLOCK..].chunks(group * stride);
            for (at, (scores, sums)) in scores.zip(sums.chunks_exact_mut(group * padded)).enumerate() {
                let tokens = (first + at).saturating_sub(index * BLOCK).min(BLOCK);
                on!(backend, weighted_sum_of(scores, stride, tokens, block, pieces, sums));
            }
        }
        for (at, (sums, totals)) in sums.chunks_exact(group * padded).zip(totals.chunks_exact(group)).enumerate() {
            for ((to, from), total) in result.chunks_exact_mut(dim).zip(sums.chunks_exact(padded)).zip(totals) {
                for (to, from) in to.iter_mut().zip(from) {
                    *to = from / total;
                }
            }
            emit(at, result);
        }
    }
}
