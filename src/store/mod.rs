//! The only place that knows sled: questions, answers under way and conversations, sealed on disk and flushed before anything is acknowledged.
//!
//! Everything is in one sled tree, so that one batch is one atomic change. Keys are `kind ‖ room ‖ …`, where names are keyed hashes; values
//! are sealed with the key of their room, which stands in a file of its own ([`keys`]) so that destroying it is forgetting the room.
//!
//! | kind | key after it | value |
//! |---|---|---|
//! | `i` inbox | room, event | a question accepted and not answered |
//! | `o` outbox | room, event | an answer stored and not wholly delivered |
//! | `t` turns | room, conversation, sequence, time | one turn |
//! | `u` undecrypted | room, event | an event whose key has not arrived |
//! | `d` done | event | when the question was done with |
//! | `s` sent | event | when the bot sent it |
//! | `m` meta | a word | sync cursor (sealed), schema, generation of the key file |
//! | `q` quarantine | the record's former key | a record that did not open |

mod files;
mod inbox;
mod keys;
mod late;
mod outbox;
mod records;
mod schema;
mod seal;
#[cfg(test)]
mod tests;
mod turns;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use serde::{Deserialize, Serialize};
use sled::Db;

use crate::{
    conversation::Turn,
    message::{Incoming, Kind, Undecrypted},
};
use keys::RoomKeys;
use seal::{Cipher, Names};

/// sled's cache: the working set is small, and an idle bot should be too.
const CACHE_BYTES: u64 = 8 << 20;

/// Where the generation of the key file stands that the records rely on.
const GENERATION: &[u8] = b"mgeneration";

/// The store, open. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    /// sled's log. On Linux, sled's flush hands the bytes to the disk but syncs neither the file's new length nor the disk's own cache;
    /// syncing the file does, so that a power cut takes nothing back.
    log: std::fs::File,
    keys: Mutex<RoomKeys>,
    names: Names,
    /// Seals what belongs to no room.
    own: Cipher,
    /// Held until the end: sled's own lock does not say who is in the way.
    _lock: std::fs::File,
}

/// Why the store did not do what it was asked. No variant holds content.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the store failed: {0}")]
    Database(#[from] sled::Error),
    /// A file beside the database failed.
    #[error("a file of the store failed: {0}")]
    Files(std::io::Error),
    /// Another process has it open.
    #[error("the store is in use by another process; stop it first")]
    InUse,
    /// What is there cannot be used; the sentence says what to do.
    #[error("{0}")]
    Refused(&'static str),
    /// A record does not open: it was changed or moved.
    #[error("a record of the tree `{tree}` is damaged; put the data folder back from a backup")]
    Damaged {
        /// The logical tree.
        tree: &'static str,
    },
    /// A newer program wrote it.
    #[error(
        "the store has version {stored}, this program knows version {current}: run the program that wrote it, or a newer one"
    )]
    Newer {
        /// The version on disk.
        stored: u32,
        /// The newest version this program knows.
        current: u32,
    },
}

/// What one sync response brought, to be written in one change.
#[derive(Debug)]
pub struct Accept<'a> {
    /// The token of the next sync; `None` for events that arrive outside of one.
    pub next_batch: Option<&'a str>,
    /// Messages for the bot.
    pub questions: &'a [Incoming],
    /// Events whose key has not arrived.
    pub undecrypted: &'a [Undecrypted],
    /// Rooms to forget.
    pub left: &'a [OwnedRoomId],
}

/// A question accepted and not answered yet.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Queued {
    /// Its place in the order of arrival.
    pub sequence: u64,
    /// The question.
    pub question: Incoming,
    /// When it was accepted, in milliseconds since the epoch, by our clock.
    pub received_at: u64,
    /// How many times answering was begun.
    pub attempts: u32,
    /// The message that shows the answer so far.
    pub draft: Option<OwnedEventId>,
}

