//! The optional fields of a message's content, parsed leniently: a malformed field counts as absent, so that it never costs a person the
//! valid text beside it. This is why ruma's typed contents, which fail as a whole, are not used here.

use ruma::{EventId, OwnedEventId, UserId};
use serde_json::Value;

/// The text fields of a message, or of the new content of an edit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<'a> {
    pub(super) msgtype: Option<&'a str>,
    pub(super) body: Option<&'a str>,
    pub(super) formatted: Option<&'a str>,
    /// Whether `m.mentions` names the bot.
    pub(super) mentions: bool,
}

impl<'a> Written<'a> {
    pub(super) fn of(content: &'a Value, own: &UserId) -> Self {
        let text = |key| content.get(key).and_then(Value::as_str);
        let named = content.get("m.mentions").and_then(|mentions| mentions.get("user_ids")).and_then(Value::as_array);
        Self {
            msgtype: text("msgtype"),
            body: text("body"),
            formatted: text("formatted_body"),
            mentions: named.is_some_and(|users| users.iter().any(|user| user == own.as_str())),
        }
    }

    /// Whether it is a complete message content.
    pub(super) fn is_sound(&self) -> bool {
        self.msgtype.is_some() && self.body.is_some()
    }

    /// Without the asterisk that marks an edit for clients without edits.
    pub(super) fn without_star(self) -> Self {
        Self { body: self.body.map(|body| body.strip_prefix("* ").unwrap_or(body)), ..self }
    }
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

fn event_id(value: &Value) -> Option<OwnedEventId> {
    OwnedEventId::try_from(value.get("event_id")?.as_str()?).ok()
}
