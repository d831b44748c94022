//! Forgetting a room with its key, and bringing keys and records together again after a kill.

use super::database::Database;
use super::error::StoreError;
use super::layout::{Key, ROOM_TREES, Tree};
use super::seal::BlindedId;
use super::transaction::Transaction;

impl Database {
    /// Brings keys and records together again: a key without records is destroyed (a kill came before that), and so are records
    /// without a key, which nobody can open.
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let with_records = transaction.rooms_with_records()?;
        let idle: Vec<BlindedId> =
            transaction.rooms().rooms().filter(|room| with_records.binary_search(room).is_err()).copied().collect();
        let orphans: Vec<BlindedId> =
            with_records.into_iter().filter(|room| transaction.rooms().cipher(room).is_none()).collect();
        if idle.is_empty() && orphans.is_empty() {
            return Ok(());
        }
        if !orphans.is_empty() {
            tracing::warn!(rooms = orphans.len(), "records of forgotten rooms are removed");
        }
        for room in orphans {
            transaction.remove_records(room)?;
        }
        for room in idle {
            transaction.destroy_key(room);
        }
        transaction.commit()
    }
}

impl Transaction<'_> {
    /// Forgets everything about a room, and destroys its key: what sled's log still holds of it cannot be opened any more (the
    /// limits are those of the key file, see the store's `keys`). Its questions count as over.
    pub(super) fn forget(&mut self, room: BlindedId, now: u64) -> Result<(), StoreError> {
        self.strand(room, now)?;
        for tree in [Tree::Inbox, Tree::Outbox] {
            for key in self.raw_keys(&Key::new(tree, &[&room]))? {
                let event = key.last_chunk::<{ size_of::<BlindedId>() }>().copied().unwrap_or_default();
                self.put_value(&Key::new(Tree::Done, &[&event]), &now)?;
            }
        }
        self.remove_records(room)?;
        self.destroy_key(room);
        self.state.library.note_late(room);
        Ok(())
    }

    /// Removes everything under the key of a room, or of another group.
    pub(super) fn remove_records(&mut self, room: BlindedId) -> Result<(), StoreError> {
        for tree in ROOM_TREES {
            for key in self.raw_keys(&Key::new(tree, &[&room]))? {
                self.remove_raw(&key);
            }
        }
        self.remove_chunks_of_room(room)?;
        self.remove_documents_of_group(room)
    }
}