/// An answer, complete.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Answer {
    /// Whether the model wrote it or it is a sentence of the bot's own.
    pub kind: Kind,
    /// Its parts, in markdown.
    pub parts: Vec<String>,
    /// The message that shows it so far, to be edited into the first part.
    pub draft: Option<OwnedEventId>,
}

impl std::fmt::Debug for Answer {
    /// Leaves the text out: what the model writes never reaches a log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Answer")
            .field("kind", &self.kind)
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

/// An answer on its way.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the order of conclusion.
    pub sequence: u64,
    /// The question.
    pub question: Incoming,
    /// The answer.
    pub answer: Answer,
    /// The messages of the parts that the homeserver has acknowledged.
    pub sent: Vec<OwnedEventId>,
}

/// An answer and what it adds to its conversation, to be written in one change.
#[derive(Debug)]
pub struct Conclusion<'a> {
    /// The question.
    pub question: &'a Incoming,
    /// The turns to add; none for a sentence of the bot's own.
    pub turns: Vec<Turn>,
    /// The answer.
    pub answer: Answer,
}

impl Store {
    /// Opens the store in the data folder, or makes one where there is none.
    pub fn open(data: &Path) -> Result<Self, StoreError> {
        files::make_folder(data)?;
        let lock = files::lock(&data.join("store.lock"))?;
        let folder = data.join("store");
        let existed = folder.exists();
        let master = keys::master(data, existed)?;
        let db = sled::Config::new().path(&folder).cache_capacity(CACHE_BYTES).flush_every_ms(None).open()?;
        let log = std::fs::File::open(folder.join("db")).map_err(StoreError::Files)?;
        let found = schema::migrate(&db, schema::MIGRATIONS)?;
        let keys = RoomKeys::open(data, &master, found == schema::Found::Store)?;
        let relied_on = db.get(GENERATION)?.map_or(0, |bytes| number(&bytes));
        if keys.generation() < relied_on {
            return Err(StoreError::Refused("rooms.keys is older than the store: put both back from the same backup."));
        }
        let own = Cipher::new(&seal::derived_key("compagnon 2026-11 store: values of no room", &master));
        let inner = Inner { db, log, keys: Mutex::new(keys), names: Names::new(&master), own, _lock: lock };
        let store = Self { inner: Arc::new(inner) };
        store.sweep()?;
        Ok(store)
    }

    fn keys(&self) -> MutexGuard<'_, RoomKeys> {
        self.inner.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a room: its key is destroyed, then its records are removed.
    pub fn forget_room(&self, room_id: &RoomId) -> Result<(), StoreError> {
        let room = self.inner.names.room(room_id);
        {
            let mut keys = self.keys();
            keys.destroy(&[room])?;
            self.inner.db.insert(GENERATION, &keys.generation().to_be_bytes())?;
        }
        self.remove_records(&room)?;
        self.flush()
    }

    /// Whether the bot sent this event.
    pub fn is_own(&self, event_id: &EventId) -> Result<bool, StoreError> {
        Ok(self.inner.db.contains_key(self.mark(b's', event_id))?)
    }

    /// Removes marks older than `marks_ms` and turns older than `turns_ms`.
    pub fn purge(&self, now: u64, marks_ms: u64, turns_ms: u64) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for kind in [b"d", b"s"] {
            for entry in self.inner.db.scan_prefix(kind) {
                let (key, value) = entry?;
                if number(&value).saturating_add(marks_ms) < now {
                    batch.remove(key);
                }
            }
        }
        self.old_turns(now.saturating_sub(turns_ms), &mut batch)?;
        self.inner.db.apply_batch(batch)?;
        self.flush()
    }

    /// The key of a mark, which needs no room: an event's name alone.
    fn mark(&self, kind: u8, event_id: &EventId) -> Vec<u8> {
        [&[kind], &self.inner.names.event(event_id)[..]].concat()
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.inner.db.flush()?;
        self.inner.log.sync_data().map_err(StoreError::Files)
    }
}

/// A big-endian number as it stands in a key or a plain value; 0 for anything else.
fn number(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_be_bytes)
}
