//! The database: the synchronous core of the store. One thread owns it (`handle.rs`); tests and the command line use it directly.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use super::error::StoreError;
use super::files;
use super::head::Head;
use super::keys::RoomKeys;
use super::layout::{COMMITS, GENERATION, Key, SEQUENCE};
use super::library::Library;
use super::recorder::Recorder;
use super::schema::{self, StoreState};
use super::seal::{BlindedIds, Cipher};
use super::state::{SnapshotWalk, State};

/// sled's own default is 1 GiB; what is read here is small and read seldom, and memory belongs to the model.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// The database, open. Its functions block for the time of a disk write: the rest of the program uses [`super::Store`].
pub struct Database {
    pub(super) db: sled::Db,
    /// sled's log. On Linux sled's flush hands the bytes to the disk but neither a new length of the file nor the disk's own
    /// cache; syncing the file here does, so that a power cut takes nothing back.
    pub(super) log: File,
    pub(super) blinded_ids: BlindedIds,
    /// For what belongs to no room: the cursor, the counters, the dedup records.
    pub(super) cipher: Cipher,
    /// A transaction borrows it as a whole, so that there is one at a time.
    pub(super) state: RefCell<State>,
    /// Backups under way: what they have not read yet is kept for them when it is written over.
    pub(super) snapshots: RefCell<Vec<SnapshotWalk>>,
    /// How many records a rotation seals anew at a stretch, where a test wants fewer than usual.
    #[cfg(test)]
    pub(super) rotation_records: Cell<Option<usize>>,
    /// Whether rotations are left to whoever calls [`Database::rotation_slice`], instead of being made before a commit returns.
    pub(super) defers_rotations: Cell<bool>,
    /// How many records were read or written, for tests that hold the work of an operation to what it is about.
    #[cfg(test)]
    pub(super) touched: Cell<usize>,
    /// The most of them in one transaction: what others wait for.
    #[cfg(test)]
    pub(super) longest: Cell<usize>,
    /// Dropped last: the folder is free only when the database is closed.
    _lock: File,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Database")
    }
}

impl Database {
    /// Opens the store of a data folder, or makes it there. In `folder` it owns `store/`, `store.key`,
    /// `store.lock`, `store.head` and `rooms.keys`; all but the lock belong together.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        files::make_folder(folder)?;
        let lock = files::lock(&folder.join("store.lock"))?;
        let path = folder.join("store");
        let exists = path.try_exists().map_err(files::at(&path))?;
        let master = super::keys::master(folder, exists)?;
        // Before the database: a database without it would be refused at the next start.
        let rooms = RoomKeys::open(folder, &master, exists)?;
        let (head, noted) = Head::open(folder, &master)?;
        if exists && noted.is_none() {
            tracing::warn!("store.head is not there: whether the store is whole cannot be known this time");
        }
        let db = database_in(&path)?;
        let log = File::open(path.join("db")).map_err(files::at(&path))?;
        let found = schema::check_version(&db)?;
        let database = Self {
            db,
            log,
            blinded_ids: BlindedIds::new(&master),
            cipher: Cipher::new(&master.derive("compagnon 2026-11 store: records of no room")),
            state: RefCell::new(State {
                rooms,
                sequence: 0,
                commits: 0,
                head,
                pending_rotations: BTreeSet::new(),
                rotation: None,
                library: Library::default(),
                recorder: Recorder::default(),
            }),
            snapshots: RefCell::default(),
            #[cfg(test)]
            rotation_records: Cell::new(None),
            defers_rotations: Cell::new(false),
            #[cfg(test)]
            touched: Cell::new(0),
            #[cfg(test)]
            longest: Cell::new(0),
            _lock: lock,
        };
        database.check(found, noted)?;
        database.migrate()?;
        database.read_library()?;
        database.sweep()?;
        database.sweep_files(None)?;
        database.sweep_documents()?;
        database.read_pending_rotations()?;
        database.finish_rotations()?;
        Ok(database)
    }

    /// Leaves rotations to [`Database::rotation_slice`] from here on.
    pub(super) fn defer_rotations(&self) {
        self.defers_rotations.set(true);
    }

    /// Counts records that were read or written.
    #[cfg(test)]
    pub(super) fn touch(&self, records: usize) {
        self.touched.set(self.touched.get() + records);
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self)] // As its twin for tests.
    pub(super) fn touch(&self, _records: usize) {}

    /// Holds the key file against the database, and picks the counter up where it was.
    fn check(&self, found: StoreState, noted: Option<u64>) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let generation = transaction.rooms().generation();
        if found == StoreState::Empty && generation > 0 {
            return Err(StoreError::Refused(
                "rooms.keys is there but the store is not: put it back from the backup, or remove rooms.keys to start from nothing.",
            ));
        }
        if transaction.get_value::<u64>(&Key::meta(GENERATION))?.is_some_and(|relied_on| relied_on > generation) {
            return Err(StoreError::Refused("rooms.keys is older than the store: put both back from the same backup."));
        }
        let commits = transaction.get_value(&Key::meta(COMMITS))?.unwrap_or(0);
        if noted.is_some_and(|noted| noted > commits) {
            return Err(StoreError::Refused(
                "The store has lost writes that it had acknowledged (the folder store is damaged, or older than store.head): restore a backup, or remove store.head to go on with what is left.",
            ));
        }
        let sequence = transaction.get_value(&Key::meta(SEQUENCE))?.unwrap_or(0);
        transaction.resume_at(sequence, commits);
        transaction.sync()
    }
}

/// Opens the sled database of a folder.
pub(super) fn database_in(folder: &Path) -> Result<sled::Db, StoreError> {
    files::wait_until_free(&folder.join("db"))?;
    // With the default umask sled's own would let others in.
    files::make_folder(folder)?;
    let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).mode(sled::Mode::LowSpace);
    // Every write here ends with its own flush.
    Ok(config.flush_every_ms(None).open()?)
}
