//! The content of the bot's own messages as JSON, and how the bot recognises them. Pure.
//!
//! Every message has a field `org.compagnon.answer`: the question it answers, the number of the part, whether it is complete, and for text
//! of the model `"generated": true`, so that generated text is machine-readable as such (AI Act, article 50), with the sources that it cites.

use ruma::{EventId, OwnedEventId, UserId};
use serde_json::{Map, Value, json};

use super::{
    html::{defuse, to_html},
    markdown::{Tables, plain},
    sought::Sought,
};
use crate::document::Cited;
use crate::message::{CONTACT_PART, MessageKind, Outgoing};

/// The most bytes of the sources in that field.
pub(super) const SOURCES_BYTES: usize = 4_000;

/// The most characters of a title or a place there.
const LONGEST_NAME: usize = 160;

/// The name of that field.
pub(super) const ANSWER: &str = "org.compagnon.answer";

/// The content of a message, for a direct conversation or for a room.
pub(super) fn content(message: &Outgoing<'_>, direct: bool, tables: Tables) -> Value {
    let text = text(message, direct, tables);
    let Some(replaced) = message.replaces else {
        return with(text, "m.relates_to", relation(message, direct));
    };
    // Clients that support edits show only the new content; others show a second message, marked as a correction.
    let mut edit = text.clone();
    for key in ["body", "formatted_body"] {
        let corrected = format!("* {}", text[key].as_str().unwrap_or_default());
        edit.insert(key.to_owned(), corrected.into());
    }
    // The original message has already notified the person.
    edit.insert("m.mentions".to_owned(), json!({}));
    edit.insert("m.new_content".to_owned(), text.into());
    with(edit, "m.relates_to", Some(json!({"rel_type": "m.replace", "event_id": replaced})))
}

fn text(message: &Outgoing<'_>, direct: bool, tables: Tables) -> Map<String, Value> {
    let mut answer = json!({"question": message.question, "part": message.part, "complete": message.complete});
    if message.kind == MessageKind::Text {
        answer["generated"] = true.into();
    }
    if let Some(sources) = sources(message.sources) {
        answer["sources"] = sources;
    }
    let told = message.asker.filter(|_| !direct && message.opens);
    let mentions = told.map_or_else(|| json!({}), |asker| json!({"user_ids": [asker]}));
    let mut text = Map::new();
    let msgtype = match message.kind {
        MessageKind::Text => "m.text",
        MessageKind::Notice => "m.notice",
    };
    text.insert("msgtype".to_owned(), msgtype.into());
    text.insert("body".to_owned(), defuse(&plain(message.markdown)).into());
    text.insert("format".to_owned(), "org.matrix.custom.html".into());
    text.insert("formatted_body".to_owned(), to_html(message.markdown, message.links, tables).into());
    text.insert("m.mentions".to_owned(), mentions);
    text.insert(ANSWER.to_owned(), answer);
    text
}

/// The sources that an answer cites, as many as [`SOURCES_BYTES`] take.
fn sources(cited: &[Cited]) -> Option<Value> {
    let mut bytes = 0;
    let listed = cited
        .iter()
        .map(|cited| json!({"mark": cited.citation.mark, "title": short(&cited.title), "place": short(&cited.place)}));
    let listed: Vec<Value> = listed
        .take_while(|source| {
            bytes += source.to_string().len() + 1;
            bytes <= SOURCES_BYTES
        })
        .collect();
    (!listed.is_empty()).then(|| listed.into())
}

fn short(name: &str) -> &str {
    name.char_indices().nth(LONGEST_NAME).map_or(name, |(end, _)| &name[..end])
}

/// In a thread each message names the question; in a room the first message is a reply; in a direct conversation there is no relation.
/// What is about another message than the question replies to that one everywhere.
fn relation(message: &Outgoing<'_>, direct: bool) -> Option<Value> {
    let reply = json!({"event_id": message.about.unwrap_or(message.question)});
    let replies = message.about.is_some() || (!direct && message.opens && message.asker.is_some());
    match message.thread {
        Some(root) => Some(json!({
            "rel_type": "m.thread", "event_id": root, "is_falling_back": !replies, "m.in_reply_to": reply,
        })),
        None if replies => Some(json!({"m.in_reply_to": reply})),
        None => None,
    }
}

