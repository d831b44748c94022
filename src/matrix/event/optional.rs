//! The optional fields of a message's content, parsed leniently: a malformed field counts as absent, so that it never costs a person the
//! valid text beside it. This is why ruma's typed contents, which fail as a whole, are not used here.

use std::borrow::Cow;

use ruma::{EventId, OwnedEventId, UserId};
use serde_json::Value;

use crate::matrix::markup;

/// The text fields of a message, or of the new content of an edit.
#[derive(Clone, Debug)]
pub(super) struct Written<'a> {
    pub(super) msgtype: Option<&'a str>,
    /// The text. Where only the HTML is sound, its text.
    pub(super) body: Option<Cow<'a, str>>,
    pub(super) formatted: Option<&'a str>,
    /// Whether it mentions the bot. `None`: it does not say whom it mentions.
    pub(super) mentions: Option<bool>,
}

impl<'a> Written<'a> {
    pub(super) fn of(content: &'a Value, own: &UserId) -> Self {
        let text = |key| content.get(key).and_then(Value::as_str);
        let format = text("format").is_none_or(|format| format == "org.matrix.custom.html");
        let formatted = text("formatted_body").filter(|_| format);
        let shown = || formatted.map(markup::text).filter(|text| !text.is_empty()).map(Cow::Owned);
        Self {
            msgtype: text("msgtype"),
            body: text("body").map(Cow::Borrowed).or_else(shown),
            formatted,
            mentions: mentions(content, formatted, own),
        }
    }

    /// Whether it mentions the bot.
    pub(super) fn calls(&self) -> bool {
        self.mentions == Some(true)
    }

    /// Whether it is a complete message content.
    pub(super) fn is_sound(&self) -> bool {
        self.msgtype.is_some() && self.body.is_some()
    }

    /// Without the asterisk that marks an edit for clients without edits.
    pub(super) fn without_star(self) -> Self {
        let body = self.body.map(|body| match body.strip_prefix("* ") {
            Some(rest) => Cow::Owned(rest.to_owned()),
            None => body,
        });
        Self { body, ..self }
    }
}

/// Whom a content mentions, as far as it concerns the bot. A sound `m.mentions` alone decides. Clients that do not send it mention by a
/// link in the HTML; a name in the text never counts.
fn mentions(content: &Value, formatted: Option<&str>, own: &UserId) -> Option<bool> {
    let sound = content.get("m.mentions").and_then(Value::as_object);
    let named = sound.and_then(|mentions| match mentions.get("user_ids") {
        None => Some(false),
        Some(Value::Array(users)) => Some(users.iter().any(|user| user == own.as_str())),
        Some(_) => None,
    });
    named.or_else(|| formatted.is_some_and(|html| markup::mentions(html, own)).then_some(true))
}

/// The relation of a message to another.
#[derive(Clone, Debug, Default)]
pub(super) struct Relation {
    pub(super) kind: Option<String>,
    pub(super) event_id: Option<OwnedEventId>,
    pub(super) key: Option<String>,
    pub(super) is_falling_back: bool,
    /// The message it replies to.
    pub(super) reply: Option<OwnedEventId>,
}

impl Relation {
    pub(super) fn of(content: &Value) -> Self {
        let Some(relation) = content.get("m.relates_to") else { return Self::default() };
        let text = |key| relation.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            kind: text("rel_type"),
            event_id: event_id(relation),
            key: text("key"),
            is_falling_back: relation.get("is_falling_back").and_then(Value::as_bool).unwrap_or(false),
            reply: relation.get("m.in_reply_to").and_then(event_id),
        }
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }

    /// The message that is edited, if this is an edit.
    pub(super) fn replaces(&self) -> Option<&EventId> {
        self.event_id.as_deref().filter(|_| self.is("m.replace"))
    }
}

/// The longest id that the specification allows. The parser has no such limit for an id without a server's name.
const LONGEST_ID: usize = 255;

fn event_id(value: &Value) -> Option<OwnedEventId> {
    let id = value.get("event_id")?.as_str().filter(|id| id.len() <= LONGEST_ID)?;
    OwnedEventId::try_from(id).ok()
}
