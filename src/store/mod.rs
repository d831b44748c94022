//! What the bot remembers, on disk and sealed. The only place that knows sled.
//!
//! Every change is one atomic write followed by a flush: when a function here returns, what it did survives a kill. A record is
//! sealed for its place (`seal.rs`); identifiers stand on disk as keyed hashes only; what belongs to a room is sealed under the
//! room's own key, so that forgetting the room is destroying that key (`keys.rs`), and forgetting a part of it is replacing that
//! key (`rotate.rs`).
//!
//! All functions block for the time of a disk write, a few milliseconds. Times are milliseconds since the epoch, by our clock.

mod answered;
mod audit;
mod backup;
mod changes;
mod files;
mod forget;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod handle;
mod head;
mod inbox;
mod keys;
mod made;
mod outbox;
mod personal;
mod records;
mod rotate;
mod schema;
mod seal;
mod sealed_file;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod turns;
mod undecrypted;
mod withdraw;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use self::head::Head;
use self::keys::RoomKeys;
use self::records::{COMMITS, GENERATION, Key, SEQUENCE};
use self::schema::{Found, MIGRATIONS};
use self::seal::{Cipher, Names};
use self::session::State;

pub use self::audit::Entry;
pub use self::backup::{
    BackupError, BackupKey, Snapshot, backup_key, copy_store, seal_backup, seal_into, unseal_backup,
};
pub use self::changes::Change;
pub use self::forget::{Purged, Retention};
pub use self::handle::Store;
pub use self::inbox::{Accept, Accepted, Admitted, Edited, Queued, QueuedKind};
pub use self::outbox::{Answer, Conclusion, Delivery};
pub use self::personal::Personal;
pub use self::turns::MOST_TURNS;
pub use self::withdraw::Withdrawal;

/// sled's own default is 1 GiB; what is read here is small and read seldom, and memory belongs to the model.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// With less than this left on its disk, the store takes no new questions: what is under way needs the rest.
const ROOM_NEEDED: u64 = 64 * 1024 * 1024;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the folder.
    #[error("another compagnon is running on this data folder")]
    InUse,
    /// The files in the folder do not belong together, or are not safe: a sentence for the operator. Nothing was changed.
    #[error("{0}")]
    Refused(&'static str),
    /// A newer program wrote this store.
    #[error("the store is of version {stored} and this program knows only {current}: start the newer program")]
    Newer {
        /// The version found.
        stored: u32,
        /// The newest version this program knows.
        current: u32,
    },
    /// A record is not what was written: changed, moved, or sealed under another key.
    #[error("a record of the store does not open (in {tree})")]
    Damaged {
        /// The kind of record.
        tree: &'static str,
    },
    /// A file beside the database could not be read or written.
    #[error("the store's files: {0}")]
    Files(#[source] io::Error),
    /// The database could not read or write, for instance because the disk is full. Nothing was acknowledged.
    #[error("the store's database: {0}")]
    Database(#[from] sled::Error),
}

impl StoreError {
    /// Whether the disk or the database failed: what the store holds in memory may then be ahead of what was written, and only opening it
    /// anew goes on rightly.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Files(_) | Self::Database(_))
    }
}

/// The database, open. A clone is another handle on the same one. Its methods block for the time of a disk write: the rest of the
/// program uses [`Store`].
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    db: sled::Db,
    /// sled's log. On Linux sled's flush hands the bytes to the disk but neither a new length of the file nor the disk's own
    /// cache; syncing the file here does, so that a power cut takes nothing back.
    log: File,
    names: Names,
    /// For what belongs to no room: the cursor, the counters, the marks.
    cipher: Cipher,
    /// Whoever reads or writes holds it: one at a time, which is enough for a bot and leaves nothing to interleave.
    state: Mutex<State>,
    /// How many records were read or written, for tests that hold the work of an operation to what it is about.
    #[cfg(test)]
    touched: std::sync::atomic::AtomicUsize,
    /// The most of them while the store was held at a stretch.
    #[cfg(test)]
    longest: std::sync::atomic::AtomicUsize,
    /// Dropped last: the folder is free only when the database is closed.
    _lock: File,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Database")
    }
}

