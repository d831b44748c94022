//! One event of a timeline, read as a question, as a change of one, or left aside. Pure: JSON in, plain values out.

mod optional;

use std::collections::HashSet;

use ruma::{OwnedEventId, OwnedUserId, RoomId, UserId};
use serde::Deserialize;
use serde_json::Value;

use self::optional::{Relation, Written};
use super::{body, content::ANSWER};
use crate::message::{Content, Edit, Incoming, MediaRef, Reaction, Redaction, Undecrypted};

/// What must be known of the bot and of the room to read an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    pub(super) own: &'a UserId,
    pub(super) names: &'a [String],
    pub(super) room_id: &'a RoomId,
    pub(super) direct: bool,
    /// Whether the room was ever seen encrypted: plain text in it is then not from its members' clients.
    pub(super) encrypted: bool,
}

/// What an event turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A message that may be a question.
    Question(Incoming),
    /// A new text for an earlier message.
    Edit(Edit),
    /// An event taken back.
    Redaction(Redaction),
    /// An emoji on a message.
    Reaction(Reaction),
}

/// Why an event is left aside. Names for the log; the event's content never gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// Neither a text message nor anything that concerns one.
    OtherType,
    /// Written by the bot.
    Own,
    /// Written by another compagnon: two that answer each other would never end.
    Compagnon,
    /// Its content was taken away.
    Redacted,
    /// Plain text in an encrypted room.
    PlainText,
    /// Empty once the bot's name is taken off… or from the start.
    Empty,
    /// Not what the specification says.
    Malformed,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "event_id")]
    id: OwnedEventId,
    sender: OwnedUserId,
    #[serde(default)]
    origin_server_ts: Value,
    #[serde(default)]
    state_key: Option<Value>,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    unsigned: Value,
    #[serde(default)]
    redacts: Value,
}

impl Reader<'_> {
    /// Reads one event. `decrypted` says whether it came encrypted.
    pub(super) fn read(&self, json: &str, decrypted: bool) -> Result<Found, Skip> {
        let event: Event = serde_json::from_str(json).map_err(|_| Skip::Malformed)?;
        if event.state_key.is_some() {
            return Err(Skip::OtherType);
        }
        if event.sender == self.own {
            return Err(Skip::Own);
        }
        if event.unsigned.get("redacted_because").is_some_and(|because| !because.is_null()) {
            return Err(Skip::Redacted);
        }
        match event.kind.as_str() {
            "m.room.message" if self.encrypted && !decrypted => Err(Skip::PlainText),
            "m.room.message" => self.message(event),
            "m.room.redaction" => self.redaction(&event),
            // Never encrypted, not even in encrypted rooms: the server needs to count them.
            "m.reaction" => self.reaction(event),
            _ => Err(Skip::OtherType),
        }
    }

    fn message(&self, event: Event) -> Result<Found, Skip> {
        let content = &event.content;
        if content.get("msgtype").is_none() {
            return Err(Skip::Redacted);
        }
        if content.get(ANSWER).is_some() {
            return Err(Skip::Compagnon);
        }
        // Notices are what bots say: answering them is how two bots talk for ever.
        let written = Written::of(content, self.own);
        let media = match written.msgtype {
            Some("m.text") => None,
            Some("m.file" | "m.image" | "m.audio" | "m.video") => {
                Some(media(content, &written).ok_or(Skip::Malformed)?)
            }
            _ => return Err(Skip::OtherType),
        };
        let text = media.as_ref().map_or(written.body, |media| Some(&media.caption)).ok_or(Skip::Malformed)?;
        let relation = Relation::of(content);
        if let Some(replaces) = relation.replaces() {
            let replaces = replaces.to_owned();
            return self.edit(&event, replaces, &written);
        }
        let place = place(&relation);
        let body = if self.direct && !written.mentions {
            body::direct_question(text, written.formatted, self.names, self.own, place.replies)
        } else {
            body::question(text, written.formatted, self.names, self.own, place.replies, written.mentions)
        };
        // A bare mention is a way to call; in a room without one, there is nothing to answer.
        if body.is_empty() && !written.mentions && media.is_none() {
            return Err(Skip::Empty);
        }
        let content = match media {
            Some(media) => Content::Attachment(Box::new(MediaRef { caption: body, ..media })),
            None => Content::Text(body),
        };
        Ok(Found::Question(Incoming {
            event_id: event.id,
            room_id: self.room_id.to_owned(),
            sender: event.sender,
            thread: place.thread,
            replies_to: place.replies_to,
            mentions_me: written.mentions,
            direct: self.direct,
            sent_at: event.origin_server_ts.as_u64().unwrap_or(0),
            content,
            quoted: None,
            name: None,
            megolm_session: None,
            edited_at: 0,
        }))
    }

    fn edit(&self, event: &Event, replaces: OwnedEventId, shown: &Written<'_>) -> Result<Found, Skip> {
        let new = event.content.get("m.new_content").map(|new| Written::of(new, self.own));
        // Without a sound new content, what old clients show says the same, after a star.
        let new = new.filter(Written::is_sound).unwrap_or_else(|| shown.without_star());
        if new.msgtype != Some("m.text") {
            return Err(Skip::OtherType);
        }
        let text = new.body.ok_or(Skip::Malformed)?;
        // Only an edit of a question ever matters, so the bot was called; and an edit does not say whether its message was a reply,
        // but old clients quote in it all the same.
        let body = body::question(text, new.formatted, self.names, self.own, true, true);
        if body.is_empty() && !new.mentions {
            return Err(Skip::Empty);
        }
        Ok(Found::Edit(Edit {
            room_id: self.room_id.to_owned(),
            event_id: event.id.clone(),
            replaces,
            sender: event.sender.clone(),
            sent_at: event.origin_server_ts.as_u64().unwrap_or(0),
            body,
        }))
    }

    fn redaction(&self, event: &Event) -> Result<Found, Skip> {
        let target = redacts(&event.redacts, &event.content).ok_or(Skip::Redacted)?;
        let redacts = OwnedEventId::try_from(target).map_err(|_| Skip::Malformed)?;
        Ok(Found::Redaction(Redaction { room_id: self.room_id.to_owned(), redacts }))
    }

    fn reaction(&self, event: Event) -> Result<Found, Skip> {
        if event.content.get("m.relates_to").is_none() {
            return Err(Skip::Redacted);
        }
        let relation = Relation::of(&event.content);
        if relation.kind.as_deref().is_some_and(|kind| kind != "m.annotation") {
            return Err(Skip::OtherType);
        }
        let (Some(_), Some(target), Some(key)) = (relation.kind, relation.event_id, relation.key) else {
            return Err(Skip::Malformed);
        };
        Ok(Found::Reaction(Reaction { room_id: self.room_id.to_owned(), sender: event.sender, target, key }))
    }
}

