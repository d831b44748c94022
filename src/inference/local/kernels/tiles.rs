//! Weights in memory: tiles of 16 rows, one vector lane per row, so that a product needs no sum across lanes.
//!
//! A group is 4 successive columns of 16 rows, 64 values: what one `vpdpbusd` takes. Tiles of one row of tiles follow each
//! other along the columns; rows beyond the matrix' last are zero. Scales stay f16, so that memory stays near the file's size.
#![allow(unsafe_code)] // Memory is allocated uninitialised, and filled by several threads.

use std::borrow::Cow;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytemuck::{Pod, Zeroable};

use super::blocks::{Q4, Q6, Q8};
use super::pool::{DisjointSlices, Pool};

/// The name of the layout below. Packed weights in a file can be read only by a program with the same layout, so that a change to any
/// tile needs a new name; a test compares the bytes of each type with it.
pub(in super::super) const LAYOUT: &str = "16 rows, 1";

/// The most bytes of a source that one thread holds at a time, unless 16 rows alone are more.
pub(super) const STRIP: usize = 1 << 20;

/// Rows in a tile.
pub(super) const ROWS: usize = 16;

/// 16 rows × 256 columns of `Q4_K`: 2368 bytes, 4.625 bits a weight.
#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct TileQ4K {
    /// d of each row.
    pub(super) scale: [u16; ROWS],
    /// dmin of each row.
    pub(super) minimum: [u16; ROWS],
    /// For each 32 columns, each row's scale.
    pub(super) scales: [[u8; ROWS]; 8],
    /// For each 64 columns, each row's two minima side by side, for `vpdpwssd`.
    pub(super) minima: [[u8; 2 * ROWS]; 4],
    /// Two groups a line: the first in the low halves, the next in the high ones.
    pub(super) codes: [[u8; 64]; 32],
}

/// 16 rows × 256 columns of `Q6_K`: 3392 bytes, 6.625 bits a weight.
#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct TileQ6K {
    /// d of each row.
    pub(super) scale: [u16; ROWS],
    /// Padding to the cache line, so that every byte of a tile is initialised.
    rest: [u16; ROWS],
    pub(super) parts: [PartQ6K; 4],
}

/// 64 columns of a [`TileQ6K`]. What is needed at once is adjacent: with the low bits of a whole tile before its high bits,
/// the hardware prefetcher saw several streams instead of one and prefetched none; one thread read 11 GB/s of 25.
#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct PartQ6K {
    /// For each 32 columns, each row's two scales side by side.
    pub(super) scales: [[i8; 2 * ROWS]; 2],
    /// The low four bits, as in [`TileQ4K::codes`].
    pub(super) low: [[u8; 64]; 8],
    /// The high two bits, four groups a line, the first in the lowest bits.
    pub(super) high: [[u8; 64]; 4],
}

/// 16 rows × 64 columns of `Q8_0`: 1088 bytes, 8.5 bits a weight. Two blocks, so that lines stay aligned.
#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct TileQ8 {
    /// For each 32 columns, d of each row.
    pub(super) scale: [[u16; ROWS]; 2],
    /// A group a line, 128 added to each value: one operand of `vpdpbusd` is unsigned.
    pub(super) codes: [[u8; 64]; 16],
}

/// 16 rows × 1 column of f16 or bf16 bits.
#[repr(C, align(32))]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Halves(pub(super) [u16; ROWS]);

/// 16 rows × 1 column.
#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Floats(pub(super) [f32; ROWS]);

/// Successive rows of blocks, as the file has them; the first begins a row of tiles.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) rows: usize,
    /// Blocks in a row.
    pub(super) blocks: usize,
    /// Bytes in a block.
    pub(super) size: usize,
}

impl<'a> Source<'a> {
    /// The block at `index` in each row of the row of tiles `tile`.
    fn column(&self, tile: usize, index: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let Self { bytes, rows, blocks, size } = *self;
        let first = tile * ROWS;
        (first..rows.min(first + ROWS)).map(move |row| &bytes[(row * blocks + index) * size..][..size])
    }

    pub(super) fn q4k(&self, tile: usize, index: usize) -> TileQ4K {
        let mut out = TileQ4K {
            scale: [0; ROWS],
            minimum: [0; ROWS],
            scales: [[0; ROWS]; 8],
            minima: [[0; 2 * ROWS]; 4],
            codes: [[0; 64]; 32],
        };
        for (row, block) in self.column(tile, index).map(Q4).enumerate() {
            out.scale[row] = block.scale();
            out.minimum[row] = block.minimum();
            for part in 0..8 {
                let (scale, minimum) = block.sub_block(part);
                out.scales[part][row] = scale;
                out.minima[part / 2][row * 2 + part % 2] = minimum;
            }
            interleave(&mut out.codes, row, &block.codes());
        }
        out
    }

