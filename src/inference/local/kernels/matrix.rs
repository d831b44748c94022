//! A matrix of weights, and how its product is shared out.
#![allow(unsafe_code)] // Several threads write into one result.

use super::Sums;
use super::activations::{Activations, Grain, PANEL};
use super::backend::{Backend, dispatch};
use super::blocks::Kind;
use super::half::{bf16_to_f32, f16_to_f32};
use super::pool::{Pieces, Pool};
use super::scalar;
use super::tiles::{
    self, Floats, Halves, ROWS, Source, TileQ4K, TileQ6K, TileQ8, q4k_code, q6k_code, q6k_scale, q8_code,
};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Activations that stay in a core's second cache while rows of tiles pass by: half of the usual 1 MiB.
const RESIDENT: usize = 512 << 10;

/// Products of fewer multiplications are not worth waking a thread: some ten microseconds.
const ALONE: usize = 1 << 18;

/// Weights, `rows × columns`, packed in tiles of 16 rows.
pub(in super::super) struct Matrix {
    tiles: Tiles,
    rows: usize,
    columns: usize,
    backend: Backend,
}

enum Tiles {
    Q4K(Vec<TileQ4K>),
    Q6K(Vec<TileQ6K>),
    Q8(Vec<TileQ8>),
    F16(Vec<Halves>),
    Bf16(Vec<Halves>),
    F32(Vec<Floats>),
}

impl Matrix {
    /// Packs a tensor of a GGUF file: `bytes` are the file's, row after row. Any number of rows; the columns are a multiple
    /// of the type's block.
    ///
    /// # Errors
    /// One sentence when shape and length do not fit.
    pub(in super::super) fn pack(
        kind: Kind,
        bytes: &[u8],
        rows: usize,
        columns: usize,
        pool: &Pool,
    ) -> Result<Self, String> {
        Self::pack_for(Backend::best(), kind, bytes, rows, columns, pool)
    }

    /// [`Matrix::pack`] for a given backend; the layout is the same for all.
    pub(super) fn pack_for(
        backend: Backend,
        kind: Kind,
        bytes: &[u8],
        rows: usize,
        columns: usize,
        pool: &Pool,
    ) -> Result<Self, String> {
        if rows == 0 || columns == 0 || !columns.is_multiple_of(kind.block()) {
            return Err(format!(
                "{rows} × {columns} is no shape for {kind:?}, whose blocks have {} values",
                kind.block()
            ));
        }
        let (blocks, size) = (columns / kind.block(), kind.block_bytes());
        let expected = rows.checked_mul(blocks).and_then(|blocks| blocks.checked_mul(size));
        if expected != Some(bytes.len()) {
            return Err(format!("{rows} × {columns} of {kind:?} are not {} bytes", bytes.len()));
        }
        let source = Source { bytes, rows, blocks, size };
        let count = rows.div_ceil(ROWS);
        let tiles = match kind {
            Kind::Q4K => Tiles::Q4K(tiles::fill(count, blocks, pool, |t, b| source.q4k(t, b))),
            Kind::Q6K => Tiles::Q6K(tiles::fill(count, blocks, pool, |t, b| source.q6k(t, b))),
            Kind::Q8_0 => Tiles::Q8(tiles::fill(count, blocks.div_ceil(2), pool, |t, b| source.q8(t, b))),
            Kind::F16 => Tiles::F16(tiles::fill(count, blocks, pool, |t, b| source.halves(t, b))),
            Kind::Bf16 => Tiles::Bf16(tiles::fill(count, blocks, pool, |t, b| source.halves(t, b))),
            Kind::F32 => Tiles::F32(tiles::fill(count, blocks, pool, |t, b| source.floats(t, b))),
        };
        Ok(Self { tiles, rows, columns, backend })
    }

    /// The number of rows: outputs.
    pub(in super::super) fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns: inputs.
    #[cfg(test)]
    pub(in super::super) fn columns(&self) -> usize {
        self.columns
    }

    /// The memory held, in bytes.
    pub(in super::super) fn bytes(&self) -> usize {
        match &self.tiles {
            Tiles::Q4K(tiles) => size_of_val(&tiles[..]),
            Tiles::Q6K(tiles) => size_of_val(&tiles[..]),
            Tiles::Q8(tiles) => size_of_val(&tiles[..]),
            Tiles::F16(tiles) | Tiles::Bf16(tiles) => size_of_val(&tiles[..]),
            Tiles::F32(tiles) => size_of_val(&tiles[..]),
        }
    }

