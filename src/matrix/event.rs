//! One event of a timeline, read as a question or left aside. Pure: JSON in, [`Incoming`] out.

use std::collections::HashSet;

use ruma::{OwnedEventId, OwnedUserId, RoomId, UserId};
use serde::Deserialize;
use serde_json::Value;

use super::body;
use crate::message::Incoming;

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

/// Why an event is not a question. Names for the log; the event's content never gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// Not a message, or not a text message.
    OtherType,
    /// Written by the bot.
    Own,
    /// Replaces another message.
    Edit,
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
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    msgtype: Option<String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    formatted_body: Option<String>,
    #[serde(rename = "m.mentions", default)]
    mentions: Mentions,
    #[serde(rename = "m.relates_to", default)]
    relation: Option<Relation>,
}

#[derive(Default, Deserialize)]
struct Mentions {
    #[serde(default)]
    user_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Relation {
    #[serde(default)]
    rel_type: Option<String>,
    #[serde(default)]
    event_id: Option<OwnedEventId>,
    #[serde(default)]
    is_falling_back: bool,
    #[serde(rename = "m.in_reply_to", default)]
    in_reply_to: Option<InReplyTo>,
}

#[derive(Deserialize)]
struct InReplyTo {
    event_id: OwnedEventId,
}

impl Reader<'_> {
    /// Reads one event. `decrypted` says whether it came encrypted.
    pub(super) fn read(&self, json: &str, decrypted: bool) -> Result<Incoming, Skip> {
        let event: Event = serde_json::from_str(json).map_err(|_| Skip::Malformed)?;
        if event.kind != "m.room.message" || event.state_key.is_some() {
            return Err(Skip::OtherType);
        }
        if event.sender == self.own {
            return Err(Skip::Own);
        }
        if event.unsigned.get("redacted_because").is_some() || event.content.get("msgtype").is_none() {
            return Err(Skip::Redacted);
        }
        if self.encrypted && !decrypted {
            return Err(Skip::PlainText);
        }
        let content: Content = serde_json::from_value(event.content).map_err(|_| Skip::Malformed)?;
        // Notices are what bots say: answering them is how two bots talk for ever.
        if content.msgtype.as_deref() != Some("m.text") {
            return Err(Skip::OtherType);
        }
        let place = place(content.relation.as_ref())?;
        let mentions_me = content.mentions.user_ids.iter().any(|user| user == self.own.as_str());
        let body = body::question(
            &content.body,
            content.formatted_body.as_deref(),
            self.names,
            self.own,
            place.replies,
            mentions_me || self.direct,
        );
        // A bare mention is a way to call; in a room without one, there is nothing to answer.
        if body.is_empty() && !mentions_me {
            return Err(Skip::Empty);
        }
        Ok(Incoming {
            event_id: event.id,
            room_id: self.room_id.to_owned(),
            sender: event.sender,
            thread: place.thread,
            replies_to: place.replies_to,
            mentions_me,
            direct: self.direct,
            sent_at: event.origin_server_ts.as_u64().unwrap_or(0),
            body,
        })
    }
}

struct Place {
    thread: Option<OwnedEventId>,
    replies_to: Option<OwnedEventId>,
    replies: bool,
}

fn place(relation: Option<&Relation>) -> Result<Place, Skip> {
    let Some(relation) = relation else { return Ok(Place { thread: None, replies_to: None, replies: false }) };
    let replies_to = relation.in_reply_to.as_ref().map(|reply| reply.event_id.clone());
    let replies = replies_to.is_some();
    match relation.rel_type.as_deref() {
        Some("m.replace") => Err(Skip::Edit),
        Some("m.thread") => {
            let thread = Some(relation.event_id.clone().ok_or(Skip::Malformed)?);
            // In a thread, old clients are shown a reply to the last message: nobody chose to reply to it.
            let replies_to = replies_to.filter(|_| !relation.is_falling_back);
            Ok(Place { thread, replies_to, replies })
        }
        _ => Ok(Place { thread: None, replies_to, replies }),
    }
}

