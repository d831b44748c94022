//! Why a collection cannot be read or written.

use std::io;

/// One sentence that never holds content or the name of a file in the collection.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// There is none of this name in the configuration.
    #[error("there is no collection `{asked}`; there are: {known}")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// Those there are.
        known: String,
    },
    /// Another process writes it.
    #[error("another process is indexing the collection; try again when it has ended")]
    InUse,
    /// What is kept of it does not open with the store's key.
    #[error("what is kept of the collection is damaged, or of another store: index it again")]
    Damaged,
    /// What is kept of one document does not open.
    #[error("what is kept of a document is damaged: index the collection again")]
    DamagedDocument,
    /// Its folder of files cannot be read.
    #[error("the folder {folder} cannot be read: {reason}")]
    Folder {
        /// The folder.
        folder: String,
        /// The system's reason.
        reason: String,
    },
    /// Its folder of files has none any more.
    #[error(
        "the folder {folder} has no file to read, and the collection has {documents} documents: is it mounted? To empty the collection, add --empty"
    )]
    Emptied {
        /// The folder.
        folder: String,
        /// How many documents there are.
        documents: usize,
    },
    /// Nothing comes of its folder of files, and several bots share what came of it before.
    #[error(
        "nothing was read in the folder {folder}, and the collection has documents in PostgreSQL: is it mounted? To remove them for all bots, add --empty"
    )]
    EmptiedShared {
        /// The folder.
        folder: String,
    },
    /// Its folder has more files than a collection may have.
    #[error("the folder {folder} has more than {most} files to read: make it several collections")]
    TooMany {
        /// The folder.
        folder: String,
        /// The most files.
        most: usize,
    },
    /// The server that several bots share does not take it.
    #[error("the collection was read, and PostgreSQL did not take it: {0}")]
    Shared(String),
    /// The sealed folder cannot be read or written.
    #[error("the data folder cannot be used: {0}")]
    Files(#[from] io::Error),
}
