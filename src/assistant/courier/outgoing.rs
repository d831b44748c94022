//! The messages that the bot sends about a question, and their transaction ids. Pure.

use ruma::{EventId, OwnedEventId, RoomId};

use crate::message::{Content, Incoming, Item, MessageKind, Outgoing};

/// The number of a remark beside an answer. No answer has as many parts, so the two are never taken for one another.
pub const REMARK_PART: usize = 998;

/// The number of a notice to the administrators of the instance, likewise.
pub const ADMINISTRATORS_PART: usize = 997;

/// The number of the emojis under an answer, likewise.
pub const RATING_PART: usize = 996;

/// The transaction id of part `part` of the answer to a question; `variant` tells a text's later editions from its first.
pub fn transaction(question: &EventId, part: usize, variant: &str) -> String {
    let digest = blake3::hash(question.as_bytes()).to_hex();
    format!("compagnon-{}-{part}{variant}", &digest[..32])
}

/// What tells the transaction ids of an answer given again from those of the earlier one, and those of a draft from those of an earlier
/// one that somebody has taken away: under the same id the homeserver would give back what is gone.
pub fn edition(again: Option<&EventId>, lost: &[OwnedEventId]) -> String {
    again.into_iter().chain(lost.last().map(|lost| &**lost)).map(|event| edition_of(event.as_str())).collect()
}

/// What tells the transaction ids of messages apart that go to several persons for one cause.
pub fn edition_of(text: &str) -> String {
    format!("-{}", &blake3::hash(text.as_bytes()).to_hex()[..16])
}

/// A sentence of the bot's own, as an item.
pub fn notice(text: String) -> Item {
    Item::Notice { text }
}

/// A message about a question, to be completed with its text.
pub fn about<'a>(question: &'a Incoming, part: usize, transaction: &'a str) -> Outgoing<'a> {
    Outgoing {
        room_id: &question.room_id,
        thread: question.thread.as_deref(),
        question: &question.event_id,
        // Nobody asked for what the bot says when it comes in.
        asker: Some(&*question.sender).filter(|_| question.is_message()),
        part,
        opens: part == 0,
        replaces: None,
        kind: MessageKind::Text,
        encrypted: question.megolm_session.is_some(),
        complete: false,
        markdown: "",
        links: &[],
        sources: &[],
        // It asks about an answer: without a reply nobody would know about which.
        about: question.replies_to.as_deref().filter(|_| question.content == Content::Rated),
        transaction,
    }
}

/// A sentence of the bot's own about a question.
pub fn notice_about<'a>(question: &'a Incoming, part: usize, transaction: &'a str, text: &'a str) -> Outgoing<'a> {
    Outgoing { kind: MessageKind::Notice, complete: true, markdown: text, ..about(question, part, transaction) }
}

/// A sentence of the bot's own in a room that nobody asked in. `cause` is the event that made it speak.
pub fn unasked<'a>(
    room_id: &'a RoomId,
    cause: &'a EventId,
    part: usize,
    transaction: &'a str,
    text: &'a str,
) -> Outgoing<'a> {
    Outgoing {
        room_id,
        thread: None,
        question: cause,
        asker: None,
        part,
        opens: false,
        replaces: None,
        kind: MessageKind::Notice,
        encrypted: true,
        complete: true,
        markdown: text,
        links: &[],
        sources: &[],
        about: None,
        transaction,
    }
}
