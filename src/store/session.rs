//! The one way to read and write records: a [`Session`], which has the store to itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{MutexGuard, PoisonError};

use ruma::{EventId, RoomId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sled::{Batch, IVec};

use super::head::Head;
use super::keys::RoomKeys;
use super::records::{COMMITS, GENERATION, Key, Place, QUARANTINE, ROOM_TREES, SEQUENCE, Tree};
use super::seal::{Cipher, Name, Names};
use super::{Database, Inner, StoreError};

/// The length of a room's name in a key.
const NAME_BYTES: usize = size_of::<Name>();

/// What the lock guards.
pub(super) struct State {
    pub(super) rooms: RoomKeys,
    /// The last number given out. Numbers only grow, across restarts.
    pub(super) sequence: u64,
    /// The number of the last batch, and where it is noted once that is on disk.
    pub(super) commits: u64,
    pub(super) head: Head,
    /// Rooms whose keys are still to be replaced, as written in the database.
    pub(super) wishes: BTreeSet<Name>,
}

/// Records of a tree, and the key to go on from: `None` at the end.
pub(super) type Page<T> = (Vec<(Key, T)>, Option<Vec<u8>>);

/// Exclusive use of the store: reads see what was committed and what this session has written; its writes take effect together at
/// [`Session::commit`].
pub(super) struct Session<'a> {
    pub(super) inner: &'a Inner,
    pub(super) state: MutexGuard<'a, State>,
    /// What is written, `None` for what is removed.
    writes: BTreeMap<IVec, Option<IVec>>,
    /// Rooms whose keys go once the writes are made.
    doomed: Vec<Name>,
    /// Rooms whose keys are replaced once the writes are made.
    wished: BTreeSet<Name>,
    /// [`Inner::touched`] when it began.
    #[cfg(test)]
    begun: usize,
}

#[cfg(test)]
impl Drop for Session<'_> {
    fn drop(&mut self) {
        use std::sync::atomic::Ordering::Relaxed;
        self.inner.longest.fetch_max(self.inner.touched.load(Relaxed) - self.begun, Relaxed);
    }
}

impl Database {
    pub(super) fn session(&self) -> Session<'_> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        Session {
            inner: &self.0,
            state,
            writes: BTreeMap::new(),
            doomed: Vec::new(),
            wished: BTreeSet::new(),
            #[cfg(test)]
            begun: self.0.touched.load(std::sync::atomic::Ordering::Relaxed),
        }
    }

    pub(super) fn place(&self, room: &RoomId, event: &EventId) -> Place {
        Place::new(&self.0.names, room, event)
    }

    pub(super) fn mark(&self, tree: Tree, event: &EventId) -> Key {
        self.0.names.mark(tree, event)
    }

    /// How many records were set aside because they did not open.
    pub fn damaged(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        for record in self.0.db.scan_prefix([QUARANTINE]) {
            record?;
            count += 1;
        }
        Ok(count)
    }
}

