//! When kept packed weights belong to a model, and where they are kept.

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

/// Smaller models are packed in no time.
const SMALLEST: u64 = 64 << 20;

/// What packed weights leave free on their disk, which may be that of the bot's own stores.
const SPARE: u64 = 2 << 30;

/// What the name of the note ends with that a packing has failed, after the name of the file that it was for.
const FAILED: &str = "failed";

/// No such note is as long.
const LONGEST_NOTE: u64 = 1 << 20;

/// A model's place for its packed weights, and what vouches for them.
pub(in super::super) struct PackedCache {
    /// The places it may have, the best first.
    places: Vec<PathBuf>,
    /// The files it is packed from.
    parts: Vec<SourceFile>,
    /// The SHA-256 that the configuration asks of the first file, in lower case.
    sha256: Option<String>,
    /// Whether the sum was computed since the file was opened.
    checked: bool,
    /// What is there, if its own header can be read, and the trouble otherwise.
    found: Result<PackedFile, String>,
    /// What is left free: [`SPARE`].
    spare: u64,
}

/// A packing that failed while it was written. While the note is there, and the model is the same, none is tried again: it would
/// write as much each time, and fail at each start.
#[derive(Serialize, Deserialize)]
struct Failed {
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
    /// nothing is to be kept, or the model is packed in no time. `sha256` is what the first of the files must have.
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

    /// [`PackedCache::open`] of a model of any size. The sum is not computed when it was as the weights were packed, and the file is still
    /// the same.
    pub(in super::super) fn of(
        path: &Path,
        files: Vec<File>,
        sha256: Option<&str>,
        data: &Path,
    ) -> Result<Self, GgufError> {
        let parts = files.into_iter().map(SourceFile::new).collect::<io::Result<_>>()?;
        let places = places(path, data);
        let found = find(&places);
        let sha256 = sha256.map(str::to_ascii_lowercase);
        let mut cache = Self { places, parts, sha256, checked: false, found, spare: SPARE };
        let vouched = cache.found.as_ref().is_ok_and(|found| {
            found.header.sha256 == cache.sha256 && cache.parts.iter().map(|part| &part.stat).eq(found.header.stats())
        });
        if !vouched {
            cache.compute_sum()?;
        }
        Ok(cache)
    }

    /// As if so much had to be left free.
    #[cfg(test)]
    pub(in super::super) fn spare(&mut self, bytes: u64) {
        self.spare = bytes;
    }

    /// Whether a model of `length` bytes takes longer to pack than to read.
    pub(in super::super) fn is_worthwhile(length: u64) -> bool {
        length >= SMALLEST
    }

    fn compute_sum(&mut self) -> Result<(), GgufError> {
        if let Some(expected) = self.sha256.as_deref().filter(|_| !self.checked) {
            if let Some(part) = self.parts.first_mut() {
                expect_sha256(&mut part.file, expected)?;
            }
            self.checked = true;
        }
        Ok(())
    }

    /// What is kept of exactly these tensors, or why it cannot be used.
    pub(in super::super) fn kept<'a>(
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