    pub(super) fn q6k(&self, tile: usize, index: usize) -> TileQ6K {
        let part = PartQ6K { scales: [[0; 2 * ROWS]; 2], low: [[0; 64]; 8], high: [[0; 64]; 4] };
        let mut out = TileQ6K { scale: [0; ROWS], rest: [0; ROWS], parts: [part; 4] };
        for (row, block) in self.column(tile, index).map(Q6).enumerate() {
            out.scale[row] = block.scale();
            for (i, (part, codes)) in out.parts.iter_mut().zip(block.codes().as_chunks::<64>().0).enumerate() {
                for sixteen in 0..4 {
                    part.scales[sixteen / 2][row * 2 + sixteen % 2] = block.sub_block(i * 4 + sixteen);
                }
                interleave(&mut part.low, row, &codes.map(|code| code & 15));
                for (line, sixteen) in part.high.iter_mut().zip(codes.as_chunks::<16>().0) {
                    for j in 0..4 {
                        let bits = |group: usize| sixteen[group * 4 + j] >> 4 << (2 * group);
                        line[row * 4 + j] = bits(0) | bits(1) | bits(2) | bits(3);
                    }
                }
            }
        }
        out
    }

    /// Two blocks, or the last one of an odd number and one of zeros.
    pub(super) fn q8(&self, tile: usize, pair: usize) -> TileQ8 {
        let mut out = TileQ8 { scale: [[0; ROWS]; 2], codes: [[128; 64]; 16] };
        for half in 0..self.blocks.saturating_sub(pair * 2).min(2) {
            for (row, block) in self.column(tile, pair * 2 + half).map(Q8).enumerate() {
                out.scale[half][row] = block.scale();
                for (group, four) in block.codes().as_chunks::<4>().0.iter().enumerate() {
                    let line = &mut out.codes[half * 8 + group];
                    line[row * 4..row * 4 + 4].copy_from_slice(&four.map(|code| code.cast_unsigned() ^ 0x80));
                }
            }
        }
        out
    }

    pub(super) fn halves(&self, tile: usize, index: usize) -> Halves {
        let mut out = [0; ROWS];
        for (to, bytes) in out.iter_mut().zip(self.column(tile, index)) {
            *to = u16::from_le_bytes([bytes[0], bytes[1]]);
        }
        Halves(out)
    }

