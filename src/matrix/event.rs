//! Parses one event of a timeline: a message, an edit, a redaction, a reaction, or an event to skip. Pure: JSON in, plain values out.

mod carried;
mod optional;
mod raw;
pub(super) mod room_message;
mod skip;

use std::collections::HashSet;

use ruma::{OwnedEventId, RoomId, UserId};
use serde_json::Value;

pub(super) use self::skip::SkipReason;
use self::{
    carried::{Carried, carried, is_message},
    optional::{Relation, Written},
    raw::RawEvent,
};
use super::{
    body,
    content::ANSWER,
    verification::{self, VerificationPlace, VerificationRequest},
};
use crate::message::{Content, Edit, Incoming, MediaRef, Reaction, Redaction, Undecrypted};

/// What parsing needs to know of the bot and of the room.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventReader<'a> {
    pub(super) own: &'a UserId,
    pub(super) names: &'a [String],
    pub(super) room_id: &'a RoomId,
    pub(super) direct: bool,
    /// Whether the room was ever seen encrypted: plain text in it is then not from a member's client.
    pub(super) encrypted: bool,
}

/// An event that concerns the bot.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ParsedEvent {
    /// A message that may be a question.
    Question(Incoming),
    /// A new text for an earlier message.
    Edit(Edit),
    /// A redaction.
    Redaction(Redaction),
    /// A reaction to a message.
    Reaction(Reaction),
    /// A request to verify the bot's device.
    Verification(VerificationRequest),
}

