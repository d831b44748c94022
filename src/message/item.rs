//! What is sent in answer to a message.

use std::fmt;

use ruma::OwnedRoomId;
use serde::{Deserialize, Serialize};

use crate::document::Cited;

/// What is sent in answer to a message, in the order of sending.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Item {
    /// A text of the model's.
    Markdown {
        /// The text.
        text: String,
        /// The addresses that may be links in it: those that a stage of the program put there. Any other is shown as plain text.
        links: Vec<String>,
        /// The passages that it cites, as its machine-readable field and `!sources` show them.
        sources: Vec<Cited>,
    },
    /// A sentence of the bot's own, which no other bot may answer.
    Notice {
        /// The text, in markdown.
        text: String,
    },
    /// A file.
    File(FileRef),
    /// A call to another service.
    Egress(Egress),
    /// A text in another place than the conversation of the question.
    Post(Post),
    /// A sentence with the link to what the call before it has made.
    Linked(Linked),
}

/// A file that the store keeps until it is delivered.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct FileRef {
    /// Its number in the store.
    pub number: u64,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The room that it is sent to; `None`: the room of the question.
    pub room_id: Option<OwnedRoomId>,
}

/// A call to another service, made exactly once as far as the service honours the key.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Egress {
    /// The service's name in the configuration.
    pub service: String,
    /// Tells the service that a call which is repeated is the same one.
    pub idempotency_key: String,
    /// The request's body: JSON.
    pub body: String,
    /// Whether the service does not honour the key: the call is then made once at most, and where nobody knows whether it arrived, that is
    /// said.
    pub once: bool,
}

/// A text in another place than the conversation of the question.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Post {
    /// The room; `None`: the main line of the room of the question.
    pub room_id: Option<OwnedRoomId>,
    /// The text, in markdown.
    pub text: String,
    /// As in [`Item::Markdown`].
    pub links: Vec<String>,
}

/// A sentence of the bot's own with the link to what the call before it has made.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Linked {
    /// The sentence; [`Linked::HERE`] stands for the link.
    pub text: String,
    /// The address that the link begins with; in what is sent, the link itself.
    pub site: String,
}

impl Linked {
    /// What stands for the link in the sentence.
    pub const HERE: &str = "{link}";
}

impl Item {
    /// The text that the conversation shows for it; `None` where it shows no text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Markdown { text, .. } | Self::Notice { text } => Some(text),
            Self::Linked(linked) => Some(&linked.text),
            Self::File(_) | Self::Egress(_) | Self::Post(_) => None,
        }
    }

    /// The addresses that may be links in that text.
    #[must_use]
    pub fn links(&self) -> &[String] {
        match self {
            Self::Markdown { links, .. } => links,
            Self::Linked(linked) => std::slice::from_ref(&linked.site),
            Self::Notice { .. } | Self::File(_) | Self::Egress(_) | Self::Post(_) => &[],
        }
    }

    /// The passages that it cites.
    #[must_use]
    pub fn sources(&self) -> &[Cited] {
        match self {
            Self::Markdown { sources, .. } => sources,
            Self::Notice { .. } | Self::File(_) | Self::Egress(_) | Self::Post(_) | Self::Linked(_) => &[],
        }
    }

    /// Whether the model has written it.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        matches!(self, Self::Markdown { .. } | Self::Post(_))
    }

    /// Whether it is a sentence of the bot's own.
    #[must_use]
    pub fn is_notice(&self) -> bool {
        matches!(self, Self::Notice { .. } | Self::Linked(_))
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Markdown { text, .. } => write!(formatter, "Markdown({} bytes)", text.len()),
            Self::Notice { text } => write!(formatter, "Notice({} bytes)", text.len()),
            Self::File(file) => formatter.debug_tuple("File").field(&file.number).finish(),
            Self::Egress(egress) => formatter.debug_tuple("Egress").field(egress).finish(),
            Self::Post(post) => formatter.debug_tuple("Post").field(post).finish(),
            Self::Linked(linked) => formatter.debug_tuple("Linked").field(linked).finish(),
        }
    }
}