    pub(super) fn floats(&self, tile: usize, index: usize) -> Floats {
        let mut out = [0.0; ROWS];
        for (to, bytes) in out.iter_mut().zip(self.column(tile, index)) {
            *to = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        Floats(out)
    }
}

/// Writes a row's 4-bit values into its lanes, two groups a line.
fn interleave(lines: &mut [[u8; 64]], row: usize, codes: &[u8]) {
    for (line, eight) in lines.iter_mut().zip(codes.as_chunks::<8>().0) {
        for j in 0..4 {
            line[row * 4 + j] = eight[j] | eight[j + 4] << 4;
        }
    }
}

/// The value of row `row`, column `column` within a tile.
pub(super) fn q4k_code(tile: &TileQ4K, row: usize, column: usize) -> u8 {
    nibble(&tile.codes, row, column)
}

/// As [`q4k_code`]: 0 to 63, the offset of 32 included.
pub(super) fn q6k_code(tile: &TileQ6K, row: usize, column: usize) -> u8 {
    let (part, column) = (&tile.parts[column / 64], column % 64);
    let high = part.high[column / 16][row * 4 + column % 4] >> (2 * (column / 4 % 4)) & 3;
    nibble(&part.low, row, column) | high << 4
}

/// The scale of those 16 columns.
pub(super) fn q6k_scale(tile: &TileQ6K, row: usize, column: usize) -> i8 {
    tile.parts[column / 64].scales[column % 64 / 32][row * 2 + column / 16 % 2]
}

/// As [`q4k_code`]: the signed value.
pub(super) fn q8_code(tile: &TileQ8, row: usize, column: usize) -> i8 {
    (tile.codes[column / 4][row * 4 + column % 4] ^ 0x80).cast_signed()
}

fn nibble(lines: &[[u8; 64]], row: usize, column: usize) -> u8 {
    let byte = lines[column / 8][row * 4 + column % 4];
    if column % 8 < 4 { byte & 15 } else { byte >> 4 }
}

/// The shape of a tensor in a file, and of its tiles.
#[derive(Clone, Copy)]
pub(super) struct TileShape {
    pub(super) rows: usize,
    /// Blocks in a row.
    pub(super) blocks: usize,
    /// Bytes in a block.
    pub(super) size: usize,
    /// Tiles in a row of tiles.
    pub(super) each: usize,
}

/// Packs a tensor in strips of whole rows of tiles: `read` returns the bytes of a range of rows, `make` the tile of a strip by its row of
/// tiles and its index in that row. Beside the tiles, each thread holds one strip of [`STRIP`] bytes.
pub(super) fn pack<'a, T: Pod + Send>(
    shape: TileShape,
    pool: &Pool,
    read: &(impl Fn(Range<usize>) -> io::Result<Cow<'a, [u8]>> + Sync),
    make: impl Fn(&Source<'_>, usize, usize) -> T + Sync,
) -> io::Result<Vec<T>> {
    let TileShape { rows, blocks, size, each } = shape;
    let count = rows.div_ceil(ROWS);
    let strip = (STRIP / (ROWS * blocks * size)).max(1);
    allocate(count.checked_mul(each), |tiles| {
        let pieces = DisjointSlices::new(tiles);
        try_each(pool, count.div_ceil(strip), |index| {
            let (first, last) = (index * strip, count.min((index + 1) * strip));
            let rows = first * ROWS..rows.min(last * ROWS);
            let bytes = read(rows.clone())?;
            let source = Source { bytes: &bytes, rows: rows.len(), blocks, size };
            // SAFETY: each index comes once, and the ranges of two indices do not overlap.
            let out = zeroed(unsafe { pieces.slice_mut(first * each, (last - first) * each) });
            for (tile, row) in out.chunks_exact_mut(each).enumerate() {
                for (index, to) in row.iter_mut().enumerate() {
                    *to = make(&source, tile, index);
                }
            }
            Ok(())
        })
    })
}

/// Tiles that were packed before: `read` fills their bytes, piece after piece.
pub(super) fn from_packed<T: Pod + Send>(
    count: Option<usize>,
    pool: &Pool,
    piece: usize,
    read: &(impl Fn(usize, &mut [u8]) -> io::Result<()> + Sync),
) -> io::Result<Vec<T>> {
    allocate(count, |tiles| {
        let length = size_of_val(tiles);
        let start = tiles.as_mut_ptr().cast::<MaybeUninit<u8>>();
        // SAFETY: the same memory, which is borrowed mutably, in bytes that may be anything.
        let pieces = DisjointSlices::new(unsafe { std::slice::from_raw_parts_mut(start, length) });
        try_each(pool, length.div_ceil(piece), |index| {
            let from = index * piece;
            // SAFETY: each index comes once, and the ranges of two indices do not overlap.
            read(index, zeroed(unsafe { pieces.slice_mut(from, piece.min(length - from)) }))
        })
    })
}

/// `count` tiles, all of which `fill` initialises, by passing every range to [`zeroed`] once. The memory is allocated untouched, so that
/// the threads that fill it touch it first. An error where the address space is too small.
fn allocate<T: Pod>(
    count: Option<usize>,
    fill: impl FnOnce(&mut [MaybeUninit<T>]) -> io::Result<()>,
) -> io::Result<Vec<T>> {
    let refused = || io::Error::new(io::ErrorKind::OutOfMemory, "there is no memory for its weights");
    let count = count.ok_or_else(refused)?;
    let mut tiles: Vec<T> = Vec::new();
    tiles.try_reserve_exact(count).map_err(|_| refused())?;
    let uninitialised = &mut tiles.spare_capacity_mut()[..count];
    huge_pages(uninitialised);
    fill(uninitialised)?;
    // SAFETY: `fill` has initialised all of them.
    unsafe { tiles.set_len(count) };
    Ok(tiles)
}

/// Initialises memory with zeros: the thread that fills it next has it in its cache then, so that this costs little.
fn zeroed<T: Pod>(piece: &mut [MaybeUninit<T>]) -> &mut [T] {
    piece.fill(MaybeUninit::zeroed());
    // SAFETY: they were written just now, and of a `Pod` all bytes may be zero.
    unsafe { piece.assume_init_mut() }
}

/// [`Pool::each`] for work that may fail: returns one of the errors, and starts no further work after it.
pub(in super::super) fn try_each(
    pool: &Pool,
    count: usize,
    work: impl Fn(usize) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let failure = Mutex::new(None);
    let lock = || failure.lock().unwrap_or_else(PoisonError::into_inner);
    pool.each(count, |index| {
        if lock().is_none()
            && let Err(error) = work(index)
        {
            lock().get_or_insert(error);
        }
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// Asks for pages of 2 MiB before the first touch: a decode step reads all weights once, and would miss the TLB all the time.
#[cfg(target_os = "linux")]
fn huge_pages<T>(memory: &mut [T]) {
    /// `MADV_HUGEPAGE` of `linux/mman.h`.
    const HUGE: std::ffi::c_int = 14;
    const PAGE: usize = 4096;
    unsafe extern "C" {
        fn madvise(start: *mut std::ffi::c_void, length: usize, advice: std::ffi::c_int) -> std::ffi::c_int;
    }
    let start = memory.as_mut_ptr().cast::<std::ffi::c_void>();
    let skip = start.addr().wrapping_neg() % PAGE;
    let Some(length) = size_of_val(memory).checked_sub(skip).filter(|&length| length >= 2 << 20) else { return };
    // SAFETY: the range lies within memory that we hold exclusively; the advice changes no content. It may be refused, with
    // an error that nothing depends on.
    let _ = unsafe { madvise(start.wrapping_byte_add(skip), length / PAGE * PAGE, HUGE) };
}

#[cfg(not(target_os = "linux"))]
fn huge_pages<T>(_memory: &mut [T]) {}
