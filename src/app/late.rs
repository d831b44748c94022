//! Reads again the messages that could not be read without their keys: when keys arrive, and when a message was stored whose key may have
//! come before it.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    assistant::Assistant,
    matrix::{Keys, Session, keys_received, retry_undecrypted},
    message::Undecrypted,
    store::{Store, StoreError},
};

/// With more sessions than this to look for, everything that waits is looked at.
const MOST_SESSIONS: usize = 256;

/// The sessions of messages that were stored without their keys since the last look. A backup on the server may have brought a key
/// between the message's decryption and its storing, and nothing would then say so again.
#[derive(Clone, Default)]
pub(super) struct Stored(Arc<Inner>);

#[derive(Default)]
struct Inner {
    sessions: Mutex<Option<Keys>>,
    changed: Notify,
}

impl Stored {
    /// These were just stored.
    pub(super) fn note(&self, events: &[Undecrypted]) {
        if events.is_empty() {
            return;
        }
        let sessions = events.iter().map(|event| Some((event.room_id.clone(), event.session_id.clone()?)));
        self.add(sessions.collect::<Option<Vec<_>>>().map_or(Keys::Unknown, Keys::Sessions));
    }

    /// Everything that waits is worth a look.
    pub(super) fn note_all(&self) {
        self.add(Keys::Unknown);
    }

    fn add(&self, keys: Keys) {
        let mut waiting = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = Some(match (waiting.take(), keys) {
            (None, keys) => keys,
            (Some(Keys::Sessions(mut known)), Keys::Sessions(more)) => {
                known.extend(more);
                known.sort_unstable();
                known.dedup();
                if known.len() > MOST_SESSIONS { Keys::Unknown } else { Keys::Sessions(known) }
            }
            _ => Keys::Unknown,
        });
        self.0.changed.notify_one();
    }

    fn take(&self) -> Option<Keys> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits for the next ones.
    async fn next(&self) -> Keys {
        loop {
            if let Some(keys) = self.take() {
                return keys;
            }
            self.0.changed.notified().await;
        }
    }
}

/// Reads late messages until `stop`.
pub(super) async fn read(
    session: &Session,
    store: &Store,
    assistant: &Assistant,
    stored: &Stored,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut keys = std::pin::pin!(keys_received(session).await);
    let mut arrived = Keys::Unknown;
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

async fn retry(session: &Session, store: &Store, assistant: &Assistant, arrived: &Keys) -> Result<(), StoreError> {
    let events = match arrived {
        Keys::Unknown => store.undecrypted().await?,
        Keys::Sessions(sessions) => {
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
    assistant.accept_late(retried.messages, retried.edits).await?;
    for event in events.iter().filter(|event| !retried.waiting.contains(event)) {
        store.decrypted(&event.room_id, &event.event_id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ruma::{owned_event_id, owned_room_id};

    use super::{Keys, MOST_SESSIONS, Stored, Undecrypted};

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

    fn sessions(names: &[&str]) -> Keys {
        Keys::Sessions(names.iter().map(|name| (owned_room_id!("!a:h"), (*name).to_owned())).collect())
    }

    #[tokio::test]
    async fn what_was_stored_is_looked_for_once() {
        let stored = Stored::default();
        stored.note(&[]);
        assert_eq!(stored.take(), None);
        stored.note(&[event(Some("b")), event(Some("a"))]);
        stored.note(&[event(Some("a"))]);
        assert_eq!(stored.next().await, sessions(&["a", "b"]));
        assert_eq!(stored.take(), None);
        stored.note(&[event(Some("a"))]);
        stored.note_all();
        stored.note(&[event(Some("a"))]);
        assert_eq!(stored.take(), Some(Keys::Unknown));
        stored.note(&[event(Some("a")), event(None)]);
        assert_eq!(stored.take(), Some(Keys::Unknown), "an event that does not name its session");
    }

    #[test]
    fn too_many_sessions_are_all_of_them() {
        let stored = Stored::default();
        for number in 0..=MOST_SESSIONS {
            stored.note(&[event(Some(&number.to_string()))]);
        }
        assert_eq!(stored.take(), Some(Keys::Unknown));
    }
}
