//! A room as a person sees it: messages with their edits applied; and what a person writes.

use serde::Deserialize;
use serde_json::{Value, json};

/// The key under which the bot says which question a message answers.
pub const ANSWER: &str = "org.compagnon.answer";

/// One event as a client received it, decrypted where it could be.
#[derive(Clone, Debug, Deserialize)]
#[allow(clippy::struct_field_names)] // `event_id` is Matrix's own word.
pub struct Event {
    /// Its id.
    pub event_id: String,
    /// Who sent it.
    pub sender: String,
    /// Its type after decryption.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// For a piece of the room's state, its key.
    pub state_key: Option<String>,
    /// Its content after decryption.
    pub content: Value,
    /// For a redaction, the event removed.
    pub redacts: Option<String>,
    /// Whether it travelled encrypted.
    pub encrypted: bool,
    /// Whether the client holds no key for it.
    pub undecryptable: bool,
    /// For an encrypted event, the sender's device or its key.
    pub device: Option<String>,
}

/// One message, with its edits applied.
#[derive(Clone, Debug)]
pub struct Message {
    /// The first event's id.
    pub event_id: String,
    /// Who sent it.
    pub sender: String,
    /// The latest text.
    pub body: String,
    /// The latest text in HTML.
    pub formatted_body: Option<String>,
    /// `m.text`, `m.notice`, …
    pub msgtype: String,
    /// The thread's root.
    pub thread: Option<String>,
    /// The message it replies to.
    pub in_reply_to: Option<String>,
    /// The users it mentions.
    pub mentions: Vec<String>,
    /// How often it was edited.
    pub edits: usize,
    /// Whether every event of it travelled encrypted.
    pub encrypted: bool,
    /// Whether an event of it could not be read.
    pub undecryptable: bool,
    /// The sender's device, where known.
    pub device: Option<String>,
    /// The bot's mark, in its latest edition.
    pub answer: Value,
    /// The encrypted file, for a message that is one.
    pub file: Option<Value>,
}

impl Message {
    /// Whether the bot wrote this for `question`.
    pub fn answers(&self, question: &str) -> bool {
        self.answer["question"] == question
    }

    /// Whether the bot says that nothing more will come.
    pub fn complete(&self) -> bool {
        self.answer["complete"] == true
    }
}

/// The messages of a room from its events in order.
pub fn messages(events: &[Event]) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    for event in events {
        let relation = &event.content["m.relates_to"];
        if event.kind.as_deref() == Some("m.room.redaction") {
            messages.retain(|message| event.redacts.as_ref() != Some(&message.event_id));
        } else if relation["rel_type"] == "m.replace" {
            let edited = messages.iter_mut().find(|message| relation["event_id"] == message.event_id.as_str());
            // Anybody may send an edit; a client applies only those of the author.
            if let Some(message) = edited.filter(|message| message.sender == event.sender) {
                apply(message, event);
            }
        } else if event.undecryptable || event.kind.as_deref() == Some("m.room.message") {
            messages.push(message(event));
        }
    }
    messages
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A text without the spaces of typography, so that scenarios can be written with the keyboard.
fn plain(value: &Value) -> Option<String> {
    Some(value.as_str()?.replace(['\u{a0}', '\u{202f}'], " "))
}

fn message(event: &Event) -> Message {
    let (content, relation) = (&event.content, &event.content["m.relates_to"]);
    let mentions = content["m.mentions"]["user_ids"].as_array().into_iter().flatten();
    Message {
        event_id: event.event_id.clone(),
        sender: event.sender.clone(),
        body: plain(&content["body"]).unwrap_or_default(),
        formatted_body: plain(&content["formatted_body"]),
        msgtype: text(&content["msgtype"]).unwrap_or_default(),
        thread: text(&relation["event_id"]).filter(|_| relation["rel_type"] == "m.thread"),
        in_reply_to: text(&relation["m.in_reply_to"]["event_id"]),
        mentions: mentions.filter_map(text).collect(),
        edits: 0,
        encrypted: event.encrypted,
        undecryptable: event.undecryptable,
        device: event.device.clone(),
        answer: content[ANSWER].clone(),
        file: content.get("file").cloned(),
    }
}

