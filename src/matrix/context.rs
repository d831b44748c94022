//! Messages that people point at: one by its id, or what stands before a message in its thread. Each request is made once; the caller decides
//! whether to repeat it.
//!
//! What is said of new messages holds here too: no plain text in an encrypted room, and no message whose key belongs to somebody else than
//! its sender. What the account ignores is not read either.

use std::{collections::HashMap, time::Duration};

use matrix_sdk::{
    Room,
    config::RequestConfig,
    deserialized_responses::{TimelineEvent, TimelineEventKind, UnsignedDecryptionResult, UnsignedEventLocation},
    ruma::{
        EventId, OwnedUserId, UserId,
        api::client::{relations::get_relating_events_with_rel_type, room::get_room_event},
        events::{relation::RelationType, room::encrypted::OriginalSyncRoomEncryptedEvent},
        serde::Raw,
        uint,
    },
};
use serde_json::Value;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::{
    clock::now,
    display_name,
    event::{
        self,
        room_message::{Bundled, MessageReader, RoomMessage},
    },
    fault::Fault,
    gateway::SendError,
    membership, sender,
    session::Session,
    timeline,
};
use crate::material::Unreadable;

/// The most messages of a thread that are read for one question, the root beside.
const MOST_MESSAGES: usize = 40;
/// The most bytes of text in them: more than a model reads.
const MOST_BYTES: usize = 32 * 1024;
/// How many pages of 50 messages of a thread are requested: the question may stand behind newer ones.
const THREAD_PAGES: usize = 4;
/// How many keys are looked for in the account's backup, in one reading.
const MOST_KEYS: usize = 5;
/// How many names of senders are requested in one reading, where the sync has not brought them.
const MOST_NAMES: usize = 10;
/// The time limit of the request for one key.
const KEY_LIMIT: Duration = Duration::from_secs(10);
/// The time limit of one reading, with its keys and names.
const LOOKUP_LIMIT: Duration = Duration::from_mins(1);

/// Ends a reading that takes too long: a question waits for it.
pub(super) async fn in_time<T>(reading: impl Future<Output = Result<T, SendError>>) -> Result<T, SendError> {
    // On the heap: it holds what decryption needs.
    let answer = timeout(LOOKUP_LIMIT, Box::pin(reading)).await;
    answer.unwrap_or_else(|_| Err(SendError::Unreachable("a reading took too long".to_owned())))
}

/// An event as the homeserver gave it.
pub(super) struct Given {
    pub(super) raw: String,
    /// The time of the request. The homeserver gives the age of an event when it answers, and the decryption, the keys and the names come
    /// later: by this time, no message counts as sent later than it was, and none before a join passes for one after it.
    pub(super) asked_at: u64,
}

/// One reading in a room.
pub(super) struct Lookup<'a> {
    pub(super) session: &'a Session,
    pub(super) room: &'a Room,
    pub(super) once: RequestConfig,
    encrypted: bool,
    /// The texts by which a message may address the bot.
    own_names: Vec<String>,
    /// The sessions whose keys were looked for, and whether they came.
    keys: HashMap<String, bool>,
    names: HashMap<OwnedUserId, Option<String>>,
    asked_names: usize,
    /// How many of each are looked for.
    most_keys: usize,
    most_names: usize,
}

impl<'a> Lookup<'a> {
    pub(super) async fn of(session: &'a Session, room: &'a Room, once: RequestConfig) -> Self {
        let encrypted = session.encrypted.contains(room).await;
        let own_names = timeline::own_names(session, room).await;
        let (keys, names) = (HashMap::new(), HashMap::new());
        let (most_keys, most_names) = (MOST_KEYS, MOST_NAMES);
        Self { session, room, once, encrypted, own_names, keys, names, asked_names: 0, most_keys, most_names }
    }

    /// The same, which looks for as many keys and names.
    pub(super) fn with_bounds(self, most_keys: usize, most_names: usize) -> Self {
        Self { most_keys, most_names, ..self }
    }

    /// One message, by its id.
    pub(super) async fn message(&mut self, event_id: &EventId) -> Result<Option<RoomMessage>, SendError> {
        let Some(given) = self.given(event_id).await? else { return Ok(None) };
        Ok(self.read(given).await)
    }

    /// One event, by its id.
    async fn given(&self, event_id: &EventId) -> Result<Option<Given>, SendError> {
        let request = get_room_event::v3::Request::new(self.room.room_id().to_owned(), event_id.to_owned());
        let asked_at = now();
        let answer = self.room.client().send(request).with_request_config(self.once).await;
        let raw = match answer.map_err(|error| Fault::from(&error)) {
            Ok(answer) => answer.event.json().get().to_owned(),
            Err(Fault::Missing(_) | Fault::Refused(_)) => return Ok(None),
            Err(fault) => return Err(fault.into()),
        };
        Ok(is_of(&raw, self.room, Some(event_id)).then_some(Given { raw, asked_at }))
    }

