//! Compagnons made by command. Each has a data key of its own, as a room has, so that deleting one is destroying its key.

use ruma::RoomId;

use super::database::Database;
use super::error::StoreError;
use super::layout::{Key, NUMBER, Tree};
use super::transaction::Transaction;
use crate::compagnon::Made;

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
        self.remove_records(group)?;
        self.destroy_key(group);
        self.state.library.note_late(group);
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
