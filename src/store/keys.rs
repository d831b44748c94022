//! The two key files, which stand beside sled and not in it.
//!
//! - `store.key`: the master key, 32 random bytes, made once. Everything else is derived from it or sealed under it.
//! - `rooms.keys`: one random data key per room, sealed under the master key, rewritten whole at each change. While a room's key
//!   is being replaced (`rotate.rs`) its name is there twice: the current key, then the previous one.
//!
//! sled keeps replaced and removed bytes in its log until it happens to reuse their segment, so removing records is not
//! forgetting. Destroying the room's key is: the file is replaced, and the old one's bytes are overwritten. What this cannot
//! reach: backups and snapshots that hold `rooms.keys`, copy-on-write file systems, and an SSD's spare blocks.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::StoreError;
use super::files;
use super::seal::{BlindedId, Cipher, Key32};
use crate::secret::SealingKey;

pub(super) const MASTER_FILE: &str = "store.key";
pub(super) const ROOMS_FILE: &str = "rooms.keys";
/// A room in the file: its name, then its key.
const ROOM_BYTES: usize = 16 + 32;

/// Reads the master key, or makes it when nothing was ever stored in this folder.
pub(super) fn master(folder: &Path, records_exist: bool) -> Result<Key32, StoreError> {
    let path = folder.join(MASTER_FILE);
    if !path.try_exists().map_err(files::at(&path))? {
        if records_exist || folder.join(ROOMS_FILE).exists() {
            return Err(StoreError::Refused(
                "The store is there but its key file store.key is not: put it back from the backup, or remove the store to start from nothing.",
            ));
        }
        let key = Key32::random();
        files::replace(&path, key.bytes())?;
        return Ok(key);
    }
    if files::open_to_others(&path)? {
        return Err(StoreError::Refused("Other users can read store.key: restrict it to its owner (chmod 600)."));
    }
    let bytes = Zeroizing::new(std::fs::read(&path).map_err(files::at(&path))?);
    Key32::read(&bytes).ok_or(StoreError::Refused("store.key is damaged: put it back from the backup."))
}

/// The key under which collections are sealed, made from the master key. Works while another process holds the store; in a folder where
/// nothing was ever stored it makes the master key.
pub fn collections_key(folder: &Path) -> Result<SealingKey, StoreError> {
    files::make_folder(folder)?;
    // The store makes the key while it holds this lock: two first starts at once must not make two.
    let _lock = if folder.join(MASTER_FILE).exists() { None } else { Some(files::lock(&folder.join("store.lock"))?) };
    let master = master(folder, folder.join("store").exists())?;
    Ok(SealingKey::new(master.derive("compagnon 2026-11 collections").bytes()))
}

/// A room's key, and the one it replaces as long as records may be sealed under that.
struct Held {
    current: Key32,
    previous: Option<Key32>,
}

/// The data keys of all rooms, as in the file.
pub(super) struct RoomKeys {
    path: PathBuf,
    cipher: Cipher,
    /// Counts the rewrites. sled holds the last one it relied on: an older file, put back by mistake, is noticed.
    generation: u64,
    rooms: HashMap<BlindedId, Held>,
    /// Whether keys were made or destroyed since the file was written.
    unsaved: bool,
}

impl RoomKeys {
    /// Reads the file, or makes an empty one when nothing was ever stored in this folder.
    pub(super) fn open(folder: &Path, master: &Key32, records_exist: bool) -> Result<Self, StoreError> {
        let mut keys = Self {
            path: folder.join(ROOMS_FILE),
            cipher: Cipher::new(&master.derive("compagnon 2026-11 store: file of room keys")),
            generation: 0,
            rooms: HashMap::new(),
            unsaved: false,
        };
        if keys.path.try_exists().map_err(files::at(&keys.path))? {
            keys.read()?;
        } else if records_exist {
            return Err(StoreError::Refused(
                "The store is there but its file rooms.keys is not: put it back from the backup, or remove the store to start from nothing.",
            ));
        } else {
            files::replace(&keys.path, &keys.sealed()?)?;
        }
        Ok(keys)
    }

