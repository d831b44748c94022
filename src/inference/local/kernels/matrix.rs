//! A matrix of weights, and how its product (GEMM, or GEMV for one row) is divided among the threads.
#![allow(unsafe_code)] // Several threads write into one result.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use super::activations::{Activations, QuantGroup};
use super::backend::{Backend, dispatch};
use super::blocks::WeightType;
use super::half::{bf16_to_f32, f16_to_f32};
use super::panel::{PANEL, Sums};
use super::pool::{DisjointSlices, Pool};
use super::scalar;
use super::tiles::{
    self, Floats, Halves, ROWS, TileQ4K, TileQ6K, TileQ8, TileShape, q4k_code, q6k_code, q6k_scale, q8_code,
};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Bytes of activations that stay in the L2 cache of a core while rows of tiles are read: half of the usual 1 MiB.
const RESIDENT: usize = 512 << 10;

/// The most panels of activations that a row of tiles is multiplied with at once.
const PANELS: usize = 16;

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

impl Tiles {
    #[allow(clippy::redundant_closure_for_method_calls)] // The methods are those of one lifetime, not of all.
    fn pack<'a>(
        kind: WeightType,
        shape: TileShape,
        pool: &Pool,
        read: &(impl Fn(Range<usize>) -> io::Result<Cow<'a, [u8]>> + Sync),
    ) -> io::Result<Self> {
        Ok(match kind {
            WeightType::Q4K => Self::Q4K(tiles::pack(shape, pool, read, |source, t, b| source.q4k(t, b))?),
            WeightType::Q6K => Self::Q6K(tiles::pack(shape, pool, read, |source, t, b| source.q6k(t, b))?),
            WeightType::Q8_0 => Self::Q8(tiles::pack(shape, pool, read, |source, t, b| source.q8(t, b))?),
            WeightType::F16 => Self::F16(tiles::pack(shape, pool, read, |source, t, b| source.halves(t, b))?),
            WeightType::Bf16 => Self::Bf16(tiles::pack(shape, pool, read, |source, t, b| source.halves(t, b))?),
            WeightType::F32 => Self::F32(tiles::pack(shape, pool, read, |source, t, b| source.floats(t, b))?),
        })
    }

    /// Tiles that were packed before: `read` fills the bytes of a piece.
    fn from_packed(
        kind: WeightType,
        shape: TileShape,
        pool: &Pool,
        piece: usize,
        read: &(impl Fn(usize, &mut [u8]) -> io::Result<()> + Sync),
    ) -> io::Result<Self> {
        let count = shape.tiles();
        Ok(match kind {
            WeightType::Q4K => Self::Q4K(tiles::from_packed(count, pool, piece, read)?),
            WeightType::Q6K => Self::Q6K(tiles::from_packed(count, pool, piece, read)?),
            WeightType::Q8_0 => Self::Q8(tiles::from_packed(count, pool, piece, read)?),
            WeightType::F16 => Self::F16(tiles::from_packed(count, pool, piece, read)?),
            WeightType::Bf16 => Self::Bf16(tiles::from_packed(count, pool, piece, read)?),
            WeightType::F32 => Self::F32(tiles::from_packed(count, pool, piece, read)?),
        })
    }
}

impl TileShape {
    /// The number of tiles; `None` when it overflows.
    fn tiles(self) -> Option<usize> {
        self.rows.div_ceil(ROWS).checked_mul(self.each)
    }
}

/// The tiles of a tensor of this shape, or a sentence when the shape is not valid.
fn tile_shape(kind: WeightType, rows: usize, columns: usize) -> Result<TileShape, String> {
    if rows == 0 || columns == 0 || !columns.is_multiple_of(kind.block()) {
        return Err(format!("{rows} × {columns} is no shape for {kind:?}, whose blocks have {} values", kind.block()));
    }
    let (blocks, size) = (columns / kind.block(), kind.block_bytes());
    let each = if kind == WeightType::Q8_0 { blocks.div_ceil(2) } else { blocks };
    Ok(TileShape { rows, blocks, size, each })
}

fn invalid(sentence: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, sentence)
}

