//! The removal of what has grown old.

use std::collections::HashSet;
use std::time::Duration;

use ruma::OwnedRoomId;

use super::answer::Answered;
use super::audit::Entry;
use super::database::Database;
use super::document::StoredDocument;
use super::error::StoreError;
use super::layout::{Key, Tree};
use super::own::OwnMessage;
use super::ratings::{Rated, Reacted};
use super::records::Stored;
use super::said::Said;
use super::seal::BlindedId;
use super::summary::Condensed;
use super::transaction::Transaction;
use super::withdrawable::Withdrawable;
use super::withdrawal::Withdrawal;
use crate::compagnon::{Made, Settings};
use crate::document::{Document, Partition};
use crate::job::JobState;
use crate::memory::Fact;
use crate::message::{ConversationId, Undecrypted};
use crate::statistics::Counters;

/// How long things are kept, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Dedup records of questions that are over and of the bot's own messages, messages that could not be taken back, and records of persons
    /// without access who were told so. At least as
    /// long as a homeserver may show an event again.
    pub dedup: u64,
    /// What was said, in rooms that have not chosen otherwise.
    pub turns: u64,
    /// The longest a room may choose for what was said.
    pub turns_at_most: u64,
    /// Lines of the audit trail, and records of persons who were told what the bot is.
    pub audit: u64,
    /// Events whose key has not come.
    pub undecrypted: u64,
    /// What people have asked to be remembered, and documents that are for one person.
    pub memory: u64,
    /// The messages of answers that were forgotten, to be taken back with their questions.
    pub withdrawable: u64,
    /// Compagnons made by command that are not in the catalogue, after their last use.
    pub compagnons: u64,
}

/// How long a person is not told again that a message of theirs cannot be read.
pub(super) const TOLD_FOR: Duration = Duration::from_hours(24);

/// How long what is counted in a room is kept: 25 months.
const ROOM_USAGE: Duration = Duration::from_hours(766 * 24);

/// How many records a purge reads before others get their turn at the store.
pub(super) const SLICE: usize = 1000;

/// The trees of a room in which something grows old. Settings and what is under way do not.
const OF_A_ROOM: [Tree; 13] = [
    Tree::Undecrypted,
    Tree::Turns,
    Tree::Summaries,
    Tree::Answered,
    Tree::Withdrawals,
    Tree::Memory,
    Tree::Documents,
    Tree::Jobs,
    Tree::RoomUsage,
    Tree::Ratings,
    Tree::Reactions,
    Tree::Withdrawable,
    Tree::Made,
];

/// As how many records a document counts that is removed: its chunks go with it.
const OF_A_DOCUMENT: usize = 20;

/// The other trees in which something grows old.
const OF_NO_ROOM: [Tree; 7] =
    [Tree::Done, Tree::Own, Tree::Informed, Tree::Told, Tree::NotServed, Tree::Stranded, Tree::Audit];

/// What a purge removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// How many records.
    pub records: usize,
    /// The conversations of which something went.
    pub conversations: HashSet<ConversationId>,
    /// The rooms in which something is remembered no more.
    pub rooms: HashSet<OwnedRoomId>,
    /// The partitions that are without a document of theirs.
    pub partitions: HashSet<Partition>,
    /// Whether something went that does not say of which conversation it was: an older program wrote it.
    pub unplaced: bool,
    /// Whether a compagnon went.
    pub unmade: bool,
}

/// How far a purge has come: room by room, then the trees of no room.
pub(super) struct Purge {
    now: u64,
    keep: Retention,
    rooms: Vec<BlindedId>,
    /// The index of the room; after the last room, the trees of no room.
    room: usize,
    /// The index of the tree.
    tree: usize,
    /// The key to go on from; `None` at the beginning of a tree.
    from: Option<Vec<u8>>,
    pub(super) purged: Purged,
}

impl Database {
    /// Removes what is older than its retention, destroys the keys of rooms of which nothing is left, and replaces those of the
    /// others something went from.
    pub fn purge(&self, now: u64, keep: &Retention) -> Result<Purged, StoreError> {
        let mut purge = self.begin_purge(now, keep)?;
        while self.purge_slice(&mut purge)? {}
        Ok(purge.purged)
    }

    /// Begins a purge of everything.
    pub(super) fn begin_purge(&self, now: u64, keep: &Retention) -> Result<Purge, StoreError> {
        let rooms = self.transaction().rooms_with_records()?;
        Ok(Purge { now, keep: *keep, rooms, room: 0, tree: 0, from: None, purged: Purged::default() })
    }

