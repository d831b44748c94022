//! What parent and child say to each other: one line of JSON and the file to the child, one JSON value back.

use serde::{Deserialize, Serialize};

use super::{ExtractError, Extracted, sandbox::Confinement, trouble::Trouble};

/// The longest first line.
pub(super) const LONGEST_HEADER: u64 = 16 * 1024;

/// How many times the limit of the text an answer may have: headings, and characters that JSON escapes.
pub(super) const ANSWER_TIMES: u64 = 4;

/// What is said of the file. It is no argument of the child: other accounts of the machine can read those.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Header {
    /// The file's name.
    pub name: String,
    /// The type that was declared with it.
    pub media_type: Option<String>,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    /// How it was confined.
    pub confinement: Confinement,
    /// What the file holds.
    pub result: Result<Extracted, Refusal>,
}

/// Why a child gives nothing.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Refusal {
    /// The file is such.
    File(ExtractError),
    /// The child cannot work.
    Child(Trouble),
}

impl From<ExtractError> for Refusal {
    fn from(error: ExtractError) -> Self {
        Self::File(error)
    }
}
