//! Files that wait for their delivery.
//!
//! A file has a data key of its own. The key stands in a small record under the room's key; the bytes stand in chunks under the file's key, in
//! a tree that rotation does not touch. So replacing a room's key seals a few hundred bytes anew and not megabytes, and removing a file for
//! good is removing its record and replacing the room's key.
//!
//! Chunks are written first, then the record, then the answer that names the file. What a kill leaves of these without the next one is
//! removed at the next start.

use std::collections::HashSet;

use ruma::RoomId;

use super::answer::Delivery;
use super::chunk::{Blob, CHUNK, CHUNKS_AT_ONCE};
use super::database::Database;
use super::error::StoreError;
use super::layout::{Key, Tree};
use super::seal::{BlindedId, Cipher, Key32};
use super::transaction::Transaction;
use crate::message::{FileRef, Item};

/// The largest file.
pub const LARGEST_FILE: usize = 32 * 1024 * 1024;

/// For how long a file may be without an answer that names it, in milliseconds: much longer than writing that answer takes.
const UNNAMED_FOR: u64 = 3_600_000;

/// A file, without its bytes.
pub(super) struct StoredFile {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) size: u64,
    pub(super) stored_at: u64,
    pub(super) key: Key32,
}

impl StoredFile {
    pub(super) fn reference(&self) -> FileRef {
        FileRef {
            number: self.number,
            name: self.name.clone(),
            media_type: self.media_type.clone(),
            size: self.size,
            room_id: None,
        }
    }

    /// Its bytes, among those of a room.
    fn blob(&self, room: BlindedId) -> Blob {
        Blob::new(Tree::Chunks, &[&room, &self.number.to_be_bytes()], self.size)
    }

    /// How many chunks it has.
    pub(super) fn chunks(&self) -> usize {
        self.blob(BlindedId::default()).chunks()
    }
}

/// Where the record of a file stands; without a number, those of a room.
fn record_key(room: BlindedId, number: u64) -> Key {
    Key::new(Tree::Files, &[&room, &number.to_be_bytes()])
}

/// Where the chunks of a file stand.
fn chunks_key(room: BlindedId, number: u64) -> Key {
    Key::new(Tree::Chunks, &[&room, &number.to_be_bytes()])
}

/// A number in a key, after the letter and the room.
fn number_in(key: &[u8]) -> Option<(BlindedId, u64)> {
    let (room, rest) = key.get(1..)?.split_first_chunk()?;
    Some((*room, u64::from_be_bytes(*rest.first_chunk()?)))
}

impl Database {
    /// Begins a file of this size: its number, and a new key.
    pub(super) fn begin_file(
        &self,
        name: &str,
        media_type: &str,
        size: usize,
        now: u64,
    ) -> Result<StoredFile, StoreError> {
        if size > LARGEST_FILE {
            return Err(StoreError::TooLarge);
        }
        let mut transaction = self.transaction();
        let number = transaction.next()?;
        transaction.commit()?;
        Ok(StoredFile {
            number,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: size as u64,
            stored_at: now,
            key: Key32::random(),
        })
    }

    /// Writes chunks of a file, from the one of number `first` on.
    pub(super) fn put_chunks(
        &self,
        room: &RoomId,
        file: &StoredFile,
        first: usize,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.put_blob(&file.blob(self.blinded_ids.room(room)), &file.key, first, bytes)?;
        fail::fail_point!("chunks-stored");
        Ok(())
    }

    /// Ends a file whose chunks are written.
    pub(super) fn end_file(&self, room: &RoomId, file: &StoredFile) -> Result<FileRef, StoreError> {
        let mut transaction = self.transaction();
        let room = transaction.blinded_ids().room(room);
        transaction.put(&record_key(room, file.number), file)?;
        transaction.commit()?;
        fail::fail_point!("file-stored");
        Ok(file.reference())
    }

    /// Stores a file.
    pub fn put_file(
        &self,
        room: &RoomId,
        name: &str,
        media_type: &str,
        bytes: &[u8],
        now: u64,
    ) -> Result<FileRef, StoreError> {
        let file = self.begin_file(name, media_type, bytes.len(), now)?;
        for (index, chunks) in bytes.chunks(CHUNK * CHUNKS_AT_ONCE).enumerate() {
            self.put_chunks(room, &file, index * CHUNKS_AT_ONCE, chunks)?;
        }
        self.end_file(room, &file)
    }

    /// Finds a file; `None` when it is not there any more.
    pub(super) fn find_file(&self, number: u64) -> Result<Option<(BlindedId, StoredFile)>, StoreError> {
        let transaction = self.transaction();
        let Some(room) = transaction.room_of_file(number)? else { return Ok(None) };
        Ok(transaction.get::<StoredFile>(&record_key(room, number))?.map(|file| (room, file)))
    }

