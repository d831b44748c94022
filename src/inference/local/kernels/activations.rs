//! The activations that a matrix is multiplied with: rows of f32, and their int8 quantisation in the order in which the kernels read
//! it.
#![allow(unsafe_code)] // Several threads write into one buffer.

use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::backend::{Backend, dispatch};
use super::panel::Panel;
use super::pool::{DisjointSlices, Pool};
use super::scalar;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Columns that one thread quantises at a time; a multiple of every group.
const CHUNK: usize = 1024;

/// How many values share one scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuantGroup {
    /// 32 values, for `Q8_0`, whose own blocks are as long.
    Block,
    /// 256 values, for `Q4_K` and `Q6_K`, whose super-blocks are as long, as llama.cpp does (`Q8_K`). Scales per 32 were tried
    /// on `Q4_K` with AVX-512 (2048 × 2048, one Zen 4 thread): 240 instead of 295 GOPS on 512 rows, 19 instead of 25 GB/s on
    /// one. A fifth is too much for what they would save: on the test model, activations per 256 add 15 % to the divergence that
    /// the weights' own rounding causes, per 32 they add 5 to 11 % (`model/quality_tests.rs`). Outliers make it worse.
    Super,
}

impl QuantGroup {
    pub(super) fn values(self) -> usize {
        match self {
            Self::Block => 32,
            Self::Super => 256,
        }
    }

    /// The number of columns, with the zeros that fill the last tile.
    fn padded(self, columns: usize) -> usize {
        match self {
            Self::Block => columns.next_multiple_of(64),
            Self::Super => columns.next_multiple_of(256),
        }
    }
}

/// `n` rows of f32. They are quantised when the first matrix reads them, and once for all matrices.
pub(in super::super) struct Activations {
    values: Vec<f32>,
    n: usize,
    columns: usize,
    by_block: OnceLock<Quantised>,
    by_super: OnceLock<Quantised>,
    /// Buffers of earlier rows, so that a step allocates nothing.
    spare: Mutex<Vec<Quantised>>,
    /// The group size that values are rounded with as they are written.
    #[cfg(test)]
    rounding: Option<usize>,
}

impl Activations {
    /// No rows.
    pub(in super::super) fn new() -> Self {
        Self {
            values: Vec::new(),
            n: 0,
            columns: 0,
            by_block: OnceLock::new(),
            by_super: OnceLock::new(),
            spare: Mutex::new(Vec::new()),
            #[cfg(test)]
            rounding: None,
        }
    }

    /// From now on, rounds what is written to int8 with one scale for `values` values: with weights in f32, that measures the error
    /// of a group size alone.
    #[cfg(test)]
    pub(in super::super) fn round(&mut self, values: Option<usize>) {
        self.rounding = values;
    }

    /// Replaces the rows by `n` rows of `columns` values, which `write` writes.
    pub(in super::super) fn fill(&mut self, n: usize, columns: usize, write: impl FnOnce(&mut [f32])) {
        (self.n, self.columns) = (n, columns);
        let spare = self.spare.get_mut().unwrap_or_else(PoisonError::into_inner);
        spare.extend(self.by_block.take().into_iter().chain(self.by_super.take()));
        self.values.resize(n * columns, 0.0);
        write(&mut self.values);
        #[cfg(test)]
        if let Some(length) = self.rounding {
            for block in self.values.chunks_mut(columns).flat_map(|row| row.chunks_mut(length)) {
                let mut codes = vec![0; block.len()];
                let scale = scalar::quantise(block, &mut codes);
                block.iter_mut().zip(codes).for_each(|(x, code)| *x = scale * f32::from(code));
            }
        }
    }

    /// The number of rows.
    pub(in super::super) fn len(&self) -> usize {
        self.n
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// The int8 quantisation with this group size.
    pub(super) fn quantised(&self, group: QuantGroup, backend: Backend, pool: &Pool) -> &Quantised {
        let cell = match group {
            QuantGroup::Block => &self.by_block,
            QuantGroup::Super => &self.by_super,
        };
        cell.get_or_init(|| {
            let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut quantised = spare.unwrap_or_default();
            quantised.fill(self, group, backend, pool);
            quantised
        })
    }
}

/// Rows in panels of the backend's width, the last one narrower. The layout within a panel of `w` rows is `[columns / 4][w][4]`.
#[derive(Default)]
pub(super) struct Quantised {
    n: usize,
    /// Including the zeros at the end.
    columns: usize,
    group: usize,
    /// Rows in a panel.
    panel: usize,
    codes: Vec<[i8; 4]>,
    /// `[columns / group][w]`.
    scales: Vec<f32>,
    /// Sums of 16 codes, two by two: `[columns / 32][w][2]`.
    sums16: Vec<[i16; 2]>,
    /// Sums of 32 codes, two by two: `[columns / 64][w][2]`.
    sums32: Vec<[i16; 2]>,
    /// -128 times the sum of 32 codes: `[columns / 32][w]`. It compensates for the 128 that `Q8_0` tiles add.
    offsets: Vec<i32>,
}

/// The part of a [`Quantised`] that one thread writes: some columns of a panel.
struct PanelColumns<'a> {
    codes: &'a mut [[i8; 4]],
    scales: &'a mut [f32],
    sums16: &'a mut [[i16; 2]],
    sums32: &'a mut [[i16; 2]],
    offsets: &'a mut [i32],
}

