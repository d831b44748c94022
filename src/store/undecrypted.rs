//! Events whose key has not come yet, kept so that a key that comes late, even after a restart, still brings the question.
//!
//! An event's key ends with the names of its Megolm session and of its sender, so that what one key opens, and how much one person has
//! waiting, is found without opening a record. Records of older programs end with the event: they count as of any transaction.

use std::collections::BTreeSet;

use ruma::{EventId, RoomId, UserId};
use sled::IVec;

use super::database::Database;
use super::error::StoreError;
use super::layout::{EventPlace, Key, QUARANTINE, Tree};
use super::seal::BlindedId;
use super::transaction::Transaction;
use crate::message::Undecrypted;

/// The most events of one room that wait; beyond, new ones are not kept.
const MOST_PER_ROOM: usize = 1_000;
/// The most events of one person in one room that wait; beyond, the oldest of them goes.
const MOST_PER_SENDER: usize = 100;

const BLINDED_ID_BYTES: usize = size_of::<BlindedId>();

impl Database {
    /// The events still waiting for their key, oldest first.
    pub fn undecrypted(&self) -> Result<Vec<Undecrypted>, StoreError> {
        let events = self.transaction().scan::<Undecrypted>(&Key::all(Tree::Undecrypted))?;
        Ok(oldest_first(events.into_iter().map(|(_, event)| event).collect()))
    }

    /// The events of a room that wait for the key of one Megolm session, oldest first.
    pub fn undecrypted_of(&self, room: &RoomId, megolm_session: &str) -> Result<Vec<Undecrypted>, StoreError> {
        let transaction = self.transaction();
        let wanted = transaction.blinded_ids().megolm_session(megolm_session);
        let mut events = Vec::new();
        for key in transaction.waiting_in(transaction.blinded_ids().room(room))? {
            if Index::of(&key).is_none_or(|index| index.megolm_session == wanted) {
                events.extend(transaction.find::<Undecrypted>(&key)?);
            }
        }
        events.retain(|event| event.session_id.as_deref() == Some(megolm_session));
        Ok(oldest_first(events))
    }

    /// Whether an event still waits for its key.
    pub fn is_undecrypted(&self, room: &RoomId, event: &EventId) -> Result<bool, StoreError> {
        Ok(!self.transaction().waiting_as(&self.place(room, event))?.is_empty())
    }

    /// Lets go of an event that was decrypted and is no question, or that nobody waits for any more. A question is let go by
    /// [`Database::accept`], in the write that queues it.
    pub fn decrypted(&self, room: &RoomId, event: &EventId) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        transaction.let_go(&self.place(room, event))?;
        transaction.commit()
    }
}

fn oldest_first(mut events: Vec<Undecrypted>) -> Vec<Undecrypted> {
    events.sort_by(|a, b| (a.sent_at, &a.event_id).cmp(&(b.sent_at, &b.event_id)));
    events
}

/// What the end of a key says.
struct Index {
    megolm_session: BlindedId,
    sender: BlindedId,
}

impl Index {
    fn of(key: &Key) -> Option<Self> {
        // The tree's letter, the room, the event, then these two.
        let rest = key.bytes.get(1 + 2 * BLINDED_ID_BYTES..)?;
        let (megolm_session, rest) = rest.split_first_chunk::<BLINDED_ID_BYTES>()?;
        Some(Self { megolm_session: *megolm_session, sender: *rest.first_chunk::<BLINDED_ID_BYTES>()? })
    }
}

