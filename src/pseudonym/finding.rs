//! What pseudonymisation gives.

use std::fmt;
use std::ops::Range;

use super::kind::Kind;

/// One thing that was replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where it stood in the text, in bytes.
    pub range: Range<usize>,
    /// The words that were replaced.
    pub original: String,
    /// What stands in their place.
    pub placeholder: String,
}

/// Nothing that people wrote is shown.
impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Finding({} of {} bytes)", self.placeholder, self.range.len())
    }
}

/// A text with placeholders.
#[derive(Clone, PartialEq, Eq)]
pub struct Pseudonymised {
    /// The text to show.
    pub text: String,
    /// What was replaced, in order.
    pub found: Vec<Finding>,
}

/// Only sizes are shown.
impl fmt::Debug for Pseudonymised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pseudonymised({} bytes, {} found)", self.text.len(), self.found.len())
    }
}
