//! The float operations of a step on all of its rows, shared out where there is enough of them.
#![allow(unsafe_code)] // Several threads write into one buffer.

use std::ops::Range;

use super::backend::{Backend, dispatch};
use super::pool::{Pieces, Pool};
use super::scalar;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Values that one thread takes at once: some ten microseconds of the slowest of these operations.
const SHARE: usize = 16 << 10;

/// How the two numbers of a rotated pair lie in a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Rotation {
    /// Beside one another.
    Interleaved,
    /// Half a head apart.
    Halves,
}

/// `out = x / √(mean(x²) + ε) · weight`, for each row as wide as `weight`.
///
/// # Panics
/// When `x` and `out` are not as many rows.
pub(in super::super) fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32], pool: &Pool) {
    let width = weight.len();
    assert!(x.len() == out.len() && x.len().is_multiple_of(width), "whole rows");
    let out = Pieces::new(out);
    share(x.len(), width, pool, |range| {
        // SAFETY: the ranges do not overlap.
        let own = unsafe { out.piece(range.start, range.len()) };
        for (x, out) in x[range].chunks_exact(width).zip(own.chunks_exact_mut(width)) {
            dispatch!(Backend::best(), rms_norm(x, weight, epsilon, out));
        }
    });
}

/// [`rms_norm`] in place of what was in `x`: here rows are heads.
pub(in super::super) fn rms_norm_heads(x: &mut [f32], weight: &[f32], epsilon: f32, head: &mut Vec<f32>) {
    for x in x.chunks_exact_mut(weight.len()) {
        head.clear();
        head.extend_from_slice(x);
        dispatch!(Backend::best(), rms_norm(head, weight, epsilon, x));
    }
}

/// `gate = silu(gate) · up`, with silu(x) = x / (1 + e⁻ˣ); both of one length.
pub(in super::super) fn silu_multiply(gate: &mut [f32], up: &[f32], pool: &Pool) {
    assert_eq!(gate.len(), up.len(), "one length");
    let gates = Pieces::new(gate);
    share(up.len(), 1, pool, |range| {
        // SAFETY: the ranges do not overlap.
        let gate = unsafe { gates.piece(range.start, range.len()) };
        dispatch!(Backend::best(), silu_multiply(gate, &up[range]));
    });
}

/// `x = x + y`; both of one length.
pub(in super::super) fn add(x: &mut [f32], y: &[f32], pool: &Pool) {
    assert_eq!(x.len(), y.len(), "one length");
    let xs = Pieces::new(x);
    share(y.len(), 1, pool, |range| {
        // SAFETY: the ranges do not overlap.
        let x = unsafe { xs.piece(range.start, range.len()) };
        dispatch!(Backend::best(), add(x, &y[range]));
    });
}

/// Adds `y` to each row of `x`.
pub(in super::super) fn add_to_each(x: &mut [f32], y: &[f32]) {
    for x in x.chunks_exact_mut(y.len()) {
        dispatch!(Backend::best(), add(x, y));
    }
}

/// Rotates the pairs of every head, `width` values in a row, by the row's cos_sin: cosine and sine for each pair of a head.
///
/// # Panics
/// When there are not as many rows of cos_sin as of values.
pub(in super::super) fn rotate(
    x: &mut [f32],
    width: usize,
    cos_sin: &[(f32, f32)],
    pairs: usize,
    rotation: Rotation,
    pool: &Pool,
) {
    let rows = x.len() / width;
    assert!(x.len() == rows * width && cos_sin.len() == rows * pairs, "cos_sin for each row");
    let xs = Pieces::new(x);
    share(rows * width, width, pool, |range| {
        let cos_sin = &cos_sin[range.start / width * pairs..range.end / width * pairs];
        // SAFETY: the ranges do not overlap.
        let x = unsafe { xs.piece(range.start, range.len()) };
        for (x, cos_sin) in x.chunks_exact_mut(width).zip(cos_sin.chunks_exact(pairs)) {
            match rotation {
                Rotation::Interleaved => dispatch!(Backend::best(), rotate_interleaved(x, cos_sin)),
                Rotation::Halves => dispatch!(Backend::best(), rotate_halves(x, cos_sin)),
            }
        }
    });
}

/// Calls `work` with ranges of `0..count` that end at multiples of `unit`.
fn share(count: usize, unit: usize, pool: &Pool, work: impl Fn(Range<usize>) + Sync) {
    let size = (SHARE / unit).max(1) * unit;
    pool.each(count.div_ceil(size), |index| work(index * size..count.min((index + 1) * size)));
}
