//! Models that are several files: encoders, with their tokenizer and their settings. Each file is downloaded, checked and listed as one
//! model's single file is.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Entry, HubError, RETRIES, at, list, pull_with};
use crate::inference::config::{Hub, HubFolder};
use crate::inference::weight_map;

/// The files without which there is no model. The tokenizer comes first: what lies beside it is listed with its checksum.
const NEEDED: [&str; 2] = ["tokenizer.json", "config.json"];

/// What `sentence-transformers` writes beside a model, where it was trained with that.
const OPTIONAL: [&str; 4] =
    ["modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json"];

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The longest index of parts.
const LONGEST_INDEX: u64 = 16 << 20;

/// Downloads the files of an encoder unless they are here already, as [`pull`](super::pull) does a file.
pub fn pull_folder(hub: &HubFolder, offline: bool, data: &Path) -> Result<Vec<Entry>, HubError> {
    pull_files(hub, offline, data, RETRIES)
}

pub(super) fn pull_files(hub: &HubFolder, offline: bool, data: &Path, retries: usize) -> Result<Vec<Entry>, HubError> {
    let get = |file: &str| pull_with(&of(hub, file), None, offline, data, retries);
    if !hub.files.is_empty() {
        return hub.files.iter().map(|file| get(file)).collect();
    }
    if offline {
        return here(hub, data)?.ok_or(HubError::Offline);
    }
    let mut entries = NEEDED.map(get).into_iter().collect::<Result<Vec<Entry>, _>>()?;
    for file in OPTIONAL {
        entries.extend(unless_missing(get(file))?);
    }
    if let Some(weights) = unless_missing(get(WEIGHTS))? {
        entries.push(weights);
        return Ok(entries);
    }
    let none = || HubError::NoSafetensors { repo: hub.repo.clone(), revision: hub.revision.clone() };
    let index = unless_missing(get(INDEX))?.ok_or_else(none)?;
    for part in parts(&index.path(data))? {
        entries.push(get(&part)?);
    }
    entries.push(index);
    Ok(entries)
}

/// The folder of a model that was downloaded as a whole.
pub(in super::super) fn find_folder(hub: &HubFolder, data: &Path) -> Result<Option<PathBuf>, HubError> {
    let Some(entries) = here(hub, data)? else { return Ok(None) };
    for entry in &entries {
        let path = entry.path(data);
        let bytes = fs::metadata(&path).map_err(|error| at(&path, error))?.len();
        if bytes != entry.bytes {
            return Err(HubError::Changed(path));
        }
    }
    let config = entries.iter().find(|entry| entry.file == "config.json").map(|entry| entry.path(data));
    Ok(config.and_then(|path| path.parent().map(Path::to_owned)))
}

/// The manifest's entries for a model's files, if all that it needs are there.
fn here(hub: &HubFolder, data: &Path) -> Result<Option<Vec<Entry>>, HubError> {
    let mut entries = list(data)?;
    entries.retain(|entry| entry.repo == hub.repo && entry.revision.eq_ignore_ascii_case(&hub.revision));
    let find = |file: &str| entries.iter().find(|entry| entry.file == file);
    let complete = NEEDED.into_iter().all(|file| find(file).is_some())
        && match (find(WEIGHTS), find(INDEX)) {
            (Some(_), _) => true,
            (None, Some(index)) => parts(&index.path(data))?.iter().all(|part| find(part).is_some()),
            (None, None) => false,
        };
    Ok(complete.then_some(entries))
}

fn of(hub: &HubFolder, file: &str) -> Hub {
    Hub {
        repo: hub.repo.clone(),
        file: file.to_owned(),
        revision: hub.revision.clone(),
        endpoint: hub.endpoint.clone(),
    }
}

fn unless_missing(pulled: Result<Entry, HubError>) -> Result<Option<Entry>, HubError> {
    match pulled {
        Ok(entry) => Ok(Some(entry)),
        Err(HubError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The files that an index names.
fn parts(index: &Path) -> Result<Vec<String>, HubError> {
    let unfit = || HubError::Index(index.to_owned());
    let length = fs::metadata(index).map_err(|error| at(index, error))?.len();
    if length > LONGEST_INDEX {
        return Err(unfit());
    }
    let bytes = fs::read(index).map_err(|error| at(index, error))?;
    serde_json::from_slice(&bytes).ok().and_then(|json| weight_map::parts(&json)).ok_or_else(unfit)
}
