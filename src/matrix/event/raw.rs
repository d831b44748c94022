//! The fields of an event of a timeline as they came, before anything is made of its content.

use ruma::{OwnedEventId, OwnedUserId};
use serde::Deserialize;
use serde_json::Value;

/// An event of which only what every event has must be sound: whatever else is odd is the reader's to judge.
#[derive(Deserialize)]
pub(super) struct RawEvent {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(rename = "event_id")]
    pub(super) id: OwnedEventId,
    pub(super) sender: OwnedUserId,
    #[serde(default)]
    pub(super) origin_server_ts: Value,
    #[serde(default)]
    pub(super) state_key: Option<Value>,
    #[serde(default)]
    pub(super) content: Value,
    #[serde(default)]
    pub(super) unsigned: Value,
    #[serde(default)]
    pub(super) redacts: Value,
}

impl RawEvent {
    /// Whether the homeserver says that it was redacted. Servers send the field as `null`, too.
    pub(super) fn was_redacted(&self) -> bool {
        self.unsigned.get("redacted_because").is_some_and(|because| !because.is_null())
    }
}
