//! What a matrix kernel takes and returns at once: a panel of rows of activations, and their products with a tile of weights.

use super::tiles::ROWS;

/// Rows of activations that a kernel holds in registers at once, at most; see `Backend::panel`.
pub(super) const PANEL: usize = 12;

/// [`PANEL`] for AVX2, which has half as many registers of half the width.
#[cfg(target_arch = "x86_64")]
pub(super) const AVX2_PANEL: usize = 4;

/// The rows that a kernel takes at once.
pub(super) struct Panel<'a> {
    pub(super) width: usize,
    pub(super) codes: &'a [[i8; 4]],
    pub(super) scales: &'a [f32],
    pub(super) sums16: &'a [[i16; 2]],
    pub(super) sums32: &'a [[i16; 2]],
    pub(super) offsets: &'a [i32],
}

/// The result of a kernel: for each row of a panel, its products with 16 rows of weights.
pub(super) type Sums = [[f32; ROWS]; PANEL];