/// The events that this timeline itself takes back.
pub(super) fn redacted<'a>(events: impl Iterator<Item = &'a str>) -> HashSet<String> {
    events
        .filter(|json| json.contains("m.room.redaction"))
        .filter_map(|json| serde_json::from_str::<Value>(json).ok())
        .filter(|event| event["type"] == "m.room.redaction")
        .filter_map(|event| {
            // Before room version 11 the target is beside the content, since then within it.
            let target = event["content"]["redacts"].as_str().or_else(|| event["redacts"].as_str());
            target.map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ruma::{room_id, user_id};
    use serde_json::{Value, json};

    use super::{Incoming, Reader, Skip, redacted};

    fn read_in(event: &Value, direct: bool, encrypted: bool, decrypted: bool) -> Result<Incoming, Skip> {
        let names = ["@marius:hs".to_owned(), "Marius".to_owned()];
        let own = user_id!("@marius:hs");
        let reader = Reader { own, names: &names, room_id: room_id!("!r:hs"), direct, encrypted };
        reader.read(&event.to_string(), decrypted)
    }

    fn read(event: &Value) -> Result<Incoming, Skip> {
        read_in(event, false, false, false)
    }

    fn message(content: &Value) -> Value {
        json!({"type": "m.room.message", "event_id": "$q", "sender": "@a:hs", "origin_server_ts": 7, "content": content})
    }

    #[test]
    fn a_text_is_a_question() {
        let found = read(&message(&json!({"msgtype": "m.text", "body": "Bonjour"}))).unwrap();
        assert_eq!((found.body.as_str(), found.sent_at, found.mentions_me), ("Bonjour", 7, false));
        assert!(found.thread.is_none() && found.replies_to.is_none());
    }

    #[test]
    fn what_is_no_question() {
        let text = json!({"msgtype": "m.text", "body": "x"});
        let with = |key: &str, value: Value| {
            let mut event = message(&text);
            event[key] = value;
            event
        };
        let table = [
            (message(&json!({"msgtype": "m.notice", "body": "x"})), Skip::OtherType),
            (message(&json!({"msgtype": "m.emote", "body": "x"})), Skip::OtherType),
            (message(&json!({"msgtype": "m.image", "body": "x.png", "url": "mxc://hs/x"})), Skip::OtherType),
            (
                message(
                    &json!({"msgtype": "m.text", "body": "* y", "m.new_content": {"msgtype": "m.text", "body": "y"},
                    "m.relates_to": {"rel_type": "m.replace", "event_id": "$old"}}),
                ),
                Skip::Edit,
            ),
            (message(&json!({})), Skip::Redacted),
            (with("unsigned", json!({"redacted_because": {}})), Skip::Redacted),
            (with("sender", json!("@marius:hs")), Skip::Own),
            (with("type", json!("m.room.encrypted")), Skip::OtherType),
            (with("state_key", json!("")), Skip::OtherType),
            (with("sender", json!("nobody")), Skip::Malformed),
            (message(&json!({"msgtype": "m.text", "body": 7})), Skip::Malformed),
            (message(&json!({"msgtype": "m.text", "body": "x", "m.mentions": {"user_ids": 3}})), Skip::Malformed),
            (
                message(&json!({"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.thread"}})),
                Skip::Malformed,
            ),
            (message(&json!({"msgtype": "m.text", "body": "   "})), Skip::Empty),
        ];
        for (event, expected) in table {
            assert_eq!(read(&event).unwrap_err(), expected, "{event}");
        }
    }

    #[test]
    fn only_m_mentions_calls_the_bot() {
        let called = json!({"msgtype": "m.text", "body": "Marius: aide", "m.mentions": {"user_ids": ["@marius:hs"]}});
        let found = read(&message(&called)).unwrap();
        assert_eq!((found.mentions_me, found.body.as_str()), (true, "aide"));

        for content in [
            json!({"msgtype": "m.text", "body": "Marius: aide"}),
            json!({"msgtype": "m.text", "body": "Marius: aide", "m.mentions": {}}),
            json!({"msgtype": "m.text", "body": "Marius: aide", "m.mentions": {"room": true}}),
            json!({"msgtype": "m.text", "body": "Marius: aide", "m.mentions": {"user_ids": ["@marius:evil"]},
                "format": "org.matrix.custom.html",
                "formatted_body": "<a href=\"https://matrix.to/#/@marius:hs\">Marius</a>: aide"}),
        ] {
            let found = read(&message(&content)).unwrap();
            assert_eq!((found.mentions_me, found.body.as_str()), (false, "Marius: aide"));
        }
        let bare = json!({"msgtype": "m.text", "body": "Marius", "m.mentions": {"user_ids": ["@marius:hs"]}});
        assert_eq!(read(&message(&bare)).unwrap().body, "");
    }

    #[test]
    fn replies_and_threads() {
        let place = |relation: Value| {
            let content = json!({"msgtype": "m.text", "body": "> <@b:hs> avant\n\nx", "m.relates_to": relation});
            let found = read(&message(&content)).unwrap();
            assert_eq!(found.body, "x");
            (found.thread.map(|id| id.to_string()), found.replies_to.map(|id| id.to_string()))
        };
        let (root, target) = (Some("$root".to_owned()), Some("$target".to_owned()));
        let reply = json!({"event_id": "$target"});
        assert_eq!(place(json!({"m.in_reply_to": reply})), (None, target.clone()));
        let thread =
            json!({"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": reply, "is_falling_back": true});
        assert_eq!(place(thread), (root.clone(), None));
        let within =
            json!({"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": reply, "is_falling_back": false});
        assert_eq!(place(within), (root.clone(), target.clone()));
        let unsaid = json!({"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": reply});
        assert_eq!(place(unsaid), (root, target));
    }

    #[test]
    fn plain_text_in_an_encrypted_room_is_ignored() {
        let event = message(&json!({"msgtype": "m.text", "body": "x"}));
        assert_eq!(read_in(&event, true, true, false).unwrap_err(), Skip::PlainText);
        assert!(read_in(&event, true, true, true).is_ok());
        assert!(read_in(&event, true, false, false).is_ok());
    }

    #[test]
    fn a_name_is_taken_off_in_a_direct_conversation() {
        let event = message(&json!({"msgtype": "m.text", "body": "Marius, aide"}));
        let found = read_in(&event, true, false, false).unwrap();
        assert_eq!((found.body.as_str(), found.mentions_me, found.direct), ("aide", false, true));
    }

    #[test]
    fn a_strange_time_is_no_reason_to_be_silent() {
        for (time, expected) in [(json!(u64::MAX), u64::MAX), (json!(-1), 0), (json!("x"), 0), (Value::Null, 0)] {
            let mut event = message(&json!({"msgtype": "m.text", "body": "x"}));
            event["origin_server_ts"] = time;
            assert_eq!(read(&event).unwrap().sent_at, expected);
        }
    }

    #[test]
    fn redactions_name_their_target_in_two_ways() {
        let old = json!({"type": "m.room.redaction", "redacts": "$a", "content": {}}).to_string();
        let new = json!({"type": "m.room.redaction", "content": {"redacts": "$b"}}).to_string();
        let text = message(&json!({"msgtype": "m.text", "body": "m.room.redaction", "redacts": "$c"})).to_string();
        let found = redacted([old.as_str(), new.as_str(), text.as_str()].into_iter());
        assert_eq!(found, ["$a".to_owned(), "$b".to_owned()].into());
    }
}