impl Matrix {
    /// Packs a tensor of a GGUF file in memory: `bytes` are the file's, in row-major order. Any number of rows; the number of columns is a
    /// multiple of the type's block.
    ///
    /// # Errors
    /// One sentence when shape and length do not fit.
    #[allow(dead_code)] // For tests and benches; models are read in strips.
    pub(in super::super) fn pack(
        kind: WeightType,
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
        kind: WeightType,
        bytes: &[u8],
        rows: usize,
        columns: usize,
        pool: &Pool,
    ) -> Result<Self, String> {
        let shape = tile_shape(kind, rows, columns)?;
        let row = shape.blocks.saturating_mul(shape.size);
        if rows.checked_mul(row) != Some(bytes.len()) {
            return Err(format!("{rows} × {columns} of {kind:?} are not {} bytes", bytes.len()));
        }
        let read = |rows: Range<usize>| Ok(Cow::Borrowed(&bytes[rows.start * row..rows.end * row]));
        let tiles = Tiles::pack(kind, shape, pool, &read).map_err(|error| error.to_string())?;
        Ok(Self { tiles, rows, columns, backend })
    }

    /// [`Matrix::pack`] of a tensor that is read in strips: `read` fills the bytes of a range of rows, on any thread of the pool.
    ///
    /// # Errors
    /// Those of `read`, or one sentence of the kind `InvalidData` when the shape is not valid.
    pub(in super::super) fn read(
        kind: WeightType,
        rows: usize,
        columns: usize,
        pool: &Pool,
        read: impl Fn(Range<usize>, &mut [u8]) -> io::Result<()> + Sync,
    ) -> io::Result<Self> {
        let shape = tile_shape(kind, rows, columns).map_err(invalid)?;
        let strip = |rows: Range<usize>| {
            let mut bytes = vec![0; rows.len() * shape.blocks * shape.size];
            read(rows, &mut bytes)?;
            Ok(Cow::Owned(bytes))
        };
        Ok(Self { tiles: Tiles::pack(kind, shape, pool, &strip)?, rows, columns, backend: Backend::best() })
    }

    /// A matrix of [`Matrix::tiles`] that were packed before: `read` fills the piece at an index, of `piece` bytes but for the last, on
    /// any thread of the pool. They are copied into memory: with a mapping, the program would be killed if the file were truncated.
    ///
    /// # Errors
    /// Those of `read`, or one sentence of the kind `InvalidData` when the shape is not valid.
    pub(in super::super) fn from_packed(
        kind: WeightType,
        rows: usize,
        columns: usize,
        pool: &Pool,
        piece: usize,
        read: impl Fn(usize, &mut [u8]) -> io::Result<()> + Sync,
    ) -> io::Result<Self> {
        let shape = tile_shape(kind, rows, columns).map_err(invalid)?;
        let tiles = Tiles::from_packed(kind, shape, pool, piece, &read)?;
        Ok(Self { tiles, rows, columns, backend: Backend::best() })
    }

    /// How many bytes [`Matrix::tiles`] has for this shape; `None` for a shape that is not valid.
    pub(in super::super) fn packed_bytes(kind: WeightType, rows: usize, columns: usize) -> Option<usize> {
        let shape = tile_shape(kind, rows, columns).ok()?;
        let size = match kind {
            WeightType::Q4K => size_of::<TileQ4K>(),
            WeightType::Q6K => size_of::<TileQ6K>(),
            WeightType::Q8_0 => size_of::<TileQ8>(),
            WeightType::F16 | WeightType::Bf16 => size_of::<Halves>(),
            WeightType::F32 => size_of::<Floats>(),
        };
        shape.tiles()?.checked_mul(size)
    }

    /// The tiles as bytes, in the layout that [`LAYOUT`](tiles::LAYOUT) names.
    pub(in super::super) fn tiles(&self) -> &[u8] {
        match &self.tiles {
            Tiles::Q4K(tiles) => bytemuck::cast_slice(tiles),
            Tiles::Q6K(tiles) => bytemuck::cast_slice(tiles),
            Tiles::Q8(tiles) => bytemuck::cast_slice(tiles),
            Tiles::F16(tiles) | Tiles::Bf16(tiles) => bytemuck::cast_slice(tiles),
            Tiles::F32(tiles) => bytemuck::cast_slice(tiles),
        }
    }

    /// The number of rows: outputs.
    pub(in super::super) fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns: inputs.
    pub(in super::super) fn columns(&self) -> usize {
        self.columns
    }