    /// Goes on with a purge; returns whether there is more to do.
    pub(super) fn purge_slice(&self, purge: &mut Purge) -> Result<bool, StoreError> {
        let transaction = self.transaction();
        let mut old = Vec::new();
        let mut left = SLICE;
        while left > 0
            && let Some((room, tree)) = purge.place()
        {
            let prefix = match room {
                Some(room) => Key::new(tree, &[&room]),
                None => Key::all(tree),
            };
            let start = purge.from.take().unwrap_or_else(|| prefix.bytes.clone());
            let page = transaction.expired(purge, room, &prefix, &start, left)?;
            left = left.saturating_sub(page.read.max(1));
            old.extend(page.old);
            match page.next {
                Some(next) => purge.from = Some(next),
                None => purge.tree += 1,
            }
        }
        purge.purged.unmade |= old.iter().any(|key| key.tree == Tree::Made);
        transaction.remove_expired(&old, purge.now)?;
        purge.purged.records += old.len();
        if purge.place().is_some() {
            return Ok(true);
        }
        purge.purged.records += self.purge_set_aside(purge.now, purge.keep.dedup)?;
        self.sweep_files(Some(purge.now))?;
        self.sweep_given_up()?;
        self.sweep()?;
        Ok(false)
    }
}

impl Purge {
    /// The tree to read next, of which room.
    fn place(&mut self) -> Option<(Option<BlindedId>, Tree)> {
        while let Some(room) = self.rooms.get(self.room) {
            if let Some(tree) = OF_A_ROOM.get(self.tree) {
                return Some((Some(*room), *tree));
            }
            self.room += 1;
            self.tree = 0;
        }
        OF_NO_ROOM.get(self.tree).map(|tree| (None, *tree))
    }
}

/// What was read of a tree.
struct Expired {
    old: Vec<Key>,
    /// How many records were read.
    read: usize,
    /// Where to go on.
    next: Option<Vec<u8>>,
}

