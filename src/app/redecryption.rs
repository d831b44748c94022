//! Retries undecryptable messages (UTD): when keys arrive, and when such a message was stored, because its key may have come before that.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    assistant::Assistant,
    matrix::{ReceivedKeys, Session, keys_received, retry_undecrypted},
    message::Undecrypted,
    store::{Store, StoreError},
};

/// With more Megolm sessions than this, all waiting messages are retried.
const MOST_SESSIONS: usize = 256;

/// The Megolm sessions of the UTD messages that were stored since the last attempt. The key backup may have delivered a key between the failed
/// decryption and the storing, and that is not reported again.
#[derive(Clone, Default)]
pub(super) struct StoredUtds(Arc<Inner>);

#[derive(Default)]
struct Inner {
    sessions: Mutex<Option<ReceivedKeys>>,
    changed: Notify,
}

impl StoredUtds {
    /// Adds the sessions of events that were just stored.
    pub(super) fn note(&self, events: &[Undecrypted]) {
        if events.is_empty() {
            return;
        }
        let sessions = events.iter().map(|event| Some((event.room_id.clone(), event.session_id.clone()?)));
        self.add(sessions.collect::<Option<Vec<_>>>().map_or(ReceivedKeys::Unknown, ReceivedKeys::Sessions));
    }

    /// Requests that all waiting messages are retried.
    pub(super) fn note_all(&self) {
        self.add(ReceivedKeys::Unknown);
    }

    fn add(&self, keys: ReceivedKeys) {
        let mut waiting = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = Some(match (waiting.take(), keys) {
            (None, keys) => keys,
            (Some(ReceivedKeys::Sessions(mut known)), ReceivedKeys::Sessions(more)) => {
                known.extend(more);
                known.sort_unstable();
                known.dedup();
                if known.len() > MOST_SESSIONS { ReceivedKeys::Unknown } else { ReceivedKeys::Sessions(known) }
            }
            _ => ReceivedKeys::Unknown,
        });
        self.0.changed.notify_one();
    }

    fn take(&self) -> Option<ReceivedKeys> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits for the next sessions.
    async fn next(&self) -> ReceivedKeys {
        loop {
            if let Some(keys) = self.take() {
                return keys;
            }
            self.0.changed.notified().await;
        }
    }
}

/// Retries until `stop`.
pub(super) async fn run(
    session: &Session,
    store: &Store,
    assistant: &Assistant,
    stored: &StoredUtds,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut keys = std::pin::pin!(keys_received(session).await);
    let mut arrived = ReceivedKeys::Unknown;
    loop {
        retry(session, store, assistant, &arrived).await?;
        arrived = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            arrived = stored.next() => arrived,
            next = keys.next() => if let Some(keys) = next {
                keys
            } else {
                stop.cancelled().await;
                return Ok(());
            },
        };
    }
}

async fn retry(
    session: &Session,
    store: &Store,
    assistant: &Assistant,
    arrived: &ReceivedKeys,
) -> Result<(), StoreError> {
    let events = match arrived {
        ReceivedKeys::Unknown => store.undecrypted().await?,
        ReceivedKeys::Sessions(sessions) => {
            let mut events = Vec::new();
            for (room, session) in sessions {
                events.extend(store.undecrypted_of(room, session).await?);
            }
            events
        }
    };
    if events.is_empty() {
        return Ok(());
    }
    let retried = retry_undecrypted(session, events.clone()).await;
    assistant.accept_late(retried.messages, retried.edits, retried.reactions).await?;
    for event in events.iter().filter(|event| !retried.waiting.contains(event)) {
        store.decrypted(&event.room_id, &event.event_id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ruma::{owned_event_id, owned_room_id};

    use super::{MOST_SESSIONS, ReceivedKeys, StoredUtds, Undecrypted};

    fn event(session: Option<&str>) -> Undecrypted {
        Undecrypted {
            room_id: owned_room_id!("!a:h"),
            event_id: owned_event_id!("$e:h"),
            sender: None,
            session_id: session.map(str::to_owned),
            sent_at: 0,
            raw: String::new(),
        }
    }

    fn sessions(names: &[&str]) -> ReceivedKeys {
        ReceivedKeys::Sessions(names.iter().map(|name| (owned_room_id!("!a:h"), (*name).to_owned())).collect())
    }

    #[tokio::test]
    async fn what_was_stored_is_looked_for_once() {
        let stored = StoredUtds::default();
        stored.note(&[]);
        assert_eq!(stored.take(), None);
        stored.note(&[event(Some("b")), event(Some("a"))]);
        stored.note(&[event(Some("a"))]);
        assert_eq!(stored.next().await, sessions(&["a", "b"]));
        assert_eq!(stored.take(), None);
        stored.note(&[event(Some("a"))]);
        stored.note_all();
        stored.note(&[event(Some("a"))]);
        assert_eq!(stored.take(), Some(ReceivedKeys::Unknown));
        stored.note(&[event(Some("a")), event(None)]);
        assert_eq!(stored.take(), Some(ReceivedKeys::Unknown), "an event that does not name its session");
    }

    #[test]
    fn too_many_sessions_are_all_of_them() {
        let stored = StoredUtds::default();
        for number in 0..=MOST_SESSIONS {
            stored.note(&[event(Some(&number.to_string()))]);
        }
        assert_eq!(stored.take(), Some(ReceivedKeys::Unknown));
    }
}