impl EventReader<'_> {
    /// Reads one event. `decrypted` says whether it came encrypted.
    pub(super) fn read(&self, json: &str, decrypted: bool) -> Result<ParsedEvent, SkipReason> {
        let event: RawEvent = serde_json::from_str(json).map_err(|_| SkipReason::Malformed)?;
        if event.state_key.is_some() {
            return Err(SkipReason::OtherType);
        }
        if event.sender == self.own {
            return Err(SkipReason::Own);
        }
        if event.was_redacted() {
            return Err(SkipReason::Redacted);
        }
        match event.kind.as_str() {
            // Element sends it in clear even into encrypted rooms. Whoever writes it, nothing is believed of it.
            "m.room.message" if verification::asks(&event.content, self.own) => Ok(self.verification(event, decrypted)),
            kind if is_message(kind) && self.encrypted && !decrypted => Err(SkipReason::PlainText),
            kind if is_message(kind) => self.message(event),
            "m.room.redaction" => self.redaction(&event),
            // Most clients never encrypt them, even in encrypted rooms, because the server aggregates them; a few do.
            "m.reaction" => self.reaction(event),
            _ => Err(SkipReason::OtherType),
        }
    }

    fn message(&self, event: RawEvent) -> Result<ParsedEvent, SkipReason> {
        let content = &event.content;
        if content.get(ANSWER).is_some() {
            return Err(SkipReason::Compagnon);
        }
        let written = Written::of(content, self.own);
        let carried = carried(&event.kind, content, &written)?;
        let relation = Relation::of(content);
        if let Some(replaces) = relation.replaces() {
            let replaces = replaces.to_owned();
            return self.edit(&event, replaces, &written);
        }
        let position = position(&relation);
        let text = match &carried {
            Carried::Text => written.body.as_deref().ok_or(SkipReason::Malformed)?,
            Carried::Media(media) => &media.caption,
            Carried::Unreadable(_) => "",
        };
        let (names, own, html) = (self.names, self.own, written.formatted);
        let body = if self.direct && !written.calls() {
            body::direct_question(text, html, names, own, position.replies)
        } else {
            body::question(text, html, names, own, position.replies, written.calls())
        };
        // A bare mention calls the bot; an empty message without one asks nothing.
        if carried == Carried::Text && body.is_empty() && !written.calls() {
            return Err(SkipReason::Empty);
        }
        let without_call = body::without_call_behind(&body, html, names, own);
        let content = match carried {
            Carried::Media(media) => Content::Attachment(Box::new(MediaRef { caption: body, ..media })),
            Carried::Unreadable(unread) => Content::Unreadable(unread),
            Carried::Text => Content::Text(body),
        };
        let mentions_me = written.calls();
        let frame = frame(event, self.room_id, position);
        Ok(ParsedEvent::Question(Incoming { mentions_me, direct: self.direct, content, without_call, ..frame }))
    }

    fn edit(&self, event: &RawEvent, replaces: OwnedEventId, shown: &Written<'_>) -> Result<ParsedEvent, SkipReason> {
        let content = event.content.get("m.new_content").filter(|new| Written::of(new, self.own).is_sound());
        // Without a valid new content, the fallback body has the same text after an asterisk.
        let new = content.map_or_else(|| shown.clone().without_star(), |new| Written::of(new, self.own));
        let text = match carried("m.room.message", content.unwrap_or(&event.content), &new)? {
            Carried::Text => new.body.as_deref().ok_or(SkipReason::Malformed)?.to_owned(),
            Carried::Media(media) => media.caption,
            Carried::Unreadable(_) => return Err(SkipReason::OtherType),
        };
        // Beside the new content a client names those whom the edit mentions and the message did not.
        let mentions_me = new.mentions.or(shown.mentions.filter(|mentions| *mentions));
        // Only edits of questions and those that mention the bot matter, so the bot was addressed. An edit does not say whether the message
        // was a reply, but old clients put the quote into it too.
        let body = if self.direct && mentions_me != Some(true) {
            body::direct_question(&text, new.formatted, self.names, self.own, true)
        } else {
            body::question(&text, new.formatted, self.names, self.own, true, true)
        };
        if body.is_empty() && mentions_me != Some(true) {
            return Err(SkipReason::Empty);
        }
        Ok(ParsedEvent::Edit(Edit {
            room_id: self.room_id.to_owned(),
            event_id: event.id.clone(),
            replaces,
            sender: event.sender.clone(),
            sent_at: event.origin_server_ts.as_u64().unwrap_or(0),
            without_call: body::without_call_behind(&body, new.formatted, self.names, self.own),
            body,
            mentions_me,
            direct: self.direct,
        }))
    }

    fn verification(&self, event: RawEvent, encrypted: bool) -> ParsedEvent {
        let sent_at = event.origin_server_ts.as_u64().unwrap_or(0);
        let place = VerificationPlace::Room { room_id: self.room_id.to_owned(), event_id: event.id, encrypted };
        ParsedEvent::Verification(VerificationRequest { sender: event.sender, place, sent_at })
    }

    fn redaction(&self, event: &RawEvent) -> Result<ParsedEvent, SkipReason> {
        let target = redacts(&event.redacts, &event.content).ok_or(SkipReason::Redacted)?;
        let redacts = OwnedEventId::try_from(target).map_err(|_| SkipReason::Malformed)?;
        Ok(ParsedEvent::Redaction(Redaction { room_id: self.room_id.to_owned(), redacts }))
    }

    fn reaction(&self, event: RawEvent) -> Result<ParsedEvent, SkipReason> {
        if event.content.get("m.relates_to").is_none() {
            return Err(SkipReason::Redacted);
        }
        let relation = Relation::of(&event.content);
        if relation.kind.as_deref().is_some_and(|kind| kind != "m.annotation") {
            return Err(SkipReason::OtherType);
        }
        let (Some(_), Some(target), Some(key)) = (relation.kind, relation.event_id, relation.key) else {
            return Err(SkipReason::Malformed);
        };
        Ok(ParsedEvent::Reaction(Reaction {
            room_id: self.room_id.to_owned(),
            event_id: event.id,
            sender: event.sender,
            target,
            key,
        }))
    }
}

