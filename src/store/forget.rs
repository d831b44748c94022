//! Forgetting: a room and its key at once, and what has grown old.

use std::collections::HashMap;

use super::answered::Answered;
use super::audit::Entry;
use super::records::{Key, ROOM_TREES, Tree};
use super::seal::Name;
use super::session::Session;
use super::turns::Said;
use super::{Store, StoreError};
use crate::compagnon::Settings;
use crate::message::Undecrypted;

/// How long things are kept, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Marks of questions that are over and of the bot's own messages. At least as long as a homeserver may show an event again.
    pub marks: u64,
    /// What was said, in rooms that have not chosen otherwise.
    pub turns: u64,
    /// The longest a room may choose for what was said.
    pub turns_at_most: u64,
    /// Lines of the audit trail, and marks of persons who were told what the bot is.
    pub audit: u64,
    /// Events whose key has not come.
    pub undecrypted: u64,
}

impl Store {
    /// Removes what is older than its retention, destroys the keys of rooms of which nothing is left, and replaces those of the
    /// others something went from. Returns how many records went.
    pub fn purge(&self, now: u64, keep: &Retention) -> Result<usize, StoreError> {
        let mut session = self.session();
        let old = session.expired(now, keep)?;
        for key in &old {
            session.remove(key);
            if let Some(room) = key.room() {
                session.rotate(room)?;
            }
        }
        if !old.is_empty() {
            fail::fail_point!("before-purge");
        }
        session.commit()?;
        if !old.is_empty() {
            fail::fail_point!("purged");
        }
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
    /// What is older than its retention. Settings, compagnons and what is under way have none.
    fn expired(&self, now: u64, keep: &Retention) -> Result<Vec<Key>, StoreError> {
        let older = |at: u64, than: u64| now.saturating_sub(at) > than;
        let mut old = Vec::new();
        for (tree, kept) in [(Tree::Done, keep.marks), (Tree::Own, keep.marks), (Tree::Informed, keep.audit)] {
            let marks = self.scan::<u64>(&Key::all(tree))?.into_iter();
            old.extend(marks.filter(|(_, at)| older(*at, kept)).map(|(key, _)| key));
        }
        let audit = self.scan::<Entry>(&Key::all(Tree::Audit))?.into_iter();
        old.extend(audit.filter(|(_, entry)| older(entry.at, keep.audit)).map(|(key, _)| key));
        let held = self.scan::<Undecrypted>(&Key::all(Tree::Undecrypted))?.into_iter();
        old.extend(held.filter(|(_, event)| older(event.sent_at, keep.undecrypted)).map(|(key, _)| key));

        let settings = self.scan::<Settings>(&Key::all(Tree::Settings))?.into_iter();
        let chosen: HashMap<_, u64> = settings.filter_map(|(key, own)| Some((key.room()?, own.retention?))).collect();
        let kept = |key: &Key| {
            let chosen = key.room().and_then(|room| chosen.get(&room));
            chosen.copied().unwrap_or(keep.turns).min(keep.turns_at_most)
        };
        let turns = self.scan::<Said>(&Key::all(Tree::Turns))?.into_iter().map(|(key, said)| (key, said.turn.at));
        let answered = self.scan::<Answered>(&Key::all(Tree::Answered))?.into_iter();
        let said = turns.chain(answered.map(|(key, answered)| (key, answered.at)));
        old.extend(said.filter(|(key, at)| older(*at, kept(key))).map(|(key, _)| key));
        Ok(old)
    }

    /// Forgets everything about a room, and destroys its key: what sled's log still holds of it cannot be opened any more (the
    /// limits are those of the key file, see the store's `keys`). Its questions count as over.
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