    fn read(&mut self) -> Result<(), StoreError> {
        const DAMAGED: StoreError =
            StoreError::Refused("store.key does not open rooms.keys: put both back from the same backup.");
        let sealed = std::fs::read(&self.path).map_err(files::at(&self.path))?;
        let plain = self.cipher.open(ROOMS_FILE, &[], &sealed).ok_or(DAMAGED)?;
        self.take(&plain).ok_or(DAMAGED)
    }

    /// Takes what the file holds; `None` when it is cut short.
    fn take(&mut self, plain: &[u8]) -> Option<()> {
        let (generation, rooms) = plain.split_first_chunk::<8>()?;
        self.generation = u64::from_be_bytes(*generation);
        for room in rooms.chunks_exact(ROOM_BYTES) {
            let (name, secret) = room.split_first_chunk::<16>()?;
            let key = Key32::read(secret)?;
            match self.rooms.entry(*name) {
                Entry::Occupied(mut held) => held.get_mut().previous = Some(key),
                Entry::Vacant(free) => drop(free.insert(Held { current: key, previous: None })),
            }
        }
        Some(())
    }

    /// For `crate::fuzz`: takes what a file would hold, and gives back what would be written of it.
    #[cfg(any(test, fuzzing))]
    pub(super) fn taken(plain: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let cipher = Cipher::new(&Key32::read(&[0; 32])?);
        let mut keys = Self { path: PathBuf::new(), cipher, generation: 0, rooms: HashMap::new(), unsaved: false };
        keys.take(plain)?;
        keys.cipher.open(ROOMS_FILE, &[], &keys.sealed().ok()?)
    }

    fn sealed(&self) -> Result<Vec<u8>, StoreError> {
        // Sized beforehand: a vector that grows leaves copies of the keys behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(8 + 2 * self.rooms.len() * ROOM_BYTES));
        plain.extend_from_slice(&self.generation.to_be_bytes());
        for (name, held) in &self.rooms {
            for key in [Some(&held.current), held.previous.as_ref()].into_iter().flatten() {
                plain.extend_from_slice(name);
                plain.extend_from_slice(key.bytes());
            }
        }
        self.cipher.seal(ROOMS_FILE, &[], &plain).ok_or(StoreError::Damaged { tree: ROOMS_FILE })
    }

    /// The data folder.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The cipher of a room that has a key.
    pub(super) fn cipher(&self, room: &BlindedId) -> Option<Cipher> {
        self.rooms.get(room).map(|held| Cipher::new(&held.current))
    }

    /// The cipher of the key that a room's key is replacing.
    pub(super) fn previous(&self, room: &BlindedId) -> Option<Cipher> {
        self.rooms.get(room)?.previous.as_ref().map(Cipher::new)
    }

    /// The rooms that have a previous key.
    pub(super) fn in_rotation(&self) -> Vec<BlindedId> {
        self.rooms.iter().filter(|(_, held)| held.previous.is_some()).map(|(room, _)| *room).collect()
    }

    /// The cipher of a room, which gets a key if it has none. [`Self::save`] comes before any use of it is written.
    pub(super) fn cipher_or_new(&mut self, room: BlindedId) -> Cipher {
        let held = self.rooms.entry(room).or_insert_with(|| {
            self.unsaved = true;
            Held { current: Key32::random(), previous: None }
        });
        Cipher::new(&held.current)
    }

