//! Forgetting: a room and its key at once, and what has grown old.

use ruma::RoomId;

use super::records::{Key, ROOM_TREES, Session, Tree};
use super::seal::Name;
use super::{Store, StoreError};
use crate::conversation::Turn;
use crate::message::Undecrypted;

/// How long things are kept, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Marks of questions that are over and of the bot's own messages. At least as long as a homeserver may show an event again.
    pub marks: u64,
    /// What was said.
    pub turns: u64,
    /// Events whose key has not come.
    pub undecrypted: u64,
}

impl Store {
    /// Forgets everything about a room, and destroys its key: what sled's log still holds of it cannot be opened any more (the
    /// limits are those of the key file, see the store's `keys`). Its questions count as over.
    pub fn forget_room(&self, room: &RoomId, now: u64) -> Result<(), StoreError> {
        let mut session = self.session();
        session.forget(self.0.names.room(room), now)?;
        session.commit()
    }

    /// Removes what is older than its retention, and destroys the keys of rooms of which nothing is left. Returns how many records
    /// went.
    pub fn purge(&self, now: u64, keep: &Retention) -> Result<usize, StoreError> {
        let mut session = self.session();
        let mut old = Vec::new();
        for tree in [Tree::Done, Tree::Own] {
            let marks = session.scan::<u64>(&Key::new(tree, &[]))?;
            old.extend(marks.into_iter().filter(|(_, at)| now.saturating_sub(*at) > keep.marks).map(|(key, _)| key));
        }
        let turns = session.scan::<Turn>(&Key::new(Tree::Turns, &[]))?;
        old.extend(turns.into_iter().filter(|(_, turn)| now.saturating_sub(turn.at) > keep.turns).map(|(key, _)| key));
        let held = session.scan::<Undecrypted>(&Key::new(Tree::Undecrypted, &[]))?;
        old.extend(
            held.into_iter()
                .filter(|(_, event)| now.saturating_sub(event.sent_at) > keep.undecrypted)
                .map(|(key, _)| key),
        );
        for key in &old {
            session.remove(key);
        }
        session.commit()?;
        self.sweep()?;
        Ok(old.len())
    }

    /// Brings keys and records together again: a key without records is destroyed (a kill came before that), and so are records
    /// without a key, which nobody can open.
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        let mut session = self.session();
        let with_records = session.rooms_with_records()?;
        let idle: Vec<Name> =
            session.rooms().rooms().filter(|room| with_records.binary_search(room).is_err()).copied().collect();
        let orphans: Vec<Name> =
            with_records.into_iter().filter(|room| session.rooms().cipher(room).is_none()).collect();
        if idle.is_empty() && orphans.is_empty() {
            return Ok(());
        }
        if !orphans.is_empty() {
            tracing::warn!(rooms = orphans.len(), "records of forgotten rooms are removed");
        }
        for room in orphans {
            session.remove_records(room)?;
        }
        for room in idle {
            session.doom(room);
        }
        session.commit()
    }
}

impl Session<'_> {
    /// Removes a room's records and marks its questions as over, in this session's write; its key goes after.
    pub(super) fn forget(&mut self, room: Name, now: u64) -> Result<(), StoreError> {
        for tree in [Tree::Inbox, Tree::Outbox] {
            for key in self.raw_keys(&Key::new(tree, &[&room]))? {
                let event = key.last_chunk::<{ size_of::<Name>() }>().copied().unwrap_or_default();
                self.put(&Key::new(Tree::Done, &[&event]), &now)?;
            }
        }
        self.remove_records(room)?;
        self.doom(room);
        Ok(())
    }

    fn remove_records(&mut self, room: Name) -> Result<(), StoreError> {
        for tree in ROOM_TREES {
            for key in self.raw_keys(&Key::new(tree, &[&room]))? {
                self.remove_raw(&key);
            }
        }
        Ok(())
    }
}
