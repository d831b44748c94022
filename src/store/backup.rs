//! Backup and restore: the store as it is at one moment, in one sealed file.
//!
//! A [`Snapshot`] is taken while nothing can be written, and costs the time of a walk over the records, which stay sealed. On its
//! way it is a row of frames, each `kind (1 byte) ‖ lengths of name and content (4 bytes each, big endian) ‖ name ‖ content`,
//! the last of kind [`END`]; in the file the frames are sealed once more, because they hold the keys.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::de::IgnoredAny;
use sled::{Batch, IVec};
use zeroize::Zeroizing;

use super::keys::{MASTER_FILE, ROOMS_FILE};
use super::records::{Key, QUARANTINE, RESTORED, Tree};
use super::seal::Key32;
use super::sealed_file::{SealReader, SealWriter};
use super::{Store, StoreError, files};

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
    /// A file or a stream could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store could not be read, or what was put back does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store at one moment.
pub struct Snapshot {
    files: Vec<(&'static str, Zeroizing<Vec<u8>>)>,
    records: Vec<(IVec, IVec)>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Snapshot").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

impl Store {
    /// What is committed, with its keys. No write happens meanwhile.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let session = self.session();
        let folder = session.rooms().folder();
        let mut files = Vec::new();
        for name in [MASTER_FILE, ROOMS_FILE] {
            files.push((name, Zeroizing::new(fs::read(folder.join(name)).map_err(StoreError::Files)?)));
        }
        let records = session.inner.db.iter().collect::<Result<_, _>>()?;
        Ok(Snapshot { files, records })
    }

    /// When this store was put back from a backup, in milliseconds since the epoch: what is older may have been answered by the
    /// bot that it is a copy of.
    pub fn restored_at(&self) -> Result<Option<u64>, StoreError> {
        self.session().get(&Key::meta(RESTORED))
    }

    /// Opens each record, and returns how many there are. One that does not open is an error, unless it was set aside before.
    fn verify(&self) -> Result<usize, StoreError> {
        let session = self.session();
        let keys: Vec<IVec> = session.inner.db.iter().keys().collect::<Result<_, _>>()?;
        for bytes in &keys {
            let letter = bytes.first().copied().unwrap_or_default();
            if letter == QUARANTINE || bytes.as_ref() == super::schema::VERSION_KEY {
                continue;
            }
            let tree = Tree::of(letter).ok_or(StoreError::Damaged { tree: "unknown" })?;
            session.get::<IgnoredAny>(&Key { tree, bytes: bytes.to_vec() })?;
        }
        Ok(keys.len())
    }
}

impl Snapshot {
    /// How many records it has.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// Writes its frames. `others` are files of the data folder that go with it.
    pub fn write(&self, others: &[(&'static str, Zeroizing<Vec<u8>>)], out: &mut impl Write) -> io::Result<()> {
        for (name, content) in self.files.iter().chain(others) {
            frame(out, FILE, name.as_bytes(), content)?;
        }
        for (key, sealed) in &self.records {
            frame(out, RECORD, key, sealed)?;
        }
        frame(out, END, &[], &[])
    }
}

/// Reads the key of a backup; with `make` a new one is made where there is none. Returns whether it was made.
pub fn backup_key(path: &Path, make: bool) -> Result<(BackupKey, bool), BackupError> {
    let refused = |reason: String| BackupError::Key { file: path.display().to_string(), reason };
    let bytes = match fs::read(path).map(Zeroizing::new) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && make => {
            let key = Key32::random();
            files::replace(path, key.bytes()).map_err(|error| refused(error.to_string()))?;
            return Ok((BackupKey(key), true));
        }
        Err(error) => return Err(refused(error.to_string())),
    };
    if files::open_to_others(path)? {
        return Err(refused("other users can read it: restrict it to its owner (chmod 600)".to_owned()));
    }
    let key = Key32::read(&bytes).ok_or_else(|| refused("it does not hold the 32 bytes of a key".to_owned()))?;
    Ok((BackupKey(key), false))
}

/// The key under which a backup is sealed.
pub struct BackupKey(Key32);

impl std::fmt::Debug for BackupKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("BackupKey(***)")
    }
}

/// Seals the frames that `from` brings into the new file `to`, whole or not at all. Returns how many records there are.
pub fn seal_backup(mut from: impl Read, to: &Path, key: &BackupKey) -> Result<usize, BackupError> {
    let beside = to.with_extension("new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    let write = || -> Result<usize, BackupError> {
        let mut out = SealWriter::new(BufWriter::new(file), &key.0)?;
        let mut records = 0;
        loop {
            let Frame { kind, name, content } = Frame::read(&mut from)?.ok_or(BackupError::Cut)?;
            frame(&mut out, kind, &name, &content)?;
            records += usize::from(kind == RECORD);
            if kind == END {
                break;
            }
        }
        let file = out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        // Not over another backup that has come there meanwhile.
        fs::hard_link(&beside, to)?;
        File::open(files::folder_of(to))?.sync_all()?;
        Ok(records)
    };
    let written = write();
    let _ = fs::remove_file(&beside);
    written
}

/// Puts a backup into an empty folder, and opens each record of it. Of what came with the store, the files in `others` are put
/// there too; any other name is refused.
///
/// Returns how many records there are. On an error the folder holds an unusable part of the backup: remove it.
pub fn unseal_backup(
    from: &Path,
    key: &BackupKey,
    folder: &Path,
    others: &[&str],
    now: u64,
) -> Result<usize, BackupError> {
    let reader = BufReader::new(File::open(from)?);
    let mut reader = SealReader::new(reader, &key.0)?.ok_or(BackupError::Unknown)?;
    let sealed = |error: BackupError| match error {
        BackupError::Io(error) if error.kind() == io::ErrorKind::InvalidData => BackupError::Sealed,
        other => other,
    };
    put(&mut reader, folder, others).map_err(sealed)?;
    let store = Store::open(folder)?;
    let records = store.verify()?;
    let mut session = store.session();
    session.put(&Key::meta(RESTORED), &now)?;
    session.commit()?;
    Ok(records)
}

fn put(reader: &mut impl Read, folder: &Path, others: &[&str]) -> Result<(), BackupError> {
    let mut missing = BTreeSet::from([MASTER_FILE, ROOMS_FILE]);
    let path = folder.join("store");
    files::make_folder(&path)?;
    let db = super::database_in(&path)?;
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
