//! The float operations on all rows of a step, in parallel where there are enough values.
#![allow(unsafe_code)] // Several threads write into one buffer.

use std::ops::Range;

use super::backend::{Backend, dispatch};
use super::pool::{DisjointSlices, Pool};
use super::scalar;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Values that one thread takes at once: some ten microseconds of the slowest of these operations.
const CHUNK: usize = 16 << 10;

/// Where the two values of a rotated pair are in a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Rotation {
    /// Side by side (GPT-J style).
    Interleaved,
    /// Half a head apart (`NeoX` style).
    Halves,
}

/// `out = x / √(mean(x²) + ε) · weight`, for each row as wide as `weight`.
///
/// # Panics
/// When `x` and `out` do not have the same number of rows.
pub(in super::super) fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32], pool: &Pool) {
    let width = weight.len();
    assert!(x.len() == out.len() && x.len().is_multiple_of(width), "whole rows");
    let out = DisjointSlices::new(out);
    for_each_chunk(x.len(), width, pool, |range| {
        // SAFETY: the ranges do not overlap.
        let own = unsafe { out.slice_mut(range.start, range.len()) };
        for (x, out) in x[range].chunks_exact(width).zip(own.chunks_exact_mut(width)) {
            dispatch!(Backend::best(), rms_norm(x, weight, epsilon, out));
        }
    });
}

/// [`rms_norm`] in place, where each row is a head.
pub(in super::super) fn rms_norm_heads(x: &mut [f32], weight: &[f32], epsilon: f32, head: &mut Vec<f32>) {
    for x in x.chunks_exact_mut(weight.len()) {
        head.clear();
        head.extend_from_slice(x);
        dispatch!(Backend::best(), rms_norm(head, weight, epsilon, x));
    }
}

/// `gate = silu(gate) · up`, with silu(x) = x / (1 + e⁻ˣ); both of the same length.
pub(in super::super) fn silu_multiply(gate: &mut [f32], up: &[f32], pool: &Pool) {
    assert_eq!(gate.len(), up.len(), "one length");
    let gates = DisjointSlices::new(gate);
    for_each_chunk(up.len(), 1, pool, |range| {
        // SAFETY: the ranges do not overlap.
        let gate = unsafe { gates.slice_mut(range.start, range.len()) };
        dispatch!(Backend::best(), silu_multiply(gate, &up[range]));
    });
}

/// `x = x + y`; both of the same length.
pub(in super::super) fn add(x: &mut [f32], y: &[f32], pool: &Pool) {
    assert_eq!(x.len(), y.len(), "one length");
    let xs = DisjointSlices::new(x);
    for_each_chunk(y.len(), 1, pool, |range| {
        // SAFETY: the ranges do not overlap.
        let x = unsafe { xs.slice_mut(range.start, range.len()) };
        dispatch!(Backend::best(), add(x, &y[range]));
    });
}

/// Adds `y` to each row of `x`.
pub(in super::super) fn add_to_each(x: &mut [f32], y: &[f32]) {
    for x in x.chunks_exact_mut(y.len()) {
        dispatch!(Backend::best(), add(x, y));
    }
}

/// `x = gelu(x + bias)`, for each row as wide as `bias`.
pub(in super::super) fn add_bias_gelu(x: &mut [f32], bias: &[f32], pool: &Pool) {
    for_each_row(x, bias.len(), pool, |_, row| {
        dispatch!(Backend::best(), add(row, bias));
        dispatch!(Backend::best(), gelu(row));
    });
}

/// Weight and bias of a layer norm, and its ε.
pub(in super::super) struct LayerNorm {
    pub(in super::super) weight: Vec<f32>,
    pub(in super::super) bias: Vec<f32>,
    pub(in super::super) epsilon: f32,
}

/// `x = norm(x + bias + residual)`, for each row as wide as the norm.
///
/// # Panics
/// When `x` and `residual` do not have the same number of rows.
pub(in super::super) fn add_layer_norm(x: &mut [f32], bias: &[f32], residual: &[f32], norm: &LayerNorm, pool: &Pool) {
    assert_eq!(x.len(), residual.len(), "one length");
    for_each_row(x, norm.weight.len(), pool, |start, row| {
        dispatch!(Backend::best(), add(row, bias));
        dispatch!(Backend::best(), add(row, &residual[start..start + row.len()]));
        dispatch!(Backend::best(), layer_norm(row, &norm.weight, &norm.bias, norm.epsilon));
    });
}

/// Calls `work` with each row of `x`, and where it begins.
fn for_each_row(x: &mut [f32], width: usize, pool: &Pool, work: impl Fn(usize, &mut [f32]) + Sync) {
    let count = x.len();
    assert!(count.is_multiple_of(width), "whole rows");
    let xs = DisjointSlices::new(x);
    for_each_chunk(count, width, pool, |range| {
        for start in range.step_by(width) {
            // SAFETY: the ranges do not overlap, nor do the rows of one.
            work(start, unsafe { xs.slice_mut(start, width) });
        }
    });
}

/// Rotates the pairs of every head, `width` values in a row, by cosine and sine for each pair of a head.
///
/// # Panics
/// When `cos_sin` does not have as many rows as `x`.
pub(in super::super) fn rotate(
    x: &mut [f32],
    width: usize,
    cos_sin: &[(f32, f32)],
    pairs: usize,
    rotation: Rotation,
    pool: &Pool,
) {
    let rows = x.len() / width;
    assert!(x.len() == rows * width && cos_sin.len() == rows * pairs, "cosines and sines for each row");
    let xs = DisjointSlices::new(x);
    for_each_chunk(rows * width, width, pool, |range| {
        let cos_sin = &cos_sin[range.start / width * pairs..range.end / width * pairs];
        // SAFETY: the ranges do not overlap.
        let x = unsafe { xs.slice_mut(range.start, range.len()) };
        for (x, cos_sin) in x.chunks_exact_mut(width).zip(cos_sin.chunks_exact(pairs)) {
            match rotation {
                Rotation::Interleaved => dispatch!(Backend::best(), rotate_interleaved(x, cos_sin)),
                Rotation::Halves => dispatch!(Backend::best(), rotate_halves(x, cos_sin)),
            }
        }
    });
}

/// Calls `work` with ranges of `0..count` that end at multiples of `unit`.
fn for_each_chunk(count: usize, unit: usize, pool: &Pool, work: impl Fn(Range<usize>) + Sync) {
    let size = (CHUNK / unit).max(1) * unit;
    pool.each(count.div_ceil(size), |index| work(index * size..count.min((index + 1) * size)));
}
