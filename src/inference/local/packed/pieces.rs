//! Hashes files in pieces, by several threads.

use std::io;
use std::sync::OnceLock;

use super::super::kernels::{Pool, try_each};

/// Bytes that one thread hashes at a time.
pub(super) const PIECE: usize = 1 << 20;

/// The BLAKE3 of each of `count` pieces, in order; `hash` computes that of the piece at an index, on any thread of the pool.
pub(super) fn hash_pieces(
    count: usize,
    pool: &Pool,
    hash: impl Fn(usize) -> io::Result<blake3::Hash> + Sync,
) -> io::Result<Vec<blake3::Hash>> {
    let digests: Vec<OnceLock<blake3::Hash>> = (0..count).map(|_| OnceLock::new()).collect();
    // Each index comes once, so that no cell is set twice.
    try_each(pool, count, |index| hash(index).map(|digest| _ = digests[index].set(digest)))?;
    Ok(digests.into_iter().filter_map(OnceLock::into_inner).collect())
}