/// The message of an event that could not be decrypted, from its cleartext fields.
pub(super) fn utd_message(event: &Undecrypted) -> Option<Incoming> {
    let read: RawEvent = serde_json::from_str(&event.raw).ok()?;
    let relation = Relation::of(&read.content);
    // The notice is only about new messages: not about edits, and not about reactions, which a few clients encrypt.
    if relation.replaces().is_some() || relation.is("m.annotation") {
        return None;
    }
    let frame = frame(read, &event.room_id, position(&relation));
    Some(Incoming { sent_at: event.sent_at, megolm_session: event.session_id.clone(), ..frame })
}

/// A message that an edit changes, whatever it says: who wrote it, where, when. `None`: nobody's message that could have been changed.
pub(super) fn original(json: &str, room_id: &RoomId, own: &UserId) -> Option<Incoming> {
    let event: RawEvent = serde_json::from_str(json).ok()?;
    let relation = Relation::of(&event.content);
    let nobodys = event.sender == own || event.state_key.is_some() || event.content.get(ANSWER).is_some();
    let is_empty = event.content.as_object().is_none_or(serde_json::Map::is_empty);
    if nobodys || relation.replaces().is_some() || event.was_redacted() || is_empty {
        return None;
    }
    Some(frame(event, room_id, position(&relation)))
}

/// A message without what it says.
fn frame(event: RawEvent, room_id: &RoomId, position: ThreadPosition) -> Incoming {
    Incoming {
        event_id: event.id,
        room_id: room_id.to_owned(),
        sender: event.sender,
        thread: position.thread,
        replies_to: position.replies_to,
        mentions_me: false,
        direct: false,
        sent_at: event.origin_server_ts.as_u64().unwrap_or(0),
        content: Content::Text(String::new()),
        name: None,
        megolm_session: None,
        edited_at: 0,
        without_call: None,
    }
}

/// When an event was sent, in milliseconds since the epoch by the local clock.
///
/// The server gives the age of the event by its own clock (`unsigned.age`), so a wrong clock on either side does not make a new message
/// old. Without an age, the event's own date is used.
pub(super) fn sent_at(json: &str, now: u64) -> u64 {
    let Ok(event) = serde_json::from_str::<Value>(json) else { return 0 };
    // Negative for an event with a date in the future.
    let age = event["unsigned"]["age"].as_i64().map(|age| u64::try_from(age).unwrap_or(0));
    age.map_or_else(|| event["origin_server_ts"].as_u64().unwrap_or(0), |age| now.saturating_sub(age))
}

struct ThreadPosition {
    thread: Option<OwnedEventId>,
    replies_to: Option<OwnedEventId>,
    replies: bool,
}

fn position(relation: &Relation) -> ThreadPosition {
    let thread = relation.event_id.clone().filter(|_| relation.is("m.thread"));
    // In a thread the reply may be a fallback for old clients, which the author did not choose.
    let chosen = thread.is_none() || !relation.is_falling_back;
    ThreadPosition { thread, replies_to: relation.reply.clone().filter(|_| chosen), replies: relation.reply.is_some() }
}

/// The ids of the events that this timeline itself redacts.
pub(super) fn redacted<'a>(events: impl Iterator<Item = &'a str>) -> HashSet<String> {
    events
        .filter(|json| json.contains("m.room.redaction"))
        .filter_map(|json| serde_json::from_str::<Value>(json).ok())
        .filter(|event| event["type"] == "m.room.redaction")
        .filter_map(|event| redacts(&event["redacts"], &event["content"]).map(str::to_owned))
        .collect()
}

/// The target of a redaction: before room version 11 it is beside the content, since then in it.
///
/// The field beside the content comes first, because only the server can set it, and it has checked that the sender may redact the event.
/// Before version 11 a sender can put anything into the content.
fn redacts<'a>(beside: &'a Value, content: &'a Value) -> Option<&'a str> {
    beside.as_str().or_else(|| content.get("redacts")?.as_str())
}

#[cfg(test)]
mod tests;
