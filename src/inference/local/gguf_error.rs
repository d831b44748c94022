//! Why a model file is refused, as one sentence that cannot be forged by the file.

use std::io;

/// Why a file is not a model this engine can load; each reads as the end of "this file cannot be used: …".
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The file could not be read.
    #[error("it cannot be read: {0}")]
    Io(io::Error),
    /// The file is not the one that was asked for.
    #[error("its SHA-256 is {found}, {expected} was expected")]
    Checksum {
        /// What the configuration or the manifest says.
        expected: String,
        /// What the file gives.
        found: String,
    },
    /// The file is cut short, corrupt or hostile.
    #[error("{0}")]
    Damaged(String),
    /// The file is sound, but this engine would answer wrongly with it.
    #[error("{0}")]
    Unsupported(String),
}

impl GgufError {
    pub(super) fn damaged(sentence: impl Into<String>) -> Self {
        Self::Damaged(one_line(&sentence.into()))
    }

    pub(super) fn unsupported(sentence: impl Into<String>) -> Self {
        Self::Unsupported(one_line(&sentence.into()))
    }
}

/// One line of at most 300 characters: names in an error come from the file, and must neither forge nor flood a log.
pub(super) fn one_line(sentence: &str) -> String {
    sentence.chars().take(300).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

impl From<io::Error> for GgufError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::damaged("it is cut short") } else { Self::Io(error) }
    }
}

/// The first line of an error of candle; a backtrace follows it.
pub(super) fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
