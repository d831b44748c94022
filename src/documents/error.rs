//! Why a file could not be read, as a caller says it in a sentence. Nothing of the file's content is in it.

use serde::{Deserialize, Serialize};

use super::Config;

/// Why a file gave no passages.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// It opens only with a password.
    #[error("it is encrypted")]
    Encrypted,
    /// It holds next to no text: a scan, pictures, or nothing at all.
    #[error("it has no text")]
    NoText,
    /// A limit is passed.
    #[error("it is too large: {0}")]
    TooLarge(Limit),
    /// It is of no format that is read.
    #[error("its format is not known")]
    UnknownType,
    /// It is of a format that is read, and broken.
    #[error("it is damaged")]
    Damaged,
    /// It is of a format that is read, and that cannot be given back with other texts and the same form: PDF, the formats before 2007, mail.
    #[error("it cannot be given back with its form")]
    FixedForm,
    /// The time for it has passed.
    #[error("reading it took too long")]
    TimedOut,
    /// The process that reads it could not be started, or died. The reason is for the log; no child says one.
    #[error("reading it failed: {0}")]
    #[serde(skip)]
    Failed(String),
}

/// The limit that a file passes, with its value.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Of the file, in megabytes.
    #[error("a file has {0} MB at most")]
    File(u64),
    /// Of what it unpacks to, in megabytes.
    #[error("a file unpacks to {0} MB at most")]
    Unpacked(u64),
    /// Of how many times its size it unpacks to.
    #[error("a part unpacks to {0} times its size at most")]
    Ratio(u64),
    /// Of pages, slides or sheets.
    #[error("a file has {0} pages at most")]
    Pages(u32),
    /// Of parts: members of an archive, cells, levels of nesting, parts of a message.
    #[error("a file has {0} parts at most")]
    Parts(u64),
    /// Of its text, in megabytes.
    #[error("a file has {0} MB of text at most")]
    Text(u64),
    /// Of the memory that its reading takes, in megabytes.
    #[error("reading a file takes {0} MB of memory at most")]
    Memory(u64),
}

impl Limit {
    /// The same limit as the configuration has it.
    pub(super) fn of(self, config: &Config) -> Self {
        match self {
            Self::File(_) => Self::File(config.file_size),
            Self::Unpacked(_) => Self::Unpacked(config.unpacked),
            Self::Ratio(_) => Self::Ratio(config.ratio),
            Self::Pages(_) => Self::Pages(config.pages),
            Self::Parts(parts) => Self::Parts(parts),
            Self::Text(_) => Self::Text(config.output),
            Self::Memory(_) => Self::Memory(config.memory),
        }
    }
}
