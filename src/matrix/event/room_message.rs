//! A message that somebody points at, from the event's JSON. Pure. Unlike [`super::event`], which looks for questions, it reads the bot's
//! own messages too, notices, emotes, and the names of files.

use std::fmt;

use ruma::{EventId, OwnedEventId, OwnedUserId, UserId};
use serde_json::Value;

use super::{
    carried::{kind_of_media, media},
    optional::{Relation, Written},
    raw::RawEvent,
};
use crate::{
    material::Unreadable,
    matrix::{body, content::ANSWER},
    message::{MediaRef, Unread},
};

/// A message of a room as it stands now, with the newest edit of its author. It is read for one answer; nothing keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomMessage {
    /// The event.
    pub event_id: OwnedEventId,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// Whether that is the bot itself.
    pub own: bool,
    /// The question that it answers, for an answer of a compagnon.
    pub answers: Option<OwnedEventId>,
    /// Whether it is a notice, as programs write them.
    pub notice: bool,
    /// Whether it mentions the bot.
    pub mentions_me: bool,
    /// The sender's display name in the room.
    pub name: Option<String>,
    /// The homeserver's time for the event, in milliseconds since the epoch by the local clock.
    pub sent_at: u64,
    /// The name of the file that it sends, if it sends one.
    pub file: Option<String>,
    /// What is said of that file, where it says where it is.
    pub media: Option<MediaRef>,
    /// Its text, or the caption of its file, without reply fallback and without a leading mention of the bot. Or why there is none.
    pub text: Result<String, Unreadable>,
}

impl fmt::Debug for RoomMessage {
    /// Leaves the text and the names out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.text.as_ref().map(String::len);
        formatter
            .debug_struct("RoomMessage")
            .field("event_id", &self.event_id)
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

/// What the edit that the homeserver bundles with an event is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::matrix) enum Bundled {
    /// It came as the event came, and can be read.
    Sound,
    /// It is encrypted, and its key is missing.
    Undecryptable,
    /// It must not count: in clear beside an encrypted message, or encrypted by another person than it names.
    Foreign,
}

/// What reading needs to know of the bot.
#[derive(Clone, Copy, Debug)]
pub(in crate::matrix) struct MessageReader<'a> {
    pub(in crate::matrix) own: &'a UserId,
    /// The texts by which a message may address the bot.
    pub(in crate::matrix) names: &'a [String],
}

/// What a message says.
#[derive(Default)]
struct Said {
    file: Option<String>,
    media: Option<MediaRef>,
    text: String,
    mentions_me: bool,
}

