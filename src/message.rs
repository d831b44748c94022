//! The messages that pass between Matrix, the store and the assistant: plain values, already parsed, without types of the SDK.
//!
//! They are in the lowest layer because Matrix makes them, the store writes them and the assistant reads them.

mod item;
mod media;

use std::fmt;

use ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::{Deserialize, Serialize};

pub use self::{
    item::{Egress, FileRef, Item, Linked, Post},
    media::{MediaRef, Unread},
};
pub use crate::conversation::ConversationId;
use crate::document::{Cited, Origin};

/// The part of an answer that is the first contact's notice: no answer has as many parts, so the two are never taken for one another. It
/// stays when the question is taken back: what it says is said once.
pub const CONTACT_PART: usize = 999;

/// A message of a room that may be a question, as read from a sync response.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Incoming {
    /// The event's id: the one key under which a question is accepted, answered and remembered as done.
    pub event_id: OwnedEventId,
    /// The room it was written in.
    pub room_id: OwnedRoomId,
    /// Who wrote it.
    pub sender: OwnedUserId,
    /// The root of the thread it was written in, if any.
    pub thread: Option<OwnedEventId>,
    /// The event it replies to, when the reply is a real one (not a thread's fallback).
    pub replies_to: Option<OwnedEventId>,
    /// Whether it mentions the bot: `m.mentions` names it, or where that is absent a link to it does.
    pub mentions_me: bool,
    /// Whether the room is a direct conversation between one person and the bot.
    pub direct: bool,
    /// The homeserver's time for the event, in milliseconds since the epoch. Never trusted further than for saying that a question is old.
    pub sent_at: u64,
    /// What it holds.
    pub content: Content,
    /// The sender's display name in the room, without the organisation that Tchap adds in brackets.
    #[serde(default)]
    pub name: Option<String>,
    /// The Megolm session that it was encrypted with; `None` when it came in clear.
    #[serde(default)]
    pub megolm_session: Option<String>,
    /// When the newest edit of its text was sent, by the homeserver's time; 0 when it was never edited.
    #[serde(default)]
    pub edited_at: u64,
    /// Its text without the mention of the bot at its end, where one stands there: only a command is read from it. It is not kept.
    #[serde(skip)]
    pub without_call: Option<String>,
}

/// What an [`Incoming`] holds.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// A text, without reply fallback and without a leading mention of the bot.
    Text(String),
    /// A file, an image, a recording.
    Attachment(Box<MediaRef>),
    /// What the bot can make nothing of.
    Unreadable(Unread),
    /// The bot joined the room: the event is its own `m.room.member`, the sender is the bot.
    Joined,
    /// Messages of the room were missed and will not be read: there is no event of the room, the sender is the bot.
    Missed,
    /// Somebody finds an answer not useful: the event is their reaction, and what it replies to is the answer's message.
    Rated,
}

/// A message whose author has changed its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The edit itself.
    pub event_id: OwnedEventId,
    /// The message that is edited.
    pub replaces: OwnedEventId,
    /// Who edits. An edit counts only when this is who wrote the message.
    pub sender: OwnedUserId,
    /// The homeserver's time for the edit. One that is read late must not take the place of a newer one.
    pub sent_at: u64,
    /// The new text, cleaned as [`Content::Text`] is.
    pub body: String,
    /// Whether the new text mentions the bot. `None`: it does not say whom it mentions.
    pub mentions_me: Option<bool>,
    /// Whether the room is a direct conversation between one person and the bot.
    pub direct: bool,
    /// As [`Incoming::without_call`].
    pub without_call: Option<String>,
}

impl Edit {
    /// Whether it makes a question of a message that was none.
    #[must_use]
    pub fn calls(&self) -> bool {
        self.direct || self.mentions_me == Some(true)
    }

