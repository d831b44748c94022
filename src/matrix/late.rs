//! Messages whose key arrives after them. The SDK never looks at them again by itself; the store keeps them, and they are read here
//! when a key comes, and once at each start.

use std::collections::BTreeMap;

use futures_util::{Stream, StreamExt};
use matrix_sdk::ruma::{OwnedRoomId, events::room::encrypted::OriginalSyncRoomEncryptedEvent, serde::Raw};
use tracing::debug;

use super::{
    event::{self, Found},
    session::Session,
    timeline::{Reading, TimelineReader},
};
use crate::message::{Edit, Incoming, Undecrypted};

/// What a second reading gave. Events that were readable but neither questions nor edits are in no list.
#[derive(Debug, Default)]
pub struct Retried {
    /// Questions, in the order of the events given.
    pub messages: Vec<Incoming>,
    /// Messages whose text was changed.
    pub edits: Vec<Edit>,
    /// Events that still wait for their key.
    pub waiting: Vec<Undecrypted>,
}

/// The keys that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Of these Megolm sessions, by room.
    Sessions(Vec<(OwnedRoomId, String)>),
    /// Of sessions that were not followed one by one: everything waiting is worth a look.
    Unknown,
}

/// Says, for as long as the session lives, that keys have arrived: from other devices, or from the backup on the server.
pub async fn keys_received(session: &Session) -> impl Stream<Item = Keys> + Send + use<> {
    let stream = session.client().encryption().room_keys_received_stream().await;
    futures_util::stream::iter(stream).flatten().map(|received| match received {
        Ok(keys) => Keys::Sessions(keys.into_iter().map(|key| (key.room_id, key.session_id)).collect()),
        Err(_) => Keys::Unknown,
    })
}

/// What can be told of messages that cannot be read: all but the text, and whom they mention.
#[must_use]
pub fn unread(events: &[Undecrypted]) -> Vec<Incoming> {
    events.iter().filter_map(event::unread).collect()
}

/// Tries to read these events again.
pub async fn retry_undecrypted(session: &Session, events: Vec<Undecrypted>) -> Retried {
    let mut retried = Retried::default();
    let mut by_room: BTreeMap<OwnedRoomId, Vec<Undecrypted>> = BTreeMap::new();
    for event in events {
        by_room.entry(event.room_id.clone()).or_default().push(event);
    }
    for (room_id, events) in by_room {
        let Some(room) = session.client().get_room(&room_id) else {
            // Before the first sync of a new device no room is known: that says nothing about the events.
            retried.waiting.extend(events);
            continue;
        };
        let mut reader = TimelineReader::of(session, &room).await;
        for event in events {
            let Ok(raw) = Raw::<OriginalSyncRoomEncryptedEvent>::from_json_string(event.raw.clone()) else { continue };
            match room.decrypt_event(&raw, None).await {
                Ok(read) => match reader.read(session, &read).await {
                    // How old an event is, its copy does not know any more.
                    Reading::Now(Found::Question(incoming)) => {
                        retried.messages.push(Incoming { sent_at: event.sent_at, ..incoming });
                    }
                    Reading::Now(Found::Edit(edit)) => retried.edits.push(Edit { sent_at: event.sent_at, ..edit }),
                    Reading::Later(_) => retried.waiting.push(event),
                    // What is never encrypted has nothing to wait for.
                    Reading::Now(Found::Redaction(_) | Found::Reaction(_)) | Reading::Nothing => {}
                },
                Err(error) => {
                    debug!(%error, event_id = %event.event_id, "an event is still unreadable");
                    retried.waiting.push(event);
                }
            }
        }
    }
    retried
}
