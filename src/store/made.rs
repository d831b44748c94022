//! Compagnons made by command. Each has a data key of its own, as a room has, so that deleting one is destroying its key.

use ruma::RoomId;

use super::records::{Key, NUMBER, Tree};
use super::session::Session;
use super::{Database, StoreError};
use crate::compagnon::Made;

impl Database {
    /// A number for a new compagnon, never given out before.
    pub fn new_number(&self) -> Result<u64, StoreError> {
        let mut session = self.session();
        let number = session.get::<u64>(&Key::meta(NUMBER))?.unwrap_or(0) + 1;
        session.put(&Key::meta(NUMBER), &number)?;
        session.commit()?;
        Ok(number)
    }

    /// A compagnon made by command.
    pub fn made(&self, number: u64) -> Result<Option<Made>, StoreError> {
        self.session().get(&self.0.names.compagnon(number))
    }

    /// All compagnons made by command, in the order of their numbers. Those that do not open are set aside and counted by
    /// [`Database::damaged`].
    pub fn all_made(&self) -> Result<Vec<Made>, StoreError> {
        self.session().all_made()
    }
}

impl Session<'_> {
    pub(super) fn all_made(&self) -> Result<Vec<Made>, StoreError> {
        let made = self.scan::<Made>(&Key::all(Tree::Made))?;
        let mut made: Vec<Made> = made.into_iter().map(|(_, made)| made).collect();
        made.sort_unstable_by_key(|made| made.number);
        Ok(made)
    }

    /// Removes a compagnon with all its versions; its key goes after.
    pub(super) fn unmake(&mut self, number: u64) {
        let key = self.names().compagnon(number);
        self.remove_raw(&key.quarantined());
        self.remove(&key);
        self.doom(self.names().made(number));
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
