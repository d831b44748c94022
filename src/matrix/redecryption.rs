//! Undecryptable messages (UTD), whose key may arrive later. The SDK does not retry them by itself. The store keeps them, and they are
//! decrypted here when a key arrives, and once at each start.

use std::collections::BTreeMap;

use futures_util::{Stream, StreamExt};
use matrix_sdk::ruma::{OwnedRoomId, events::room::encrypted::OriginalSyncRoomEncryptedEvent, serde::Raw};
use tracing::debug;

use super::{
    event::{self, ParsedEvent},
    session::Session,
    timeline::{TimelineEntry, TimelineReader},
};
use crate::message::{Edit, Incoming, Reaction, Undecrypted};

/// The result of another attempt. Events that were decrypted and are none of these are in no list.
#[derive(Debug, Default)]
pub struct Redecrypted {
    /// Questions, in the order of the events given.
    pub messages: Vec<Incoming>,
    /// Messages whose text was changed.
    pub edits: Vec<Edit>,
    /// Reactions: a few clients encrypt them.
    pub reactions: Vec<Reaction>,
    /// Events that still wait for their key.
    pub waiting: Vec<Undecrypted>,
}

/// Room keys that have arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceivedKeys {
    /// Of these Megolm sessions, by room.
    Sessions(Vec<(OwnedRoomId, String)>),
    /// Of unknown sessions: every waiting event must be retried.
    Unknown,
}

/// A stream of the keys that arrive from other devices or from the backup on the server, for as long as the session lives.
pub async fn keys_received(session: &Session) -> impl Stream<Item = ReceivedKeys> + Send + use<> {
    let stream = session.client().encryption().room_keys_received_stream().await;
    futures_util::stream::iter(stream).flatten().map(|received| match received {
        Ok(keys) => ReceivedKeys::Sessions(keys.into_iter().map(|key| (key.room_id, key.session_id)).collect()),
        Err(_) => ReceivedKeys::Unknown,
    })
}

/// The messages of undecryptable events, without text and mentions.
#[must_use]
pub fn utd_messages(events: &[Undecrypted]) -> Vec<Incoming> {
    events.iter().filter_map(event::utd_message).collect()
}

/// Tries to decrypt these events again.
pub async fn retry_undecrypted(session: &Session, events: Vec<Undecrypted>) -> Redecrypted {
    let mut retried = Redecrypted::default();
    let mut by_room: BTreeMap<OwnedRoomId, Vec<Undecrypted>> = BTreeMap::new();
    for event in events {
        by_room.entry(event.room_id.clone()).or_default().push(event);
    }
    for (room_id, events) in by_room {
        let Some(room) = session.client().get_room(&room_id) else {
            // Before the first sync of a new device no room is known, so the events keep waiting.
            retried.waiting.extend(events);
            continue;
        };
        let mut reader = TimelineReader::of(session, &room).await;
        for event in events {
            let Ok(raw) = Raw::<OriginalSyncRoomEncryptedEvent>::from_json_string(event.raw.clone()) else { continue };
            match room.decrypt_event(&raw, None).await {
                Ok(read) => match reader.read(session, &read).await {
                    // The age in the stored event is outdated, so the time of its first reading counts.
                    TimelineEntry::Readable(ParsedEvent::Question(incoming)) => {
                        retried.messages.push(Incoming { sent_at: event.sent_at, ..incoming });
                    }
                    TimelineEntry::Readable(ParsedEvent::Edit(edit)) => {
                        retried.edits.push(Edit { sent_at: event.sent_at, ..edit });
                    }
                    TimelineEntry::Undecryptable(_) => retried.waiting.push(event),
                    TimelineEntry::Readable(ParsedEvent::Reaction(reaction)) => retried.reactions.push(reaction),
                    // The first is never encrypted, and a verification is over by now.
                    TimelineEntry::Readable(ParsedEvent::Redaction(_) | ParsedEvent::Verification(_))
                    | TimelineEntry::Ignored => {}
                },
                Err(error) => {
                    debug!(%error, event_id = %event.event_id, "an event is still undecryptable");
                    retried.waiting.push(event);
                }
            }
        }
    }
    retried
}
