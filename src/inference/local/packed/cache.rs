//! Whether a file of packed weights belongs to a model, and where it is kept.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::gguf_error::{GgufError, one_line};
use super::super::kernels::{Matrix, Pool};
use super::file::{Header, PackedWeights, Writer, folder_of, follows, layout, read_header};
use super::source_file::{FileStat, PackedFrom, SourceFile};
use super::tensor::TensorSpec;
use crate::inference::sha256::sha256;

/// Bytes of a model that is worth a file of packed weights: smaller ones are packed faster than read.
const SMALLEST: u64 = 64 << 20;

/// Bytes that are left free on the disk, which may be that of the bot's store.
const SPARE: u64 = 2 << 30;

/// The extension of the note that writing a file has failed, added to the name of that file.
const FAILED: &str = "failed";

/// More bytes than such a note has.
const LONGEST_NOTE: u64 = 1 << 20;

/// Where the packed weights of a model are kept, and what identifies the model.
pub(in super::super) struct PackedCache {
    /// The paths it may have, the preferred one first.
    paths: Vec<PathBuf>,
    /// The files it is packed from.
    source_files: Vec<SourceFile>,
    /// The SHA-256 that the configuration requires of the first file, in lower case.
    sha256: Option<String>,
    /// Whether the SHA-256 was computed since the file was opened.
    checked: bool,
    /// The file of packed weights, if its header can be read; why not otherwise.
    found: Result<PackedFile, String>,
    /// Bytes that are left free: [`SPARE`].
    spare: u64,
}

/// The note that writing a file has failed. While it exists and the model is the same, no start tries again: each would write gigabytes
/// and fail.
#[derive(Serialize, Deserialize)]
struct FailureNote {
    layout: String,
    stats: Vec<FileStat>,
    reason: String,
}

struct PackedFile {
    path: PathBuf,
    file: File,
    header: Header,
}

impl PackedCache {
    /// The cache of the model at `path`, packed from `files`: beside it, or else below the folder `keep` if that is there. `None` when
    /// nothing is to be kept, or the model is too small. `sha256` is the checksum that the first of the files must have.
    pub(in super::super) fn open(
        path: &Path,
        mut files: Vec<File>,
        sha256: Option<&str>,
        keep: Option<&Path>,
    ) -> Result<Option<Self>, GgufError> {
        let length = files.iter().map(|file| Ok(file.metadata()?.len())).sum::<io::Result<u64>>()?;
        if let Some(data) = keep.filter(|_| Self::is_worthwhile(length)) {
            return Self::of(path, files, sha256, data).map(Some);
        }
        match sha256.zip(files.first_mut()) {
            Some((expected, file)) => expect_sha256(file, expected).map(|()| None),
            None => Ok(None),
        }
    }

    /// [`PackedCache::open`] of a model of any size. The SHA-256 is not computed if it was when the weights were packed, and the file is
    /// still the same.
    pub(in super::super) fn of(
        path: &Path,
        files: Vec<File>,
        sha256: Option<&str>,
        data: &Path,
    ) -> Result<Self, GgufError> {
        let source_files = files.into_iter().map(SourceFile::new).collect::<io::Result<_>>()?;
        let paths = paths(path, data);
        let found = find(&paths);
        let sha256 = sha256.map(str::to_ascii_lowercase);
        let mut cache = Self { paths, source_files, sha256, checked: false, found, spare: SPARE };
        let vouched = cache.found.as_ref().is_ok_and(|found| {
            found.header.sha256 == cache.sha256
                && cache.source_files.iter().map(|source| &source.stat).eq(found.header.stats())
        });
        if !vouched {
            cache.verify_sha256()?;
        }
        Ok(cache)
    }

    /// Sets how much must be left free.
    #[cfg(test)]
    pub(in super::super) fn spare(&mut self, bytes: u64) {
        self.spare = bytes;
    }

    /// Whether a model of `length` bytes takes longer to pack than to read.
    pub(in super::super) fn is_worthwhile(length: u64) -> bool {
        length >= SMALLEST
    }

    fn verify_sha256(&mut self) -> Result<(), GgufError> {
        if let Some(expected) = self.sha256.as_deref().filter(|_| !self.checked) {
            if let Some(source) = self.source_files.first_mut() {
                expect_sha256(&mut source.file, expected)?;
            }
            self.checked = true;
        }
        Ok(())
    }

