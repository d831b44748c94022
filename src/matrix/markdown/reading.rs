//! What the parts of this module have in common.

use std::ops::Range;

use pulldown_cmark::{Event, Options};

/// The Markdown that models write.
pub(super) const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH);

/// An event with its place in the source.
pub(super) type Ranged<'e> = (Event<'e>, Range<usize>);

/// What a part of the source becomes in plain text.
pub(super) type PlainChange = (Range<usize>, String);

/// What is shown in the place of something that is not for Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Text.
    Text(String),
    /// Source, as code.
    Code(String),
}