/// Reading.
impl Session<'_> {
    pub(super) fn rooms(&self) -> &RoomKeys {
        &self.state.rooms
    }

    pub(super) fn names(&self) -> &Names {
        &self.inner.names
    }

    fn raw(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        self.inner.touch(1);
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => Ok(self.inner.db.get(key)?),
        }
    }

    /// The records under a beginning, sealed.
    fn all_raw(&self, beginning: &[u8]) -> Result<BTreeMap<IVec, IVec>, StoreError> {
        let mut records: BTreeMap<IVec, IVec> = self.inner.db.scan_prefix(beginning).collect::<Result<_, _>>()?;
        self.inner.touch(records.len());
        let from = (Bound::Included(beginning), Bound::Unbounded);
        for (key, written) in self.writes.range::<[u8], _>(from).take_while(|(key, _)| key.starts_with(beginning)) {
            match written {
                Some(sealed) => records.insert(key.clone(), sealed.clone()),
                None => records.remove(key),
            };
        }
        Ok(records)
    }

    pub(super) fn contains(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.raw(&key.bytes)?.is_some())
    }

    /// Whether a record of this place was set aside.
    pub(super) fn set_aside(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.raw(&key.quarantined())?.is_some())
    }

    /// Whether any record was committed under this beginning.
    pub(super) fn any(&self, prefix: &Key) -> Result<bool, StoreError> {
        Ok(self.inner.db.scan_prefix(&prefix.bytes).next().transpose()?.is_some())
    }

    /// One record. A room without a key has none, whatever bytes are left of it.
    pub(super) fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let Some(sealed) = self.raw(&key.bytes)? else { return Ok(None) };
        match self.open(key, &sealed) {
            Err(damaged @ StoreError::Damaged { .. }) => {
                self.set_record_aside(key, &sealed)?;
                Err(damaged)
            }
            other => other,
        }
    }

    /// One record; one that does not open counts as none, and is set aside if it is a room's. For where nobody could do better, and the
    /// rest has to go on.
    pub(super) fn look<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        match self.get(key) {
            Err(StoreError::Damaged { .. }) => Ok(None),
            other => other,
        }
    }

    /// All records under a beginning, in the order of their keys. Those that do not open are set aside and left out.
    pub(super) fn scan<T: DeserializeOwned>(&self, prefix: &Key) -> Result<Vec<(Key, T)>, StoreError> {
        let mut found = Vec::new();
        for (bytes, sealed) in self.all_raw(&prefix.bytes)? {
            let key = Key { tree: prefix.tree, bytes: bytes.to_vec() };
            match self.open(&key, &sealed) {
                Ok(Some(value)) => found.push((key, value)),
                Ok(None) => {}
                Err(StoreError::Damaged { .. }) => self.set_record_aside(&key, &sealed)?,
                Err(other) => return Err(other),
            }
        }
        Ok(found)
    }

    /// The committed records of a tree from the last key backwards, read only as far as they are asked for.
    pub(super) fn newest<T: DeserializeOwned>(&self, tree: Tree, limit: usize) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        for record in self.inner.db.scan_prefix([tree.letter()]).rev() {
            if found.len() == limit {
                break;
            }
            let (bytes, sealed) = record?;
            self.inner.touch(1);
            let key = Key { tree, bytes: bytes.to_vec() };
            match self.open(&key, &sealed) {
                Ok(value) => found.extend(value),
                Err(StoreError::Damaged { .. }) => self.set_record_aside(&key, &sealed)?,
                Err(other) => return Err(other),
            }
        }
        Ok(found)
    }

    /// At most `limit` committed records of a tree from a key on.
    pub(super) fn page<T: DeserializeOwned>(
        &self,
        tree: Tree,
        from: &[u8],
        limit: usize,
    ) -> Result<Page<T>, StoreError> {
        let mut found = Vec::new();
        for (count, record) in self.inner.db.range(from..).enumerate() {
            let (bytes, sealed) = record?;
            if bytes.first() != Some(&tree.letter()) {
                break;
            }
            if count == limit {
                return Ok((found, Some(bytes.to_vec())));
            }
            self.inner.touch(1);
            let key = Key { tree, bytes: bytes.to_vec() };
            match self.open(&key, &sealed) {
                Ok(value) => found.extend(value.map(|value| (key, value))),
                Err(StoreError::Damaged { .. }) => self.set_record_aside(&key, &sealed)?,
                Err(other) => return Err(other),
            }
        }
        Ok((found, None))
    }

    /// The newest `limit` committed records under a beginning, the oldest of them first.
    pub(super) fn last<T: DeserializeOwned>(&self, prefix: &Key, limit: usize) -> Result<Vec<(Key, T)>, StoreError> {
        let mut found = Vec::new();
        for record in self.inner.db.scan_prefix(&prefix.bytes).rev().take(limit) {
            let (bytes, sealed) = record?;
            self.inner.touch(1);
            let key = Key { tree: prefix.tree, bytes: bytes.to_vec() };
            match self.open(&key, &sealed) {
                Ok(value) => found.extend(value.map(|value| (key, value))),
                Err(StoreError::Damaged { .. }) => self.set_record_aside(&key, &sealed)?,
                Err(other) => return Err(other),
            }
        }
        found.reverse();
        Ok(found)
    }

    /// The keys under a beginning, and the beginning's set-aside ones, as they stand in the database.
    pub(super) fn raw_keys(&self, prefix: &Key) -> Result<Vec<IVec>, StoreError> {
        let aside = self.all_raw(&prefix.quarantined())?;
        Ok(self.all_raw(&prefix.bytes)?.into_keys().chain(aside.into_keys()).collect())
    }

    fn open<T: DeserializeOwned>(&self, key: &Key, sealed: &[u8]) -> Result<Option<T>, StoreError> {
        let name = key.tree.name();
        let plain = match key.room() {
            None => self.inner.cipher.open(name, &key.bytes, sealed),
            Some(room) => match self.state.rooms.cipher(&room) {
                // The room's previous key counts as long as it is there: its records are on their way to the current one.
                Some(cipher) => cipher
                    .open(name, &key.bytes, sealed)
                    .or_else(|| self.state.rooms.previous(&room)?.open(name, &key.bytes, sealed)),
                None => return Ok(None),
            },
        };
        let damaged = StoreError::Damaged { tree: name };
        serde_json::from_slice(&plain.ok_or(damaged)?).map(Some).map_err(|_| StoreError::Damaged { tree: name })
    }

    /// Moves a room's record that does not open out of the way. Other records stay: a mark counts even when its time is lost.
    pub(super) fn set_record_aside(&self, key: &Key, sealed: &IVec) -> Result<(), StoreError> {
        tracing::error!(tree = key.tree.name(), "a record of the store does not open; it is kept aside");
        if key.room().is_some() {
            let mut batch = Batch::default();
            batch.insert(key.quarantined(), sealed);
            batch.remove(key.bytes.as_slice());
            self.inner.db.apply_batch(batch)?;
        }
        Ok(())
    }

    /// The rooms that have committed records, set-aside ones included. Jumps from room to room, without reading what is between.
    pub(super) fn rooms_with_records(&self) -> Result<Vec<Name>, StoreError> {
        let mut rooms = Vec::new();
        for tree in ROOM_TREES {
            for base in [vec![tree.letter()], vec![QUARANTINE, tree.letter()]] {
                let mut from = base.clone();
                while let Some(record) = self.inner.db.range(from.as_slice()..).next() {
                    let (key, _) = record?;
                    self.inner.touch(1);
                    let Some(rest) = key.strip_prefix(base.as_slice()) else { break };
                    let Some(room) = rest.first_chunk::<NAME_BYTES>() else { break };
                    rooms.push(*room);
                    // Past every key of this room: what follows the name is shorter than this.
                    from = [base.as_slice(), room, &[0xff; 32]].concat();
                }
            }
        }
        rooms.sort_unstable();
        rooms.dedup();
        Ok(rooms)
    }
}

