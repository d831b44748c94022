//! What a question points at: the message that it replies to, the earlier messages of its thread. A model reads it once, with the question;
//! nothing keeps it.

use std::fmt;

/// One message that a question points at.
#[derive(Clone, PartialEq, Eq)]
pub struct Material {
    /// How the question points at it.
    pub kind: MaterialKind,
    /// Who wrote it.
    pub author: Author,
    /// Its text, or why there is none.
    pub content: Result<String, Unreadable>,
}

/// How a question points at a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaterialKind {
    /// The question replies to it.
    RepliedTo,
    /// It stands before the question in the same thread.
    Thread,
}

/// Who wrote a message that a question points at.
#[derive(Clone, PartialEq, Eq)]
pub enum Author {
    /// The bot itself.
    Bot,
    /// A person, by the name that the room shows.
    Person(String),
}

/// Why the text of a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It was redacted.
    Redacted,
    /// Its key is missing.
    Undecryptable,
    /// The homeserver does not give it, or the person who asks may not read it.
    Unavailable,
}

impl fmt::Debug for Material {
    /// Leaves the text and the name out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.content.as_ref().map(String::len);
        formatter.debug_struct("Material").field("kind", &self.kind).field("bytes", &bytes).finish_non_exhaustive()
    }
}

impl fmt::Debug for Author {
    /// Leaves the name out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bot => "Bot",
            Self::Person(_) => "Person",
        })
    }
}
