//! Packing in strips, and tiles that are read back as they are.

use std::io;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::blocks::WeightType;
use super::super::matrix::Matrix;
use super::super::pool::Pool;
use super::super::tiles::{LAYOUT, STRIP};
use super::{KINDS, Random};

fn row_bytes(kind: WeightType, columns: usize) -> usize {
    columns / kind.block() * kind.block_bytes()
}

fn copy(bytes: &[u8], row: usize) -> impl Fn(Range<usize>, &mut [u8]) -> io::Result<()> + Sync {
    move |rows, out| {
        out.copy_from_slice(&bytes[rows.start * row..rows.end * row]);
        Ok(())
    }
}

#[test]
fn strips_and_kept_tiles_give_the_matrix_that_was_packed_at_once() {
    let pool = Pool::new(2).expect("threads");
    let mut random = Random::new(7);
    // Rows that are no multiple of 16, an odd number of blocks, more than one strip.
    for (rows, columns) in [(1, 256), (83, 768), (530, 8192)] {
        for kind in KINDS {
            let bytes = random.blocks(kind, rows * columns);
            let whole = Matrix::pack(kind, &bytes, rows, columns, &pool).expect("a sound tensor");
            let read = copy(&bytes, row_bytes(kind, columns));
            let strips = Matrix::read(kind, rows, columns, &pool, read).expect("a sound tensor");
            assert!(strips.tiles() == whole.tiles(), "{kind:?} {rows} × {columns}: in strips");
            assert_eq!(Matrix::packed_bytes(kind, rows, columns), Some(whole.bytes()));
            for piece in [1000, 1 << 20] {
                let read = |index: usize, out: &mut [u8]| {
                    out.copy_from_slice(&whole.tiles()[index * piece..][..out.len()]);
                    Ok(())
                };
                let kept = Matrix::from_packed(kind, rows, columns, &pool, piece, read).expect("sound tiles");
                assert!(kept.tiles() == whole.tiles(), "{kind:?} {rows} × {columns}: kept in pieces of {piece}");
            }
        }
    }
}

/// Beside the tiles, packing holds one strip a thread: no more than this is ever asked for at once, and every row once.
#[test]
fn what_is_read_at_a_time_is_bounded() {
    let pool = Pool::new(2).expect("threads");
    for (kind, rows, columns) in
        [(WeightType::F32, 1000, 2048), (WeightType::Q4K, 40_000, 512), (WeightType::F16, 40, 1 << 17)]
    {
        let (row, largest, seen) = (row_bytes(kind, columns), AtomicUsize::new(0), Mutex::new(vec![0_u8; rows]));
        let read = |range: Range<usize>, out: &mut [u8]| {
            assert_eq!(out.len(), range.len() * row);
            largest.fetch_max(out.len(), Ordering::Relaxed);
            seen.lock().expect("no panic")[range].iter_mut().for_each(|count| *count += 1);
            Ok(())
        };
        Matrix::read(kind, rows, columns, &pool, read).expect("zeros");
        let largest = largest.into_inner();
        assert!(largest <= STRIP.max(16 * row) && largest < rows * row, "{kind:?}: {largest}");
        assert!(seen.into_inner().expect("no panic").iter().all(|count| *count == 1), "{kind:?}");
    }
}

#[test]
fn an_error_while_reading_is_the_error_of_the_matrix() {
    let pool = Pool::new(2).expect("threads");
    let late = |rows: Range<usize>| if rows.end > 900 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) };
    let error = Matrix::read(WeightType::F32, 1000, 2048, &pool, |rows, _| late(rows)).err().expect("an error");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn tiles_that_cannot_be_read_or_have_no_shape_are_an_error() {
    let pool = Pool::new(2).expect("threads");
    let kept = |rows, columns, length: usize| {
        Matrix::from_packed(WeightType::Q4K, rows, columns, &pool, 100, |index, out| {
            if index * 100 + out.len() <= length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        })
    };
    assert!(kept(16, 256, 2368).is_ok());
    assert_eq!(kept(17, 256, 2368).err().map(|error| error.kind()), Some(io::ErrorKind::UnexpectedEof));
    // No multiple of a block, no rows, and more than any memory.
    for (rows, columns) in [(16, 100), (0, 256)] {
        assert_eq!(kept(rows, columns, 2368).err().map(|error| error.kind()), Some(io::ErrorKind::InvalidData));
    }
    assert_eq!(kept(usize::MAX, 256, 2368).err().map(|error| error.kind()), Some(io::ErrorKind::OutOfMemory));
}

/// Tiles on a disk outlive the program. Who changes what their bytes mean gives [`LAYOUT`] a new name, and then puts what this
/// test prints in its table.
#[test]
fn the_layout_has_the_name_it_is_known_by() {
    let pool = Pool::new(1).expect("threads");
    let mut random = Random::new(8);
    let mut hasher = blake3::Hasher::new();
    for kind in KINDS {
        let bytes = random.blocks(kind, 21 * 768);
        hasher.update(Matrix::pack(kind, &bytes, 21, 768, &pool).expect("a sound tensor").tiles());
    }
    let digest = hasher.finalize().to_hex();
    assert_eq!((LAYOUT, &digest[..16]), ("16 rows, 1", "218e63f4afbf82be"), "see above");
}
