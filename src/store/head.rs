//! How far the store had come: a number outside of sled, so that sled's going back is noticed.
//!
//! sled reads its log up to the first bytes that do not add up and takes that for the end, as after a power cut: one flipped bit, and
//! all that was written after it is gone without a word. So each batch carries its number, and once it is on disk the number is
//! written here too. A database that is behind this file has lost something that was acknowledged.
//!
//! `store.head` has two slots, written in turns: `number (8 bytes, big endian) ‖ its keyed BLAKE3 hash (16 bytes)`. It is not
//! synced: after a power cut it may be old, which is never wrong, only less strict; it is never ahead of the database.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::error::StoreError;
use super::seal::Key32;

pub(super) const HEAD_FILE: &str = "store.head";
const NUMBER: usize = 8;
const SLOT: usize = NUMBER + 16;

/// The open file.
pub(super) struct Head {
    file: File,
    key: Key32,
}

impl Head {
    /// Opens the file, or makes it; with it the last number noted, `None` when there is none.
    pub(super) fn open(folder: &Path, master: &Key32) -> Result<(Self, Option<u64>), StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(folder.join(HEAD_FILE)).map_err(StoreError::Files)?;
        let head = Self { file, key: master.derive("compagnon 2026-11 store: head") };
        let mut bytes = Vec::new();
        (&head.file).take(1 << 10).read_to_end(&mut bytes).map_err(StoreError::Files)?;
        let noted = bytes.chunks_exact(SLOT).filter_map(|slot| head.number(slot)).max();
        if noted.is_none() && !bytes.is_empty() {
            return Err(StoreError::Refused(
                "store.head is damaged: restore a backup, or remove store.head if the folder store is known to be whole.",
            ));
        }
        Ok((head, noted))
    }

    /// Notes that the batch of this number is on disk.
    pub(super) fn note(&self, number: u64) -> Result<(), StoreError> {
        let slot = self.slot(number);
        self.file.write_all_at(&slot, (number % 2) * SLOT as u64).map_err(StoreError::Files)
    }

    fn slot(&self, number: u64) -> [u8; SLOT] {
        let bytes = number.to_be_bytes();
        let mut slot = [0; SLOT];
        slot[..NUMBER].copy_from_slice(&bytes);
        slot[NUMBER..].copy_from_slice(&blake3::keyed_hash(self.key.bytes(), &bytes).as_bytes()[..SLOT - NUMBER]);
        slot
    }

    fn number(&self, slot: &[u8]) -> Option<u64> {
        let number = u64::from_be_bytes(*slot.first_chunk()?);
        (self.slot(number) == slot).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{HEAD_FILE, Head, Key32, SLOT, StoreError};

    #[test]
    fn the_last_number_is_read_back_and_a_torn_slot_gives_the_one_before() {
        let (folder, key) = (tempfile::tempdir().unwrap(), Key32::random());
        let (head, noted) = Head::open(folder.path(), &key).unwrap();
        assert_eq!(noted, None);
        for number in 1..=5 {
            head.note(number).unwrap();
            assert_eq!(Head::open(folder.path(), &key).unwrap().1, Some(number));
        }
        let path = folder.path().join(HEAD_FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes[SLOT + 3] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(Head::open(folder.path(), &key).unwrap().1, Some(4));
        bytes[0] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(Head::open(folder.path(), &key), Err(StoreError::Refused(_))));
    }
}
