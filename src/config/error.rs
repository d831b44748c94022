//! Why a configuration is refused, and where the refused value was given.

use std::fmt;

use crate::setting::Refused;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueOrigin {
    /// In the file, at this line where it is known.
    File {
        /// The file.
        name: String,
        /// From 1.
        line: Option<usize>,
    },
    /// In this environment variable.
    Variable(String),
    /// Nowhere: the value is a default, or is missing.
    Nowhere,
}

impl fmt::Display for ValueOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line: Some(line) } => write!(formatter, "{name}, line {line}: "),
            Self::File { name, line: None } => write!(formatter, "{name}: "),
            Self::Variable(name) => write!(formatter, "the environment variable {name}: "),
            Self::Nowhere => Ok(()),
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read, or is no YAML.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The system's reason, or the YAML reader's with the line.
        reason: String,
    },
    /// A key has a value that cannot be used.
    #[error("{origin}{refused}")]
    Key {
        /// Where it was given.
        origin: ValueOrigin,
        /// The key and the reason.
        refused: Refused,
    },
}

impl From<Refused> for ConfigError {
    fn from(refused: Refused) -> Self {
        Self::Key { origin: ValueOrigin::Nowhere, refused }
    }
}
