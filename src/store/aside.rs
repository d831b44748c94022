//! The going of records that were set aside because they did not open. Nothing in them says how old they are: a purge notes when it first saw
//! them.

use sled::IVec;

use super::database::Database;
use super::error::StoreError;
use super::layout::{ASIDE, Key, QUARANTINE, Tree};
use super::transaction::Transaction;

/// How many of them a purge looks after at a time; the others have their turn with the next one.
const AT_A_TIME: usize = 1000;

impl Database {
    /// Removes the records that were set aside longer ago than this, in milliseconds, and says how many there were.
    pub(super) fn purge_set_aside(&self, now: u64, keep: u64) -> Result<usize, StoreError> {
        let mut transaction = self.transaction();
        let (mut changed, mut removed) = (0, 0);
        for quarantined in self.db.scan_prefix([QUARANTINE]).keys() {
            let quarantined = quarantined?;
            self.touch(1);
            let note = Key::aside(&quarantined);
            match transaction.find_value::<u64>(&note)? {
                Some(seen) if now.saturating_sub(seen) <= keep => continue,
                Some(_) => {
                    transaction.remove_set_aside(&quarantined)?;
                    transaction.remove(&note);
                    removed += 1;
                }
                None => transaction.put_value(&note, &now)?,
            }
            changed += 1;
            if changed == AT_A_TIME {
                break;
            }
        }
        // Of those that went otherwise, with their room say, the note is left.
        for note in transaction.raw_keys(&Key::meta(ASIDE))? {
            let quarantined = note.strip_prefix(Key::meta(ASIDE).bytes.as_slice()).unwrap_or_default();
            if transaction.raw(quarantined)?.is_none() {
                transaction.remove_raw(&note);
                changed += 1;
            }
        }
        if changed == 0 {
            return Ok(0);
        }
        fail::fail_point!("before-purge");
        transaction.commit()?;
        fail::fail_point!("purged");
        Ok(removed)
    }
}

impl Transaction<'_> {
    /// Removes a record that was set aside, for good, with what nobody can find without it.
    fn remove_set_aside(&mut self, quarantined: &IVec) -> Result<(), StoreError> {
        self.remove_raw(quarantined);
        let bytes = quarantined.get(1..).unwrap_or_default().to_vec();
        let Some(tree) = bytes.first().and_then(|letter| Tree::of(*letter)) else { return Ok(()) };
        let key = Key { tree, bytes };
        self.remove_expired_document(&key)?;
        let Some(room) = key.room() else { return Ok(()) };
        // One that opens and cannot be read is gone only with its key.
        if tree == Tree::Made { self.unmake_group(room) } else { self.rotate(room) }
    }
}
