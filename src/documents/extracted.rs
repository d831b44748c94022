//! The values that go into a reading and come out of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Format;
use crate::{document::Passage, segment::Segment};

/// A file as it came.
#[derive(Clone, Copy)]
pub struct SourceFile<'a> {
    /// Its name, which may promise a format.
    pub name: &'a str,
    /// The media type that was declared with it.
    pub media_type: Option<&'a str>,
    /// What it is.
    pub bytes: &'a [u8],
}

/// What a file holds.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Extracted {
    /// What it turned out to be.
    pub format: Format,
    /// The title that it gives itself.
    pub title: Option<String>,
    /// How many pages, slides or sheets it has, where its format has such.
    pub pages: Option<u32>,
    /// Its text, in order. There is at least one.
    pub passages: Vec<Passage>,
}

/// The texts of a file that can be put back changed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Segments {
    /// What it turned out to be.
    pub format: Format,
    /// Its texts, in the order in which they stand in its parts. There is at least one.
    pub segments: Vec<Segment>,
}

impl fmt::Debug for SourceFile<'_> {
    /// Leaves name and content out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SourceFile").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Extracted {
    /// Leaves the texts out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Extracted");
        debug.field("format", &self.format).field("pages", &self.pages).field("passages", &self.passages.len());
        debug.finish_non_exhaustive()
    }
}