/// What a message says of the media that it sends.
fn media(content: &Value, written: &Written<'_>) -> Option<MediaRef> {
    let source = content
        .get("file")
        .filter(|file| file.is_object())
        .or_else(|| content.get("url").filter(|url| url.is_string()))?;
    let info = content.get("info");
    // With a file name of its own, the body is a caption; without, the body is the name.
    let name = content.get("filename").and_then(Value::as_str).or(written.body)?;
    Some(MediaRef {
        name: name.to_owned(),
        media_type: info.and_then(|info| Some(info.get("mimetype")?.as_str()?.to_owned())),
        size: info.and_then(|info| info.get("size")?.as_u64()),
        caption: written.body.filter(|body| *body != name).unwrap_or_default().to_owned(),
        source: source.to_string(),
    })
}

/// What an event that could not be decrypted says of itself.
pub(super) fn unread(event: &Undecrypted) -> Option<Incoming> {
    let read: Event = serde_json::from_str(&event.raw).ok()?;
    let relation = Relation::of(&read.content);
    // A change of what is there already needs no word.
    if relation.replaces().is_some() {
        return None;
    }
    let place = place(&relation);
    Some(Incoming {
        event_id: read.id,
        room_id: event.room_id.clone(),
        sender: read.sender,
        thread: place.thread,
        replies_to: place.replies_to,
        mentions_me: false,
        direct: false,
        sent_at: event.sent_at,
        content: Content::Text(String::new()),
        quoted: None,
        name: None,
        megolm_session: event.session_id.clone(),
        edited_at: 0,
    })
}

/// When an event was sent, by the clock of this machine as far as can be told, in milliseconds since the epoch.
///
/// How long ago that was, the server says by its own clock (`unsigned.age`), so that a clock that is off, ours or the server's, does not
/// make what was just written old. Without that, the date in the event must do.
pub(super) fn sent_at(json: &str, now: u64) -> u64 {
    let Ok(event) = serde_json::from_str::<Value>(json) else { return 0 };
    // Negative for an event that is dated ahead.
    let age = event["unsigned"]["age"].as_i64().map(|age| u64::try_from(age).unwrap_or(0));
    age.map_or_else(|| event["origin_server_ts"].as_u64().unwrap_or(0), |age| now.saturating_sub(age))
}

struct Place {
    thread: Option<OwnedEventId>,
    replies_to: Option<OwnedEventId>,
    replies: bool,
}

fn place(relation: &Relation) -> Place {
    let thread = relation.event_id.clone().filter(|_| relation.is("m.thread"));
    // In a thread, old clients are shown a reply to the last message: nobody chose to reply to it.
    let chosen = thread.is_none() || !relation.is_falling_back;
    Place { thread, replies_to: relation.reply.clone().filter(|_| chosen), replies: relation.reply.is_some() }
}

/// The events that this timeline itself takes back.
pub(super) fn redacted<'a>(events: impl Iterator<Item = &'a str>) -> HashSet<String> {
    events
        .filter(|json| json.contains("m.room.redaction"))
        .filter_map(|json| serde_json::from_str::<Value>(json).ok())
        .filter(|event| event["type"] == "m.room.redaction")
        .filter_map(|event| redacts(&event["redacts"], &event["content"]).map(str::to_owned))
        .collect()
}

/// The target of a redaction: before room version 11 it is beside the content, since then within it.
///
/// What is beside comes first. There only the server writes, which has checked that the sender may redact that event; before
/// version 11 a sender may put anything within.
fn redacts<'a>(beside: &'a Value, content: &'a Value) -> Option<&'a str> {
    beside.as_str().or_else(|| content.get("redacts")?.as_str())
}

#[cfg(test)]
mod tests;