    /// What stands before a message in a thread, oldest first.
    pub(super) async fn thread(&mut self, root: &EventId, before: &EventId) -> Result<Vec<RoomMessage>, SendError> {
        let mut earlier = Vec::new();
        let mut bytes = 0;
        for given in self.before(root, before).await? {
            let Some(message) = self.read(given).await.filter(is_context) else { continue };
            bytes += message.text.as_ref().map_or(0, String::len);
            if earlier.len() == MOST_MESSAGES || (bytes > MOST_BYTES && !earlier.is_empty()) {
                break;
            }
            earlier.push(message);
        }
        if root != before {
            earlier.extend(self.message(root).await?.filter(is_context));
        }
        earlier.reverse();
        Ok(earlier)
    }

    /// The events of a thread before a message, newest first. Where the message is not among the thread's, those with an earlier date.
    async fn before(&self, root: &EventId, before: &EventId) -> Result<Vec<Given>, SendError> {
        use get_relating_events_with_rel_type::v1::Request;
        let (mut events, mut from) = (Vec::<Given>::new(), None);
        let mut found = false;
        for _ in 0..THREAD_PAGES {
            let mut request = Request::new(self.room.room_id().to_owned(), root.to_owned(), RelationType::Thread);
            (request.limit, request.from) = (Some(uint!(50)), from);
            let asked_at = now();
            let page = self.room.client().send(request).with_request_config(self.once).await;
            let page = page.map_err(|error| Fault::from(&error))?;
            for raw in page.chunk.iter().map(|raw| raw.json().get()).filter(|raw| is_of(raw, self.room, None)) {
                if is_of(raw, self.room, Some(before)) {
                    events.clear();
                    found = true;
                } else {
                    events.push(Given { raw: raw.to_owned(), asked_at });
                }
            }
            from = page.next_batch;
            if from.is_none() || (found && events.len() >= MOST_MESSAGES) {
                break;
            }
        }
        if !found {
            // Of a message that is not given, nothing is known to be earlier.
            let date = self.given(before).await?.and_then(|question| date(&question.raw));
            events.retain(|event| is_earlier(&event.raw, date));
        }
        Ok(events)
    }

    /// Decrypts and reads an event.
    pub(super) async fn read(&mut self, Given { raw, asked_at }: Given) -> Option<RoomMessage> {
        let event = self.opened(raw).await?;
        let json = event.raw().json().get();
        let reader = MessageReader { own: self.session.user_id(), names: &self.own_names };
        let message = reader.read(json, self.bundled(&event)?)?;
        if self.room.client().is_user_ignored(&message.sender).await {
            return None;
        }
        let name = self.name(&message.sender).await;
        Some(RoomMessage { name, sent_at: event::sent_at(json, asked_at), ..message })
    }

    /// The event, decrypted if it is encrypted; `None` where it must not be read.
    async fn opened(&mut self, raw: String) -> Option<TimelineEvent> {
        let event: Value = serde_json::from_str(&raw).ok()?;
        let locked = event["type"] == "m.room.encrypted" && event["content"].get("ciphertext").is_some();
        if !locked {
            let event = Raw::from_json_string(raw).ok().filter(|_| is_redacted(&event) || !self.encrypted)?;
            return Some(TimelineEvent::from_plaintext(event));
        }
        let mut read = self.decrypted(&raw).await?;
        if let Some(missing) = missing_key(&read)
            && self.fetch_key(&missing).await
        {
            read = self.decrypted(&raw).await?;
        }
        Some(read)
    }

    async fn decrypted(&self, raw: &str) -> Option<TimelineEvent> {
        let raw = Raw::<OriginalSyncRoomEncryptedEvent>::from_json_string(raw.to_owned()).ok()?;
        match self.room.decrypt_event(&raw, None).await {
            Ok(event) => Some(event),
            Err(error) => {
                debug!(%error, "a message that somebody points at could not be decrypted");
                Some(TimelineEvent::from_plaintext(raw.cast()))
            }
        }
    }

    /// What the bundled edit is worth; `None` where the message itself must not be read.
    fn bundled(&self, event: &TimelineEvent) -> Option<Bundled> {
        let TimelineEventKind::Decrypted(decrypted) = &event.kind else { return Some(Bundled::Sound) };
        if sender::is_relabelled(&decrypted.encryption_info.verification_state) {
            let event_id = event.event_id();
            warn!(?event_id, room_id = %self.room.room_id(), "a message is refused: its sender does not own its key");
            return None;
        }
        let edits = event.kind.unsigned_encryption_map();
        Some(match edits.and_then(|all| all.get(&UnsignedEventLocation::RelationsReplace)) {
            Some(UnsignedDecryptionResult::Decrypted(info)) if !sender::is_relabelled(&info.verification_state) => {
                Bundled::Sound
            }
            Some(UnsignedDecryptionResult::UnableToDecrypt(_)) => Bundled::Undecryptable,
            Some(UnsignedDecryptionResult::Decrypted(_)) | None => Bundled::Foreign,
        })
    }

