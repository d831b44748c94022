//! Records of a room: where they stand, how they are sealed, and what becomes of one that does not open.

use ruma::{EventId, RoomId};
use serde::{Serialize, de::DeserializeOwned};
use sled::Batch;

use super::{GENERATION, Store, StoreError, seal::Name};

/// A kind of record that belongs to a room.
#[derive(Clone, Copy)]
pub(super) struct Tree {
    /// The first byte of its keys.
    pub(super) prefix: u8,
    /// Its name, bound into every seal.
    pub(super) name: &'static str,
}

pub(super) const INBOX: Tree = Tree { prefix: b'i', name: "inbox" };
pub(super) const OUTBOX: Tree = Tree { prefix: b'o', name: "outbox" };
pub(super) const TURNS: Tree = Tree { prefix: b't', name: "turns" };
pub(super) const UNDECRYPTED: Tree = Tree { prefix: b'u', name: "undecrypted" };
const ALL: [Tree; 4] = [INBOX, OUTBOX, TURNS, UNDECRYPTED];

const QUARANTINE: u8 = b'q';
const ROOM: std::ops::Range<usize> = 1..17;

impl Store {
    /// The key of a record that stands under its event.
    pub(super) fn event_key(&self, tree: Tree, room_id: &RoomId, event_id: &EventId) -> Vec<u8> {
        [&[tree.prefix], &self.inner.names.room(room_id)[..], &self.inner.names.event(event_id)[..]].concat()
    }

    /// Adds a sealed record to a batch. The room's key must be saved before the batch is applied: [`Store::apply`] does both.
    pub(super) fn put<T: Serialize>(
        &self,
        batch: &mut Batch,
        tree: Tree,
        key: &[u8],
        value: &T,
    ) -> Result<(), StoreError> {
        let plain =
            zeroize::Zeroizing::new(serde_json::to_vec(value).map_err(|_| StoreError::Damaged { tree: tree.name })?);
        let room = room_of(key).ok_or(StoreError::Damaged { tree: tree.name })?;
        let cipher = self.keys().cipher_or_new(room);
        let sealed = cipher.seal(tree.name, key, &plain).ok_or(StoreError::Damaged { tree: tree.name })?;
        batch.insert(key, sealed);
        Ok(())
    }

    /// Applies a batch and flushes; the keys of new rooms are on disk before the first record that needs them.
    pub(super) fn apply(&self, mut batch: Batch) -> Result<(), StoreError> {
        {
            let mut keys = self.keys();
            if keys.save()? {
                batch.insert(GENERATION, &keys.generation().to_be_bytes());
            }
        }
        self.inner.db.apply_batch(batch)?;
        self.flush()
    }

    /// The record at `key`, if there is one.
    pub(super) fn get<T: DeserializeOwned>(&self, tree: Tree, key: &[u8]) -> Result<Option<T>, StoreError> {
        match self.inner.db.get(key)? {
            None => Ok(None),
            Some(sealed) => {
                self.open_record(tree, key, &sealed).map(Some).ok_or(StoreError::Damaged { tree: tree.name })
            }
        }
    }

    /// All records under `prefix`. Those that do not open are put aside, and said so: they are no reason to lose the others.
    pub(super) fn scan<T: DeserializeOwned>(&self, tree: Tree, prefix: &[u8]) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        for entry in self.inner.db.scan_prefix(prefix) {
            let (key, sealed) = entry?;
            match self.open_record(tree, &key, &sealed) {
                Some(value) => found.push(value),
                None => self.quarantine(tree, &key, &sealed)?,
            }
        }
        Ok(found)
    }

    fn open_record<T: DeserializeOwned>(&self, tree: Tree, key: &[u8], sealed: &[u8]) -> Option<T> {
        let cipher = self.keys().cipher(&room_of(key)?)?;
        let plain = cipher.open(tree.name, key, sealed)?;
        serde_json::from_slice(&plain).ok()
    }

    fn quarantine(&self, tree: Tree, key: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
        tracing::error!(tree = tree.name, "a record does not open and is put aside; the disk may be failing");
        let mut batch = Batch::default();
        batch.insert([&[QUARANTINE], key].concat(), sealed);
        batch.remove(key);
        self.inner.db.apply_batch(batch)?;
        self.flush()
    }

    /// Removes every record of a room, those in quarantine too.
    pub(super) fn remove_records(&self, room: &Name) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for tree in ALL {
            for prefix in [[&[tree.prefix], &room[..]].concat(), [&[QUARANTINE, tree.prefix], &room[..]].concat()] {
                for key in self.inner.db.scan_prefix(prefix).keys() {
                    batch.remove(key?);
                }
            }
        }
        self.inner.db.apply_batch(batch)?;
        Ok(())
    }

    /// Removes the records of rooms whose key is gone: a kill may come between the key's destruction and theirs.
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        let known: std::collections::HashSet<Name> = self.keys().rooms().copied().collect();
        let mut orphans = std::collections::HashSet::new();
        for tree in ALL {
            for key in self.inner.db.scan_prefix([tree.prefix]).keys() {
                orphans.extend(room_of(&key?).filter(|room| !known.contains(room)));
            }
        }
        for room in &orphans {
            self.remove_records(room)?;
        }
        if orphans.is_empty() { Ok(()) } else { self.flush() }
    }
}

fn room_of(key: &[u8]) -> Option<Name> {
    key.get(ROOM)?.try_into().ok()
}
