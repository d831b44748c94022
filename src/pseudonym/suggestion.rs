//! What a model suggests that a text holds.

use std::ops::Range;

use super::kind::Kind;

/// A name that a model has found in a text. The rules and the lists come first: it adds what they have missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// A person, a place or an organisation: a suggestion of anything else is not followed.
    pub kind: Kind,
    /// Where it stands in the text, in bytes.
    pub range: Range<usize>,
}