fn with(mut content: Map<String, Value>, key: &str, value: Option<Value>) -> Value {
    if let Some(value) = value {
        content.insert(key.to_owned(), value);
    }
    content.into()
}

/// The id of an event, if it is the bot's.
pub(super) fn own_id(json: &str, own: &UserId) -> Option<OwnedEventId> {
    let event: Value = serde_json::from_str(json).ok()?;
    let id = event["event_id"].as_str().filter(|_| event["sender"] == own.as_str())?;
    OwnedEventId::try_from(id).ok()
}

/// The id of an event, if it is the bot's and edits the given message. Relations are cleartext in encrypted rooms too.
pub(super) fn edit_of(json: &str, own: &UserId, message: &EventId) -> Option<OwnedEventId> {
    let event: Value = serde_json::from_str(json).ok()?;
    let relation = &event["content"]["m.relates_to"];
    let edits = relation["rel_type"] == "m.replace" && relation["event_id"] == message.as_str();
    own_id(json, own).filter(|_| edits)
}

/// The id of the message that this event is or edits, if that is the given part, or any part, of the answer to a question, and of this sort.
pub(super) fn sent_id(
    json: &str,
    own: &UserId,
    question: &EventId,
    part: Option<usize>,
    sought: Sought,
) -> Option<OwnedEventId> {
    let event: Value = serde_json::from_str(json).ok()?;
    let content = &event["content"];
    let answer = &content[ANSWER];
    if event["sender"] != own.as_str() || answer["question"] != question.as_str() {
        return None;
    }
    if part.map_or(answer["part"] == CONTACT_PART, |part| answer["part"] != part) {
        return None;
    }
    if !sought.is(content["msgtype"] == "m.file", answer["complete"] == true) {
        return None;
    }
    let relation = &content["m.relates_to"];
    let id = if relation["rel_type"] == "m.replace" { &relation["event_id"] } else { &event["event_id"] };
    OwnedEventId::try_from(id.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use ruma::{EventId, event_id, room_id, user_id};
    use serde_json::{Value, json};

    use super::{MessageKind, Outgoing, Sought, Tables, edit_of, own_id, sent_id};

    fn content(message: &Outgoing<'_>, direct: bool) -> Value {
        super::content(message, direct, Tables::default())
    }

    fn message<'a>(thread: Option<&'a EventId>, replaces: Option<&'a EventId>, part: usize) -> Outgoing<'a> {
        Outgoing {
            room_id: room_id!("!r:hs"),
            thread,
            question: event_id!("$q"),
            asker: Some(user_id!("@a:hs")),
            part,
            replaces,
            kind: MessageKind::Text,
            encrypted: false,
            complete: true,
            markdown: "**oui** @room",
            links: &[],
            sources: &[],
            about: None,
            opens: part == 0,
            transaction: "t",
        }
    }

    #[test]
    fn a_direct_conversation_gets_plain_messages() {
        let found = content(&message(None, None, 0), true);
        let expected = json!({
            "msgtype": "m.text",
            "body": "**oui** @\u{2060}room",
            "format": "org.matrix.custom.html",
            "formatted_body": "<p><strong>oui</strong> @\u{2060}room</p>",
            "m.mentions": {},
            "org.compagnon.answer": {"question": "$q", "part": 0, "complete": true, "generated": true},
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_room_gets_a_reply_that_tells_the_asker_once() {
        let first = content(&message(None, None, 0), false);
        assert_eq!(first["m.relates_to"], json!({"m.in_reply_to": {"event_id": "$q"}}));
        assert_eq!(first["m.mentions"], json!({"user_ids": ["@a:hs"]}));
        let second = content(&message(None, None, 1), false);
        assert_eq!((&second["m.relates_to"], &second["m.mentions"]), (&Value::Null, &json!({})));
    }

    #[test]
    fn what_is_said_unasked_is_no_reply_and_tells_nobody() {
        for direct in [true, false] {
            let unasked = content(&Outgoing { asker: None, ..message(None, None, 0) }, direct);
            assert_eq!((&unasked["m.relates_to"], &unasked["m.mentions"]), (&Value::Null, &json!({})));
            let root = event_id!("$root");
            let threaded = content(&Outgoing { asker: None, ..message(Some(root), None, 0) }, direct);
            assert_eq!(threaded["m.relates_to"]["is_falling_back"], true);
            assert_eq!(threaded["m.mentions"], json!({}));
        }
    }

    #[test]
    fn a_thread_stays_one() {
        let root = event_id!("$root");
        let found = content(&message(Some(root), None, 0), false);
        let reply = json!({"event_id": "$q"});
        assert_eq!(
            found["m.relates_to"],
            json!({"rel_type": "m.thread", "event_id": "$root", "is_falling_back": false, "m.in_reply_to": reply})
        );
        assert_eq!(content(&message(Some(root), None, 0), true)["m.relates_to"]["is_falling_back"], true);
    }

    #[test]
    fn an_edit_carries_the_new_content_and_rings_nobody() {
        let found = content(&message(None, Some(event_id!("$old")), 0), false);
        assert_eq!(found["m.relates_to"], json!({"rel_type": "m.replace", "event_id": "$old"}));
        assert_eq!(found["body"], "* **oui** @\u{2060}room");
        assert_eq!(found["m.mentions"], json!({}));
        assert_eq!(found["m.new_content"]["body"], "**oui** @\u{2060}room");
        assert_eq!(found["m.new_content"]["m.mentions"], json!({"user_ids": ["@a:hs"]}));
        assert_eq!(found["m.new_content"]["org.compagnon.answer"], found["org.compagnon.answer"]);
        assert!(found["m.new_content"].get("m.relates_to").is_none());
    }

    #[test]
    fn a_notice_is_not_generated() {
        let found = content(&Outgoing { kind: MessageKind::Notice, ..message(None, None, 0) }, true);
        assert_eq!(found["msgtype"], "m.notice");
        assert!(found["org.compagnon.answer"].get("generated").is_none());
    }

    #[test]
    fn the_bot_knows_its_own_messages_and_their_edits() {
        let own = user_id!("@bot:hs");
        let find = |sender: &str, content: Value, part: usize| {
            let event = json!({"type": "m.room.message", "sender": sender, "event_id": "$sent", "content": content});
            sent_id(&event.to_string(), own, event_id!("$q"), Some(part), Sought::Text).map(|id| id.to_string())
        };
        let any = |written: Value| {
            let event = json!({"type": "m.room.message", "sender": "@bot:hs", "event_id": "$sent", "content": written});
            (sent_id(&event.to_string(), own, event_id!("$q"), None, Sought::Any), own_id(&event.to_string(), own))
        };
        let sent = content(&message(None, None, 1), false);
        let edit = content(&message(None, Some(event_id!("$first")), 1), false);
        assert_eq!(find("@bot:hs", sent.clone(), 1).as_deref(), Some("$sent"));
        assert_eq!(find("@bot:hs", edit, 1).as_deref(), Some("$first"));
        assert_eq!(find("@bot:hs", sent.clone(), 0), None);
        assert_eq!(find("@other:hs", sent, 1), None);
        assert_eq!(find("@bot:hs", json!({"body": "x"}), 1), None);
        let (first, sent_one) = (event_id!("$first").to_owned(), event_id!("$sent").to_owned());
        assert_eq!(any(content(&message(None, Some(&first), 3), false)), (Some(first), Some(sent_one.clone())));
        assert_eq!(any(json!({"body": "x"})), (None, Some(sent_one.clone())));
        let edit = content(&message(None, Some(event_id!("$first")), 1), false);
        for (sender, of, expected) in
            [("@bot:hs", "$first", true), ("@bot:hs", "$other", false), ("@x:hs", "$first", false)]
        {
            let event = json!({"type": "m.room.message", "sender": sender, "event_id": "$sent", "content": edit});
            let of = EventId::parse(of).expect("an id");
            assert_eq!(edit_of(&event.to_string(), own, &of), expected.then(|| sent_one.clone()), "{sender} {of}");
        }
    }
}
