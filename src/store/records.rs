//! Where each record stands, and the one way to read and write them: a [`Session`].
//!
//! All records are in one sled tree, so that one batch can change any of them together. A key is the logical tree's letter, then
//! for what belongs to a room the room's name, then the rest. A room's record that does not open is moved behind
//! [`QUARANTINE`]: kept for whoever investigates, out of the way of the others.

use std::sync::{MutexGuard, PoisonError};

use ruma::{EventId, RoomId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sled::Batch;

use super::keys::RoomKeys;
use super::seal::{Cipher, Name};
use super::{Inner, Store, StoreError};

/// The letter before the key of a record that did not open.
const QUARANTINE: u8 = b'q';
/// The length of a room's name in a key.
const NAME_BYTES: usize = size_of::<Name>();

/// Where the next sync starts.
pub(super) const CURSOR: &[u8] = b"cursor";
/// The last number given to a record.
pub(super) const SEQUENCE: &[u8] = b"sequence";
/// The generation of `rooms.keys` that the records rely on.
pub(super) const GENERATION: &[u8] = b"generation";

/// A logical tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    /// The store's own few values.
    Meta,
    /// Questions not yet answered: room, event.
    Inbox,
    /// Answers not yet delivered: room, event of the question.
    Outbox,
    /// What was said: room, conversation, number.
    Turns,
    /// Events whose key has not come: room, event.
    Undecrypted,
    /// Questions that are over: event.
    Done,
    /// Messages the bot sent: event.
    Own,
    /// Rooms once seen encrypted: room.
    Encrypted,
}

/// The trees of what is sealed under a room's key and goes with it.
pub(super) const ROOM_TREES: [Tree; 4] = [Tree::Inbox, Tree::Outbox, Tree::Turns, Tree::Undecrypted];

impl Tree {
    pub(super) fn letter(self) -> u8 {
        match self {
            Self::Meta => b'm',
            Self::Inbox => b'i',
            Self::Outbox => b'o',
            Self::Turns => b't',
            Self::Undecrypted => b'u',
            Self::Done => b'd',
            Self::Own => b'w',
            Self::Encrypted => b'e',
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Inbox => "inbox",
            Self::Outbox => "outbox",
            Self::Turns => "turns",
            Self::Undecrypted => "undecrypted",
            Self::Done => "done",
            Self::Own => "own",
            Self::Encrypted => "encrypted",
        }
    }
}

/// The place of one record, or the common beginning of the places of many.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) tree: Tree,
    pub(super) bytes: Vec<u8>,
}

impl Key {
    pub(super) fn new(tree: Tree, parts: &[&[u8]]) -> Self {
        Self { tree, bytes: [&[tree.letter()], parts.concat().as_slice()].concat() }
    }

    pub(super) fn meta(name: &[u8]) -> Self {
        Self::new(Tree::Meta, &[name])
    }

    /// The room whose key seals the record.
    fn room(&self) -> Option<Name> {
        let rest = &self.bytes[1..];
        ROOM_TREES.contains(&self.tree).then(|| rest.first_chunk().copied())?
    }

    fn quarantined(&self) -> Vec<u8> {
        [&[QUARANTINE], self.bytes.as_slice()].concat()
    }
}

/// The names of an event and its room: where everything about a question stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) room: Name,
    pub(super) event: Name,
}

impl Place {
    /// The record of this event in one of the trees of a room.
    pub(super) fn of(&self, tree: Tree) -> Key {
        Key::new(tree, &[&self.room, &self.event])
    }
}

/// What the lock guards.
pub(super) struct State {
    pub(super) rooms: RoomKeys,
    /// The last number given out. Numbers only grow, across restarts.
    pub(super) sequence: u64,
}

/// Exclusive use of the store: reads see what was committed; writes gather and take effect together at [`Session::commit`].
pub(super) struct Session<'a> {
    inner: &'a Inner,
    state: MutexGuard<'a, State>,
    batch: Batch,
    /// Rooms whose keys go once the batch is written.
    doomed: Vec<Name>,
}