    /// Whether it takes the call out of a question that was addressed by nothing else.
    #[must_use]
    pub fn takes_call_from(&self, question: &Incoming) -> bool {
        let only_mentioned = question.mentions_me && !question.direct;
        // A thread that it opened itself calls nobody.
        let in_thread = question.thread.as_ref().is_some_and(|root| *root != question.event_id);
        let elsewhere = question.replies_to.is_some() || in_thread;
        self.mentions_me == Some(false) && only_mentioned && !elsewhere
    }
}

impl fmt::Debug for Edit {
    /// Leaves the text out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Edit")
            .field("event_id", &self.event_id)
            .field("replaces", &self.replaces)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// An event that was taken back, by its author or a moderator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The event that is no more.
    pub redacts: OwnedEventId,
}

/// An emoji put on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The reaction itself: taking it back names it.
    pub event_id: OwnedEventId,
    /// Who put it.
    pub sender: OwnedUserId,
    /// The message it was put on.
    pub target: OwnedEventId,
    /// The emoji.
    pub key: String,
}

impl Content {
    /// The same with a new text: media keep theirs as a caption.
    #[must_use]
    pub fn reworded(&self, text: &str) -> Self {
        match self {
            Self::Attachment(media) => {
                Self::Attachment(Box::new(MediaRef { caption: text.to_owned(), ..(**media).clone() }))
            }
            _ => Self::Text(text.to_owned()),
        }
    }
}

impl Incoming {
    /// What its author has written: its text, or the caption of its attachment. Empty for what is no person's message.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.content {
            Content::Text(text) => text,
            Content::Attachment(media) => &media.caption,
            Content::Unreadable(_) | Content::Joined | Content::Missed | Content::Rated => "",
        }
    }

    /// What it holds beside its text that the bot cannot read.
    #[must_use]
    pub fn unread(&self) -> Option<Unread> {
        match &self.content {
            Content::Attachment(media) => Some(media.kind()),
            Content::Unreadable(kind) => Some(*kind),
            Content::Text(_) | Content::Joined | Content::Missed | Content::Rated => None,
        }
    }

    /// Whether a person wrote it. Otherwise it stands for something that happened, and nobody waits for an answer.
    #[must_use]
    pub fn is_message(&self) -> bool {
        !matches!(self.content, Content::Joined | Content::Missed | Content::Rated)
    }

    /// It as what a document came with.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin {
            room_id: self.room_id.clone(),
            event_id: self.event_id.clone(),
            sender: self.sender.clone(),
            sent_at: self.sent_at,
        }
    }

    /// The conversation this message belongs to.
    #[must_use]
    pub fn conversation(&self) -> ConversationId {
        ConversationId { room_id: self.room_id.clone(), thread: self.thread.clone() }
    }

    /// Whether it is the root of the thread that it is answered in.
    #[must_use]
    pub fn opens_thread(&self) -> bool {
        self.thread.as_ref() == Some(&self.event_id)
    }

    /// The conversation that it was written in. A question that opens a thread was written in the main line.
    #[must_use]
    pub fn written_in(&self) -> ConversationId {
        if self.opens_thread() {
            return ConversationId { room_id: self.room_id.clone(), thread: None };
        }
        self.conversation()
    }
}

impl fmt::Debug for Incoming {
    /// Leaves the text out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Incoming")
            .field("event_id", &self.event_id)
            .field("room_id", &self.room_id)
            .field("thread", &self.thread)
            .field("bytes", &self.text().len())
            .finish_non_exhaustive()
    }
}

/// An event whose key has not arrived yet: kept until it does, or until it is too old to be answered.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Undecrypted {
    /// The room it was sent to.
    pub room_id: OwnedRoomId,
    /// Its id.
    pub event_id: OwnedEventId,
    /// Who sent it, as the homeserver says. `None` only in what an older program wrote.
    #[serde(default)]
    pub sender: Option<OwnedUserId>,
    /// The Megolm session it waits for, when the event says which.
    pub session_id: Option<String>,
    /// The homeserver's time for the event, in milliseconds since the epoch.
    pub sent_at: u64,
    /// The encrypted event, as JSON.
    pub raw: String,
}

