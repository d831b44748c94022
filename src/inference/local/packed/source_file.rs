//! The files that weights are packed from, and how a later start recognises them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::super::kernels::Pool;
use super::pieces::{PIECE, hash_pieces};

/// An open file that weights are read from.
pub(super) struct SourceFile {
    pub file: File,
    pub stat: FileStat,
    digest: OnceLock<String>,
}

/// Identifies the content of a file without reading it. Whoever can write to the file cannot set the time of change back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileStat {
    pub length: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file that weights were packed from.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackedFrom {
    pub stat: FileStat,
    /// The BLAKE3 of the BLAKE3s of its pieces.
    pub digest: String,
}

impl SourceFile {
    pub(super) fn new(file: File) -> io::Result<Self> {
        Ok(Self { stat: FileStat::of(&file.metadata()?), file, digest: OnceLock::new() })
    }

    /// The BLAKE3 of the BLAKE3s of its pieces. The file is read for it once.
    pub(super) fn digest(&self, pool: &Pool) -> io::Result<&String> {
        if let Some(digest) = self.digest.get() {
            return Ok(digest);
        }
        let length = self.stat.length;
        let count = length.div_ceil(PIECE as u64) as usize;
        let digests = hash_pieces(count, pool, |index| {
            let offset = (index * PIECE) as u64;
            let mut piece = vec![0; (length - offset).min(PIECE as u64) as usize];
            self.file.read_exact_at(&mut piece, offset)?;
            Ok(blake3::hash(&piece))
        })?;
        let mut hasher = blake3::Hasher::new();
        for digest in &digests {
            hasher.update(digest.as_bytes());
        }
        Ok(self.digest.get_or_init(|| hasher.finalize().to_hex().to_string()))
    }
}

impl FileStat {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        Self {
            length: metadata.len(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
