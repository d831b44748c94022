//! Persons without access who were told so: once in each room, through kills and restarts.

use ruma::{RoomId, UserId};

use super::error::StoreError;
use super::layout::{Key, Tree};
use super::transaction::Transaction;

impl Transaction<'_> {
    /// Notes, in this transaction's write, that a person is told that they have no access. Returns whether that is to be: not when they were
    /// told in this room before.
    pub(super) fn tell_not_served(&mut self, room: &RoomId, person: &UserId, now: u64) -> Result<bool, StoreError> {
        let key = Key::new(Tree::NotServed, &[&self.blinded_ids().room(room), &self.blinded_ids().person(person)]);
        if self.contains(&key)? {
            return Ok(false);
        }
        self.put_value(&key, &now)?;
        Ok(true)
    }

    /// Forgets in which rooms a person was told that they have no access.
    pub(super) fn forget_not_served(&mut self, person: &UserId) -> Result<(), StoreError> {
        let person = self.blinded_ids().person(person);
        for key in self.raw_keys(&Key::all(Tree::NotServed))? {
            if key.ends_with(&person) {
                self.remove_raw(&key);
            }
        }
        Ok(())
    }
}
