//! The sealed folder of one collection: its manifest, and a segment for each content that its files have.
//!
//! A segment is named by a keyed hash of what it was made from, and never changes: who reads by an older manifest finds what that names, or
//! nothing. The manifest is replaced whole, after the segments that it names are on disk; segments that it names no more are removed then. What
//! a kill has left is used again, because a content that was read already has its segment.

use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    error::CollectionError,
    hex,
    manifest::{Manifest, READING},
    seal::Seal,
    segment::Segment,
};
use crate::secret::SealingKey;

pub(super) const MANIFEST: &str = "manifest";
const LOCK: &str = "lock";
/// The ending of a file that is being written.
const UNFINISHED: &str = "new";

/// The folder, for reading.
#[derive(Clone)]
pub struct Folder {
    path: PathBuf,
    seal: Seal,
}

/// The folder, for the one process that may write in it.
pub struct Writer {
    folder: Folder,
    _lock: File,
}

/// Differs once the manifest is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    modified: (i64, i64),
    length: u64,
}

impl Folder {
    /// That of a collection, below `root`. It need not be there yet.
    pub(super) fn new(root: &Path, name: &str, key: &SealingKey) -> Self {
        Self { path: root.join(name), seal: Seal::new(key, name) }
    }

    /// What changes when the collection does; `None` while there is nothing.
    #[must_use]
    pub fn stamp(&self) -> Option<Stamp> {
        let metadata = fs::metadata(self.path.join(MANIFEST)).ok()?;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Some(Stamp { inode: metadata.ino(), modified, length: metadata.len() })
    }

    /// What it holds; `None` while there is nothing.
    pub fn manifest(&self) -> Result<Option<Manifest>, CollectionError> {
        let Some(sealed) = read(&self.path.join(MANIFEST))? else { return Ok(None) };
        let plain = self.seal.open(MANIFEST, &sealed).ok_or(CollectionError::Damaged)?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| CollectionError::Damaged)
    }

    /// A segment; `None` when it is not there.
    pub fn segment(&self, id: &[u8]) -> Result<Option<Segment>, CollectionError> {
        let name = hex::text(id);
        let Some(sealed) = read(&self.path.join(&name))? else { return Ok(None) };
        let segment = self.seal.open(&name, &sealed).and_then(|plain| Segment::read(&plain));
        segment.map(Some).ok_or(CollectionError::DamagedDocument)
    }

    /// Removes a segment that does not open, so that the next reading of the collection makes it anew.
    pub(super) fn discard(&self, id: &[u8]) {
        // Where it cannot be removed, it is found damaged again.
        let _ = fs::remove_file(self.path.join(hex::text(id)));
    }

    /// Whether a segment is there.
    #[must_use]
    pub fn has(&self, id: &[u8]) -> bool {
        self.path.join(hex::text(id)).exists()
    }

    /// The name of the segment of a content: read by an importer as a file with this ending, embedded by this model.
    #[must_use]
    pub fn id(&self, content: &[u8], kind: &str, model: Option<&str>) -> Vec<u8> {
        let model = model.map_or_else(Vec::new, |model| [b"m", model.as_bytes()].concat());
        self.seal.blind(&[&READING.to_be_bytes(), content, kind.as_bytes(), &model]).to_vec()
    }

    /// The folder for writing; refused while another process has it.
    pub fn lock(&self) -> Result<Writer, CollectionError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        let lock = private().truncate(false).open(self.path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CollectionError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let writer = Writer { folder: self.clone(), _lock: lock };
        writer.remove(|name| name.ends_with(&format!(".{UNFINISHED}")))?;
        Ok(writer)
    }
}

impl Writer {
    /// The folder, for reading.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Writes a segment.
    pub fn put(&self, id: &[u8], segment: &Segment) -> Result<(), CollectionError> {
        let name = hex::text(id);
        let plain = segment.write().ok_or(CollectionError::Damaged)?;
        let sealed = self.folder.seal.seal(&name, &plain).ok_or(CollectionError::Damaged)?;
        self.replace(&name, &sealed)?;
        fail::fail_point!("segment-written");
        Ok(())
    }

    /// Replaces the manifest.
    pub fn publish(&self, manifest: &Manifest) -> Result<(), CollectionError> {
        let plain = serde_json::to_vec(manifest).map_err(|_| CollectionError::Damaged)?;
        let sealed = self.folder.seal.seal(MANIFEST, &plain).ok_or(CollectionError::Damaged)?;
        // The names of the segments are durable once the folder is.
        File::open(&self.folder.path)?.sync_all()?;
        self.replace(MANIFEST, &sealed)?;
        File::open(&self.folder.path)?.sync_all()?;
        fail::fail_point!("manifest-written");
        Ok(())
    }

    /// Removes the segments that this manifest does not name.
    pub fn sweep(&self, manifest: &Manifest) -> Result<(), CollectionError> {
        let named: HashSet<String> = manifest.documents().map(|(_, stored)| hex::text(&stored.segment)).collect();
        self.remove(|name| ![MANIFEST, LOCK].contains(&name) && !named.contains(name))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.path.join(name);
        let fresh = path.with_extension(UNFINISHED);
        let mut file = private().truncate(true).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)
    }

    fn remove(&self, goes: impl Fn(&str) -> bool) -> Result<(), CollectionError> {
        for entry in fs::read_dir(&self.folder.path)? {
            let entry = entry?;
            if goes(&entry.file_name().to_string_lossy()) {
                match fs::remove_file(entry.path()) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