    /// The packed weights of exactly these tensors, or why they cannot be used.
    pub(in super::super) fn load<'a>(
        &'a self,
        tensors: &'a [TensorSpec],
        pool: &Pool,
    ) -> Result<PackedWeights<'a>, String> {
        let PackedFile { header, file, path } = self.found.as_ref().map_err(Clone::clone)?;
        if header.layout != layout() {
            return Err(format!("{} has another layout", path.display()));
        }
        if self.sha256.is_some() && header.sha256 != self.sha256 {
            return Err(format!("{} was packed before model.sha256 was asked for", path.display()));
        }
        if !follows(&header.tensors, tensors) {
            return Err(format!("{} holds other tensors", path.display()));
        }
        if !self.same_source_files(header, pool).map_err(|error| error.to_string())? {
            return Err(format!("{} was packed from another file", path.display()));
        }
        let tensors = header.tensors.iter().zip(tensors);
        Ok(PackedWeights {
            file,
            path,
            tensors: tensors.map(|(kept, tensor)| (tensor.name.as_str(), (tensor, kept))).collect(),
        })
    }

    /// Whether the model's files are the same as when they were packed, by length and times, or else by content.
    fn same_source_files(&self, header: &Header, pool: &Pool) -> io::Result<bool> {
        if header.origins.len() != self.source_files.len() {
            return Ok(false);
        }
        for (source, origin) in self.source_files.iter().zip(&header.origins) {
            let same = source.stat == origin.stat
                || source.stat.length == origin.stat.length && *source.digest(pool)? == origin.digest;
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Begins a new file for weights that will be packed, where there is space for it. The error is a SHA-256 that is not the expected
    /// one: it is computed here, because the old file does not vouch for it any more.
    pub(in super::super) fn create(&mut self, tensors: &[TensorSpec]) -> Result<Option<Writer>, GgufError> {
        self.verify_sha256()?;
        if cfg!(target_endian = "big") {
            return Ok(None);
        }
        if let Some((note, reason)) = self.failed_before() {
            let (note, reason) = (note.display(), one_line(&reason));
            tracing::warn!(
                "the packed weights are not kept: an earlier try failed ({reason}); remove {note} to try again"
            );
            return Ok(None);
        }
        let bytes =
            |tensor: &TensorSpec| Matrix::packed_bytes(tensor.kind, tensor.rows, tensor.columns).unwrap_or(0) as u64;
        let length = tensors.iter().map(bytes).sum();
        let mut problem = String::new();
        for path in &self.paths {
            let folder = folder_of(path);
            let begun = room_for(folder, length, self.spare)
                .and_then(|()| Writer::create(path, length).map_err(|error| format!("{}: {error}", folder.display())));
            match begun {
                Ok(writer) => return Ok(Some(writer)),
                Err(reason) => problem = reason,
            }
        }
        tracing::warn!(
            reason = problem,
            "the packed weights are not kept: each start packs them again. Make room, or set model.packed_cache to false"
        );
        Ok(None)
    }

    /// Notes that writing the file failed, so that the next starts do not try again.
    pub(in super::super) fn failed(&self, error: &io::Error) {
        tracing::warn!(%error, "the packed weights are not kept");
        let stats = self.source_files.iter().map(|source| source.stat.clone()).collect();
        let failed = FailureNote { layout: layout(), stats, reason: error.to_string() };
        let note = serde_json::to_vec(&failed).unwrap_or_default();
        // If the note cannot be written either, the next start tries again.
        let _ = self.paths.iter().try_for_each(|path| match fs::write(path.with_added_extension(FAILED), &note) {
            Ok(()) => ControlFlow::Break(()),
            Err(_) => ControlFlow::Continue(()),
        });
    }

    /// The note of an earlier failure for this model, with its reason.
    fn failed_before(&self) -> Option<(PathBuf, String)> {
        self.paths.iter().map(|path| path.with_added_extension(FAILED)).find_map(|note| {
            let mut bytes = Vec::new();
            File::open(&note).ok()?.take(LONGEST_NOTE).read_to_end(&mut bytes).ok()?;
            let failed: FailureNote = serde_json::from_slice(&bytes).ok()?;
            let same = failed.layout == layout()
                && failed.stats.iter().eq(self.source_files.iter().map(|source| &source.stat));
            same.then_some((note, failed.reason))
        })
    }

    /// Completes the file, if the model's files are still those that were packed; returns its path.
    pub(in super::super) fn finish(&self, writer: Writer, pool: &Pool) -> io::Result<PathBuf> {
        let origins = self.source_files.iter().map(|source| {
            let origin = PackedFrom { digest: source.digest(pool)?.clone(), stat: source.stat.clone() };
            let unchanged = FileStat::of(&source.file.metadata()?) == origin.stat;
            unchanged.then_some(origin).ok_or_else(|| io::Error::other("the model was changed meanwhile"))
        });
        let origins = origins.collect::<io::Result<_>>()?;
        let path = writer.finish(origins, self.sha256.clone())?;
        for other in &self.paths {
            // A note of another model or layout.
            let _ = fs::remove_file(other.with_added_extension(FAILED));
            if *other != path {
                // An older file there would never be read again.
                let _ = fs::remove_file(other);
            }
        }
        Ok(path)
    }
}

/// Whether `length` bytes can be written there with `spare` bytes left; a sentence otherwise.
fn room_for(folder: &Path, length: u64, spare: u64) -> Result<(), String> {
    // The folder may not exist yet. Where the system does not say, there is space.
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    let Ok(system) = nix::sys::statvfs::statvfs(there) else { return Ok(()) };
    let free = system.blocks_available().saturating_mul(system.fragment_size());
    if free >= length.saturating_add(spare) {
        return Ok(());
    }
    let [free, length, spare] = [free, length, spare].map(|bytes| bytes >> 20);
    Err(format!("{} has {free} MiB free; {length} MiB are needed, and {spare} MiB left", folder.display()))
}

/// Beside the model, or in the data folder under a name that contains a hash of the model's path.
fn paths(path: &Path, data: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut paths = vec![path.with_file_name(format!("{name}.packed"))];
    if data.is_dir() {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let digest = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
        paths.push(data.join("packed").join(format!("{name}.{}.packed", &digest[..16])));
    }
    paths
}

fn find(paths: &[PathBuf]) -> Result<PackedFile, String> {
    let mut problem = "they are not kept yet".to_owned();
    for path in paths {
        match read_header(path) {
            Ok((file, header)) => return Ok(PackedFile { path: path.clone(), file, header }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => problem = format!("{}: {error}", path.display()),
        }
    }
    Err(problem)
}

/// Logs in one line why the weights are packed again.
pub(in super::super) fn log_repacking(reason: &str) {
    tracing::info!(reason = one_line(reason), "the weights are packed anew");
}

/// Refuses a file whose SHA-256 is not the expected one.
fn expect_sha256(file: &mut File, expected: &str) -> Result<(), GgufError> {
    let found = sha256(file)?;
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(GgufError::Checksum { expected: expected.to_ascii_lowercase(), found })
}