    /// The size in memory, in bytes.
    pub(in super::super) fn bytes(&self) -> usize {
        self.tiles().len()
    }

    /// `out[n][rows] = x[n][columns] · Wᵀ`, in place of what was in `out`.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub(in super::super) fn multiply(&self, x: &Activations, out: &mut [f32], pool: &Pool) {
        assert_eq!(x.columns(), self.columns, "as many columns of activations as of weights");
        assert_eq!(out.len(), x.len() * self.rows, "n × rows results");
        let (backend, count) = (self.backend, self.rows.div_ceil(ROWS));
        /// Integer weights times quantised activations; or float weights times the rows of f32.
        macro_rules! with {
            ($tiles:ident, $kernel:ident, $group:expr) => {{
                let (x, each) = (x.quantised($group, backend, pool), $tiles.len() / count);
                self.for_each_tile(
                    out,
                    pool,
                    |first| x.panel(first),
                    |tile, panel, sums| dispatch!(backend, $kernel(&$tiles[tile * each..][..each], panel, sums)),
                );
            }};
            ($tiles:ident, $kernel:ident) => {{
                let each = self.columns;
                self.for_each_tile(
                    out,
                    pool,
                    |first| rows(x, first, backend),
                    |tile, (rows, width), sums| {
                        dispatch!(backend, $kernel(&$tiles[tile * each..][..each], &rows[..*width], sums));
                    },
                );
            }};
        }
        match &self.tiles {
            Tiles::Q4K(tiles) => with!(tiles, q4k, QuantGroup::Super),
            Tiles::Q6K(tiles) => with!(tiles, q6k, QuantGroup::Super),
            Tiles::Q8(tiles) => with!(tiles, q8, QuantGroup::Block),
            Tiles::F16(tiles) => with!(tiles, half_panel),
            Tiles::Bf16(tiles) => with!(tiles, bf16_panel),
            Tiles::F32(tiles) => with!(tiles, float_panel),
        }
    }

    /// Calls `kernel(row of tiles, panel, result)` for every pair of them, in parallel: a thread takes as many panels as fit the L2 cache,
    /// and multiplies a few rows of tiles with all of them. `panel` returns the one that begins at a row.
    fn for_each_tile<P>(
        &self,
        out: &mut [f32],
        pool: &Pool,
        panel: impl Fn(usize) -> P + Sync,
        kernel: impl Fn(usize, &P, &mut Sums) + Sync,
    ) {
        let (rows, n) = (self.rows, out.len() / self.rows);
        let count = rows.div_ceil(ROWS);
        let width = self.backend.panel();
        let resident = (RESIDENT / self.columns / width).clamp(1, PANELS) * width;
        let chunk = if n <= PANEL { count.div_ceil(pool.threads() * 4).clamp(1, 64) } else { 4 };
        let chunks = count.div_ceil(chunk);
        let results = DisjointSlices::new(out);
        let work = |index: usize| {
            let start = index / chunks * resident;
            let end = n.min(start + resident);
            let panels: [Option<P>; PANELS] = std::array::from_fn(|at| {
                let first = start + at * width;
                (first < end).then(|| panel(first))
            });
            let tiles = index % chunks * chunk..count.min((index % chunks + 1) * chunk);
            let mut sums = [[0.0; ROWS]; PANEL];
            for tile in tiles {
                let wide = ROWS.min(rows - tile * ROWS);
                for (panel, first) in panels.iter().flatten().zip((start..).step_by(width)) {
                    kernel(tile, panel, &mut sums);
                    for (row, sums) in (first..n).zip(&sums[..width]) {
                        // SAFETY: each index has its own rows of tiles and panels: no other thread writes to this range.
                        let own = unsafe { results.slice_mut(row * rows + tile * ROWS, wide) };
                        own.copy_from_slice(&sums[..wide]);
                    }
                }
            }
        };
        pool.each_of(n.div_ceil(resident) * chunks, n * rows * self.columns, work);
    }

    /// One row, dequantised: the embedding of a token.
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

/// The rows of the panel that begins at `first`, and how many there are.
fn rows(x: &Activations, first: usize, backend: Backend) -> ([&[f32]; PANEL], usize) {
    let width = backend.panel().min(x.len() - first);
    (std::array::from_fn(|i| if i < width { x.row(first + i) } else { &[] }), width)
}
