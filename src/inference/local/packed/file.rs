//! The format of a file of packed weights.
//!
//! A magic number, the version, the offset and length of a header, their BLAKE3; the tiles of one tensor after the other; the header
//! (JSON), which says what they were packed from and contains the BLAKE3 of each [`PIECE`] of them. Every byte is verified at each
//! start.
//!
//! The file is written under a temporary name, and renamed when it is complete and on the disk.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::gguf_error::GgufError;
use super::super::kernels::{LAYOUT, Matrix, Pool};
use super::pieces::{PIECE, hash_pieces};
use super::source_file::{FileStat, PackedFrom};
use super::tensor::TensorSpec;

const MAGIC: &[u8; 16] = b"compagnon tiles\n";

/// Increased with each change of the format; the layout of the tiles has a name of its own.
const VERSION: u64 = 1;

/// The bytes before the tiles: magic number, version, the header's offset and length, the BLAKE3 of these and of the header, and zeros up
/// to a cache line.
const PREFIX: usize = 128;

/// The magic number and three numbers, which the hash after them covers.
const SIGNED: usize = 16 + 3 * 8;

/// The alignment of tensors, that of the strictest tile.
const LINE: u64 = 64;

/// More bytes than the header of any model has.
const LONGEST_HEADER: u64 = 64 << 20;

/// The extension of a file that is being written.
const UNFINISHED: &str = ".part";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub layout: String,
    pub origins: Vec<PackedFrom>,
    /// The verified SHA-256 of the first file.
    pub sha256: Option<String>,
    pub tensors: Vec<PackedTensor>,
}

/// A packed tensor in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackedTensor {
    name: String,
    kind: String,
    rows: usize,
    columns: usize,
    offset: u64,
    length: u64,
    /// The BLAKE3 of each piece.
    digests: Vec<String>,
}

pub(super) fn read_header(path: &Path) -> io::Result<(File, Header)> {
    let invalid = |says: &str| io::Error::new(io::ErrorKind::InvalidData, says);
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || !is_ours(&metadata) {
        return Err(invalid("others than the bot may write to it"));
    }
    let mut prefix = [0; PREFIX];
    file.read_exact_at(&mut prefix, 0)?;
    let number = |at: usize| prefix[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (version, offset, length) = (number(16), number(24), number(32));
    if &prefix[..16] != MAGIC || version != VERSION || prefix[SIGNED + 32..].iter().any(|byte| *byte != 0) {
        return Err(invalid("it is of another version"));
    }
    if length > LONGEST_HEADER || offset.checked_add(length) != Some(metadata.len()) {
        return Err(invalid("it is damaged"));
    }
    let mut header = vec![0; length as usize];
    file.read_exact_at(&mut header, offset)?;
    if digest_of_header(&prefix[..SIGNED], &header) != prefix[SIGNED..SIGNED + 32] {
        return Err(invalid("it is damaged"));
    }
    let header: Header = serde_json::from_slice(&header)?;
    if end(&header.tensors) == Some(offset) { Ok((file, header)) } else { Err(invalid("it is damaged")) }
}

/// Whether only the bot's account (or root) can have written the file: it replaces a model whose SHA-256 was verified.
fn is_ours(metadata: &fs::Metadata) -> bool {
    let own = fs::metadata("/proc/self").map(|own| own.uid());
    metadata.mode() & 0o022 == 0 && (metadata.uid() == 0 || own.is_ok_and(|own| own == metadata.uid()))
}

fn digest_of_header(prefix: &[u8], header: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(prefix).update(header).finalize().as_bytes()
}

/// The layout that this program reads and writes.
pub(super) fn layout() -> String {
    format!("{LAYOUT}, pieces of {PIECE}")
}

/// The offset of the next tensor, aligned to a cache line.
fn end(tensors: &[PackedTensor]) -> Option<u64> {
    let Some(last) = tensors.last() else { return Some(PREFIX as u64) };
    last.offset.checked_add(last.length)?.checked_next_multiple_of(LINE)
}

/// Whether the packed tensors are these, one after the other.
pub(super) fn follows(kept: &[PackedTensor], tensors: &[TensorSpec]) -> bool {
    let mut offset = PREFIX as u64;
    kept.len() == tensors.len()
        && kept.iter().zip(tensors).all(|(kept, tensor)| {
            let length = Matrix::packed_bytes(tensor.kind, tensor.rows, tensor.columns).unwrap_or(0);
            let same = kept.name == tensor.name
                && kept.kind == format!("{:?}", tensor.kind)
                && (kept.rows, kept.columns) == (tensor.rows, tensor.columns)
                && (kept.offset, kept.length) == (offset, length as u64)
                && kept.digests.len() == length.div_ceil(PIECE);
            offset += (length as u64).next_multiple_of(LINE);
            same
        })
}

impl Header {
    pub(super) fn stats(&self) -> impl Iterator<Item = &FileStat> {
        self.origins.iter().map(|origin| &origin.stat)
    }
}

/// Packed tensors that belong to the model; they are verified as they are read.
pub(in super::super) struct PackedWeights<'a> {
    pub(super) file: &'a File,
    pub(super) path: &'a Path,
    pub(super) tensors: HashMap<&'a str, (&'a TensorSpec, &'a PackedTensor)>,
}

