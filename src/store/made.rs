//! Compagnons made by command. Each has a data key of its own, as a room has, so that deleting one is destroying its key.

use ruma::{RoomId, UserId};

use super::database::Database;
use super::error::StoreError;
use super::layout::{Key, NUMBER, Tree};
use super::seal::BlindedId;
use super::transaction::Transaction;
use crate::compagnon::{Made, Version};

/// In milliseconds.
const DAY: u64 = 86_400_000;

fn used(group: BlindedId) -> Key {
    Key::new(Tree::Used, &[&group])
}

impl Database {
    /// A number for a new compagnon, never given out before.
    pub fn new_number(&self) -> Result<u64, StoreError> {
        let mut transaction = self.transaction();
        let number = transaction.get_value::<u64>(&Key::meta(NUMBER))?.unwrap_or(0) + 1;
        transaction.put_value(&Key::meta(NUMBER), &number)?;
        transaction.commit()?;
        Ok(number)
    }

    /// A compagnon made by command.
    pub fn made(&self, number: u64) -> Result<Option<Made>, StoreError> {
        self.transaction().get(&self.blinded_ids.compagnon(number))
    }

    /// All compagnons made by command, in the order of their numbers. Those that do not open are set aside and counted by
    /// [`Database::damaged`].
    pub fn all_made(&self) -> Result<Vec<Made>, StoreError> {
        self.transaction().all_made()
    }
}

impl Transaction<'_> {
    pub(super) fn all_made(&self) -> Result<Vec<Made>, StoreError> {
        let made = self.scan::<Made>(&Key::all(Tree::Made))?;
        let mut made: Vec<Made> = made.into_iter().map(|(_, made)| made).collect();
        made.sort_unstable_by_key(|made| made.number);
        Ok(made)
    }

    /// Removes a compagnon with all its versions and its documents; its key goes after.
    pub(super) fn unmake(&mut self, number: u64) -> Result<(), StoreError> {
        let group = self.blinded_ids().made(number);
        self.unmake_group(group)
    }

    /// As [`Transaction::unmake`], by the name of its key.
    pub(super) fn unmake_group(&mut self, group: BlindedId) -> Result<(), StoreError> {
        self.remove_records(group)?;
        self.destroy_key(group);
        self.state.library.note_late(group);
        Ok(())
    }

    /// Notes that a compagnon is used, once a day: it is kept for as long as it is. Nothing is noted of one that is no more.
    pub(super) fn note_used(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let group = self.blinded_ids().made(number);
        let key = used(group);
        let lately = self.find_value::<u64>(&key)?.is_some_and(|at| now.saturating_sub(at) < DAY);
        if lately || !self.contains(&Key::new(Tree::Made, &[&group]))? {
            return Ok(());
        }
        self.put_value(&key, &now)
    }

    /// When a compagnon was last used, changed, or chosen by a room.
    pub(super) fn used_at(&self, made: &Made) -> Result<u64, StoreError> {
        let used = self.find_value::<u64>(&used(self.blinded_ids().made(made.number)))?;
        let changed = made.versions.iter().map(|version| version.at).max();
        Ok(used.max(changed).unwrap_or(0))
    }

    /// The versions that a person has written of others' compagnons say so no more. Their own compagnons are theirs, and stay.
    pub(super) fn forget_author_of_versions(&mut self, person: &UserId) -> Result<(), StoreError> {
        for (key, mut made) in self.scan::<Made>(&Key::all(Tree::Made))? {
            let theirs = |version: &Version| version.by.as_deref() == Some(person);
            if made.author == person || !made.versions.iter().any(theirs) {
                continue;
            }
            made.versions.iter_mut().filter(|version| theirs(version)).for_each(|version| version.by = None);
            self.put(&key, &made)?;
            if let Some(group) = key.room() {
                self.rotate(group)?;
            }
        }
        Ok(())
    }

    /// Hands the compagnons made in a room over to another.
    pub(super) fn move_made(&mut self, old: &RoomId, new: &RoomId) -> Result<(), StoreError> {
        for (key, made) in self.scan::<Made>(&Key::all(Tree::Made))? {
            if made.room_id == old {
                self.put(&key, &Made { room_id: new.to_owned(), ..made })?;
            }
        }
        Ok(())
    }
}
