//! Forgetting: a room and its key at once, and what has grown old.

use std::collections::HashSet;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::answered::Answered;
use super::audit::Entry;
use super::records::{Key, ROOM_TREES, Tree};
use super::seal::Name;
use super::session::Session;
use super::turns::Said;
use super::withdraw::Withdrawal;
use super::{Database, StoreError};
use crate::compagnon::Settings;
use crate::message::{ConversationId, Undecrypted};

/// How long things are kept, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Marks of questions that are over and of the bot's own messages, and messages that could not be taken back. At least as long as a homeserver may show an event again.
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

/// How many records a purge reads, and a room's more, before others get their turn at the store.
pub(super) const SLICE: usize = 1000;
/// How long it then leaves the store to them, at least.
const PAUSE: Duration = Duration::from_millis(1);

/// What a purge removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// How many records.
    pub records: usize,
    /// The conversations of which something went.
    pub conversations: HashSet<ConversationId>,
    /// Whether something went that does not say of which conversation it was: an older program wrote it.
    pub unplaced: bool,
}

impl Database {
    /// Removes what is older than its retention, destroys the keys of rooms of which nothing is left, and replaces those of the
    /// others something went from. It reads everything, in slices: between two of them others use the store.
    pub fn purge(&self, now: u64, keep: &Retention) -> Result<Purged, StoreError> {
        let mut purged = Purged::default();
        let rooms = self.session().rooms_with_records()?;
        let mut rooms = rooms.into_iter();
        while !rooms.as_slice().is_empty() {
            self.purge_slice(&mut purged, |session, purged| {
                let (mut read, mut old) = (0, Vec::new());
                while read < SLICE
                    && let Some(room) = rooms.next()
                {
                    read += session.expired(room, now, keep, purged, &mut old)?;
                }
                Ok(old)
            })?;
        }
        let older = |at: u64, than: u64| now.saturating_sub(at) > than;
        for (tree, kept) in [(Tree::Done, keep.marks), (Tree::Own, keep.marks), (Tree::Informed, keep.audit)] {
            self.purge_tree::<u64>(tree, &mut purged, |at| older(*at, kept))?;
        }
        self.purge_tree::<Withdrawal>(Tree::Stranded, &mut purged, |one| one.is_older(now, keep.marks))?;
        self.purge_tree::<Entry>(Tree::Audit, &mut purged, |entry| older(entry.at, keep.audit))?;
        self.sweep()?;
        Ok(purged)
    }

    /// The records of a tree of no room, page by page.
    fn purge_tree<T: DeserializeOwned>(
        &self,
        tree: Tree,
        purged: &mut Purged,
        old: impl Fn(&T) -> bool,
    ) -> Result<(), StoreError> {
        let mut from = Some(Key::all(tree).bytes);
        while let Some(start) = from.take() {
            self.purge_slice(purged, |session, _| {
                let (records, next) = session.page::<T>(tree, &start, SLICE)?;
                from = next;
                Ok(records.into_iter().filter(|(_, value)| old(value)).map(|(key, _)| key).collect())
            })?;
        }
        Ok(())
    }

    /// Removes what `find` finds, in one write.
    fn purge_slice(
        &self,
        purged: &mut Purged,
        find: impl FnOnce(&Session<'_>, &mut Purged) -> Result<Vec<Key>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut session = self.session();
        let old = find(&session, purged)?;
        if old.is_empty() {
            return Ok(());
        }
        for key in &old {
            session.remove(key);
            if let Some(room) = key.room() {
                session.rotate(room)?;
            }
        }
        fail::fail_point!("before-purge");
        session.commit()?;
        fail::fail_point!("purged");
        purged.records += old.len();
        // A lock goes to whoever comes first: without a pause, that would be the next slice.
        std::thread::sleep(PAUSE);
        Ok(())
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
    /// Adds to `old` what is older than its retention of one room, and to `purged` of which conversations it was; returns how many
    /// records it has read. Settings, compagnons and what is under way have no retention.
    fn expired(
        &self,
        room: Name,
        now: u64,
        keep: &Retention,
        purged: &mut Purged,
        old: &mut Vec<Key>,
    ) -> Result<usize, StoreError> {
        let older = |at: u64, than: u64| now.saturating_sub(at) > than;
        let chosen = self.look::<Settings>(&Key::new(Tree::Settings, &[&room]))?.and_then(|own| own.retention);
        let kept = chosen.unwrap_or(keep.turns).min(keep.turns_at_most);
        let held = self.scan::<Undecrypted>(&Key::new(Tree::Undecrypted, &[&room]))?;
        let turns = self.scan::<Said>(&Key::new(Tree::Turns, &[&room]))?;
        let answered = self.scan::<Answered>(&Key::new(Tree::Answered, &[&room]))?;
        let read = 1 + held.len() + turns.len() + answered.len();
        old.extend(held.into_iter().filter(|(_, event)| older(event.sent_at, keep.undecrypted)).map(|(key, _)| key));
        for (key, said) in turns.into_iter().filter(|(_, said)| older(said.turn.at, kept)) {
            purged.unplaced |= said.conversation.is_none();
            purged.conversations.extend(said.conversation);
            old.push(key);
        }
        for (key, answered) in answered.into_iter().filter(|(_, answered)| older(answered.at, kept)) {
            purged.conversations.insert(answered.question.conversation());
            old.push(key);
        }
        let messages = self.scan::<Withdrawal>(&Key::new(Tree::Withdrawals, &[&room]))?;
        old.extend(messages.into_iter().filter(|(_, one)| one.is_older(now, keep.marks)).map(|(key, _)| key));
        Ok(read)
    }

    /// Forgets everything about a room, and destroys its key: what sled's log still holds of it cannot be opened any more (the
    /// limits are those of the key file, see the store's `keys`). Its questions count as over.
    pub(super) fn forget(&mut self, room: Name, now: u64) -> Result<(), StoreError> {
        self.strand(room, now)?;
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
