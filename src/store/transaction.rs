//! The one way to read and write records: a [`Transaction`], which has the database to itself.

use std::cell::RefMut;
use std::collections::{BTreeMap, BTreeSet};

use ruma::{EventId, RoomId};
use serde::Serialize;
use sled::IVec;
use zeroize::Zeroizing;

use super::database::Database;
use super::error::StoreError;
use super::layout::{COMMITS, EventPlace, GENERATION, Key, QUARANTINE, SEQUENCE, Tree};
use super::library::Held;
use super::recorder::CountedEvent;
use super::records::Stored;
use super::seal::{BlindedId, Cipher};
use super::state::State;

/// Exclusive use of the database: reads see what was committed and what this transaction has written; its writes take effect together at
/// [`Transaction::commit`].
pub(super) struct Transaction<'a> {
    pub(super) database: &'a Database,
    pub(super) state: RefMut<'a, State>,
    /// What is written, `None` for what is removed.
    writes: BTreeMap<IVec, Option<IVec>>,
    /// Rooms whose keys go once the writes are made.
    destroyed_keys: Vec<BlindedId>,
    /// Rooms whose keys are replaced once the writes are made.
    requested_rotations: BTreeSet<BlindedId>,
    /// Documents that are written, `None` for those that are removed.
    documents: BTreeMap<u64, Option<Held>>,
    /// What it counts, for Prometheus.
    pub(super) counted: Vec<CountedEvent>,
    /// [`Database::touched`] when it began.
    #[cfg(test)]
    begun: usize,
}

#[cfg(test)]
impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        let touched = self.database.touched.get() - self.begun;
        self.database.longest.set(self.database.longest.get().max(touched));
    }
}

impl Database {
    pub(super) fn transaction(&self) -> Transaction<'_> {
        Transaction {
            database: self,
            state: self.state.borrow_mut(),
            writes: BTreeMap::new(),
            destroyed_keys: Vec::new(),
            requested_rotations: BTreeSet::new(),
            documents: BTreeMap::new(),
            counted: Vec::new(),
            #[cfg(test)]
            begun: self.touched.get(),
        }
    }

    pub(super) fn place(&self, room: &RoomId, event: &EventId) -> EventPlace {
        EventPlace::new(&self.blinded_ids, room, event)
    }

    pub(super) fn dedup_key(&self, tree: Tree, event: &EventId) -> Key {
        self.blinded_ids.dedup_key(tree, event)
    }

    /// How many records were set aside because they did not open.
    pub fn damaged(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        for record in self.db.scan_prefix([QUARANTINE]) {
            record?;
            count += 1;
        }
        Ok(count)
    }
}

impl Transaction<'_> {
    pub(super) fn writes(&self) -> &BTreeMap<IVec, Option<IVec>> {
        &self.writes
    }

    pub(super) fn document_changes(&self) -> &BTreeMap<u64, Option<Held>> {
        &self.documents
    }

    /// Notes what becomes of a document with this transaction.
    pub(super) fn note_document(&mut self, number: u64, held: Option<Held>) {
        self.documents.insert(number, held);
    }

    pub(super) fn resume_at(&mut self, sequence: u64, commits: u64) {
        self.state.sequence = sequence;
        self.state.commits = commits;
    }

    /// A number greater than all before it.
    pub(super) fn next(&mut self) -> Result<u64, StoreError> {
        self.state.sequence += 1;
        let sequence = self.state.sequence;
        self.put_value(&Key::meta(SEQUENCE), &sequence)?;
        Ok(sequence)
    }

    /// Seals and writes a record; a room without a key is given one.
    pub(super) fn put<T: Stored>(&mut self, key: &Key, value: &T) -> Result<(), StoreError> {
        self.put_value(key, &T::Record::from(value))
    }

    /// As [`Transaction::put`], for values that have no type of their own: numbers and texts.
    pub(super) fn put_value<T: Serialize>(&mut self, key: &Key, value: &T) -> Result<(), StoreError> {
        let name = key.tree.name();
        let damaged = || StoreError::Damaged { tree: name };
        let plain = Zeroizing::new(serde_json::to_vec(value).map_err(|_| damaged())?);
        let of_room: Cipher;
        let cipher = match key.room() {
            None => &self.database.cipher,
            Some(room) => {
                of_room = self.state.rooms.cipher_or_new(room);
                &of_room
            }
        };
        let sealed = cipher.seal(name, &key.bytes, &plain).ok_or_else(damaged)?;
        self.put_raw(&key.bytes, sealed);
        Ok(())
    }

    pub(super) fn put_raw(&mut self, key: &[u8], sealed: Vec<u8>) {
        self.writes.insert(key.into(), Some(sealed.into()));
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.remove_raw(&key.bytes);
    }

    pub(super) fn remove_raw(&mut self, key: &[u8]) {
        self.writes.insert(key.into(), None);
    }

    /// Destroys a room's key, once the records are removed.
    pub(super) fn destroy_key(&mut self, room: BlindedId) {
        self.requested_rotations.remove(&room);
        self.remove(&Key::rotation(room));
        self.destroyed_keys.push(room);
    }

    /// Replaces a room's key, once the records are removed that nobody shall open again: see `rotate.rs`.
    pub(super) fn rotate(&mut self, room: BlindedId) -> Result<(), StoreError> {
        if self.requested_rotations.insert(room) {
            self.put_value(&Key::rotation(room), &())?;
        }
        Ok(())
    }

    /// Writes everything, and returns once it would survive a kill or a power cut.
    ///
    /// New room keys come first and destroyed ones go last: whatever the moment of a kill, no record is without its key, and a key
    /// without records is destroyed at the next start.
    pub(super) fn commit(mut self) -> Result<(), StoreError> {
        self.save_keys()?;
        self.write()?;
        self.sync()?;
        let documents = std::mem::take(&mut self.documents);
        self.state.library.take(documents);
        for event in std::mem::take(&mut self.counted) {
            self.state.recorder.record(&event);
        }
        let requested = std::mem::take(&mut self.requested_rotations);
        self.state.pending_rotations.extend(requested);
        for room in &self.destroyed_keys {
            self.state.pending_rotations.remove(room);
        }
        self.state.rooms.destroy(&self.destroyed_keys)?;
        let database = self.database;
        drop(self);
        if database.defers_rotations.get() { Ok(()) } else { database.finish_rotations() }
    }

    /// Has the keys written before anything that is sealed under them.
    pub(super) fn save_keys(&mut self) -> Result<(), StoreError> {
        if self.state.rooms.save()? {
            let generation = self.state.rooms.generation();
            self.put_value(&Key::meta(GENERATION), &generation)?;
        }
        Ok(())
    }

    /// Hands what was written to the database, all or none.
    pub(super) fn write(&mut self) -> Result<(), StoreError> {
        if self.writes.is_empty() {
            return Ok(());
        }
        let number = self.state.commits + 1;
        self.put_value(&Key::meta(COMMITS), &number)?;
        self.database.touch(self.writes.len());
        // For the tests: a disk that is full.
        fail::fail_point!("disk-full", |_| Err(sled::Error::Io(std::io::Error::from_raw_os_error(28)).into()));
        self.database.apply_batch(std::mem::take(&mut self.writes))?;
        self.state.commits = number;
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.database.db.flush()?;
        self.database.log.sync_data().map_err(StoreError::Files)?;
        self.state.head.note(self.state.commits)
    }
}
