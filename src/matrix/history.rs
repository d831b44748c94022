//! What was said in a room or a thread, read backwards from now on demand: for one note of it, and kept nowhere.
//!
//! What holds of messages that people point at (`context`) holds here: no plain text in an encrypted room, no message whose key belongs to somebody
//! else than its sender, edits applied, redacted messages gone. The bot's own messages and those of programs are left out.

use std::time::Duration;

use matrix_sdk::ruma::{
    EventId, OwnedEventId, UInt,
    api::{
        Direction,
        client::{message::get_message_events, relations::get_relating_events_with_rel_type},
    },
    events::relation::RelationType,
};
use serde_json::Value;
use tokio::time::timeout;

use super::{
    clock::now,
    context::{Given, Lookup, is_context, is_of},
    event,
    fault::Fault,
    gateway::{History, HistoryMessage, SendError},
};

/// The most requests for one reading.
const MOST_REQUESTS: usize = 60;
/// How many events one request asks for. A homeserver may give fewer.
const PAGE: u32 = 100;
/// The most bytes of text in one reading: about as much as all parts of a note hold.
const MOST_BYTES: usize = 2 << 20;
/// How many keys are looked for in the account's backup, in one reading.
const MOST_KEYS: usize = 40;
/// How many names of senders are requested in one reading, where the sync has not brought them.
const MOST_NAMES: usize = 60;
/// The time limit of one reading, with its keys and names.
const READING_LIMIT: Duration = Duration::from_mins(4);

/// Where and how far back is read.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    /// The root of the thread; of the whole room without one.
    pub(super) thread: Option<&'a EventId>,
    /// Messages that were sent before this time are left out, in milliseconds since the epoch.
    pub(super) since: u64,
    /// The most messages, the newest.
    pub(super) most: usize,
}

/// Ends a reading that takes too long.
pub(super) async fn in_time<T>(reading: impl Future<Output = Result<T, SendError>>) -> Result<T, SendError> {
    // On the heap: it holds what decryption needs.
    let answer = timeout(READING_LIMIT, Box::pin(reading)).await;
    answer.unwrap_or_else(|_| Err(SendError::Unreachable("a reading took too long".to_owned())))
}

/// One page of events, newest first, and where the next one begins.
struct Page {
    events: Vec<Given>,
    next: Option<String>,
}

impl Lookup<'_> {
    /// Reads a stretch of a room.
    pub(super) async fn history(self, stretch: Stretch<'_>) -> Result<History, SendError> {
        let mut lookup = self.with_bounds(MOST_KEYS, MOST_NAMES);
        let mut history = History::default();
        let (mut from, mut bytes) = (None::<String>, 0);
        for _ in 0..MOST_REQUESTS {
            let page = lookup.page(stretch.thread, from.take()).await?;
            let mut before = false;
            for given in page.events {
                let Some(seen) = seen(&given) else { continue };
                before = seen.sent_at < stretch.since;
                if before || seen.edits {
                    continue;
                }
                let Some(message) = lookup.read(given).await.filter(|one| is_context(one) && !one.notice) else {
                    continue;
                };
                bytes += message.text.as_ref().map_or(0, String::len);
                if history.messages.len() == stretch.most || bytes > MOST_BYTES {
                    return Ok(history.cut());
                }
                history.messages.push(HistoryMessage { message, thread: seen.thread });
            }
            from = page.next;
            // The last event of the page is its oldest.
            if from.is_none() || before {
                return Ok(lookup.with_root(stretch, history).await?.in_order());
            }
        }
        Ok(history.cut())
    }

    /// A thread with the message that it was opened on, which is none of its events.
    async fn with_root(&mut self, stretch: Stretch<'_>, mut history: History) -> Result<History, SendError> {
        let Some(root) = stretch.thread else { return Ok(history) };
        if history.messages.len() < stretch.most
            && let Some(message) = self.message(root).await?.filter(|one| is_context(one) && !one.notice)
            && message.sent_at >= stretch.since
        {
            history.messages.push(HistoryMessage { message, thread: Some(root.to_owned()) });
        }
        Ok(history)
    }

    /// One page of a thread's events, or of a room's.
    async fn page(&self, thread: Option<&EventId>, from: Option<String>) -> Result<Page, SendError> {
        let (client, room_id, asked_at) = (self.room.client(), self.room.room_id(), now());
        let (chunk, next): (Vec<String>, _) = if let Some(root) = thread {
            use get_relating_events_with_rel_type::v1::Request;
            let mut request = Request::new(room_id.to_owned(), root.to_owned(), RelationType::Thread);
            (request.limit, request.from) = (Some(UInt::from(PAGE)), from);
            let page = client.send(request).with_request_config(self.once).await;
            let page = page.map_err(|error| Fault::from(&error))?;
            (page.chunk.iter().map(|raw| raw.json().get().to_owned()).collect(), page.next_batch)
        } else {
            let mut request = get_message_events::v3::Request::new(room_id.to_owned(), Direction::Backward);
            (request.limit, request.from) = (UInt::from(PAGE), from);
            let page = client.send(request).with_request_config(self.once).await;
            let page = page.map_err(|error| Fault::from(&error))?;
            (page.chunk.iter().map(|raw| raw.json().get().to_owned()).collect(), page.end)
        };
        let here = chunk.into_iter().filter(|raw| is_of(raw, self.room, None));
        Ok(Page { events: here.map(|raw| Given { raw, asked_at }).collect(), next })
    }
}

/// What an event shows before it is decrypted: relations stand beside the encrypted text.
struct Seen {
    sent_at: u64,
    /// Whether it is an edit of another one, which is given with that one.
    edits: bool,
    thread: Option<OwnedEventId>,
}

/// Looks at an event that may be a message.
fn seen(given: &Given) -> Option<Seen> {
    let event: Value = serde_json::from_str(&given.raw).ok()?;
    let sent_at = event::sent_at(&given.raw, given.asked_at);
    let relation = &event["content"]["m.relates_to"];
    let of = |kind: &str| (relation["rel_type"] == kind).then(|| relation["event_id"].as_str()).flatten();
    let thread = of("m.thread").and_then(|id| OwnedEventId::try_from(id).ok());
    Some(Seen { sent_at, edits: of("m.replace").is_some(), thread })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Given, seen};

    #[test]
    fn edits_and_threads_are_seen_before_anything_is_decrypted() {
        let event = |relation: serde_json::Value| {
            let raw = json!({"type": "m.room.encrypted", "origin_server_ts": 5, "content": {"m.relates_to": relation}});
            seen(&Given { raw: raw.to_string(), asked_at: 1_000 }).expect("an event")
        };
        let edit = event(json!({"rel_type": "m.replace", "event_id": "$a"}));
        assert!(edit.edits && edit.thread.is_none());
        let said = event(json!({"rel_type": "m.thread", "event_id": "$root"}));
        assert!(!said.edits && said.thread.is_some_and(|root| root == "$root"));
        let odd = event(json!({"rel_type": 7, "event_id": "$root"}));
        assert!(!odd.edits && odd.thread.is_none());
        assert!(seen(&Given { raw: "no JSON".to_owned(), asked_at: 0 }).is_none());
    }
}