impl Store {
    pub(super) fn session(&self) -> Session<'_> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        Session { inner: &self.0, state, batch: Batch::default(), doomed: Vec::new() }
    }

    pub(super) fn place(&self, room: &RoomId, event: &EventId) -> Place {
        Place { room: self.0.names.room(room), event: self.0.names.event(event) }
    }

    pub(super) fn mark(&self, tree: Tree, event: &EventId) -> Key {
        Key::new(tree, &[&self.0.names.event(event)])
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

impl Session<'_> {
    pub(super) fn rooms(&self) -> &RoomKeys {
        &self.state.rooms
    }

    pub(super) fn resume_at(&mut self, sequence: u64) {
        self.state.sequence = sequence;
    }

    /// A number greater than all before it.
    pub(super) fn next(&mut self) -> Result<u64, StoreError> {
        self.state.sequence += 1;
        let sequence = self.state.sequence;
        self.put(&Key::meta(SEQUENCE), &sequence)?;
        Ok(sequence)
    }

    pub(super) fn contains(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.inner.db.contains_key(&key.bytes)?)
    }

    /// Whether a record of this place was set aside.
    pub(super) fn set_aside(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.inner.db.contains_key(key.quarantined())?)
    }

    /// Whether any record stands under this beginning.
    pub(super) fn any(&self, prefix: &Key) -> Result<bool, StoreError> {
        Ok(self.inner.db.scan_prefix(&prefix.bytes).next().transpose()?.is_some())
    }

    /// One record. A room without a key has none, whatever bytes are left of it.
    pub(super) fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let Some(sealed) = self.inner.db.get(&key.bytes)? else { return Ok(None) };
        match self.open(key, &sealed) {
            Err(damaged @ StoreError::Damaged { .. }) => {
                self.set_record_aside(key, &sealed)?;
                Err(damaged)
            }
            other => other,
        }
    }

    /// All records under a beginning, in the order of their keys. Those that do not open are set aside and left out.
    pub(super) fn scan<T: DeserializeOwned>(&self, prefix: &Key) -> Result<Vec<(Key, T)>, StoreError> {
        let mut found = Vec::new();
        for record in self.inner.db.scan_prefix(&prefix.bytes) {
            let (bytes, sealed) = record?;
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

    /// The keys under a beginning, and the beginning's set-aside ones, as they stand in the database.
    pub(super) fn raw_keys(&self, prefix: &Key) -> Result<Vec<sled::IVec>, StoreError> {
        let aside = self.inner.db.scan_prefix(prefix.quarantined()).keys();
        Ok(self.inner.db.scan_prefix(&prefix.bytes).keys().chain(aside).collect::<Result<_, _>>()?)
    }

    fn open<T: DeserializeOwned>(&self, key: &Key, sealed: &[u8]) -> Result<Option<T>, StoreError> {
        let name = key.tree.name();
        let plain = match key.room() {
            None => self.inner.cipher.open(name, &key.bytes, sealed),
            Some(room) => match self.state.rooms.cipher(&room) {
                Some(cipher) => cipher.open(name, &key.bytes, sealed),
                None => return Ok(None),
            },
        };
        let damaged = StoreError::Damaged { tree: name };
        serde_json::from_slice(&plain.ok_or(damaged)?).map(Some).map_err(|_| StoreError::Damaged { tree: name })
    }

    /// Moves a room's record that does not open out of the way. Other records stay: a mark counts even when its time is lost.
    fn set_record_aside(&self, key: &Key, sealed: &sled::IVec) -> Result<(), StoreError> {
        tracing::error!(tree = key.tree.name(), "a record of the store does not open; it is kept aside");
        if key.room().is_some() {
            let mut batch = Batch::default();
            batch.insert(key.quarantined(), sealed);
            batch.remove(key.bytes.as_slice());
            self.inner.db.apply_batch(batch)?;
        }
        Ok(())
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
        self.batch.insert(key.bytes.as_slice(), sealed);
        Ok(())
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.remove_raw(&key.bytes);
    }

    pub(super) fn remove_raw(&mut self, key: &[u8]) {
        self.batch.remove(key);
    }

    /// Destroys a room's key, once the records are removed.
    pub(super) fn doom(&mut self, room: Name) {
        self.doomed.push(room);
    }

    /// Writes everything, and returns once it would survive a kill or a power cut.
    ///
    /// New room keys come first and destroyed ones go last: whatever the moment of a kill, no record is without its key, and a key
    /// without records is destroyed at the next start.
    pub(super) fn commit(mut self) -> Result<(), StoreError> {
        if self.state.rooms.save()? {
            let generation = self.state.rooms.generation();
            self.put(&Key::meta(GENERATION), &generation)?;
        }
        self.inner.db.apply_batch(std::mem::take(&mut self.batch))?;
        self.inner.db.flush()?;
        self.inner.log.sync_data().map_err(StoreError::Files)?;
        self.state.rooms.destroy(&self.doomed)
    }

    /// The rooms that have records, set-aside ones included. Jumps from room to room, without reading what is between.
    pub(super) fn rooms_with_records(&self) -> Result<Vec<Name>, StoreError> {
        let mut rooms = Vec::new();
        for tree in ROOM_TREES {
            for base in [vec![tree.letter()], vec![QUARANTINE, tree.letter()]] {
                let mut from = base.clone();
                while let Some(record) = self.inner.db.range(from.as_slice()..).next() {
                    let (key, _) = record?;
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