impl Quantised {
    /// The panel that begins with row `first`, a multiple of the backend's width.
    pub(super) fn panel(&self, first: usize) -> Panel<'_> {
        let width = self.panel.min(self.n - first);
        let part = |per: usize| first * (self.columns / per)..(first + width) * (self.columns / per);
        Panel {
            width,
            codes: &self.codes[part(4)],
            scales: &self.scales[part(self.group)],
            sums16: &self.sums16[part(32)],
            sums32: &self.sums32[part(64)],
            offsets: &self.offsets[part(32)],
        }
    }

    fn fill(&mut self, x: &Activations, group: QuantGroup, backend: Backend, pool: &Pool) {
        (self.n, self.columns) = (x.n, group.padded(x.columns));
        (self.group, self.panel) = (group.values(), backend.panel());
        let (n, columns, panel) = (self.n, self.columns, self.panel);
        self.codes.resize(n * columns / 4, [0; 4]);
        self.scales.resize(n * columns / self.group, 0.0);
        self.sums16.resize(n * columns / 32, [0; 2]);
        self.sums32.resize(n * columns / 64, [0; 2]);
        self.offsets.resize(n * columns / 32, 0);
        let (codes, scales) = (DisjointSlices::new(&mut self.codes), DisjointSlices::new(&mut self.scales));
        let (sums16, sums32) = (DisjointSlices::new(&mut self.sums16), DisjointSlices::new(&mut self.sums32));
        let offsets = DisjointSlices::new(&mut self.offsets);
        let chunks = columns.div_ceil(CHUNK);
        pool.each(n.div_ceil(panel) * chunks, |index| {
            let first = index / chunks * panel;
            let width = panel.min(n - first);
            let part = index % chunks * CHUNK..columns.min((index % chunks + 1) * CHUNK);
            let range = |per: usize| (first * (columns / per) + part.start / per * width, part.len() / per * width);
            // SAFETY: each index is one panel and one range of its columns, and a range of columns is contiguous within
            // a panel; so the ranges of two indices do not overlap.
            let mut own = unsafe {
                PanelColumns {
                    codes: slice_of(&codes, range(4)),
                    scales: slice_of(&scales, range(self.group)),
                    sums16: slice_of(&sums16, range(32)),
                    sums32: slice_of(&sums32, range(64)),
                    offsets: slice_of(&offsets, range(32)),
                }
            };
            for row in 0..width {
                own.fill(row, width, x.row(first + row), part.clone(), group, backend);
            }
        });
    }
}

/// # Safety
/// That of [`DisjointSlices::slice_mut`].
#[allow(clippy::mut_from_ref)] // As there.
unsafe fn slice_of<'a, T>(of: &'a DisjointSlices<'_, T>, (from, len): (usize, usize)) -> &'a mut [T] {
    // SAFETY: the caller's.
    unsafe { of.slice_mut(from, len) }
}

impl PanelColumns<'_> {
    /// Quantises the columns `part` of the row `row` of a panel of `width`; columns past the end of `x` are zero.
    fn fill(&mut self, row: usize, width: usize, x: &[f32], part: Range<usize>, group: QuantGroup, backend: Backend) {
        let mut codes = [0; 256];
        let length = group.values();
        for (block, start) in part.step_by(length).enumerate() {
            let mut padded = [0.0; 256];
            let there = x.get(start..).unwrap_or_default();
            let values = there.get(..length).unwrap_or_else(|| {
                padded[..there.len()].copy_from_slice(there);
                &padded[..length]
            });
            let codes = &mut codes[..length];
            self.scales[block * width + row] = quantise(backend, values, codes);
            self.interleave(row, width, block * length, codes);
        }
    }

    /// Interleaves the codes of one row from the column `column` on, and adds them up.
    fn interleave(&mut self, row: usize, width: usize, column: usize, codes: &[i8]) {
        for (quad, four) in codes.as_chunks::<4>().0.iter().enumerate() {
            self.codes[(column / 4 + quad) * width + row] = *four;
        }
        for (block, thirty_two) in codes.as_chunks::<32>().0.iter().enumerate() {
            // 32 · 127 fits.
            let sum = |half: &[i8]| half.iter().map(|&code| i16::from(code)).sum::<i16>();
            let (first, second) = (sum(&thirty_two[..16]), sum(&thirty_two[16..]));
            let at = column / 32 + block;
            self.sums16[at * width + row] = [first, second];
            self.sums32[at / 2 * width + row][at % 2] = first + second;
            self.offsets[at * width + row] = -128 * i32::from(first + second);
        }
    }
}

/// Codes and scale of one block: `x ≈ scale · code`, codes within ±127.
fn quantise(backend: Backend, x: &[f32], codes: &mut [i8]) -> f32 {
    dispatch!(backend, quantise(x, codes))
}