impl Inner {
    /// Counts records that were read or written.
    #[cfg(test)]
    fn touch(&self, records: usize) {
        self.touched.fetch_add(records, std::sync::atomic::Ordering::Relaxed);
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self)] // As its twin for tests.
    fn touch(&self, _records: usize) {}
}

impl Database {
    /// Opens the store of a data folder, or makes it there. In `folder` it owns `store/`, `store.key`,
    /// `store.lock`, `store.head` and `rooms.keys`; all but the lock belong together.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        files::make_folder(folder)?;
        let lock = files::lock(&folder.join("store.lock"))?;
        let database = folder.join("store");
        let exists = database.try_exists().map_err(files::at(&database))?;
        let master = keys::master(folder, exists)?;
        // Before the database: a database without it would be refused at the next start.
        let rooms = RoomKeys::open(folder, &master, exists)?;
        let (head, noted) = Head::open(folder, &master)?;
        if exists && noted.is_none() {
            tracing::warn!("store.head is not there: whether the store is whole cannot be known this time");
        }
        let db = database_in(&database)?;
        let log = File::open(database.join("db")).map_err(files::at(&database))?;
        let found = schema::migrate(&db, MIGRATIONS)?;
        let store = Self(Arc::new(Inner {
            db,
            log,
            names: Names::new(&master),
            cipher: Cipher::new(&master.derive("compagnon 2026-11 store: records of no room")),
            state: Mutex::new(State { rooms, sequence: 0, commits: 0, head, wishes: BTreeSet::new() }),
            #[cfg(test)]
            touched: std::sync::atomic::AtomicUsize::new(0),
            #[cfg(test)]
            longest: std::sync::atomic::AtomicUsize::new(0),
            _lock: lock,
        }));
        store.check(&found, noted)?;
        store.sweep()?;
        store.finish_rotations()?;
        Ok(store)
    }

    /// Whether there is room for new questions on the store's disk. Where the system does not say, there is.
    #[must_use]
    pub fn has_room(&self) -> bool {
        // For the tests: a disk that is almost full.
        fail::fail_point!("disk-low", |_| false);
        let session = self.session();
        files::free_bytes(session.rooms().folder()).map_or(true, |free| free >= ROOM_NEEDED)
    }

    /// Holds the key file against the database, and picks the counter up where it was.
    fn check(&self, found: &Found, noted: Option<u64>) -> Result<(), StoreError> {
        let mut session = self.session();
        let generation = session.rooms().generation();
        if *found == Found::Empty && generation > 0 {
            return Err(StoreError::Refused(
                "rooms.keys is there but the store is not: put it back from the backup, or remove rooms.keys to start from nothing.",
            ));
        }
        if session.get::<u64>(&Key::meta(GENERATION))?.is_some_and(|relied_on| relied_on > generation) {
            return Err(StoreError::Refused("rooms.keys is older than the store: put both back from the same backup."));
        }
        let commits = session.get(&Key::meta(COMMITS))?.unwrap_or(0);
        if noted.is_some_and(|noted| noted > commits) {
            return Err(StoreError::Refused(
                "The store has lost writes that it had acknowledged (the folder store is damaged, or older than store.head): restore a backup, or remove store.head to go on with what is left.",
            ));
        }
        let sequence = session.get(&Key::meta(SEQUENCE))?.unwrap_or(0);
        session.resume_at(sequence, commits);
        session.sync()
    }
}

fn database_in(folder: &Path) -> Result<sled::Db, StoreError> {
    files::wait_until_free(&folder.join("db"))?;
    // With the default umask sled's own would let others in.
    files::make_folder(folder)?;
    let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).mode(sled::Mode::LowSpace);
    // Every write here ends with its own flush.
    Ok(config.flush_every_ms(None).open()?)
}
