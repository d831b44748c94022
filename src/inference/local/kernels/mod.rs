//! The arithmetic of the local engine: packed weights, their products with activations, attention, and the threads.
//!
//! Decoding is bound by the bytes read per weight, reading a prompt by int8 arithmetic. Both decide the layout: tiles of 16
//! rows in the file's own bits (`tiles`), activations in int8 in panels of up to 12 rows (`activations`). `scalar` is the
//! reference; `avx2`, `avx512` (int8) and `vector` (f32, over `simd`) are held against it, and `backend` chooses at run time.
//! `matrix` and `attention` are what a forward pass calls, `pool` shares the work out.
//!
//! `unsafe` stays within this folder, and only where a file says why.

mod activations;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod backend;
mod blocks;
mod half;
mod matrix;
mod pool;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod simd;
#[cfg(test)]
mod tests;
mod tiles;
#[cfg(target_arch = "x86_64")]
mod vector;

pub(super) use self::activations::Activations;
pub(super) use self::attention::{Heads, attend, store};
pub(super) use self::blocks::Kind;
pub(super) use self::matrix::Matrix;
pub(super) use self::pool::Pool;

use self::backend::{Backend, dispatch};

/// What a kernel computes at once: for each row of a panel, its products with 16 rows of weights.
type Sums = [[f32; tiles::ROWS]; activations::PANEL];

/// `out = x / √(mean(x²) + ε) · weight`; all of one length.
pub(super) fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    assert!(x.len() == weight.len() && x.len() == out.len(), "one length");
    dispatch!(Backend::best(), rms_norm(x, weight, epsilon, out));
}

/// `gate = silu(gate) · up`, with silu(x) = x / (1 + e⁻ˣ); both of one length.
pub(super) fn silu_multiply(gate: &mut [f32], up: &[f32]) {
    assert_eq!(gate.len(), up.len(), "one length");
    dispatch!(Backend::best(), silu_multiply(gate, up));
}

/// `x = x + y`; both of one length.
pub(super) fn add(x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len(), "one length");
    dispatch!(Backend::best(), add(x, y));
}
