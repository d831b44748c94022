//! Why the store did not do what it was asked.

use std::io;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the folder.
    #[error("another compagnon is running on this data folder")]
    InUse,
    /// The files in the folder do not belong together, or are not safe: a sentence for the operator. Nothing was changed.
    #[error("{0}")]
    Refused(&'static str),
    /// A newer program wrote this store.
    #[error("the store is of version {stored} and this program knows only {current}: start the newer program")]
    Newer {
        /// The version found.
        stored: u32,
        /// The newest version this program knows.
        current: u32,
    },
    /// A record is not what was written: changed, moved, or sealed under another key.
    #[error("a record of the store does not open (in {tree})")]
    Damaged {
        /// The kind of record.
        tree: &'static str,
    },
    /// A file, or what a job is to keep, is larger than the store keeps.
    #[error("what is to be kept is too large for the store")]
    TooLarge,
    /// There are as many documents as there may be, or they take as many bytes.
    #[error("{0}")]
    Full(Full),
    /// The message that a document came with was taken back, or what it was to belong to is no more: a room that was left, a compagnon that
    /// was deleted. Nothing was stored.
    #[error("what the document came with, or was to belong to, is no more")]
    Gone,
    /// The vectors are not those of the document's passages, or are no numbers.
    #[error("the vectors are not one for each passage, all of one length")]
    Unfit,
    /// The documents of collections are not kept here.
    #[error("the documents of a collection are kept with the collection")]
    OfCollection,
    /// A file beside the database could not be read or written.
    #[error("the store's files: {0}")]
    Files(#[source] io::Error),
    /// The store's thread has ended: it panicked, or it never started. Nothing more is acknowledged.
    #[error("the store has stopped")]
    Stopped,
    /// The database could not read or write, for instance because the disk is full. Nothing was acknowledged.
    #[error("the store's database: {0}")]
    Database(#[from] sled::Error),
}

/// What is full of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// What the document was to belong to: a room with its conversations, a person, a compagnon, the catalogue.
    #[error("no more documents can be kept here")]
    Group,
    /// The store.
    #[error("the store keeps no more documents")]
    Store,
}

impl StoreError {
    /// Whether the store must be opened again: the disk or the database failed, and what is in memory may be ahead of what was written.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Files(_) | Self::Database(_) | Self::Stopped)
    }
}