impl Transaction<'_> {
    /// Keeps an event, unless it is kept already (the time it was first seen counts), or too many wait.
    pub(super) fn hold(&mut self, place: &EventPlace, event: &Undecrypted) -> Result<(), StoreError> {
        if !self.waiting_as(place)?.is_empty() {
            return Ok(());
        }
        let names = self.blinded_ids();
        let megolm_session = names.megolm_session(event.session_id.as_deref().unwrap_or_default());
        let sender = event.sender.as_deref().map_or(BlindedId::default(), |sender| names.person(sender));
        let waiting = self.waiting_in(place.room)?;
        let theirs: Vec<&Key> =
            waiting.iter().filter(|key| Index::of(key).is_some_and(|index| index.sender == sender)).collect();
        if theirs.len() >= MOST_PER_SENDER {
            let oldest = self.oldest(&theirs)?;
            tracing::debug!("too many events of one person wait for their keys: the oldest is let go");
            self.remove(&oldest);
        } else if waiting.len() >= MOST_PER_ROOM {
            tracing::warn!(event_id = %event.event_id, "too many events of a room wait for their keys: this one is not kept");
            return Ok(());
        }
        self.put(&Key::new(Tree::Undecrypted, &[&place.room, &place.event, &megolm_session, &sender]), event)
    }

    /// The events of a person that wait, in all rooms.
    pub(super) fn undecrypted_by(&self, person: &UserId) -> Result<Vec<(Key, Undecrypted)>, StoreError> {
        let mut events = self.scan::<Undecrypted>(&Key::all(Tree::Undecrypted))?;
        events.retain(|(_, event)| event.sender.as_deref() == Some(person));
        Ok(events)
    }

    /// Removes the events of a person that wait in any room, for good.
    pub(super) fn forget_undecrypted_of_person(&mut self, person: &UserId) -> Result<(), StoreError> {
        let blinded = self.blinded_ids().person(person);
        let theirs = self.undecrypted_by(person)?.into_iter().map(|(key, _)| key);
        // Those that do not open, too.
        let index = |key: &Key| Index::of(key).is_some_and(|index| index.sender == blinded);
        let aside = self.raw_keys(&Key::all(Tree::Undecrypted))?.into_iter();
        let aside = aside.map(|raw| Key {
            tree: Tree::Undecrypted,
            bytes: raw.strip_prefix(&[QUARANTINE]).unwrap_or(&raw).to_vec(),
        });
        let all: BTreeSet<Key> = theirs.chain(aside.filter(index)).collect();
        for key in all {
            self.remove_raw(&key.quarantined());
            self.remove(&key);
            if let Some(room) = key.room() {
                self.rotate(room)?;
            }
        }
        Ok(())
    }

    /// Removes an event, in this transaction's write.
    pub(super) fn let_go(&mut self, place: &EventPlace) -> Result<(), StoreError> {
        for key in self.waiting_as(place)? {
            self.remove(&key);
        }
        Ok(())
    }

    /// The keys under which an event waits: one at most, or none.
    pub(super) fn waiting_as(&self, place: &EventPlace) -> Result<Vec<Key>, StoreError> {
        self.waiting(&place.of(Tree::Undecrypted))
    }

    fn waiting_in(&self, room: BlindedId) -> Result<Vec<Key>, StoreError> {
        self.waiting(&Key::new(Tree::Undecrypted, &[&room]))
    }

    fn waiting(&self, prefix: &Key) -> Result<Vec<Key>, StoreError> {
        let keys = self.raw_keys(prefix)?.into_iter();
        let current = |key: &IVec| key.first() == Some(&Tree::Undecrypted.letter());
        Ok(keys.filter(current).map(|key| Key { tree: Tree::Undecrypted, bytes: key.to_vec() }).collect())
    }

    /// The key of the event that was sent first; of one that does not open, at once.
    fn oldest(&self, keys: &[&Key]) -> Result<Key, StoreError> {
        let mut oldest: Option<(u64, &Key)> = None;
        for key in keys {
            let sent_at = self.find::<Undecrypted>(key)?.map_or(0, |event| event.sent_at);
            if oldest.is_none_or(|(before, _)| sent_at < before) {
                oldest = Some((sent_at, key));
            }
        }
        oldest.map(|(_, key)| key.clone()).ok_or(StoreError::Damaged { tree: Tree::Undecrypted.name() })
    }
}
