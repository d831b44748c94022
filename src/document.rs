//! Documents that answers rest on: whose they are, what they hold, and the passages of them that a model is given as sources.

use std::fmt;

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::conversation::ConversationId;

/// Whose a document is: a search looks only into the partitions that its question may see, and nothing else tells them apart.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Partition {
    /// One conversation, as everything that is dropped into it by default.
    Conversation(ConversationId),
    /// A room, all of its conversations.
    Room(OwnedRoomId),
    /// A person, in their direct conversations with the bot.
    Person(OwnedUserId),
    /// A compagnon, wherever it answers: its identifier, or `made/<number>` for one made by command.
    Compagnon(String),
    /// All compagnons.
    Catalogue,
    /// A collection of the configuration, by its name.
    Collection(String),
}

/// What stands before the number of a compagnon made by command.
const MADE: &str = "made/";

/// What stands for the identifier of a compagnon made by command, wherever something is kept for it.
#[must_use]
pub fn made(number: u64) -> String {
    format!("{MADE}{number}")
}

impl Partition {
    /// That of a compagnon made by command.
    #[must_use]
    pub fn of_made(number: u64) -> Self {
        Self::Compagnon(made(number))
    }

    /// The number of the compagnon made by command whose it is.
    #[must_use]
    pub fn made(&self) -> Option<u64> {
        let Self::Compagnon(compagnon) = self else { return None };
        let number = compagnon.strip_prefix(MADE)?;
        number.parse().ok().filter(|parsed: &u64| parsed.to_string() == number)
    }
}

/// A document, without its passages.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Its number in its partition. In a collection it is made from the path of its file.
    pub number: u64,
    /// Whose it is.
    pub partition: Partition,
    /// What it is called: its file's name as it was sent, or its own title in a collection.
    pub title: String,
    /// What it was made from, as in the list of formats: `pdf`, `docx`…
    pub format: String,
    /// How many pages, slides or sheets it has, where its format has such.
    pub pages: Option<u32>,
    /// How many passages it was cut into.
    pub passages: u32,
    /// How many characters its passages have together.
    pub characters: u64,
    /// The message that it came with.
    pub origin: Option<Origin>,
    /// When it was added, in milliseconds since the epoch, by our clock.
    pub added_at: u64,
    /// Where it can be read, for people.
    pub link: Option<String>,
}

/// The message that a document came with.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Origin {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The message.
    pub event_id: OwnedEventId,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// When, by the homeserver's time: who reads the room only since later does not find it in its conversation.
    pub sent_at: u64,
}

/// A piece of a document that is found, given to a model and quoted as a whole.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Passage {
    /// Its place among the passages of its document, from 0.
    pub ordinal: u32,
    /// Where in the document it stands.
    pub place: Place,
    /// The headings above it, outermost first.
    pub headings: Vec<String>,
    /// Its text, plain; a table as Markdown with its header.
    pub text: String,
}

/// Where in a document a passage stands, as people name it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The format has no places of its own: the headings say where.
    #[default]
    Whole,
    /// A page, from 1.
    Page(u32),
    /// A slide, from 1.
    Slide(u32),
    /// A sheet, by its name.
    Sheet(String),
}

/// A passage as a question's answer may cite it.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// The number of its mark in the answer, from 1.
    pub mark: usize,
    /// The partition of its document.
    pub partition: Partition,
    /// The number of its document.
    pub document: u64,
    /// What the document is called.
    pub title: String,
    /// Where the document can be read, for people.
    pub link: Option<String>,
    /// The passage; of neighbours that were joined, the first one's place and ordinal.
    pub passage: Passage,
    /// How many passages were joined.
    pub passages: u32,
}

/// A passage that an answer cites: enough to find it again.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Citation {
    /// The number of its mark in the answer.
    pub mark: usize,
    /// The partition of its document.
    pub partition: Partition,
    /// The number of its document.
    pub document: u64,
    /// The ordinal of the passage; of neighbours that were joined, of the first one.
    pub ordinal: u32,
    /// How many passages were joined.
    pub passages: u32,
}

/// A citation as it is shown.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Cited {
    /// What the document is called.
    pub title: String,
    /// Where in it the passage stands, for people.
    pub place: String,
    /// What finds the passage again.
    pub citation: Citation,
}

impl fmt::Debug for Cited {
    /// Leaves the names out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Cited").field(&self.citation).finish()
    }
}

impl fmt::Debug for Document {
    /// Leaves the title out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Document");
        debug.field("number", &self.number).field("format", &self.format).field("passages", &self.passages);
        debug.finish_non_exhaustive()
    }
}

impl fmt::Debug for Passage {
    /// Leaves the text out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Passage");
        debug.field("ordinal", &self.ordinal).field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Source {
    /// Leaves the texts out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Source");
        debug.field("mark", &self.mark).field("document", &self.document).field("passage", &self.passage);
        debug.finish_non_exhaustive()
    }
}