    /// Whether each file is the one it was, by its length and times, or else by its content.
    fn same_source_files(&self, header: &Header, pool: &Pool) -> io::Result<bool> {
        if header.origins.len() != self.parts.len() {
            return Ok(false);
        }
        for (part, origin) in self.parts.iter().zip(&header.origins) {
            let same = part.stat == origin.stat
                || part.stat.length == origin.stat.length && *part.digest(pool)? == origin.digest;
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Begins to keep what will be packed from the files themselves, where there is room for it. The error is a sum that is not the
    /// expected one: what vouched for it is not believed any more.
    pub(in super::super) fn renew(&mut self, tensors: &[TensorSpec]) -> Result<Option<Writer>, GgufError> {
        self.compute_sum()?;
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
        let mut trouble = String::new();
        for place in &self.places {
            let folder = folder_of(place);
            let begun = room_for(folder, length, self.spare)
                .and_then(|()| Writer::create(place, length).map_err(|error| format!("{}: {error}", folder.display())));
            match begun {
                Ok(writer) => return Ok(Some(writer)),
                Err(reason) => trouble = reason,
            }
        }
        tracing::warn!(
            reason = trouble,
            "the packed weights are not kept: each start packs them again. Make room, or set model.packed_cache to false"
        );
        Ok(None)
    }

    /// Remembers that a packing failed, so that the next starts do not try again.
    pub(in super::super) fn failed(&self, error: &io::Error) {
        tracing::warn!(%error, "the packed weights are not kept");
        let stats = self.parts.iter().map(|part| part.stat.clone()).collect();
        let failed = Failed { layout: layout(), stats, reason: error.to_string() };
        let note = serde_json::to_vec(&failed).unwrap_or_default();
        // Where not even this can be written, the next start finds out anew.
        let _ = self.places.iter().try_for_each(|place| match fs::write(place.with_added_extension(FAILED), &note) {
            Ok(()) => ControlFlow::Break(()),
            Err(_) => ControlFlow::Continue(()),
        });
    }

    /// The note of a packing of this model that failed, and why it did.
    fn failed_before(&self) -> Option<(PathBuf, String)> {
        self.places.iter().map(|place| place.with_added_extension(FAILED)).find_map(|note| {
            let mut bytes = Vec::new();
            File::open(&note).ok()?.take(LONGEST_NOTE).read_to_end(&mut bytes).ok()?;
            let failed: Failed = serde_json::from_slice(&bytes).ok()?;
            let same = failed.layout == layout() && failed.stats.iter().eq(self.parts.iter().map(|part| &part.stat));
            same.then_some((note, failed.reason))
        })
    }

    /// Puts what was written in its place, if the files are still those that were packed; the result is the place.
    pub(in super::super) fn keep(&self, writer: Writer, pool: &Pool) -> io::Result<PathBuf> {
        let origins = self.parts.iter().map(|part| {
            let origin = PackedFrom { digest: part.digest(pool)?.clone(), stat: part.stat.clone() };
            let unchanged = FileStat::of(&part.file.metadata()?) == origin.stat;
            unchanged.then_some(origin).ok_or_else(|| io::Error::other("the model was changed meanwhile"))
        });
        let origins = origins.collect::<io::Result<_>>()?;
        let place = writer.finish(origins, self.sha256.clone())?;
        for other in &self.places {
            // Of another model, or of another program.
            let _ = fs::remove_file(other.with_added_extension(FAILED));
            if *other != place {
                // An older one there would never be read again.
                let _ = fs::remove_file(other);
            }
        }
        Ok(place)
    }
}

/// Whether `length` bytes can be written there and `spare` be left; a sentence otherwise.
fn room_for(folder: &Path, length: u64, spare: u64) -> Result<(), String> {
    // The folder itself may still have to be made. Where the system does not say, there is room.
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    let Ok(system) = nix::sys::statvfs::statvfs(there) else { return Ok(()) };
    let free = system.blocks_available().saturating_mul(system.fragment_size());
    if free >= length.saturating_add(spare) {
        return Ok(());
    }
    let [free, length, spare] = [free, length, spare].map(|bytes| bytes >> 20);
    Err(format!("{} has {free} MiB free; {length} MiB are needed, and {spare} MiB left", folder.display()))
}

/// Beside the model, or in a folder of the bot's own data under a name that tells one model's path from another's.
fn places(path: &Path, data: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut places = vec![path.with_file_name(format!("{name}.packed"))];
    if data.is_dir() {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let digest = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
        places.push(data.join("packed").join(format!("{name}.{}.packed", &digest[..16])));
    }
    places
}

fn find(places: &[PathBuf]) -> Result<PackedFile, String> {
    let mut trouble = "they are not kept yet".to_owned();
    for path in places {
        match read_header(path) {
            Ok((file, header)) => return Ok(PackedFile { path: path.clone(), file, header }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => trouble = format!("{}: {error}", path.display()),
        }
    }
    Err(trouble)
}

/// Says why what was kept is not used, in one line.
pub(in super::super) fn pack_anew(reason: &str) {
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
