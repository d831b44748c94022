//! Downloaded models: fetched at a pinned revision, verified, and listed in a manifest.
//!
//! Everything is under `<data>/models/`: the cache of hf-hub in `hub/`, and `manifest.json`, which contains the checksums; hf-hub stores
//! none that could be verified later.

mod error;
pub mod folders;
mod progress;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use serde::{Deserialize, Serialize};

use self::progress::Shown;
use super::config::Hub;
use super::sha256::sha256;

pub use self::error::HubError;
use self::error::{at, failed};

/// How often an interrupted download is resumed; running `model pull` again resumes it, too.
const RETRIES: usize = 5;

/// Bytes that a download leaves free on its disk, which may be that of the bot's store.
const LEFT_FREE: u64 = 128 << 20;

/// The optional file beside a model that is read instead of the model's own vocabulary.
const TOKENIZER: &str = "tokenizer.json";

/// A downloaded model.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Entry {
    /// The repository, `owner/name`.
    pub repo: String,
    /// The file's path in the repository.
    pub file: String,
    /// The commit it was taken from.
    pub revision: String,
    /// The file's SHA-256, in lower-case hexadecimal, computed here.
    pub sha256: String,
    /// The file's length.
    pub bytes: u64,
    /// Its path below `<data>/models/`.
    pub place: PathBuf,
    /// The SHA-256 of the `tokenizer.json` that was beside it when it was pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<String>,
}

impl Entry {
    /// The path of the file.
    #[must_use]
    pub fn path(&self, data: &Path) -> PathBuf {
        folder(data).join(&self.place)
    }

    fn is(&self, hub: &Hub) -> bool {
        self.repo == hub.repo && self.file == hub.file && self.revision.eq_ignore_ascii_case(&hub.revision)
    }

    fn check(&self, data: &Path) -> Result<(), HubError> {
        self.check_model(data)?;
        self.check_tokenizer(data)
    }

    fn check_model(&self, data: &Path) -> Result<(), HubError> {
        let found = sha256_of(&self.path(data))?;
        if found == self.sha256 {
            return Ok(());
        }
        Err(HubError::Mismatch { file: self.file.clone(), expected: self.sha256.clone(), found })
    }

    /// Makes sure that the `tokenizer.json` beside the model is the one that the manifest knows, or that there is none.
    pub fn check_tokenizer(&self, data: &Path) -> Result<(), HubError> {
        let path = self.path(data).with_file_name(TOKENIZER);
        if tokenizer_beside(&path)? == self.tokenizer { Ok(()) } else { Err(HubError::Tokenizer(path)) }
    }
}

fn sha256_of(path: &Path) -> Result<String, HubError> {
    File::open(path).and_then(|mut file| sha256(&mut file)).map_err(|error| at(path, error))
}

fn tokenizer_beside(path: &Path) -> Result<Option<String>, HubError> {
    let there = path.try_exists().map_err(|error| at(path, error))?;
    there.then(|| sha256_of(path)).transpose()
}

/// The result of verifying a downloaded model.
#[derive(Debug)]
pub struct Verified {
    /// What the manifest says.
    pub entry: Entry,
    /// What is wrong with the file, if anything.
    pub outcome: Result<(), HubError>,
}

/// Downloads a model unless it is here already, checks it and writes it in the manifest. Blocks; says how far it is, with a bar
/// on a terminal and a line every ten seconds elsewhere. With `sha256` (hexadecimal), a file that differs is removed and refused.
pub fn pull(hub: &Hub, sha256: Option<&str>, offline: bool, data: &Path) -> Result<Entry, HubError> {
    pull_with(hub, sha256, offline, data, RETRIES)
}

/// The downloaded models, in the order they came.
pub fn list(data: &Path) -> Result<Vec<Entry>, HubError> {
    let path = folder(data).join("manifest.json");
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| HubError::Manifest(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(at(&path, error)),
    }
}

/// Reads every downloaded model again; each comes with what is wrong with it, if anything.
pub fn verify(data: &Path) -> Result<Vec<Verified>, HubError> {
    let verified = |entry: Entry| Verified { outcome: entry.check(data), entry };
    Ok(list(data)?.into_iter().map(verified).collect())
}

/// The manifest's entry for a model, if it was downloaded.
pub(super) fn find(hub: &Hub, data: &Path) -> Result<Option<Entry>, HubError> {
    Ok(list(data)?.into_iter().find(|entry| entry.is(hub)))
}

fn pull_with(hub: &Hub, sha256: Option<&str>, offline: bool, data: &Path, retries: usize) -> Result<Entry, HubError> {
    let known = find(hub, data)?;
    let sound = known.as_ref().filter(|entry| entry.check_model(data).is_ok());
    if let Some(entry) = sound {
        expect(hub, sha256, &entry.sha256)?;
        if entry.check_tokenizer(data).is_ok() {
            return Ok(entry.clone());
        }
    } else if offline {
        return Err(HubError::Offline);
    }
    let root = folder(data);
    fs::create_dir_all(&root).map_err(|error| at(&root, error))?;
    let _alone = alone(&root)?;
    if let Some(entry) = sound {
        // The model is unchanged; the `tokenizer.json` beside it is recorded.
        let tokenizer = tokenizer_beside(&entry.path(data).with_file_name(TOKENIZER))?;
        let entry = Entry { tokenizer, ..entry.clone() };
        record(&entry, hub, data)?;
        return Ok(entry);
    }
    // hf-hub would take a damaged copy in its cache for the complete file.
    if let Some(entry) = &known {
        remove(&entry.path(data))?;
    }
    let pointer = download(&hub.wanted(), &root, retries)?;
    let blob = pointer.canonicalize().map_err(|error| at(&pointer, error))?;
    let found = sha256_of(&blob)?;
    // For large files, the name under which the hub stores them is their SHA-256.
    let stored = blob.file_name().and_then(|name| name.to_str()).filter(|name| name.len() == 64);
    let manifest = known.as_ref().map(|entry| entry.sha256.as_str());
    for expected in [sha256, stored, manifest] {
        if let Err(error) = expect(hub, expected, &found) {
            remove(&pointer)?;
            return Err(error);
        }
    }
    let bytes = fs::metadata(&blob).map_err(|error| at(&blob, error))?.len();
    let tokenizer = tokenizer_beside(&pointer.with_file_name(TOKENIZER))?;
    let place = pointer.strip_prefix(&root).unwrap_or(&pointer).to_owned();
    let entry = Entry {
        repo: hub.repo.clone(),
        file: hub.file.clone(),
        revision: hub.revision.clone(),
        sha256: found,
        bytes,
        place,
        tokenizer,
    };
    record(&entry, hub, data)?;
    Ok(entry)
}