    /// Looks for a key in the account's backup, once. Returns whether it came.
    async fn fetch_key(&mut self, session_id: &str) -> bool {
        if let Some(came) = self.keys.get(session_id) {
            return *came;
        }
        if self.keys.len() >= self.most_keys {
            return false;
        }
        let backups = self.session.client().encryption().backups();
        let came = match timeout(KEY_LIMIT, backups.download_room_key(self.room.room_id(), session_id)).await {
            Ok(Ok(came)) => came,
            Ok(Err(error)) => {
                debug!(%error, "a key is not in the backup");
                false
            }
            Err(_) => false,
        };
        self.keys.insert(session_id.to_owned(), came);
        came
    }

    /// A person's display name in the room, requested where the sync has not brought it.
    async fn name(&mut self, user_id: &UserId) -> Option<String> {
        if let Some(known) = self.names.get(user_id) {
            return known.clone();
        }
        let member = self.room.get_member_no_sync(user_id).await.ok().flatten();
        let mut name = member.as_ref().and_then(|member| member.display_name().map(str::to_owned));
        if member.is_none() && self.asked_names < self.most_names {
            self.asked_names += 1;
            let content = membership::state_once(self.room, "m.room.member", user_id.as_str(), Some(self.once)).await;
            let content = content.ok().flatten().unwrap_or_default();
            name = content["displayname"].as_str().map(str::to_owned);
        }
        let name = name.and_then(|name| display_name::person(&name));
        self.names.insert(user_id.to_owned(), name.clone());
        name
    }
}

/// Whether an event is of this room and, where one is asked for, has this id.
pub(super) fn is_of(raw: &str, room: &Room, event_id: Option<&EventId>) -> bool {
    let Ok(event) = serde_json::from_str::<Value>(raw) else { return false };
    let here = event.get("room_id").is_none_or(|id| id == room.room_id().as_str());
    here && event_id.is_none_or(|id| event["event_id"] == id.as_str())
}

/// The date that the sender's homeserver gave an event.
fn date(raw: &str) -> Option<u64> {
    serde_json::from_str::<Value>(raw).ok()?["origin_server_ts"].as_u64()
}

/// Whether an event is older than a date. Without dates, it is not known to be.
fn is_earlier(raw: &str, than: Option<u64>) -> bool {
    date(raw).zip(than).is_some_and(|(date, than)| date < than)
}

/// Whether an event that is not encrypted was redacted: its encryption went with its content.
fn is_redacted(event: &Value) -> bool {
    event["type"] == "m.room.encrypted" || !event["unsigned"]["redacted_because"].is_null()
}

/// Whether a message of a thread is read: the bot remembers its own, or has forgotten them.
pub(super) fn is_context(message: &RoomMessage) -> bool {
    !message.own && message.text != Err(Unreadable::Redacted)
}

/// The session whose key is missing for a message, or for its newest edit.
fn missing_key(event: &TimelineEvent) -> Option<String> {
    match &event.kind {
        TimelineEventKind::UnableToDecrypt { utd_info, .. } => utd_info.session_id.clone(),
        kind => match kind.unsigned_encryption_map()?.get(&UnsignedEventLocation::RelationsReplace)? {
            UnsignedDecryptionResult::UnableToDecrypt(info) => info.session_id.clone(),
            UnsignedDecryptionResult::Decrypted(_) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{is_earlier, is_redacted};

    #[test]
    fn only_a_redaction_lets_plain_text_pass_as_redacted() {
        let event = |unsigned: Value| json!({"type": "m.room.message", "unsigned": unsigned});
        assert!(is_redacted(&event(json!({"redacted_because": {"type": "m.room.redaction"}}))));
        assert!(is_redacted(&json!({"type": "m.room.encrypted", "content": {}})));
        for unsigned in [json!({"redacted_because": null}), json!({}), Value::Null] {
            assert!(!is_redacted(&event(unsigned.clone())), "{unsigned}");
        }
    }

    #[test]
    fn of_events_without_a_known_order_only_older_ones_are_earlier() {
        let event = |date: Value| json!({"origin_server_ts": date}).to_string();
        assert!(is_earlier(&event(json!(6)), Some(7)));
        for (date, than) in [(json!(7), Some(7)), (json!(8), Some(7)), (json!("6"), Some(7)), (json!(6), None)] {
            assert!(!is_earlier(&event(date.clone()), than), "{date} {than:?}");
        }
        assert!(!is_earlier("no JSON", Some(7)));
    }
}