impl fmt::Debug for Undecrypted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Undecrypted")
            .field("event_id", &self.event_id)
            .field("room_id", &self.room_id)
            .field("session_id", &self.session_id)
            .finish_non_exhaustive()
    }
}

/// A stretch of a room's timeline that was missed and is still to be read, from its end backwards.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Gap {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The token of its end.
    pub from: String,
    /// The token of its beginning: that of the last sync before it.
    pub to: String,
    /// When it was noticed, in milliseconds since the epoch, by our clock.
    pub since: u64,
    /// How many of its pages were read.
    pub pages: u32,
}

/// How far it is proven that a message was written by the person it is said to be from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorship {
    /// It was encrypted by a device that its owner has signed.
    Signed,
    /// It was encrypted by a device that nobody vouches for.
    Unsigned,
    /// It came in clear, in a room that is not encrypted: the homeserver's word is all there is.
    Clear,
}

/// Whether a message is an answer to a person, or a notice that no bot may answer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub enum MessageKind {
    /// `m.text`: an answer written by the model.
    Text,
    /// `m.notice`: a sentence of the bot's own (busy, too old, help…).
    Notice,
}

/// A message to send, or a new text for one already sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// The room to send to.
    pub room_id: &'a RoomId,
    /// The thread to answer in, if the question was in one.
    pub thread: Option<&'a EventId>,
    /// The question that is answered.
    pub question: &'a EventId,
    /// Who asked it: in rooms the first message replies to them and mentions them, so that it reaches them. `None` for what the bot says
    /// unasked; `question` is then the event that made it speak.
    pub asker: Option<&'a UserId>,
    /// The number of this part of the answer, from 0.
    pub part: usize,
    /// Whether it is the first message of the answer in the room of the question: in rooms that one replies and mentions.
    pub opens: bool,
    /// The message whose text this one replaces, when it is an edit.
    pub replaces: Option<&'a EventId>,
    /// Answer or notice.
    pub kind: MessageKind,
    /// Whether what it answers came encrypted: it is then never sent in clear, whatever the room says of itself.
    pub encrypted: bool,
    /// Whether this text is the last one, rather than an answer still being written.
    pub complete: bool,
    /// The text, in markdown.
    pub markdown: &'a str,
    /// The only addresses that become links in it.
    pub links: &'a [String],
    /// The passages that it cites.
    pub sources: &'a [Cited],
    /// The message that it replies to, whoever asked, where that is not the question.
    pub about: Option<&'a EventId>,
    /// The transaction id: the same one for the same message, however often it is tried.
    pub transaction: &'a str,
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Outgoing")
            .field("room_id", &self.room_id)
            .field("question", &self.question)
            .field("part", &self.part)
            .field("replaces", &self.replaces)
            .field("bytes", &self.markdown.len())
            .finish_non_exhaustive()
    }
}

/// [`fmt::Debug`] for values that hold what people write: the log gets their size only.
macro_rules! debug_without_content {
    ($($type:ident: $($shown:ident)*;)*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.debug_struct(stringify!($type))$(.field(stringify!($shown), &self.$shown))*.finish_non_exhaustive()
            }
        }
    )*};
}

debug_without_content! {
    MediaRef: media_type size;
    FileRef: number size;
    Egress: service idempotency_key once;
    Post: room_id;
    Linked: site;
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(formatter, "Text({} bytes)", text.len()),
            Self::Attachment(media) => formatter.debug_tuple("Attachment").field(media).finish(),
            Self::Unreadable(kind) => formatter.debug_tuple("Unreadable").field(kind).finish(),
            Self::Joined => formatter.write_str("Joined"),
            Self::Missed => formatter.write_str("Missed"),
            Self::Rated => formatter.write_str("Rated"),
        }
    }
}
