//! Answers: on their way, and delivered.

use std::collections::BTreeMap;
use std::fmt;

use ruma::{EventId, OwnedEventId, OwnedRoomId};

use super::changes::Change;
use super::question::lose;
use crate::conversation::Turn;
use crate::document::Citation;
use crate::message::{Content, Incoming, Item, MediaRef};
use crate::statistics::{Counted, Series};
use crate::usage::AnswerUsage;

/// What is sent in answer to a question.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is sent, in this order: each is one message of the room, or one call to a service.
    pub items: Vec<Item>,
    /// The message shown while it was written, which the first text replaces.
    pub draft: Option<OwnedEventId>,
    /// For a question answered again, the event for which it was: it tells this answer's transaction ids from the earlier one's.
    pub again: Option<OwnedEventId>,
    /// For a question answered again, the messages of the earlier answer: part n replaces the nth; those too many are taken back.
    pub shown: Vec<OwnedEventId>,
    /// The messages that showed it while it was written and were taken away by somebody: as [`Queued::lost`].
    pub lost: Vec<OwnedEventId>,
    /// Whether nobody asked for it: nobody is mentioned by it.
    pub unasked: bool,
}

impl Answer {
    /// Whether all of it are sentences of the bot's own.
    #[must_use]
    pub fn is_notice(&self) -> bool {
        self.items.iter().all(Item::is_notice)
    }

    /// Somebody took the draft away.
    pub(super) fn lose_draft(&mut self) {
        lose(&mut self.draft, &mut self.lost);
    }
}

impl fmt::Debug for Answer {
    /// Leaves the texts out: what the bot says never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answer").field("items", &self.items).field("draft", &self.draft).finish_non_exhaustive()
    }
}

/// How answering a question ended.
#[derive(Clone, Debug)]
pub struct Conclusion<'a> {
    /// The question.
    pub question: &'a Incoming,
    /// What is added to its conversation: the question and the answer, or nothing for a notice.
    pub turns: Vec<Turn>,
    /// What is to be sent.
    pub answer: Answer,
    /// What else changes with it.
    pub changes: Vec<Change>,
    /// What the answer has cost, where a model wrote it.
    pub usage: Option<AnswerUsage>,
    /// What is counted of it. `None`: nothing is.
    pub counted: Option<Counted>,
}

/// An answer not yet delivered.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the order of storing, on the same count as [`Queued::sequence`].
    pub sequence: u64,
    /// The question.
    pub question: Incoming,
    /// What is to be sent.
    pub answer: Answer,
    /// The items already acknowledged, from the first one on.
    pub sent: Vec<Sent>,
    /// The media that were uploaded for items not yet sent, by the number of the item: the JSON that the event will hold. Sending it again
    /// sends the same event.
    pub uploaded: BTreeMap<usize, String>,
    /// When it was stored.
    pub stored_at: u64,
    /// What it has cost.
    pub usage: Option<AnswerUsage>,
    /// What ratings of it are counted under. `None`: it is no answer that can be rated.
    pub series: Option<Series>,
    /// Whether who asked was forgotten meanwhile: once it is delivered, nothing says whom it answered.
    pub forgotten: bool,
}

impl fmt::Debug for Delivery {
    /// Leaves out the uploaded media, which hold the keys of files.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Delivery")
            .field("sequence", &self.sequence)
            .field("question", &self.question)
            .field("answer", &self.answer)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

impl Delivery {
    /// The messages that were sent to other rooms.
    pub fn elsewhere(&self) -> impl Iterator<Item = (&OwnedRoomId, &OwnedEventId)> {
        self.sent.iter().filter_map(Sent::elsewhere)
    }

    /// The messages of the room that were sent.
    pub fn messages(&self) -> impl Iterator<Item = &OwnedEventId> {
        self.sent.iter().filter_map(Sent::message)
    }
}

/// How an item was acknowledged.
#[derive(Clone, PartialEq, Eq)]
pub enum Sent {
    /// By the homeserver: the event of the message.
    Message(OwnedEventId),
    /// By the homeserver, in another room than the question's.
    Elsewhere(OwnedRoomId, OwnedEventId),
    /// By another service: its reference.
    Service(String),
}

impl fmt::Debug for Sent {
    /// Leaves out what a service answered.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(event) => formatter.debug_tuple("Message").field(event).finish(),
            Self::Elsewhere(room, event) => formatter.debug_tuple("Elsewhere").field(room).field(event).finish(),
            Self::Service(answer) => write!(formatter, "Service({} bytes)", answer.len()),
        }
    }
}