fn apply(message: &mut Message, edit: &Event) {
    message.edits += 1;
    message.encrypted &= edit.encrypted;
    message.undecryptable |= edit.undecryptable;
    let new = &edit.content["m.new_content"];
    if edit.undecryptable {
        return;
    }
    message.body = plain(&new["body"]).unwrap_or_default();
    message.formatted_body = plain(&new["formatted_body"]);
    message.msgtype = text(&new["msgtype"]).unwrap_or_default();
    message.answer = new[ANSWER].clone();
}

/// What a person writes.
#[derive(Clone, Debug, Default)]
pub struct Text {
    body: String,
    msgtype: Option<&'static str>,
    formatted_body: Option<String>,
    mention: Option<String>,
    thread: Option<String>,
    reply_to: Option<String>,
    edit_of: Option<String>,
    silent: bool,
}

impl From<&str> for Text {
    fn from(body: &str) -> Self {
        Self { body: body.to_owned(), ..Self::default() }
    }
}

impl From<String> for Text {
    fn from(body: String) -> Self {
        Self { body, ..Self::default() }
    }
}

impl Text {
    /// A plain text.
    pub fn new(body: impl Into<String>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// A text that mentions `user`, as clients write it: the name in the text, the id in `m.mentions`.
    pub fn to(user: &str, body: &str) -> Self {
        Self { mention: Some(user.to_owned()), ..Self::new(format!("{}: {body}", name_of(user))) }
    }

    /// In the thread of `root`.
    pub fn in_thread(self, root: &str) -> Self {
        Self { thread: Some(root.to_owned()), ..self }
    }

    /// As a reply to `event`.
    pub fn replying_to(self, event: &str) -> Self {
        Self { reply_to: Some(event.to_owned()), ..self }
    }

    /// As an edit of `event`.
    pub fn editing(self, event: &str) -> Self {
        Self { edit_of: Some(event.to_owned()), ..self }
    }

    /// With another `msgtype` than `m.text`.
    pub fn of_type(self, msgtype: &'static str) -> Self {
        Self { msgtype: Some(msgtype), ..self }
    }

    /// With HTML.
    pub fn with_html(self, html: &str) -> Self {
        Self { formatted_body: Some(html.to_owned()), ..self }
    }

    /// From a client that does not say whom a message mentions: the classic ones, on which Tchap is built.
    pub fn of_old_client(self) -> Self {
        Self { silent: true, ..self }
    }

    /// With a pill of `user` before the text, as in HTML.
    pub fn with_pill(self, href: &str, label: &str) -> Self {
        let html = format!("<a href=\"{href}\">{label}</a>\u{a0}: {}", self.body);
        Self { body: format!("{label}\u{a0}: {}", self.body), formatted_body: Some(html), ..self }
    }

    /// The event's content.
    pub fn content(&self) -> Value {
        let mut content = json!({"msgtype": self.msgtype.unwrap_or("m.text"), "body": self.body});
        if !self.silent {
            content["m.mentions"] = json!({});
        }
        if let Some(html) = &self.formatted_body {
            content["format"] = "org.matrix.custom.html".into();
            content["formatted_body"] = html.as_str().into();
        }
        if let Some(user) = &self.mention {
            content["m.mentions"] = json!({"user_ids": [user]});
        }
        if let Some(event) = &self.edit_of {
            let new = content.clone();
            content["body"] = format!("* {}", self.body).into();
            content["m.new_content"] = new;
            content["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": event});
            return content;
        }
        if let Some(root) = &self.thread {
            // Clients that know no threads see a reply to the latest message; the root stands for it.
            let fallback = self.reply_to.is_none();
            content["m.relates_to"] = json!({
                "rel_type": "m.thread", "event_id": root, "is_falling_back": fallback,
                "m.in_reply_to": {"event_id": self.reply_to.as_ref().unwrap_or(root)},
            });
        } else if let Some(event) = &self.reply_to {
            content["m.relates_to"] = json!({"m.in_reply_to": {"event_id": event}});
        }
        content
    }
}

/// The localpart of a full id.
pub fn name_of(user: &str) -> &str {
    user.trim_start_matches('@').split(':').next().unwrap_or(user)
}
