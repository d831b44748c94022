//! The chunks of files and documents, written, read and removed: each is sealed by itself, under the key of what it belongs to.

use sled::IVec;
use zeroize::Zeroizing;

use super::chunk::{Blob, CHUNK};
use super::database::Database;
use super::error::StoreError;
use super::layout::Key;
use super::seal::{Cipher, Key32};
use super::transaction::Transaction;

impl Database {
    /// Writes chunks in one write, from the one of number `first` on.
    pub(super) fn put_blob(&self, blob: &Blob, key: &Key32, first: usize, bytes: &[u8]) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let cipher = Cipher::new(key);
        for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
            let key = blob.chunk(first + index);
            let sealed = cipher.seal(blob.tree.name(), &key.bytes, chunk).ok_or_else(|| blob.damaged())?;
            transaction.put_raw(&key.bytes, sealed);
        }
        transaction.commit()
    }
}

impl Transaction<'_> {
    /// Reads a chunk. `None`: it is not there, or does not open.
    pub(super) fn chunk_of(
        &self,
        blob: &Blob,
        cipher: &Cipher,
        chunk: usize,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let key = blob.chunk(chunk);
        Ok(self.raw(&key.bytes)?.and_then(|sealed| cipher.open(blob.tree.name(), &key.bytes, &sealed)))
    }

    /// Removes the chunks below a place that are meant.
    pub(super) fn remove_chunks_under(
        &mut self,
        prefix: &Key,
        is_meant: impl Fn(&IVec) -> bool,
    ) -> Result<(), StoreError> {
        let database = self.database;
        for key in database.db.scan_prefix(&prefix.bytes).keys() {
            database.touch(1);
            let key = key?;
            if is_meant(&key) {
                self.remove_raw(&key);
            }
        }
        Ok(())
    }
}