    /// Reads chunks of a file, from the one of number `first` on, [`CHUNKS_AT_ONCE`] at most.
    pub(super) fn chunks(&self, room: BlindedId, file: &StoredFile, first: usize) -> Result<Vec<u8>, StoreError> {
        let (transaction, cipher, blob) = (self.transaction(), Cipher::new(&file.key), file.blob(room));
        let mut bytes = Vec::new();
        for chunk in first..blob.chunks().min(first + CHUNKS_AT_ONCE) {
            let plain = transaction.chunk_of(&blob, &cipher, chunk)?.ok_or_else(|| blob.damaged())?;
            bytes.extend_from_slice(&plain);
        }
        Ok(bytes)
    }

    /// The bytes of a file; `None` when it is not there any more.
    pub fn file(&self, file: &FileRef) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((room, file)) = self.find_file(file.number)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(file.size as usize);
        for first in (0..file.chunks()).step_by(CHUNKS_AT_ONCE) {
            bytes.extend(self.chunks(room, &file, first)?);
        }
        Ok(Some(bytes))
    }

    /// Removes the files that no answer names, and at start what a kill has left of files that were not ended. `now` says that files may be
    /// under way: then young ones stay.
    pub(super) fn sweep_files(&self, now: Option<u64>) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        if !transaction.has_any(&Key::all(Tree::Files))? && !transaction.has_any(&Key::all(Tree::Chunks))? {
            return Ok(());
        }
        let mut named = HashSet::new();
        for (_, delivery) in transaction.scan::<Delivery>(&Key::all(Tree::Outbox))? {
            named.extend(files_of(&delivery.answer.items).map(|file| file.number));
        }
        for (key, file) in transaction.scan::<StoredFile>(&Key::all(Tree::Files))? {
            let young = now.is_some_and(|now| now.saturating_sub(file.stored_at) < UNNAMED_FOR);
            if !named.contains(&file.number)
                && !young
                && let Some((room, number)) = number_in(&key.bytes)
            {
                transaction.remove_file(room, number)?;
            }
        }
        if now.is_none() {
            for (room, number) in transaction.files_with_chunks()? {
                if !transaction.contains(&record_key(room, number))? {
                    transaction.remove_chunks(room, number)?;
                }
            }
        }
        transaction.commit()
    }
}

/// The files among the items of an answer.
fn files_of(items: &[Item]) -> impl Iterator<Item = &FileRef> {
    items.iter().filter_map(|item| match item {
        Item::File(file) => Some(file),
        _ => None,
    })
}

impl Transaction<'_> {
    /// Removes the files of an answer, for good.
    pub(super) fn remove_files(&mut self, items: &[Item]) -> Result<(), StoreError> {
        for file in files_of(items) {
            if let Some(room) = self.room_of_file(file.number)? {
                self.remove_file(room, file.number)?;
            }
        }
        Ok(())
    }

    fn remove_file(&mut self, room: BlindedId, number: u64) -> Result<(), StoreError> {
        self.remove(&record_key(room, number));
        self.remove_chunks(room, number)?;
        self.rotate(room)
    }

    fn remove_chunks(&mut self, room: BlindedId, number: u64) -> Result<(), StoreError> {
        self.remove_chunks_under(&chunks_key(room, number), |_| true)
    }

    /// Removes the chunks of all files of a room.
    pub(super) fn remove_chunks_of_room(&mut self, room: BlindedId) -> Result<(), StoreError> {
        self.remove_chunks_under(&Key::new(Tree::Chunks, &[&room]), |_| true)
    }

    /// The room under whose key a file stands. Few rooms have files at a time: it jumps from room to room.
    fn room_of_file(&self, number: u64) -> Result<Option<BlindedId>, StoreError> {
        let rooms = self.rooms_in(&[Tree::Files.letter()])?;
        for room in rooms {
            if self.contains(&record_key(room, number))? {
                return Ok(Some(room));
            }
        }
        Ok(None)
    }

    /// The files that have chunks. Jumps from file to file.
    pub(super) fn files_with_chunks(&self) -> Result<Vec<(BlindedId, u64)>, StoreError> {
        let mut files = Vec::new();
        let mut from = Key::all(Tree::Chunks).bytes;
        while let Some(key) = self.database.db.range(from.as_slice()..).keys().next().transpose()? {
            self.database.touch(1);
            let Some((room, number)) = number_in(&key).filter(|_| key.first() == Some(&Tree::Chunks.letter())) else {
                break;
            };
            files.push((room, number));
            from = [chunks_key(room, number).bytes.as_slice(), &[0xff; 5]].concat();
        }
        Ok(files)
    }

    /// Opens a chunk, as a restored backup is verified.
    pub(super) fn verify_chunk(&self, key: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
        let damaged = StoreError::Damaged { tree: Tree::Chunks.name() };
        let Some((room, number)) = number_in(key) else { return Err(damaged) };
        // Without a record it is what a kill has left, and goes at the next start.
        let Some(file) = self.get::<StoredFile>(&record_key(room, number))? else { return Ok(()) };
        Cipher::new(&file.key).open(Tree::Chunks.name(), key, sealed).map(drop).ok_or(damaged)
    }
}
