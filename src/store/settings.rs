//! What a room has chosen for itself. It stands under the room's key and goes with the room; it does not grow old.

use ruma::RoomId;

use super::database::Database;
use super::error::StoreError;
use super::transaction::Transaction;
use crate::compagnon::Settings;

impl Database {
    /// A room's settings; the default ones for a room that has none.
    pub fn room_settings(&self, room: &RoomId) -> Result<Settings, StoreError> {
        Ok(self.transaction().get(&self.blinded_ids.settings(room))?.unwrap_or_default())
    }
}

impl Transaction<'_> {
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
