//! The arithmetic of the local engine: packed weights, their products with activations, attention, and the thread pool.
//!
//! Decode is bound by memory bandwidth, prefill by int8 arithmetic. Both decide the layout: tiles of 16 rows of weights in the file's
//! own bits (`tiles`), activations in int8 in panels of up to 12 rows (`activations`, `panel`), keys and values in blocks (`kv`).
//! `scalar` is the reference; `avx2`, `avx512` (int8) and `vector` (f32, over `simd`) are tested against it, and `backend` chooses at run
//! time. A forward pass calls `matrix`, `attention` (or `bidirectional`) and `rows`; `pool` runs their work in parallel. `limits` measures what the machine
//! can do at most.
//!
//! `unsafe` is allowed in this folder only, and only where a file says why.

mod activations;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod backend;
mod bidirectional;
mod blocks;
mod half;
mod kv;
mod limits;
mod matrix;
mod panel;
mod pool;
mod rows;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod simd;
#[cfg(test)]
mod tests;
mod tiles;
#[cfg(target_arch = "x86_64")]
mod vector;

pub(super) use self::activations::Activations;
pub(super) use self::attention::{LayerKv, QueryTile, attend, write_kv};
pub(super) use self::bidirectional::{Projections, attend_all};
pub(super) use self::blocks::WeightType;
pub(super) use self::half::{bf16_to_f32, f16_to_f32, f32_to_f16};
pub(super) use self::kv::Heads;
pub use self::limits::Machine;
pub(super) use self::matrix::Matrix;
pub(super) use self::pool::Pool;
pub(super) use self::rows::{
    LayerNorm, Rotation, add, add_bias_gelu, add_layer_norm, add_to_each, rms_norm, rms_norm_heads, rotate,
    silu_multiply,
};
pub(super) use self::tiles::{LAYOUT, try_each};
