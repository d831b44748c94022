//! Backup and restore: the store as it is at one moment, in one sealed file.
//!
//! A backup is of the store as it was when it was begun: it is read and written in slices, and what others change meanwhile is kept as it was
//! (`snapshot.rs`). The records stay sealed. On its way it is a row of frames, each `kind (1 byte) ‖ lengths of name and content (4 bytes each, big endian) ‖ name ‖ content`,
//! the last of kind [`END`]; in the file the frames are sealed once more, because they hold the keys.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use sled::{Batch, IVec};
use tempfile::NamedTempFile;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::database::{Database, database_in};
use super::error::StoreError;
use super::files;
use super::handle::Store;
use super::head::HEAD_FILE;
use super::keys::{MASTER_FILE, ROOMS_FILE};
use super::layout::{Key, QUARANTINE, RESTORED, Tree};
use super::migrate::PROGRESS_KEY;
use super::schema::VERSION_KEY;
use super::seal::Key32;
use super::sealed_file::{SealReader, SealWriter};
use super::state::SnapshotToken;

/// A frame that is a file of the data folder.
const FILE: u8 = b'f';
/// A frame that is a record, sealed as it stands.
const RECORD: u8 = b'r';
/// The last frame.
const END: u8 = b'e';

/// The longest name or content of a frame: what is longer was never written by this program.
const LONGEST: usize = 1 << 30;
/// How many records are put in place at once.
const BATCH: usize = 1000;