impl Hub {
    fn wanted(&self) -> Wanted<'_> {
        let Self { endpoint, repo, revision, file } = self;
        Wanted { endpoint, repo, revision, file }
    }
}

/// Locks the folder against other pulls until the file is dropped.
fn alone(root: &Path) -> Result<File, HubError> {
    let path = root.join("pull.lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(&path).map_err(|error| at(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(HubError::Busy(root.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(&path, error)),
    }
}

/// A file of a repository, at a commit.
struct Wanted<'a> {
    endpoint: &'a str,
    repo: &'a str,
    revision: &'a str,
    file: &'a str,
}

fn download(wanted: &Wanted<'_>, root: &Path, retries: usize) -> Result<PathBuf, HubError> {
    let cache = Cache::new(root.join("hub"));
    let api = ApiBuilder::from_cache(cache.clone())
        .with_endpoint(wanted.endpoint.trim_end_matches('/').to_owned())
        // Public models only: a token would be sent to whatever endpoint is configured.
        .with_token(None)
        .with_retries(retries)
        .build()
        .map_err(|error| failed(wanted.endpoint, root, &error))?;
    let repo = Repo::with_revision(wanted.repo.to_owned(), RepoType::Model, wanted.revision.to_owned());
    let files = api.repo(repo.clone());
    let url = files.url(wanted.file);
    ensure_space(&api, &url, &cache, &repo, root)?;
    fetch(&files, wanted.file).or_else(|error| {
        // If the partial file is already complete (or longer), the hub refuses to send the rest: download again, once.
        if !matches!(error, ApiError::InvalidResume) && error::status(&error) != Some(416) {
            return Err(failed(&url, root, &error));
        }
        let blobs = cache.path().join(repo.folder_name()).join("blobs");
        for part in fs::read_dir(&blobs).map_err(|error| at(&blobs, error))?.flatten() {
            if part.path().extension().is_some_and(|extension| extension == "part") {
                fs::remove_file(part.path()).map_err(|error| at(&part.path(), error))?;
            }
        }
        fetch(&files, wanted.file).map_err(|error| failed(&url, root, &error))
    })
}

/// Checks before the download that the whole file fits on the disk.
fn ensure_space(api: &Api, url: &str, cache: &Cache, repo: &Repo, root: &Path) -> Result<(), HubError> {
    let metadata = api.metadata(url).map_err(|error| failed(url, root, &error))?;
    let part = cache.repo(repo.clone()).blob_path(metadata.etag()).with_extension("part");
    let here = fs::metadata(part).map_or(0, |part| part.len());
    let system = nix::sys::statvfs::statvfs(root).map_err(|error| at(root, error.into()))?;
    let free = system.blocks_available().saturating_mul(system.fragment_size());
    fits(root, (metadata.size() as u64).saturating_sub(here), free)
}

fn fits(root: &Path, needed: u64, free: u64) -> Result<(), HubError> {
    if needed.saturating_add(LEFT_FREE) <= free {
        return Ok(());
    }
    Err(HubError::NoSpace { folder: root.to_owned(), needed, free })
}

fn fetch(files: &ApiRepo, file: &str) -> Result<PathBuf, ApiError> {
    files.download_with_progress(file, Shown::new())
}

fn expect(hub: &Hub, expected: Option<&str>, found: &str) -> Result<(), HubError> {
    match expected.filter(|expected| !expected.eq_ignore_ascii_case(found)) {
        None => Ok(()),
        Some(expected) => Err(HubError::Mismatch {
            file: hub.file.clone(),
            expected: expected.to_ascii_lowercase(),
            found: found.to_owned(),
        }),
    }
}

/// Removes a downloaded file: the link in the cache, and its target.
fn remove(pointer: &Path) -> Result<(), HubError> {
    for path in [pointer.canonicalize().ok(), Some(pointer.to_owned())].into_iter().flatten() {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path, error)),
            _ => {}
        }
    }
    Ok(())
}

/// Writes the manifest to a temporary file and renames it, so that it is complete at any moment.
fn record(entry: &Entry, hub: &Hub, data: &Path) -> Result<(), HubError> {
    let mut entries = list(data)?;
    entries.retain(|known| !known.is(hub));
    entries.push(entry.clone());
    let path = folder(data).join("manifest.json");
    let written = path.with_extension("json.new");
    let json = serde_json::to_vec_pretty(&entries).map_err(|error| at(&path, error.into()))?;
    fs::write(&written, json).and_then(|()| fs::rename(&written, &path)).map_err(|error| at(&path, error))
}

fn folder(data: &Path) -> PathBuf {
    data.join("models")
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
