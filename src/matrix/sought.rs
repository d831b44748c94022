//! What is looked for in a room when the bot may have sent it already.

/// What is looked for among the messages of an answer: a draft that stands in the room is no file, and no text that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// A message of any sort.
    Any,
    /// A text, or a draft of one.
    Text,
    /// A draft.
    Draft,
    /// A text that is complete.
    Complete,
    /// A file.
    File,
}

impl Sought {
    /// Whether a message is of this sort.
    #[must_use]
    pub fn is(self, file: bool, complete: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Text => !file,
            Self::Draft => !file && !complete,
            Self::Complete => !file && complete,
            Self::File => file,
        }
    }
}