/// Why a backup could not be made or put back; each is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file with the key of the backup cannot be used.
    #[error("the key file {file}: {reason}")]
    Key {
        /// Its path.
        file: String,
        /// Why.
        reason: String,
    },
    /// The file is none of ours, or was made by a program that writes another format.
    #[error("this is not a backup that this program can read")]
    Unknown,
    /// The key is another one, or the file is not what was written.
    #[error(
        "the backup does not open: the key is another one, or the file is damaged or cut short; nothing was put in place"
    )]
    Sealed,
    /// What came from the running bot ended before its end.
    #[error("the bot ended before the backup was complete: try again")]
    Cut,
    /// What was written, read again, is not what was to be written.
    #[error("{}: what was written does not read back: look at the disk, and make the backup again elsewhere", .0.display())]
    Unread(PathBuf),
    /// A file could not be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// What is to be backed up could not be read.
    #[error("the store was not given whole ({0}): try again")]
    Source(#[source] io::Error),
    /// A stream could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store could not be read, or what was put back does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Files of a data folder, by name.
type Files = [(&'static str, Zeroizing<Vec<u8>>)];

/// The store at one moment: its keys, and what its records are asked for with.
pub(super) struct Snapshot {
    files: Vec<(&'static str, Zeroizing<Vec<u8>>)>,
    token: SnapshotToken,
}

impl Store {
    /// Writes what is committed at this moment, with its keys, as a row of frames. `others` are files of the data folder that go with it. Returns
    /// how many records there are. It blocks; in memory is a slice of the records, and what is written over before it is read.
    pub fn write_snapshot(&self, runtime: &Handle, others: &Files, out: &mut impl Write) -> Result<usize, BackupError> {
        let Snapshot { files, token } = runtime.block_on(self.run(Database::start_snapshot))?;
        let slice = || {
            let token = token.clone();
            runtime.block_on(self.run(move |database| database.snapshot_slice(&token)))
        };
        frames(&[&files, others], slice, out)
    }
}

impl Database {
    /// As [`Store::write_snapshot`].
    pub fn write_snapshot(&self, others: &Files, out: &mut impl Write) -> Result<usize, BackupError> {
        let Snapshot { files, token } = self.start_snapshot()?;
        frames(&[&files, others], || self.snapshot_slice(&token), out)
    }

    /// The keys of this moment; its records are then given by [`Database::snapshot_slice`].
    fn start_snapshot(&self) -> Result<Snapshot, StoreError> {
        let transaction = self.transaction();
        let folder = transaction.rooms().folder();
        let mut kept = Vec::new();
        for name in [MASTER_FILE, ROOMS_FILE] {
            let path = folder.join(name);
            kept.push((name, Zeroizing::new(fs::read(&path).map_err(files::at(&path))?)));
        }
        Ok(Snapshot { files: kept, token: self.begin_snapshot() })
    }

    /// Until when another bot may have answered for this account, in milliseconds since the epoch: the one that this store is a copy
    /// of, or one that held the account before this.
    pub fn restored_at(&self) -> Result<Option<u64>, StoreError> {
        self.transaction().get_value(&Key::meta(RESTORED))
    }

    /// Notes that another bot may have answered until `at`; see [`Database::restored_at`].
    pub fn note_another_bot(&self, at: u64) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        if transaction.get_value::<u64>(&Key::meta(RESTORED))?.is_some_and(|known| known >= at) {
            return Ok(());
        }
        transaction.put_value(&Key::meta(RESTORED), &at)?;
        transaction.commit()
    }

    /// Opens each record, and returns how many there are. One that does not open is an error, unless it was set aside before.
    fn verify(&self) -> Result<usize, StoreError> {
        let transaction = self.transaction();
        let mut count = 0;
        for record in self.db.iter() {
            let (bytes, sealed) = record?;
            count += 1;
            let letter = bytes.first().copied().unwrap_or_default();
            if letter == QUARANTINE || [VERSION_KEY, PROGRESS_KEY].contains(&bytes.as_ref()) {
                continue;
            }
            match Tree::of(letter).ok_or(StoreError::Damaged { tree: "unknown" })? {
                Tree::Chunks => transaction.verify_chunk(&bytes, &sealed)?,
                Tree::Passages | Tree::Vectors => transaction.verify_document_chunk(&bytes, &sealed)?,
                Tree::Documents => transaction.verify_document(&bytes)?,
                tree => drop(transaction.get_value::<IgnoredAny>(&Key { tree, bytes: bytes.to_vec() })?),
            }
        }
        Ok(count)
    }
}

/// Writes a row of frames: files, then records in slices, of which the last one is empty. Returns how many records there are.
fn frames(
    files: &[&Files],
    mut slice: impl FnMut() -> Result<Vec<(IVec, IVec)>, StoreError>,
    out: &mut impl Write,
) -> Result<usize, BackupError> {
    for (name, content) in files.iter().copied().flatten() {
        frame(out, FILE, name.as_bytes(), content)?;
    }
    let mut records = 0;
    loop {
        let slice = slice()?;
        for (key, sealed) in &slice {
            frame(out, RECORD, key, sealed)?;
        }
        records += slice.len();
        if slice.is_empty() {
            break;
        }
    }
    frame(out, END, &[], &[])?;
    out.flush()?;
    Ok(records)
}

/// Reads the key of a backup; with `make` a new one is made where there is none. Returns whether it was made.
pub fn backup_key(path: &Path, make: bool) -> Result<(BackupKey, bool), BackupError> {
    let refused = |reason: String| BackupError::Key { file: path.display().to_string(), reason };
    let bytes = match fs::read(path).map(Zeroizing::new) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && make => {
            match make_key(path) {
                Ok(key) => return Ok((BackupKey(key), true)),
                // Another backup has made it meanwhile: that one is the key.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return backup_key(path, false),
                Err(error) => return Err(refused(error.to_string())),
            }
        }
        Err(error) => return Err(refused(error.to_string())),
    };
    if files::open_to_others(path)? {
        return Err(refused("other users can read it: restrict it to its owner (chmod 600)".to_owned()));
    }
    let key = Key32::read(&bytes).ok_or_else(|| refused("it does not hold the 32 bytes of a key".to_owned()))?;
    Ok((BackupKey(key), false))
}

fn make_key(path: &Path) -> io::Result<Key32> {
    let key = Key32::random();
    let folder = files::folder_of(path);
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(key.bytes())?;
    file.as_file().sync_all()?;
    put_in_place(file, path)?;
    File::open(folder)?.sync_all()?;
    Ok(key)
}

/// The key under which a backup is sealed.
pub struct BackupKey(pub(super) Key32);

impl std::fmt::Debug for BackupKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("BackupKey(***)")
    }
}