impl PackedWeights<'_> {
    /// The path of the file.
    pub(in super::super) fn path(&self) -> &Path {
        self.path
    }

    /// A tensor, read into memory and verified there, piece by piece: later changes of the file have no effect.
    pub(in super::super) fn matrix(&self, name: &str, pool: &Pool) -> Result<Matrix, GgufError> {
        let unlike = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
        let (tensor, kept) = self.tensors.get(name).ok_or_else(unlike)?;
        let read = |index: usize, bytes: &mut [u8]| {
            self.file.read_exact_at(bytes, kept.offset.saturating_add((index * PIECE) as u64))?;
            let digest = blake3::hash(bytes).to_hex();
            let expected = kept.digests.get(index).is_some_and(|expected| *expected == digest.as_str());
            if expected { Ok(()) } else { Err(unlike()) }
        };
        Ok(Matrix::from_packed(tensor.kind, tensor.rows, tensor.columns, pool, PIECE, read)?)
    }
}

/// A file that is being written. Dropped before it is complete, it is removed.
pub(in super::super) struct Writer {
    path: PathBuf,
    unfinished: PathBuf,
    file: File,
    tensors: Vec<PackedTensor>,
}

impl Writer {
    /// Begins a file of `length` bytes, or a little more.
    pub(super) fn create(path: &Path, length: u64) -> io::Result<Self> {
        let folder = folder_of(path);
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        remove_abandoned(folder, &name)?;
        let unfinished = folder.join(format!("{name}.{}{UNFINISHED}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        // Another process takes an unlocked file for abandoned.
        file.lock()?;
        let mut writer = Self { path: path.to_owned(), unfinished, file, tensors: Vec::new() };
        reserve(&writer.file, length)?;
        writer.file.write_all(&[0; PREFIX])?;
        Ok(writer)
    }

    /// Appends a tensor.
    pub(in super::super) fn add(&mut self, tensor: &TensorSpec, matrix: &Matrix, pool: &Pool) -> io::Result<()> {
        let tiles = matrix.tiles();
        let pieces: Vec<&[u8]> = tiles.chunks(PIECE).collect();
        let digests = hash_pieces(pieces.len(), pool, |index| Ok(blake3::hash(pieces[index])))?;
        self.file.write_all(tiles)?;
        self.file.write_all(&[0; LINE as usize][..tiles.len().next_multiple_of(LINE as usize) - tiles.len()])?;
        let offset = end(&self.tensors).unwrap_or_default();
        self.tensors.push(PackedTensor {
            name: tensor.name.clone(),
            kind: format!("{:?}", tensor.kind),
            rows: tensor.rows,
            columns: tensor.columns,
            offset,
            length: tiles.len() as u64,
            digests: digests.iter().map(|digest| digest.to_hex().to_string()).collect(),
        });
        Ok(())
    }

    pub(super) fn finish(mut self, origins: Vec<PackedFrom>, sha256: Option<String>) -> io::Result<PathBuf> {
        let offset = end(&self.tensors).unwrap_or_default();
        let tensors = std::mem::take(&mut self.tensors);
        let header = serde_json::to_vec(&Header { layout: layout(), origins, sha256, tensors })?;
        let mut prefix = MAGIC.to_vec();
        for number in [VERSION, offset, header.len() as u64] {
            prefix.extend(number.to_le_bytes());
        }
        prefix.extend(digest_of_header(&prefix, &header));
        self.file.write_all(&header)?;
        self.file.write_all_at(&prefix, 0)?;
        self.file.sync_all()?;
        fs::rename(&self.unfinished, &self.path)?;
        // Syncs the rename, too; where folders cannot be synced, a crash may cost one more packing.
        let _ = File::open(folder_of(&self.path)).and_then(|folder| folder.sync_all());
        Ok(self.path.clone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After the rename, there is no such file.
        let _ = fs::remove_file(&self.unfinished);
    }
}

/// Allocates the space on the disk, so that a full disk is noticed before anything is written. File systems without `fallocate` go
/// on without it.
#[cfg(target_os = "linux")]
fn reserve(file: &File, length: u64) -> io::Result<()> {
    use nix::errno::Errno;
    use nix::fcntl::{FallocateFlags, fallocate};
    let length = i64::try_from(length).map_err(io::Error::other)?;
    match fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, length.max(1)) {
        Ok(()) | Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

/// The folder of a path; a bare file name has an empty parent.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes the unfinished files of processes that were killed: no process holds their lock.
fn remove_abandoned(folder: &Path, name: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let other = entry.file_name().to_string_lossy().into_owned();
        let unfinished =
            other.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(UNFINISHED));
        if unfinished && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
