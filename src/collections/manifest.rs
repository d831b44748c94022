//! What a collection holds: one entry for each of its files.

use std::{collections::BTreeMap, ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use serde::{Deserialize, Serialize};

use super::hex;
use crate::document::{Document, Partition};

/// Raised when documents of unchanged files are to be read anew: their passages are cut otherwise.
pub const READING: u32 = 1;

/// The documents of a collection, by the path of their file below its folder.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// When it was last read to its end, in milliseconds since the epoch. `None` while the first reading is under way.
    pub completed_at: Option<u64>,
    /// The entries, by path.
    pub entries: BTreeMap<FilePath, Entry>,
}

/// A path below the folder, which need not be UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FilePath(#[serde(with = "hex")] Vec<u8>);

/// What is known of a file.
#[derive(Clone, Serialize, Deserialize)]
pub struct Entry {
    /// The file as it was when it was read.
    pub state: FileState,
    /// The SHA-256 of its bytes.
    #[serde(with = "hex")]
    pub content: Vec<u8>,
    /// What it gave.
    pub outcome: Outcome,
}

/// What tells an unchanged file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    /// Its size.
    pub size: u64,
    /// When it was written, in nanoseconds since the epoch, as its file system says.
    pub modified: i64,
    /// When it or what is known of it was changed: also where its time was put back after it was written.
    pub changed: i64,
    /// Whether it had rested when it was read. One that was changed at that very moment, or in the future, may change again unnoticed.
    pub rested: bool,
}

/// What a file gave.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A document.
    Document(Stored),
    /// The same bytes as another file, whose document stands for both.
    Copy,
    /// Nothing: one sentence says why.
    Failed {
        /// Why.
        reason: String,
        /// The program that tried, and the limits of its reading; another one, or one with other limits, tries again. `None`: it is tried again
        /// each time.
        by: Option<String>,
    },
}

/// A document that is kept.
#[derive(Clone, Serialize, Deserialize)]
pub struct Stored {
    /// The file that its passages are in.
    #[serde(with = "hex")]
    pub segment: Vec<u8>,
    /// The model of its vectors, if it has some.
    pub model: Option<String>,
    /// What it is called.
    pub title: String,
    /// What it was made from.
    pub format: String,
    /// Its pages, slides or sheets.
    pub pages: Option<u32>,
    /// Its passages.
    pub passages: u32,
    /// The characters of its passages.
    pub characters: u64,
    /// Where it can be read.
    pub link: Option<String>,
    /// When it was added, in milliseconds since the epoch.
    pub added_at: u64,
}

impl FilePath {
    /// The path of a file below its folder.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The number of its document: made from the path, so that every bot that reads the same folder finds the same. 63 bits, as databases have
    /// them.
    #[must_use]
    pub fn number(&self) -> u64 {
        let hash = blake3::hash(&self.0);
        let first = hash.as_bytes().first_chunk::<8>().copied().unwrap_or_default();
        u64::from_be_bytes(first) >> 1
    }
}

impl Stored {
    /// The document, as the rest of the program knows it.
    #[must_use]
    pub fn document(&self, collection: &str, path: &FilePath) -> Document {
        Document {
            number: path.number(),
            partition: Partition::Collection(collection.to_owned()),
            title: self.title.clone(),
            format: self.format.clone(),
            pages: self.pages,
            passages: self.passages,
            characters: self.characters,
            origin: None,
            added_at: self.added_at,
            link: self.link.clone(),
        }
    }

    /// What changes with the document: two that are equal need not be put anew into an index.
    #[must_use]
    pub fn version(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for part in [&self.segment[..], self.title.as_bytes(), self.link.as_deref().unwrap_or_default().as_bytes()] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        *hasher.finalize().as_bytes()
    }
}

impl Manifest {
    /// Its documents.
    pub fn documents(&self) -> impl Iterator<Item = (&FilePath, &Stored)> {
        self.entries.iter().filter_map(|(path, entry)| match &entry.outcome {
            Outcome::Document(stored) => Some((path, stored)),
            Outcome::Copy | Outcome::Failed { .. } => None,
        })
    }

    /// The document of a file.
    #[must_use]
    pub fn document(&self, path: &FilePath) -> Option<&Stored> {
        match &self.entries.get(path)?.outcome {
            Outcome::Document(stored) => Some(stored),
            Outcome::Copy | Outcome::Failed { .. } => None,
        }
    }

    /// The files that gave nothing, each with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&FilePath, &str)> {
        self.entries.iter().filter_map(|(path, entry)| match &entry.outcome {
            Outcome::Failed { reason, .. } => Some((path, reason.as_str())),
            Outcome::Document(_) | Outcome::Copy => None,
        })
    }
}
