//! What parent and child say to each other: one line of JSON, the texts where there are such and the file to the child; one line of JSON and the
//! rewritten file, where there is one, back.

use serde::{Deserialize, Serialize};

use super::{ExtractError, sandbox::Confinement, trouble::Trouble};

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
    /// What is to be done with it.
    #[serde(default)]
    pub work: Work,
}

/// What is to be done with a file.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub(super) enum Work {
    /// Its passages are read.
    #[default]
    Read,
    /// Its segments are read.
    Segments,
    /// Its segments get other texts, so many bytes of JSON that stand before the file.
    Rewrite(u64),
}

/// What is said of a rewritten file, before its bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Written {
    /// How many bytes follow.
    pub bytes: u64,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer<T> {
    /// How it was confined.
    pub confinement: Confinement,
    /// What the file holds.
    pub result: Result<T, Refusal>,
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
