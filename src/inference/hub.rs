//! Models from the hub: fetched once at a pinned revision, and known from then on by their SHA-256 in a manifest of our own, because the
//! hub's client checks none.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hf_hub::{Repo, RepoType, api::sync::ApiBuilder};
use serde::{Deserialize, Serialize};

use super::{
    config::{Config, Hub},
    local::gguf::digest,
};

const HUB: &str = "https://huggingface.co";

/// A file that was pulled.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Entry {
    /// The repository.
    pub repo: String,
    /// The file in it.
    pub file: String,
    /// The revision it was asked at.
    pub revision: String,
    /// Its digest, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Where it is, below the folder of models.
    path: PathBuf,
}

/// Why a model was not pulled or is not there.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// No hub is configured.
    #[error("model.hub is not set: name a repo, a file and a revision in it")]
    NotConfigured,
    /// The configuration forbids it.
    #[error("model.offline is set, so nothing is fetched from the hub")]
    Offline,
    /// The model has not been pulled.
    #[error("{0} has not been pulled yet: run `compagnon model pull`")]
    NotPulled(String),
    /// The hub did not give the file.
    #[error("the hub did not give {file}: {reason}")]
    Hub {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The file that came is not the one chosen.
    #[error("{file} has the SHA-256 {found}, not {expected}; it was removed")]
    Digest {
        /// The file.
        file: String,
        /// Its digest.
        found: String,
        /// The one in the configuration.
        expected: String,
    },
    /// The folder of models cannot be used.
    #[error("the folder of models: {0}")]
    Files(#[from] std::io::Error),
    /// The manifest cannot be read.
    #[error("the manifest {0} is damaged: remove it and pull again")]
    Manifest(String),
}

impl Entry {
    /// The file's path in a data folder.
    #[must_use]
    pub fn path(&self, data: &Path) -> PathBuf {
        folder(data).join(&self.path)
    }
}

fn folder(data: &Path) -> PathBuf {
    data.join("models")
}

/// Fetches the configured file, unless it is there, and writes it into the manifest. Blocks; shows its progress on a terminal.
pub fn pull(config: &Config, data: &Path) -> Result<Entry, HubError> {
    let hub = config.hub.as_ref().ok_or(HubError::NotConfigured)?;
    if config.offline {
        return Err(HubError::Offline);
    }
    let folder = folder(data);
    fs::create_dir_all(&folder)?;
    let refused = |reason: String| HubError::Hub { file: hub.file.clone(), reason };
    let api = ApiBuilder::new()
        .with_endpoint(hub.endpoint.as_deref().unwrap_or(HUB).trim_end_matches('/').to_owned())
        .with_cache_dir(folder.clone())
        .with_token(std::env::var("HF_TOKEN").ok())
        .with_retries(3)
        .build()
        .map_err(|error| refused(error.to_string()))?;
    let repo = Repo::with_revision(hub.repo.clone(), RepoType::Model, hub.revision.clone());
    let path = api.repo(repo).get(&hub.file).map_err(|error| refused(error.to_string()))?;
    let found = digest(&path)?;
    if let Some(expected) = config.sha256.as_ref().filter(|expected| !found.eq_ignore_ascii_case(expected)) {
        // Both the link and what it leads to: the next pull must fetch it anew.
        let target = fs::canonicalize(&path)?;
        fs::remove_file(&path)?;
        if target != path {
            fs::remove_file(target)?;
        }
        return Err(HubError::Digest { file: hub.file.clone(), found, expected: expected.clone() });
    }
    let entry = Entry {
        repo: hub.repo.clone(),
        file: hub.file.clone(),
        revision: hub.revision.clone(),
        sha256: found,
        bytes: fs::metadata(&path)?.len(),
        path: path.strip_prefix(&folder).unwrap_or(&path).to_owned(),
    };
    let mut entries = list(data)?;
    entries.retain(|old| (&old.repo, &old.file, &old.revision) != (&entry.repo, &entry.file, &entry.revision));
    entries.push(entry.clone());
    let manifest = manifest(data);
    let fresh = manifest.with_extension("new");
    fs::write(&fresh, serde_json::to_vec_pretty(&entries).map_err(std::io::Error::other)?)?;
    fs::rename(fresh, manifest)?;
    Ok(entry)
}

/// What has been pulled.
pub fn list(data: &Path) -> Result<Vec<Entry>, HubError> {
    let manifest = manifest(data);
    match fs::read(&manifest) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| HubError::Manifest(manifest.display().to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The entry of the configured file.
pub(super) fn pulled(hub: &Hub, data: &Path) -> Result<Entry, HubError> {
    let wanted = (&hub.repo, &hub.file, &hub.revision);
    let entry = list(data)?.into_iter().find(|entry| (&entry.repo, &entry.file, &entry.revision) == wanted);
    entry.ok_or_else(|| HubError::NotPulled(format!("{}/{}", hub.repo, hub.file)))
}

/// Reads every pulled file again: each with what is wrong with it, if anything.
pub fn verify(data: &Path) -> Result<Vec<(Entry, Result<(), String>)>, HubError> {
    let check = |entry: &Entry| match digest(&entry.path(data)) {
        Ok(found) if found == entry.sha256 => Ok(()),
        Ok(found) => Err(format!("its SHA-256 is {found}, not {}: remove it and pull again", entry.sha256)),
        Err(error) => Err(format!("{error}: pull it again")),
    };
    Ok(list(data)?.into_iter().map(|entry| (entry.clone(), check(&entry))).collect())
}

fn manifest(data: &Path) -> PathBuf {
    folder(data).join("manifest.json")
}