    /// Gives a room that has a key a new one beside it. A room in rotation stays as it is: its previous key is still needed.
    pub(super) fn renew(&mut self, room: BlindedId) {
        if let Some(held) = self.rooms.get_mut(&room).filter(|held| held.previous.is_none()) {
            held.previous = Some(std::mem::replace(&mut held.current, Key32::random()));
            self.unsaved = true;
        }
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = &BlindedId> {
        self.rooms.keys()
    }

    /// Writes the file if it is not up to date; returns whether it did. The file before it is always overwritten: a key that is
    /// destroyed later stands in it too.
    pub(super) fn save(&mut self) -> Result<bool, StoreError> {
        if !self.unsaved {
            return Ok(false);
        }
        self.generation += 1;
        files::replace_and_wipe(&self.path, &self.sealed()?)?;
        self.unsaved = false;
        Ok(true)
    }

    /// Destroys the keys of these rooms, in memory and in the file.
    pub(super) fn destroy(&mut self, rooms: &[BlindedId]) -> Result<(), StoreError> {
        for room in rooms {
            self.unsaved |= self.rooms.remove(room).is_some();
        }
        self.save().map(drop)
    }

    /// Destroys the previous keys of these rooms.
    pub(super) fn retire(&mut self, rooms: &[BlindedId]) -> Result<(), StoreError> {
        for room in rooms {
            let previous = self.rooms.get_mut(room).and_then(|held| held.previous.take());
            self.unsaved |= previous.is_some();
        }
        self.save().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{MASTER_FILE, ROOMS_FILE, RoomKeys, master};
    use crate::store::error::StoreError;

    fn refused<T>(result: Result<T, StoreError>, word: &str) {
        match result {
            Err(StoreError::Refused(sentence)) => assert!(sentence.contains(word), "{sentence}"),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("accepted"),
        }
    }

    fn reopened(folder: &Path) -> RoomKeys {
        RoomKeys::open(folder, &master(folder, true).unwrap(), true).unwrap()
    }

    #[test]
    fn the_master_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let first = master(folder.path(), false).unwrap();
        let mode = fs::metadata(folder.path().join(MASTER_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(master(folder.path(), true).unwrap().bytes(), first.bytes());
    }

    #[test]
    fn a_missing_short_or_readable_master_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        refused(master(folder.path(), true), "store.key is not");
        master(folder.path(), false).unwrap();
        let path = folder.path().join(MASTER_FILE);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        refused(master(folder.path(), true), "chmod 600");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, b"short").unwrap();
        refused(master(folder.path(), true), "damaged");
    }

    #[test]
    fn room_keys_are_kept_and_destroyed() {
        let folder = tempfile::tempdir().unwrap();
        let key = master(folder.path(), false).unwrap();
        let mut keys = RoomKeys::open(folder.path(), &key, false).unwrap();
        let sealed = keys.cipher_or_new([1; 16]).seal("turns", b"k", b"v").unwrap();
        keys.cipher_or_new([2; 16]);
        assert!(keys.save().unwrap());
        assert!(!keys.save().unwrap(), "nothing new");
        let mut keys = reopened(folder.path());
        assert!(keys.cipher(&[1; 16]).unwrap().open("turns", b"k", &sealed).is_some());
        keys.destroy(&[[1; 16]]).unwrap();
        let keys = reopened(folder.path());
        assert!(keys.cipher(&[1; 16]).is_none());
        assert!(keys.cipher(&[2; 16]).is_some());
        assert_eq!(keys.generation(), 2);
    }

    #[test]
    fn a_key_is_replaced_in_two_steps() {
        let folder = tempfile::tempdir().unwrap();
        let key = master(folder.path(), false).unwrap();
        let mut keys = RoomKeys::open(folder.path(), &key, false).unwrap();
        let sealed = keys.cipher_or_new([1; 16]).seal("turns", b"k", b"v").unwrap();
        keys.cipher_or_new([2; 16]);
        keys.renew([1; 16]);
        keys.renew([1; 16]);
        keys.renew([3; 16]);
        keys.save().unwrap();
        let mut keys = reopened(folder.path());
        assert_eq!(keys.in_rotation(), [[1; 16]]);
        assert!(keys.cipher(&[1; 16]).unwrap().open("turns", b"k", &sealed).is_none());
        assert!(keys.previous(&[1; 16]).unwrap().open("turns", b"k", &sealed).is_some());
        assert!(keys.previous(&[2; 16]).is_none());
        keys.retire(&[[1; 16], [2; 16], [3; 16]]).unwrap();
        let keys = reopened(folder.path());
        assert!(keys.in_rotation().is_empty());
        assert!(keys.cipher(&[1; 16]).unwrap().open("turns", b"k", &sealed).is_none());
        assert!(keys.cipher(&[3; 16]).is_none());
    }

    #[test]
    fn a_missing_or_damaged_file_of_room_keys_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let key = master(folder.path(), false).unwrap();
        refused(RoomKeys::open(folder.path(), &key, true), "rooms.keys is not");
        RoomKeys::open(folder.path(), &key, false).unwrap();
        let path = folder.path().join(ROOMS_FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes[30] ^= 1;
        fs::write(&path, bytes).unwrap();
        refused(RoomKeys::open(folder.path(), &key, true), "does not open");
    }
}
