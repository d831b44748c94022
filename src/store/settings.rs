//! What a room has chosen for itself. It stands under the room's key and goes with the room; it does not grow old.

use ruma::{RoomId, UserId};

use super::database::Database;
use super::error::StoreError;
use super::layout::{Key, Tree};
use super::transaction::Transaction;
use crate::compagnon::Settings;

impl Database {
    /// A room's settings; the default ones for a room that has none.
    pub fn room_settings(&self, room: &RoomId) -> Result<Settings, StoreError> {
        Ok(self.transaction().get(&self.blinded_ids.settings(room))?.unwrap_or_default())
    }
}

impl Transaction<'_> {
    /// The instructions that a person has given to rooms. The rooms are known by their names only.
    pub(super) fn additions_by(&self, person: &UserId) -> Result<Vec<(Key, Settings)>, StoreError> {
        let mut settings = self.scan::<Settings>(&Key::all(Tree::Settings))?;
        settings.retain(|(_, settings)| settings.addition_by.as_deref() == Some(person));
        Ok(settings)
    }

    /// Removes the instructions that a person has given to rooms, for good. The rooms' other settings stay: nothing says who chose them.
    pub(super) fn forget_additions_of_person(&mut self, person: &UserId) -> Result<(), StoreError> {
        for (key, settings) in self.additions_by(person)? {
            self.put(&key, &Settings { addition: None, addition_by: None, ..settings })?;
            if let Some(room) = key.room() {
                self.rotate(room)?;
            }
        }
        Ok(())
    }

    /// Moves what is tied to a room to the one that takes its place: its settings, unless the new room has its own, what is
    /// remembered in it, what was chosen for its jobs, its documents, and the compagnons made there.
    pub(super) fn upgrade(&mut self, old: &RoomId, new: &RoomId) -> Result<(), StoreError> {
        let (from, to) = (self.blinded_ids().settings(old), self.blinded_ids().settings(new));
        let here = self.find::<Settings>(&to)?.unwrap_or_default();
        if !here.has_chosen()
            && let Some(there) = self.find::<Settings>(&from)?
        {
            // The new room may have been welcomed before the upgrade was known.
            self.put(&to, &Settings { welcomed_at: here.welcomed_at.or(there.welcomed_at), ..there })?;
            self.remove(&from);
        }
        self.move_facts(old, new)?;
        self.move_jobs(old, new)?;
        self.move_documents(old, new)?;
        self.move_made(old, new)
    }
}