impl Transaction<'_> {
    /// Reads the next records of a tree, and finds those that are older than their retention.
    fn expired(
        &self,
        purge: &mut Purge,
        room: Option<BlindedId>,
        prefix: &Key,
        from: &[u8],
        limit: usize,
    ) -> Result<Expired, StoreError> {
        let keep = purge.keep;
        let kept = match room {
            Some(room) => self.kept_in(room, &keep)?,
            None => 0,
        };
        let now = purge.now;
        let older = |at: u64, than: u64| now.saturating_sub(at) > than;
        let purged = &mut purge.purged;
        match prefix.tree {
            Tree::Undecrypted => {
                self.expired_of::<Undecrypted>(prefix, from, limit, |event| older(event.sent_at, keep.undecrypted))
            }
            Tree::Turns => self.expired_of::<Said>(prefix, from, limit, |said| {
                let old = older(said.turn.at, kept);
                if old {
                    purged.unplaced |= said.conversation.is_none();
                    purged.conversations.extend(said.conversation.clone());
                }
                old
            }),
            Tree::Summaries => self.expired_of::<Condensed>(prefix, from, limit, |condensed| older(condensed.at, kept)),
            Tree::Answered => self.expired_of::<Answered>(prefix, from, limit, |answered| {
                let old = older(answered.at, kept);
                if old {
                    purged.conversations.insert(answered.question.conversation());
                }
                old
            }),
            Tree::Memory => self.expired_of::<Fact>(prefix, from, limit, |fact| {
                let old = older(fact.at, keep.memory);
                if old {
                    purged.rooms.insert(fact.room_id.clone());
                }
                old
            }),
            Tree::Documents => {
                let expired = self.expired_of::<StoredDocument>(prefix, from, limit, |stored| {
                    let Document { partition, added_at, .. } = &stored.document;
                    let old = match partition {
                        Partition::Conversation(_) => older(*added_at, kept),
                        Partition::Person(_) => older(*added_at, keep.memory),
                        // They stay until somebody removes them, or what they belong to goes.
                        Partition::Room(_)
                        | Partition::Compagnon(_)
                        | Partition::Catalogue
                        | Partition::Collection(_) => false,
                    };
                    if old {
                        purged.partitions.insert(partition.clone());
                    }
                    old
                })?;
                Ok(Expired { read: expired.read + OF_A_DOCUMENT * expired.old.len(), ..expired })
            }
            Tree::Jobs => self.expired_of::<JobState>(prefix, from, limit, |state| {
                let said = state.scope.is_of_room() && !state.kind.is_chosen();
                now > state.until || (said && older(state.at, kept))
            }),
            Tree::RoomUsage => {
                let (records, next) = self.page_of_values::<Counters>(prefix, from, limit)?;
                let read = records.len();
                let kept = u64::try_from(ROOM_USAGE.as_millis()).unwrap_or(u64::MAX);
                let is_old = |key: &Key| week_in(key).is_some_and(|monday| older(monday, kept));
                let old = records.into_iter().map(|(key, _)| key).filter(is_old).collect();
                Ok(Expired { old, read, next })
            }
            // They go with the answer; these are what is left of one that does not open.
            Tree::Ratings => self.expired_of::<Rated>(prefix, from, limit, |rated| older(rated.at, kept)),
            Tree::Reactions => self.expired_of::<Reacted>(prefix, from, limit, |reacted| older(reacted.at, kept)),
            Tree::Withdrawable => {
                self.expired_of::<Withdrawable>(prefix, from, limit, |one| older(one.at, keep.withdrawable))
            }
            Tree::Made => self.expired_compagnons(prefix, from, limit, |used_at| older(used_at, keep.compagnons)),
            Tree::Withdrawals | Tree::Stranded => {
                self.expired_of::<Withdrawal>(prefix, from, limit, |one| one.is_older(now, keep.dedup))
            }
            Tree::Own => self.expired_of::<OwnMessage>(prefix, from, limit, |own| older(own.at, keep.dedup)),
            Tree::Audit => self.expired_of::<Entry>(prefix, from, limit, |entry| older(entry.at, keep.audit)),
            tree => {
                let than = match tree {
                    Tree::Informed => keep.audit,
                    Tree::Told => u64::try_from(TOLD_FOR.as_millis()).unwrap_or(u64::MAX),
                    _ => keep.dedup,
                };
                let (records, next) = self.page_of_values::<u64>(prefix, from, limit)?;
                let read = records.len();
                let old = records.into_iter().filter(|(_, at)| older(*at, than)).map(|(key, _)| key).collect();
                Ok(Expired { old, read, next })
            }
        }
    }

    /// The compagnons that nobody has used for long, and that are not in the catalogue.
    fn expired_compagnons(
        &self,
        prefix: &Key,
        from: &[u8],
        limit: usize,
        is_old: impl Fn(u64) -> bool,
    ) -> Result<Expired, StoreError> {
        let (records, next) = self.page::<Made>(prefix, from, limit)?;
        let (read, mut old) = (records.len(), Vec::new());
        for (key, made) in records {
            if made.published.is_none() && is_old(self.used_at(&made)?) {
                old.push(key);
            }
        }
        Ok(Expired { old, read, next })
    }

    fn expired_of<T: Stored>(
        &self,
        prefix: &Key,
        from: &[u8],
        limit: usize,
        mut is_old: impl FnMut(&T) -> bool,
    ) -> Result<Expired, StoreError> {
        let (records, next) = self.page::<T>(prefix, from, limit)?;
        let read = records.len();
        let old = records.into_iter().filter(|(_, value)| is_old(value)).map(|(key, _)| key).collect();
        Ok(Expired { old, read, next })
    }

    /// How long a room keeps what is said.
    fn kept_in(&self, room: BlindedId, keep: &Retention) -> Result<u64, StoreError> {
        let settings = self.find::<Settings>(&Key::new(Tree::Settings, &[&room]))?;
        let chosen = settings.and_then(|settings| settings.retention);
        Ok(chosen.unwrap_or(keep.turns).min(keep.turns_at_most))
    }

    /// Removes records for good, in one write.
    fn remove_expired(mut self, old: &[Key], now: u64) -> Result<(), StoreError> {
        if old.is_empty() {
            return Ok(());
        }
        self.uncover(old)?;
        self.forget_derived_from(old)?;
        let mut forgotten: Vec<Answered> = Vec::new();
        for key in old {
            if let Some(group) = key.room().filter(|_| key.tree == Tree::Made) {
                tracing::info!("a compagnon that nobody has used for long is removed");
                self.unmake_group(group)?;
                continue;
            }
            if let Some(place) = key.event_place().filter(|_| key.tree == Tree::Answered) {
                let answered = self.find::<Answered>(key)?;
                if let Some(answered) = &answered {
                    self.forget_derived_of(&answered.question.conversation())?;
                }
                forgotten.extend(answered);
                self.forget_ratings(&place)?;
            }
            self.remove(key);
            self.remove_expired_document(key)?;
            // Figures name nobody and say nothing: no key is replaced for them.
            if let Some(room) = key.room().filter(|_| key.tree != Tree::RoomUsage) {
                self.rotate(room)?;
            }
        }
        self.forget_answers(forgotten, now)?;
        fail::fail_point!("before-purge");
        self.commit()?;
        fail::fail_point!("purged");
        Ok(())
    }
}

/// When the week begins at which a room's counters stand, in milliseconds since the epoch.
fn week_in(key: &Key) -> Option<u64> {
    let monday = key.bytes.get(1 + size_of::<BlindedId>()..)?.first_chunk::<4>()?;
    Some(u64::from(u32::from_be_bytes(*monday)) * 86_400_000)
}