impl MessageReader<'_> {
    /// Reads an event; `None` where it is no message of a person or a program. The name and the time are the caller's to add.
    pub(in crate::matrix) fn read(&self, json: &str, bundled: Bundled) -> Option<RoomMessage> {
        let event: RawEvent = serde_json::from_str(json).ok()?;
        if event.state_key.is_some() {
            return None;
        }
        let plain = |text: &str| Said { text: text.trim().to_owned(), ..Said::default() };
        let said = match event.kind.as_str() {
            _ if event.was_redacted() => Err(Unreadable::Redacted),
            "m.room.encrypted" if event.content.get("ciphertext").is_none() => Err(Unreadable::Redacted),
            "m.room.encrypted" => Err(Unreadable::Undecryptable),
            "m.room.message" if event.content.get("msgtype").is_none() => Err(Unreadable::Redacted),
            "m.room.message" => self.newest(&event, bundled)?,
            "m.sticker" => Ok(plain(event.content.get("body")?.as_str()?)),
            "m.poll.start" | "org.matrix.msc3381.poll.start" => Ok(plain(poll(&event.content)?)),
            _ => return None,
        };
        let answers = event.content.get(ANSWER).and_then(|answer| answer.get("question")?.as_str());
        let (said, unreadable) = match said {
            Ok(said) => (said, None),
            Err(why) => (Said::default(), Some(why)),
        };
        Some(RoomMessage {
            own: event.sender == self.own,
            answers: answers.and_then(|question| OwnedEventId::try_from(question).ok()),
            notice: event.content.get("msgtype").is_some_and(|msgtype| msgtype == "m.notice"),
            mentions_me: said.mentions_me,
            name: None,
            sent_at: 0,
            file: said.file,
            media: said.media,
            text: unreadable.map_or(Ok(said.text), Err),
            event_id: event.id,
            sender: event.sender,
        })
    }

    /// What a message says after its newest edit.
    fn newest(&self, event: &RawEvent, bundled: Bundled) -> Option<Result<Said, Unreadable>> {
        let is_reply = Relation::of(&event.content).reply.is_some();
        let edit = event.unsigned.get("m.relations").and_then(|relations| relations.get("m.replace"));
        match edit.filter(|edit| is_edit(edit, &event.id, &event.sender)) {
            Some(_) if bundled == Bundled::Undecryptable => return Some(Err(Unreadable::Undecryptable)),
            Some(edit) if bundled == Bundled::Sound => {
                if let Some(said) = self.edited(edit, is_reply) {
                    let before = self.said(&event.content, &Written::of(&event.content, self.own), is_reply);
                    // An edit of a caption need not repeat where the file is.
                    let media = said.media.or_else(|| before?.media);
                    return Some(Ok(Said { media, ..said }));
                }
            }
            _ => {}
        }
        self.said(&event.content, &Written::of(&event.content, self.own), is_reply).map(Ok)
    }

    /// What an edit has its message say; `None` where the edit holds nothing.
    fn edited(&self, edit: &Value, is_reply: bool) -> Option<Said> {
        if edit.get("type").is_none_or(|kind| kind != "m.room.message") {
            return None;
        }
        let content = edit.get("content")?;
        match content.get("m.new_content").filter(|new| Written::of(new, self.own).is_sound()) {
            Some(new) => self.said(new, &Written::of(new, self.own), is_reply),
            // Without a valid new content, the fallback body has the same text after an asterisk.
            None => self.said(content, &Written::of(content, self.own).without_star(), is_reply),
        }
    }

    fn said(&self, content: &Value, written: &Written<'_>, is_reply: bool) -> Option<Said> {
        let clean =
            |text: &str| body::question(text, written.formatted, self.names, self.own, is_reply, written.calls());
        let (body, mentions_me) = (written.body.as_deref()?, written.calls());
        let Some(kind) = kind_of_media(written.msgtype?) else {
            return Some(Said { text: clean(body), mentions_me, ..Said::default() });
        };
        // With a file name of its own, the body is a caption; without, the body is the name.
        let said = content.get("filename").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
        let name = said.unwrap_or(body).trim();
        let caption = if body.trim() == name { "" } else { body };
        let media = media(content, written, kind).filter(|media| kind == Unread::File && media.kind() == kind);
        Some(Said { file: Some(name.to_owned()), media, text: clean(caption), mentions_me })
    }
}

/// Whether a bundled event is an edit by the author of this message. An edit by anybody else changes nothing.
fn is_edit(edit: &Value, message: &EventId, author: &UserId) -> bool {
    let of_this = edit.get("content").is_some_and(|content| Relation::of(content).replaces() == Some(message));
    edit.get("sender").is_some_and(|sender| sender == author.as_str()) && of_this
}

/// A poll's question and answers, as clients write them for those that know no polls.
fn poll(content: &Value) -> Option<&str> {
    let stable = content.get("m.text").and_then(|texts| texts.get(0)?.get("body")?.as_str());
    stable.or_else(|| content.get("org.matrix.msc1767.text")?.as_str())
}

#[cfg(test)]
mod tests {
    use ruma::{EventId, user_id};
    use serde_json::{Value, json};

    use super::{Bundled, MessageReader, RoomMessage, Unreadable};

    fn event(content: &Value) -> Value {
        json!({"type": "m.room.message", "event_id": "$m", "sender": "@ben:hs", "content": content})
    }

    fn parse(event: &Value, bundled: Bundled) -> Option<RoomMessage> {
        let reader = MessageReader { own: user_id!("@bot:hs"), names: &["Bot".to_owned()] };
        reader.read(&event.to_string(), bundled)
    }

    fn text(event: &Value) -> Option<(Option<String>, Result<String, Unreadable>)> {
        parse(event, Bundled::Sound).map(|message| (message.file, message.text))
    }

