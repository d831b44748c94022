//! What the program knows of its collections, and what it has read of them.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    config::{ALL, Collection, Config},
    error::CollectionError,
    manifest::{FilePath, Manifest, Stored},
    sealed::{Folder, MANIFEST},
};
use crate::{
    compagnon::Compagnon,
    document::{Document, Passage},
    secret::SealingKey,
};

/// The folder of the data folder that they are in.
const FOLDER: &str = "collections";

/// The collections of the configuration, with what is kept of each.
#[derive(Clone)]
pub struct Collections {
    config: Arc<Config>,
    root: PathBuf,
    key: SealingKey,
}

/// What is kept of a collection at one moment.
#[derive(Clone)]
pub struct Kept {
    name: String,
    folder: Folder,
    manifest: Arc<Manifest>,
    /// The paths of its documents, by number.
    paths: Arc<HashMap<u64, FilePath>>,
}

/// A document with its passages, and their vectors where there are some.
pub struct Loaded {
    /// The document.
    pub document: Document,
    /// Its passages, in order.
    pub passages: Vec<Passage>,
    /// One vector of length 1 for each.
    pub vectors: Option<Vec<Vec<f32>>>,
    /// The model of the vectors.
    pub model: Option<String>,
}

impl Collections {
    /// Those of the configuration, kept below the data folder under this key. Reads nothing yet.
    #[must_use]
    pub fn new(config: Config, data: &Path, key: SealingKey) -> Self {
        Self { config: Arc::new(config), root: data.join(FOLDER), key }
    }

    /// Whether something is kept of a collection in a data folder. Needs no key.
    #[must_use]
    pub fn was_read(data: &Path, name: &str) -> bool {
        data.join(FOLDER).join(name).join(MANIFEST).exists()
    }

    /// Their names with what the configuration says of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Collection)> {
        self.config.0.iter().map(|(name, collection)| (name.as_str(), collection))
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Result<&Collection, CollectionError> {
        self.config.0.get(name).ok_or_else(|| CollectionError::Unknown {
            asked: name.to_owned(),
            known: self.config.0.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        })
    }

    /// The names of those that a compagnon searches. One that was made by command (`from_library` is false) cannot name any: it searches those
    /// that are given to all.
    #[must_use]
    pub fn of(&self, compagnon: &Compagnon, from_library: bool) -> Vec<String> {
        let searches = |name: &str, collection: &Collection| {
            let given = |to: &String| to == ALL || (from_library && *to == compagnon.id);
            collection.compagnons.iter().any(given)
                || (from_library && compagnon.about.collections.iter().any(|named| named == name))
        };
        let own = self.iter().filter(|(name, collection)| searches(name, collection));
        own.map(|(name, _)| name.to_owned()).collect()
    }

    /// The sealed folder of one.
    #[must_use]
    pub fn folder(&self, name: &str) -> Folder {
        Folder::new(&self.root, name, &self.key)
    }

    /// What is kept of one at this moment; of one that was never read, nothing.
    pub fn kept(&self, name: &str) -> Result<Kept, CollectionError> {
        self.get(name)?;
        let folder = self.folder(name);
        let manifest = folder.manifest()?.unwrap_or_default();
        let paths = manifest.documents().map(|(path, _)| (path.number(), path.clone())).collect();
        Ok(Kept { name: name.to_owned(), folder, manifest: Arc::new(manifest), paths: Arc::new(paths) })
    }
}

impl Kept {
    /// Its documents, each with what changes when it is to be put anew into an index.
    pub fn documents(&self) -> impl Iterator<Item = (Document, [u8; 32])> {
        self.manifest.documents().map(|(path, stored)| (stored.document(&self.name, path), stored.version()))
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its documents with their passages, one after the other. One whose segment is gone, because the collection has just changed, is left out:
    /// `None`.
    pub fn load(&self) -> impl Iterator<Item = Result<Option<Loaded>, CollectionError>> {
        self.manifest.documents().map(|(path, stored)| self.open(path, stored))
    }

    /// One document with its passages. One that is damaged is an error once, and then gone: the next reading of the collection makes it anew.
    pub fn document(&self, number: u64) -> Result<Option<Loaded>, CollectionError> {
        let found = self.paths.get(&number).and_then(|path| Some((path, self.manifest.document(path)?)));
        found.map_or(Ok(None), |(path, stored)| self.open(path, stored))
    }

    fn open(&self, path: &FilePath, stored: &Stored) -> Result<Option<Loaded>, CollectionError> {
        let segment = match self.folder.segment(&stored.segment) {
            Err(CollectionError::DamagedDocument) => {
                self.folder.discard(&stored.segment);
                return Err(CollectionError::DamagedDocument);
            }
            segment => segment?,
        };
        let Some(segment) = segment else { return Ok(None) };
        let (document, model) = (stored.document(&self.name, path), stored.model.clone());
        Ok(Some(Loaded { document, passages: segment.passages, vectors: segment.vectors, model }))
    }
}

impl fmt::Debug for Collections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Collections").field("collections", &self.config.0.len()).finish_non_exhaustive()
    }
}