    /// `out[n][rows] = x[n][columns] · Wᵀ`, in place of what was in `out`.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub(in super::super) fn multiply(&self, x: &Activations, out: &mut [f32], pool: &Pool) {
        assert_eq!(x.columns(), self.columns, "as many columns of activations as of weights");
        assert_eq!(out.len(), x.len() * self.rows, "n × rows results");
        let count = self.rows.div_ceil(ROWS);
        let (backend, columns) = (self.backend, self.columns);
        let quantised = |grain| x.quantised(grain, backend, pool);
        match &self.tiles {
            Tiles::Q4K(tiles) => {
                let (x, each) = (quantised(Grain::Super), tiles.len() / count);
                self.sweep(out, pool, |t, m, sums| {
                    dispatch!(backend, q4k(&tiles[t * each..][..each], &x.panel(m), sums));
                });
            }
            Tiles::Q6K(tiles) => {
                let (x, each) = (quantised(Grain::Super), tiles.len() / count);
                self.sweep(out, pool, |t, m, sums| {
                    dispatch!(backend, q6k(&tiles[t * each..][..each], &x.panel(m), sums));
                });
            }
            Tiles::Q8(tiles) => {
                let (x, each) = (quantised(Grain::Block), tiles.len() / count);
                self.sweep(out, pool, |t, m, sums| {
                    dispatch!(backend, q8(&tiles[t * each..][..each], &x.panel(m), sums));
                });
            }
            Tiles::F16(tiles) => self.sweep(out, pool, |t, m, sums| {
                with_rows(x, m, backend, |rows| {
                    dispatch!(backend, half_panel(&tiles[t * columns..][..columns], rows, sums));
                });
            }),
            Tiles::Bf16(tiles) => self.sweep(out, pool, |t, m, sums| {
                with_rows(x, m, backend, |rows| {
                    dispatch!(backend, bf16_panel(&tiles[t * columns..][..columns], rows, sums));
                });
            }),
            Tiles::F32(tiles) => self.sweep(out, pool, |t, m, sums| {
                with_rows(x, m, backend, |rows| {
                    dispatch!(backend, float_panel(&tiles[t * columns..][..columns], rows, sums));
                });
            }),
        }
    }

    /// Calls `kernel(row of tiles, first row of a panel, result)` for every pair of them, shared out over the pool: as many
    /// panels as fit the second cache, then a few rows of tiles past all of these.
    fn sweep(&self, out: &mut [f32], pool: &Pool, kernel: impl Fn(usize, usize, &mut Sums) + Sync) {
        let (rows, n) = (self.rows, out.len() / self.rows);
        let count = rows.div_ceil(ROWS);
        let panel = self.backend.panel();
        let resident = (RESIDENT / self.columns / panel).max(1) * panel;
        let share = if n <= PANEL { count.div_ceil(pool.threads() * 4).clamp(1, 64) } else { 4 };
        let shares = count.div_ceil(share);
        let results = Pieces::new(out);
        let work = |index: usize| {
            let panels = index / shares * resident..n.min((index / shares + 1) * resident);
            let tiles = index % shares * share..count.min((index % shares + 1) * share);
            let mut sums = [[0.0; ROWS]; PANEL];
            for tile in tiles {
                let wide = ROWS.min(rows - tile * ROWS);
                for first in panels.clone().step_by(panel) {
                    kernel(tile, first, &mut sums);
                    for (row, sums) in (first..n).zip(&sums[..panel]) {
                        // SAFETY: each index has its own rows of tiles and panels: no other thread writes to these places.
                        let place = unsafe { results.piece(row * rows + tile * ROWS, wide) };
                        place.copy_from_slice(&sums[..wide]);
                    }
                }
            }
        };
        let indices = n.div_ceil(resident) * shares;
        if n * rows * self.columns < ALONE {
            (0..indices).for_each(work);
        } else {
            pool.each(indices, work);
        }
    }

    /// One row as f32, for embeddings.
    ///
    /// # Panics
    /// When there is no such row, or `out` is not a row long.
    pub(in super::super) fn row(&self, index: usize, out: &mut [f32]) {
        assert!(index < self.rows && out.len() == self.columns, "one of the rows, a row long");
        let (tile, row) = (index / ROWS, index % ROWS);
        let count = self.rows.div_ceil(ROWS);
        let value = |column: usize| match &self.tiles {
            Tiles::Q4K(tiles) => {
                let (tile, at) = (&tiles[tile * (tiles.len() / count) + column / 256], column % 256);
                let (part, code) = (at / 32, q4k_code(tile, row, at));
                let scale = f16_to_f32(tile.scale[row]) * f32::from(tile.scales[part][row]);
                let minimum = f32::from(tile.minima[part / 2][row * 2 + part % 2]);
                scale * f32::from(code) - f16_to_f32(tile.minimum[row]) * minimum
            }
            Tiles::Q6K(tiles) => {
                let (tile, at) = (&tiles[tile * (tiles.len() / count) + column / 256], column % 256);
                let scale = f32::from(q6k_scale(tile, row, at));
                f16_to_f32(tile.scale[row]) * scale * (f32::from(q6k_code(tile, row, at)) - 32.0)
            }
            Tiles::Q8(tiles) => {
                let (tile, at) = (&tiles[tile * (tiles.len() / count) + column / 64], column % 64);
                f16_to_f32(tile.scale[at / 32][row]) * f32::from(q8_code(tile, row, at))
            }
            Tiles::F16(tiles) => f16_to_f32(tiles[tile * self.columns + column].0[row]),
            Tiles::Bf16(tiles) => bf16_to_f32(tiles[tile * self.columns + column].0[row]),
            Tiles::F32(tiles) => tiles[tile * self.columns + column].0[row],
        };
        for (column, out) in out.iter_mut().enumerate() {
            *out = value(column);
        }
    }
}

/// Calls `work` with the rows of the panel that begins at `first`.
fn with_rows(x: &Activations, first: usize, backend: Backend, work: impl FnOnce(&[&[f32]])) {
    let width = backend.panel().min(x.len() - first);
    let rows: [&[f32]; PANEL] = std::array::from_fn(|i| if i < width { x.row(first + i) } else { &[] });
    work(&rows[..width]);
}