impl Sent {
    /// The event of a message in the room of the question.
    #[must_use]
    pub fn message(&self) -> Option<&OwnedEventId> {
        match self {
            Self::Message(event) => Some(event),
            Self::Elsewhere(..) | Self::Service(_) => None,
        }
    }

    /// What a service answered to a call.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        match self {
            Self::Service(said) => Some(said),
            Self::Message(_) | Self::Elsewhere(..) => None,
        }
    }

    /// The room and the event of a message in another room.
    #[must_use]
    pub fn elsewhere(&self) -> Option<(&OwnedRoomId, &OwnedEventId)> {
        match self {
            Self::Elsewhere(room, event) => Some((room, event)),
            Self::Message(_) | Self::Service(_) => None,
        }
    }
}

impl From<&EventId> for Sent {
    fn from(event: &EventId) -> Self {
        Self::Message(event.to_owned())
    }
}

impl From<&OwnedEventId> for Sent {
    fn from(event: &OwnedEventId) -> Self {
        Self::Message(event.clone())
    }
}

/// An answer that was delivered: what is needed to replace it, or to take it back.
pub(super) struct Answered {
    /// The question, without its text: that is in the conversation, and is not to be forgotten twice. Of media their type is left.
    pub(super) question: Incoming,
    /// The messages that show the answer.
    pub(super) parts: Vec<OwnedEventId>,
    /// Those in other rooms.
    pub(super) elsewhere: Vec<(OwnedRoomId, OwnedEventId)>,
    /// When it was delivered.
    pub(super) at: u64,
    /// What the answer has cost, where a model wrote it.
    pub(super) usage: Option<AnswerUsage>,
    /// As [`Delivery::series`].
    pub(super) series: Option<Series>,
    /// The passages that it cites, without anything of what they say.
    pub(super) citations: Vec<Citation>,
    /// What services answered to the calls of it, where that is short: a reference.
    pub(super) calls: Vec<String>,
}

/// The longest answer of a service that is kept after the delivery, in bytes: longer ones are no references.
const LONGEST_REFERENCE: usize = 200;

impl Answered {
    /// What is kept of a delivery; nothing of what the bot says unasked, which answers nobody.
    pub(super) fn of(delivery: Delivery, now: u64) -> Option<Self> {
        let Delivery { question, answer, sent, usage, series, .. } = delivery;
        if !question.is_message() {
            return None;
        }
        // Where delivering was given up, the messages that were to be replaced still stand in the room.
        let (shown, count) = (answer.shown, answer.items.len());
        let left = shown.into_iter().take(count).skip(sent.len());
        let cited = answer.items.iter().flat_map(Item::sources);
        let citations = cited.map(|cited| cited.citation.clone()).collect();
        let elsewhere = sent.iter().filter_map(Sent::elsewhere);
        let elsewhere = elsewhere.map(|(room, event)| (room.clone(), event.clone())).collect();
        let calls = sent.iter().filter_map(Sent::service);
        let calls = calls.map(|said| if said.len() > LONGEST_REFERENCE { "" } else { said }.to_owned()).collect();
        let sent: Vec<OwnedEventId> = sent.iter().filter_map(Sent::message).cloned().collect();
        let mut parts = sent.clone();
        parts.extend(left.filter(|event| !sent.contains(event)));
        parts.dedup();
        Some(Self {
            question: Incoming { content: without_words(&question.content), ..question },
            parts,
            elsewhere,
            at: now,
            usage,
            series,
            citations,
            calls,
        })
    }
}

/// A content without anything that somebody wrote: of media their type alone.
fn without_words(content: &Content) -> Content {
    let Content::Attachment(media) = content else { return Content::Text(String::new()) };
    let (empty, media_type) = (String::new, media.media_type.clone());
    Content::Attachment(Box::new(MediaRef { name: empty(), media_type, size: None, caption: empty(), source: empty() }))
}