/// Writing.
impl Session<'_> {
    pub(super) fn resume_at(&mut self, sequence: u64, commits: u64) {
        self.state.sequence = sequence;
        self.state.commits = commits;
    }

    /// A number greater than all before it.
    pub(super) fn next(&mut self) -> Result<u64, StoreError> {
        self.state.sequence += 1;
        let sequence = self.state.sequence;
        self.put(&Key::meta(SEQUENCE), &sequence)?;
        Ok(sequence)
    }

    /// Seals and writes a record; a room without a key is given one.
    pub(super) fn put<T: Serialize>(&mut self, key: &Key, value: &T) -> Result<(), StoreError> {
        let name = key.tree.name();
        let damaged = || StoreError::Damaged { tree: name };
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(value).map_err(|_| damaged())?);
        let of_room: Cipher;
        let cipher = match key.room() {
            None => &self.inner.cipher,
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
    pub(super) fn doom(&mut self, room: Name) {
        self.wished.remove(&room);
        self.remove(&Key::rotation(room));
        self.doomed.push(room);
    }

    /// Replaces a room's key, once the records are removed that nobody shall open again: see `rotate.rs`.
    pub(super) fn rotate(&mut self, room: Name) -> Result<(), StoreError> {
        if self.wished.insert(room) {
            self.put(&Key::rotation(room), &())?;
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
        let wished = std::mem::take(&mut self.wished);
        self.state.wishes.extend(wished);
        for room in &self.doomed {
            self.state.wishes.remove(room);
        }
        self.state.rooms.destroy(&self.doomed)?;
        self.rotate_all()
    }

    /// Has the keys written before anything that is sealed under them.
    pub(super) fn save_keys(&mut self) -> Result<(), StoreError> {
        if self.state.rooms.save()? {
            let generation = self.state.rooms.generation();
            self.put(&Key::meta(GENERATION), &generation)?;
        }
        Ok(())
    }

    /// Hands what was written to the database, all or none.
    pub(super) fn write(&mut self) -> Result<(), StoreError> {
        if self.writes.is_empty() {
            return Ok(());
        }
        let number = self.state.commits + 1;
        self.put(&Key::meta(COMMITS), &number)?;
        self.inner.touch(self.writes.len());
        let mut batch = Batch::default();
        for (key, written) in std::mem::take(&mut self.writes) {
            match written {
                Some(sealed) => batch.insert(key, sealed),
                None => batch.remove(key),
            }
        }
        // For the tests: a disk that is full.
        fail::fail_point!("disk-full", |_| Err(sled::Error::Io(std::io::Error::from_raw_os_error(28)).into()));
        self.inner.db.apply_batch(batch)?;
        self.state.commits = number;
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.inner.db.flush()?;
        self.inner.log.sync_data().map_err(StoreError::Files)?;
        self.state.head.note(self.state.commits)
    }
}
