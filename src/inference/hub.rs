//! Downloaded models: fetched at a pinned revision, checked, and listed in a manifest of our own.
//!
//! Everything lies under `<data>/models/`: the hub's own cache in `hub/`, and `manifest.json`. Neither hf-hub nor the hub
//! keeps a checksum that can be checked again later; the manifest does.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use super::config::Hub;
use super::local::sum;

/// How often a download that was cut goes on by itself; `model pull` run again goes on too.
const RETRIES: usize = 5;

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
    /// Where it lies, below `<data>/models/`.
    pub place: PathBuf,
}

impl Entry {
    /// Where the file lies.
    #[must_use]
    pub fn path(&self, data: &Path) -> PathBuf {
        folder(data).join(&self.place)
    }

    fn is(&self, hub: &Hub) -> bool {
        self.repo == hub.repo && self.file == hub.file && self.revision.eq_ignore_ascii_case(&hub.revision)
    }

    fn check(&self, data: &Path) -> Result<(), HubError> {
        let path = self.path(data);
        let found = File::open(&path).and_then(|mut file| sum(&mut file)).map_err(|error| at(&path, error))?;
        if found == self.sha256 {
            return Ok(());
        }
        Err(HubError::Mismatch { file: self.file.clone(), expected: self.sha256.clone(), found })
    }
}

/// A downloaded model that was read again.
#[derive(Debug)]
pub struct Verified {
    /// What the manifest says.
    pub entry: Entry,
    /// What is wrong with the file, if anything.
    pub outcome: Result<(), HubError>,
}

/// What is wrong with downloaded models; each is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The configuration forbids the network.
    #[error("model.offline is set: nothing is downloaded")]
    Offline,
    /// The hub could not be reached, or has no such file.
    #[error("the download failed: {0} (run it again: it goes on where it stopped)")]
    Download(String),
    /// A file is not what was expected.
    #[error("{file} has the SHA-256 {found}, {expected} was expected")]
    Mismatch {
        /// The file's path in its repository.
        file: String,
        /// The sum in the configuration, the hub's answer or the manifest.
        expected: String,
        /// The file's sum.
        found: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The manifest is not one.
    #[error("{0} is damaged: remove it and pull the models again")]
    Manifest(PathBuf),
}

/// Downloads a model unless it is here already, checks it and writes it in the manifest. Blocks; shows a progress bar on a
/// terminal. With `sha256` (hexadecimal), a file that differs is removed and refused.
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
    if let Some(entry) = &known
        && entry.check(data).is_ok()
    {
        expect(hub, sha256, &entry.sha256)?;
        return Ok(entry.clone());
    }
    if offline {
        return Err(HubError::Offline);
    }
    let root = folder(data);
    fs::create_dir_all(&root).map_err(|error| at(&root, error))?;
    // A damaged copy in the cache would be taken for the whole file.
    if let Some(entry) = &known {
        remove(&entry.path(data))?;
    }
    let pointer = download(hub, &root, retries)?;
    let blob = pointer.canonicalize().map_err(|error| at(&pointer, error))?;
    let found = File::open(&blob).and_then(|mut file| sum(&mut file)).map_err(|error| at(&blob, error))?;
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
    let place = pointer.strip_prefix(&root).unwrap_or(&pointer).to_owned();
    let entry = Entry {
        repo: hub.repo.clone(),
        file: hub.file.clone(),
        revision: hub.revision.clone(),
        sha256: found,
        bytes,
        place,
    };
    record(&entry, hub, data)?;
    Ok(entry)
}

fn download(hub: &Hub, root: &Path, retries: usize) -> Result<PathBuf, HubError> {
    let cache = Cache::new(root.join("hub"));
    let api = ApiBuilder::from_cache(cache.clone())
        .with_endpoint(hub.endpoint.trim_end_matches('/').to_owned())
        // Public models only: a token would be sent to whatever endpoint is configured.
        .with_token(None)
        .with_retries(retries)
        .build()
        .map_err(|error| failed(&error))?;
    let repo = Repo::with_revision(hub.repo.clone(), RepoType::Model, hub.revision.clone());
    let files = api.repo(repo.clone());
    fetch(&files, &hub.file).or_else(|error| {
        // A part that is already whole (or more) makes the hub refuse the rest: begin again, once.
        if !matches!(error, ApiError::InvalidResume) && !error.to_string().contains("416") {
            return Err(failed(&error));
        }
        let blobs = cache.path().join(repo.folder_name()).join("blobs");
        for part in fs::read_dir(&blobs).map_err(|error| at(&blobs, error))?.flatten() {
            if part.path().extension().is_some_and(|extension| extension == "part") {
                fs::remove_file(part.path()).map_err(|error| at(&part.path(), error))?;
            }
        }
        fetch(&files, &hub.file).map_err(|error| failed(&error))
    })
}

fn fetch(files: &ApiRepo, file: &str) -> Result<PathBuf, ApiError> {
    // Draws on standard error, and only when that is a terminal.
    files.download_with_progress(file, ProgressBar::new(0))
}

fn failed(error: &ApiError) -> HubError {
    HubError::Download(error.to_string())
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

/// Removes a downloaded file: the link in the cache, and what it leads to.
fn remove(pointer: &Path) -> Result<(), HubError> {
    for path in [pointer.canonicalize().ok(), Some(pointer.to_owned())].into_iter().flatten() {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path, error)),
            _ => {}
        }
    }
    Ok(())
}

/// Writes the manifest beside itself, then puts it in place: it is whole at any moment.
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

fn at(path: &Path, error: io::Error) -> HubError {
    HubError::File { path: path.to_owned(), error }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
