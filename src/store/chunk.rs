//! The bytes of files and documents: where their chunks stand. How these are written and read is `sealed_chunks.rs`.

use super::error::StoreError;
use super::layout::{Key, Tree};

/// Bytes of a chunk.
pub(super) const CHUNK: usize = 64 * 1024;

/// How many chunks are written or read before others get their turn.
pub(super) const CHUNKS_AT_ONCE: usize = 16;

/// Bytes in chunks.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    pub(super) tree: Tree,
    place: Vec<u8>,
    bytes: u64,
}

impl Blob {
    /// So many bytes at a place of a tree.
    pub(super) fn new(tree: Tree, place: &[&[u8]], bytes: u64) -> Self {
        Self { tree, place: place.concat(), bytes }
    }

    /// Where a chunk stands.
    pub(super) fn chunk(&self, chunk: usize) -> Key {
        Key::new(self.tree, &[&self.place, &(chunk as u32).to_be_bytes()])
    }

    /// How many chunks it has.
    pub(super) fn chunks(&self) -> usize {
        (self.bytes as usize).div_ceil(CHUNK)
    }

    /// The error of a chunk that does not open, or cannot be sealed.
    pub(super) fn damaged(&self) -> StoreError {
        StoreError::Damaged { tree: self.tree.name() }
    }
}
