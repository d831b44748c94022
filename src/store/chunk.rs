//! How the bytes of files and documents are cut: a chunk is sealed by itself.

/// Bytes of a chunk.
pub(super) const CHUNK: usize = 64 * 1024;

/// How many chunks are written or read before others get their turn.
pub(super) const CHUNKS_AT_ONCE: usize = 16;