    // Of the type that it is compared with.
    #[allow(clippy::unnecessary_wraps)]
    fn said(text: &str) -> Option<(Option<String>, Result<String, Unreadable>)> {
        Some((None, Ok(text.to_owned())))
    }

    #[allow(clippy::unnecessary_wraps)]
    fn unread(why: Unreadable) -> Option<(Option<String>, Result<String, Unreadable>)> {
        Some((None, Err(why)))
    }

    #[test]
    fn each_kind_of_message_has_its_text() {
        for msgtype in ["m.text", "m.notice", "m.emote", "m.location", "fr.tchap.other"] {
            assert_eq!(text(&event(&json!({"msgtype": msgtype, "body": " Réunion "}))), said("Réunion"), "{msgtype}");
        }
        let file = |name: &str, caption: &str| Some((Some(name.to_owned()), Ok(caption.to_owned())));
        let bare = json!({"msgtype": "m.file", "body": "note.pdf", "url": "mxc://hs/x"});
        assert_eq!(text(&event(&bare)), file("note.pdf", ""));
        let captioned = json!({"msgtype": "m.image", "body": "Le plan.", "filename": "plan.png", "url": "mxc://hs/x"});
        assert_eq!(text(&event(&captioned)), file("plan.png", "Le plan."));
        let sticker = json!({"type": "m.sticker", "event_id": "$m", "sender": "@ben:hs", "content": {"body": "Bravo"}});
        assert_eq!(text(&sticker), said("Bravo"));
        let poll = json!({"type": "org.matrix.msc3381.poll.start", "event_id": "$m", "sender": "@ben:hs",
            "content": {"org.matrix.msc1767.text": "Midi ?\n1. oui\n2. non"}});
        assert_eq!(text(&poll), said("Midi ?\n1. oui\n2. non"));
        for nothing in [
            json!({"type": "m.reaction", "event_id": "$m", "sender": "@ben:hs", "content": {}}),
            json!({"type": "m.room.topic", "state_key": "", "event_id": "$m", "sender": "@ben:hs", "content": {"topic": "x"}}),
            event(&json!({"msgtype": "m.text", "body": 7})),
            json!({"type": "m.room.message"}),
            json!(7),
        ] {
            assert_eq!(text(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_file_says_where_it_is_and_an_edited_caption_leaves_it_there() {
        let sent = json!({"msgtype": "m.file", "body": "Le plan.", "filename": "plan.pdf", "url": "mxc://hs/x",
            "info": {"mimetype": "application/pdf", "size": 7}});
        let media = |event: &Value| parse(event, Bundled::Sound).and_then(|message| message.media);
        let found = media(&event(&sent)).expect("a file");
        assert_eq!((found.name.as_str(), found.size, found.source.as_str()), ("plan.pdf", Some(7), "\"mxc://hs/x\""));
        let mut edited = event(&sent);
        edited["unsigned"] = json!({"m.relations": {"m.replace": {"type": "m.room.message", "event_id": "$e",
            "sender": "@ben:hs", "content": {"msgtype": "m.text", "body": "* Le plan B.",
            "m.new_content": {"msgtype": "m.text", "body": "Le plan B."},
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$m"}}}}});
        let message = parse(&edited, Bundled::Sound).expect("a message");
        assert_eq!(message.text, Ok("Le plan B.".to_owned()));
        assert_eq!(message.media.map(|media| media.name), Some("plan.pdf".to_owned()));
        // Pictures and texts are none, whatever they say of themselves.
        for (msgtype, mimetype) in
            [("m.image", "application/pdf"), ("m.file", "image/png"), ("m.text", "application/pdf")]
        {
            let other =
                json!({"msgtype": msgtype, "body": "plan.pdf", "url": "mxc://hs/x", "info": {"mimetype": mimetype}});
            assert_eq!(media(&event(&other)), None, "{msgtype} {mimetype}");
        }
    }

    #[test]
    fn a_mention_of_the_bot_is_noted_and_taken_off() {
        let content = json!({"msgtype": "m.text", "body": "Bot: !oublier", "m.mentions": {"user_ids": ["@bot:hs"]}});
        let found = parse(&event(&content), Bundled::Sound).expect("a message");
        assert_eq!((found.mentions_me, found.text), (true, Ok("!oublier".to_owned())));
    }

    #[test]
    fn a_reply_is_read_without_its_fallback_and_a_quote_of_ones_own_stays() {
        let quoting = |relation: Value| {
            event(&json!({"msgtype": "m.text", "body": "> <@a:hs> secret\n\nD'accord.", "m.relates_to": relation}))
        };
        assert_eq!(text(&quoting(json!({"m.in_reply_to": {"event_id": "$a"}}))), said("D'accord."));
        assert_eq!(text(&quoting(Value::Null)), said("> <@a:hs> secret\n\nD'accord."));
    }

    #[test]
    fn the_newest_edit_of_the_author_counts_and_no_other() {
        let with = |edit: Value| {
            let mut event = event(&json!({"msgtype": "m.text", "body": "à 14 h"}));
            event["unsigned"] = json!({"m.relations": {"m.replace": edit}});
            event
        };
        let edit = json!({"type": "m.room.message", "event_id": "$e", "sender": "@ben:hs", "content": {
            "msgtype": "m.text", "body": "* à 15 h", "m.new_content": {"msgtype": "m.text", "body": "à 15 h"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$m"}}});
        let changed = |path: &str, value: Value| {
            let mut edit = edit.clone();
            *edit.pointer_mut(path).expect("a field") = value;
            with(edit)
        };
        assert_eq!(text(&with(edit.clone())), said("à 15 h"));
        assert_eq!(text(&changed("/content/m.new_content", Value::Null)), said("à 15 h"), "the fallback");
        for (path, value) in [
            ("/sender", json!("@mallory:hs")),
            ("/content/m.relates_to/event_id", json!("$other")),
            ("/content/m.relates_to/rel_type", json!("m.thread")),
            ("/type", json!("m.room.topic")),
            ("/content", json!({})),
            ("/content", json!({"m.relates_to": {"rel_type": "m.replace", "event_id": "$m"}})),
        ] {
            assert_eq!(text(&changed(path, value.clone())), said("à 14 h"), "{path} {value}");
        }
        let read = |bundled| parse(&with(edit.clone()), bundled).expect("a message").text;
        assert_eq!(read(Bundled::Foreign), Ok("à 14 h".to_owned()));
        assert_eq!(
            read(Bundled::Undecryptable),
            Err(Unreadable::Undecryptable),
            "what it said before is not what it says"
        );
        let stranger = changed("/sender", json!("@mallory:hs"));
        let unread = parse(&stranger, Bundled::Undecryptable).expect("a message").text;
        assert_eq!(unread, Ok("à 14 h".to_owned()), "nobody makes another's message unreadable");
    }

    #[test]
    fn what_was_redacted_has_no_text_whatever_is_left_of_it() {
        let mut kept = event(&json!({"msgtype": "m.text", "body": "secret"}));
        kept["unsigned"] = json!({"redacted_because": {"type": "m.room.redaction"}});
        let encrypted = |content: Value| json!({"type": "m.room.encrypted", "event_id": "$m", "sender": "@ben:hs", "content": content});
        assert_eq!(text(&kept), unread(Unreadable::Redacted));
        assert_eq!(text(&event(&json!({}))), unread(Unreadable::Redacted));
        assert_eq!(text(&encrypted(json!({}))), unread(Unreadable::Redacted));
        let locked = encrypted(json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x"}));
        assert_eq!(text(&locked), unread(Unreadable::Undecryptable));
    }

    #[test]
    fn an_answer_of_the_bot_names_its_question() {
        let mut answer =
            event(&json!({"msgtype": "m.text", "body": "Oui.", "org.compagnon.answer": {"question": "$q", "part": 0}}));
        answer["sender"] = json!("@bot:hs");
        let found = parse(&answer, Bundled::Sound).expect("a message");
        assert_eq!((found.own, found.notice, found.answers.as_deref().map(EventId::as_str)), (true, false, Some("$q")));
        let notice =
            parse(&event(&json!({"msgtype": "m.notice", "body": "Alerte"})), Bundled::Sound).expect("a message");
        assert_eq!((notice.own, notice.notice, &notice.answers), (false, true, &None));
        assert!(!format!("{notice:?}").contains("Alerte"));
    }
}