/// Copies the store of a data folder that nobody works on into `beside`, an empty private folder, to be opened there. Opening a store
/// writes, and the files so made would be this account's, in a folder that may be another's. The master key is not copied but linked
/// to: no part of the copy can be read without the original.
pub fn copy_store(folder: &Path, beside: &Path) -> Result<(), BackupError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| BackupError::File { path, error }
    };
    let master = folder.join(MASTER_FILE);
    let master = master.canonicalize().map_err(at(&master))?;
    symlink(&master, beside.join(MASTER_FILE)).map_err(at(beside))?;
    for name in [ROOMS_FILE, HEAD_FILE] {
        let (from, to) = (folder.join(name), beside.join(name));
        match fs::copy(&from, &to) {
            Ok(_) => {}
            // What is missing and should not is said by the opening.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&from)(error)),
        }
    }
    copy_folder(&folder.join("store"), &beside.join("store"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), BackupError> {
    let at = |path: &Path, error| BackupError::File { path: path.to_owned(), error };
    files::make_folder(to)?;
    for entry in fs::read_dir(from).map_err(|error| at(from, error))? {
        let entry = entry.map_err(|error| at(from, error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(|error| at(&source, error))?.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(|error| at(&source, error))?;
        }
    }
    Ok(())
}

/// Seals the frames that `from` brings into the new file `to`, whole or not at all, and reads it again. Returns how many records there
/// are.
pub fn seal_backup(from: impl Read, to: &Path, key: &BackupKey) -> Result<usize, BackupError> {
    let at = |error| BackupError::File { path: to.to_owned(), error };
    // Of a name of its own, so that two backups beside each other share nothing, and readable by its owner alone.
    let mut beside = NamedTempFile::new_in(files::folder_of(to)).map_err(at)?;
    let records = seal_into(from, BufWriter::new(beside.as_file()), key).map_err(|error| match error {
        BackupError::Io(error) => at(error),
        other => other,
    })?;
    beside.as_file().sync_all().map_err(at)?;
    beside.rewind().map_err(at)?;
    match count(BufReader::new(beside.as_file()), key) {
        Ok(read) if read == records => {}
        Err(BackupError::Io(error)) if error.kind() != io::ErrorKind::InvalidData => return Err(at(error)),
        _ => return Err(BackupError::Unread(to.to_owned())),
    }
    put_in_place(beside, to).map_err(at)?;
    File::open(files::folder_of(to)).and_then(|folder| folder.sync_all()).map_err(at)?;
    Ok(records)
}

/// As [`seal_backup`], into a stream; what has come of it cannot be read again here.
pub fn seal_into(mut from: impl Read, out: impl Write, key: &BackupKey) -> Result<usize, BackupError> {
    let mut out = SealWriter::new(out, &key.0)?;
    let mut records = 0;
    loop {
        let next = Frame::read(&mut from).map_err(|error| match error {
            BackupError::Io(error) => BackupError::Source(error),
            other => other,
        })?;
        let Frame { kind, name, content } = next.ok_or(BackupError::Cut)?;
        frame(&mut out, kind, &name, &content)?;
        records += usize::from(kind == RECORD);
        if kind == END {
            break;
        }
    }
    out.finish()?.flush()?;
    Ok(records)
}

/// Gives the file its name, unless another backup has come there meanwhile.
fn put_in_place(file: NamedTempFile, to: &Path) -> io::Result<()> {
    match file.persist_noclobber(to) {
        Ok(_) => Ok(()),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Err(refused.error),
        // Some file systems can neither rename to a free name only nor link: there the look before has to do.
        Err(_) if to.try_exists()? => Err(io::ErrorKind::AlreadyExists.into()),
        Err(refused) => refused.file.persist(to).map(drop).map_err(|refused| refused.error),
    }
}

/// How many records a sealed backup holds; each byte of it is read and verified.
fn count(from: impl Read, key: &BackupKey) -> Result<usize, BackupError> {
    let mut reader = SealReader::new(from, &key.0)?.ok_or(BackupError::Unknown)?;
    let mut records = 0;
    loop {
        let frame = Frame::read(&mut reader)?.ok_or(BackupError::Sealed)?;
        records += usize::from(frame.kind == RECORD);
        if frame.kind == END {
            break;
        }
    }
    if reader.read(&mut [0])? != 0 {
        return Err(BackupError::Unknown);
    }
    Ok(records)
}

/// Puts a backup into an empty folder, and opens each record of it. Of what came with the store, the files in `others` are put
/// there too; any other name is refused.
///
/// Returns how many records there are. On an error the folder holds an unusable part of the backup: remove it.
pub fn unseal_backup(
    from: impl Read,
    key: &BackupKey,
    folder: &Path,
    others: &[&str],
    now: u64,
) -> Result<usize, BackupError> {
    let mut reader = SealReader::new(BufReader::new(from), &key.0)?.ok_or(BackupError::Unknown)?;
    let sealed = |error: BackupError| match error {
        BackupError::Io(error) if error.kind() == io::ErrorKind::InvalidData => BackupError::Sealed,
        other => other,
    };
    put(&mut reader, folder, others).map_err(sealed)?;
    let store = Database::open(folder)?;
    let records = store.verify()?;
    store.note_another_bot(now)?;
    Ok(records)
}

/// Puts what a backup holds into a folder, as it was, without opening it.
pub(super) fn put(reader: &mut impl Read, folder: &Path, others: &[&str]) -> Result<(), BackupError> {
    let mut missing = BTreeSet::from([MASTER_FILE, ROOMS_FILE]);
    let path = folder.join("store");
    files::make_folder(&path)?;
    let db = database_in(&path)?;
    let mut batch = Batch::default();
    let mut waiting = 0;
    loop {
        let Frame { kind, name, content } = Frame::read(reader)?.ok_or(BackupError::Sealed)?;
        match kind {
            FILE => {
                let name = str::from_utf8(&name).map_err(|_| BackupError::Unknown)?;
                if !missing.remove(name) && !others.contains(&name) {
                    return Err(BackupError::Unknown);
                }
                files::replace(&folder.join(name), &content)?;
            }
            RECORD => {
                batch.insert(name.as_slice(), content.as_slice());
                waiting += 1;
            }
            END => break,
            _ => return Err(BackupError::Unknown),
        }
        if waiting == BATCH {
            db.apply_batch(std::mem::take(&mut batch)).map_err(StoreError::from)?;
            waiting = 0;
        }
    }
    // Whether the file goes on after its end is known only when one tries.
    if !missing.is_empty() || reader.read(&mut [0])? != 0 {
        return Err(BackupError::Unknown);
    }
    db.apply_batch(batch).map_err(StoreError::from)?;
    db.flush().map_err(StoreError::from)?;
    Ok(())
}

struct Frame {
    kind: u8,
    name: Vec<u8>,
    content: Zeroizing<Vec<u8>>,
}

impl Frame {
    /// The next frame; `None` where the row is cut short.
    fn read(from: &mut impl Read) -> Result<Option<Self>, BackupError> {
        let mut head = [0; 9];
        let mut take = |bytes: &mut [u8]| match from.read_exact(bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        };
        if !take(&mut head)? {
            return Ok(None);
        }
        let length = |at: usize| head[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let (name, content) = (length(1), length(5));
        if name > LONGEST || content > LONGEST {
            return Err(BackupError::Unknown);
        }
        let mut frame = Self { kind: head[0], name: vec![0; name], content: Zeroizing::new(vec![0; content]) };
        let whole = take(&mut frame.name)? && take(&mut frame.content)?;
        Ok(whole.then_some(frame))
    }
}

fn frame(out: &mut impl Write, kind: u8, name: &[u8], content: &[u8]) -> io::Result<()> {
    let length = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= LONGEST);
        length.map(u32::to_be_bytes).ok_or_else(|| io::Error::other("a record is too long for a backup"))
    };
    out.write_all(&[kind])?;
    out.write_all(&length(name)?)?;
    out.write_all(&length(content)?)?;
    out.write_all(name)?;
    out.write_all(content)
}
