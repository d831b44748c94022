//! The reading of documents, of their passages and of their vectors. What is large is read in slices.

use std::sync::Arc;

use ruma::{EventId, RoomId};

use super::chunk::{Blob, CHUNKS_AT_ONCE};
use super::database::Database;
use super::document::{DocumentPlace, StoredDocument, document_of};
use super::error::StoreError;
use super::handle::Store;
use super::layout::{Key, Tree};
use super::library::GoneDocuments;
use super::records::passages_of_bytes;
use super::seal::Cipher;
use super::transaction::Transaction;
use super::vectors;
use crate::document::{Document, Partition, Passage};

/// Bytes of a document that are read.
type Reading = (Arc<StoredDocument>, Blob);

impl Store {
    /// The documents of these partitions, in the order of their numbers. Those that do not open are set aside and counted by
    /// [`Store::damaged`].
    pub async fn documents(&self, partitions: &[Partition]) -> Result<Vec<Document>, StoreError> {
        let partitions = partitions.to_vec();
        self.run(move |database| database.documents(&partitions)).await
    }

    /// The document that came with a message, in whatever partition it is; of several the first one.
    pub async fn document_from(&self, room: &RoomId, event: &EventId) -> Result<Option<Document>, StoreError> {
        let (room, event) = (room.to_owned(), event.to_owned());
        self.run(move |database| database.document_from(&room, &event)).await
    }

    /// Whether a document can be moved to another partition: it has place for it.
    pub async fn has_place_for(&self, document: &Document, to: &Partition) -> Result<bool, StoreError> {
        let (partition, number, to) = (document.partition.clone(), document.number, to.clone());
        self.run(move |database| database.has_place_for(&partition, number, &to)).await
    }

    /// The passages of a document, in order; `None` when it is not there any more.
    pub async fn passages(&self, document: &Document) -> Result<Option<Vec<Passage>>, StoreError> {
        let bytes = self.bytes(document, |stored| Some(stored.passages())).await?;
        bytes.map(|bytes| passages_of_bytes(&bytes).ok_or(StoreError::Damaged { tree: "passages" })).transpose()
    }

    /// The vectors that a model made of a document's passages, in their order; `None` when there are none of it, or the document is not there
    /// any more.
    pub async fn vectors(&self, document: &Document, model: &str) -> Result<Option<Vec<Vec<f32>>>, StoreError> {
        let model = model.to_owned();
        let bytes = self.bytes(document, move |stored| vectors_by(stored, &model)).await?;
        bytes.map(|bytes| vectors::of_bytes(&bytes).ok_or(StoreError::Damaged { tree: "vectors" })).transpose()
    }

    /// Where documents are no more since this was last asked: removed, moved, or forgotten in whatever way. For who keeps something of them
    /// in memory.
    pub async fn gone_documents(&self) -> Result<GoneDocuments, StoreError> {
        self.run(|database| Ok(database.gone_documents())).await
    }

    async fn bytes(
        &self,
        document: &Document,
        blob: impl FnOnce(&StoredDocument) -> Option<Blob> + Send + 'static,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let (partition, number) = (document.partition.clone(), document.number);
        let begin = move |database: &Database| database.begin_reading(&partition, number, blob);
        let Some((stored, blob)) = self.run(begin).await? else { return Ok(None) };
        let mut bytes = Vec::new();
        for first in (0..blob.chunks()).step_by(CHUNKS_AT_ONCE) {
            let (stored, blob) = (stored.clone(), blob.clone());
            let slice = self.run(move |database| database.read_chunks(&stored, &blob, first)).await?;
            let Some(slice) = slice else { return Ok(None) };
            bytes.extend(slice);
        }
        Ok(Some(bytes))
    }
}

fn vectors_by(stored: &StoredDocument, model: &str) -> Option<Blob> {
    stored.vectors().filter(|_| stored.vectors.as_ref().is_some_and(|set| set.model == model))
}

impl Database {
    /// As [`Store::documents`].
    pub fn documents(&self, partitions: &[Partition]) -> Result<Vec<Document>, StoreError> {
        let transaction = self.transaction();
        let mut documents = Vec::new();
        for partition in partitions {
            let stored = transaction.scan::<StoredDocument>(&self.blinded_ids.documents(partition)?)?;
            documents.extend(stored.into_iter().map(|(_, stored)| stored.document));
        }
        documents.sort_by_key(|document| document.number);
        documents.dedup_by_key(|document| document.number);
        Ok(documents)
    }

    /// As [`Store::document_from`].
    pub fn document_from(&self, room: &RoomId, event: &EventId) -> Result<Option<Document>, StoreError> {
        let transaction = self.transaction();
        for place in transaction.documents_from(self.blinded_ids.origin(room, event)) {
            if let Some(stored) = transaction.find::<StoredDocument>(&place.key())? {
                return Ok(Some(stored.document));
            }
        }
        Ok(None)
    }

    /// As [`Store::has_place_for`].
    pub fn has_place_for(&self, from: &Partition, number: u64, to: &Partition) -> Result<bool, StoreError> {
        let transaction = self.transaction();
        let Some((place, stored)) = transaction.stored_document(from, number)? else { return Ok(true) };
        let (group, _) = self.blinded_ids.places_of(to)?;
        Ok(place.group == group || transaction.group_has_place(group, 1, stored.size()))
    }

    /// As [`Store::passages`].
    pub fn passages(&self, document: &Document) -> Result<Option<Vec<Passage>>, StoreError> {
        let bytes = self.bytes(document, |stored| Some(stored.passages()))?;
        bytes.map(|bytes| passages_of_bytes(&bytes).ok_or(StoreError::Damaged { tree: "passages" })).transpose()
    }

    /// As [`Store::vectors`].
    pub fn vectors(&self, document: &Document, model: &str) -> Result<Option<Vec<Vec<f32>>>, StoreError> {
        let bytes = self.bytes(document, |stored| vectors_by(stored, model))?;
        bytes.map(|bytes| vectors::of_bytes(&bytes).ok_or(StoreError::Damaged { tree: "vectors" })).transpose()
    }

    /// As [`Store::gone_documents`].
    pub fn gone_documents(&self) -> GoneDocuments {
        self.transaction().state.library.gone()
    }

    fn bytes(
        &self,
        document: &Document,
        blob: impl FnOnce(&StoredDocument) -> Option<Blob>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let reading = self.begin_reading(&document.partition, document.number, blob)?;
        let Some((stored, blob)) = reading else { return Ok(None) };
        let mut bytes = Vec::new();
        for first in (0..blob.chunks()).step_by(CHUNKS_AT_ONCE) {
            let Some(slice) = self.read_chunks(&stored, &blob, first)? else { return Ok(None) };
            bytes.extend(slice);
        }
        Ok(Some(bytes))
    }

    fn begin_reading(
        &self,
        partition: &Partition,
        number: u64,
        blob: impl FnOnce(&StoredDocument) -> Option<Blob>,
    ) -> Result<Option<Reading>, StoreError> {
        let Some((_, stored)) = self.transaction().stored_document(partition, number)? else { return Ok(None) };
        Ok(blob(&stored).map(|blob| (Arc::new(stored), blob)))
    }

    /// Reads chunks of a document, from the one of number `first` on, [`CHUNKS_AT_ONCE`] at most. `None`: they went meanwhile.
    fn read_chunks(&self, stored: &StoredDocument, blob: &Blob, first: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let transaction = self.transaction();
        let cipher = Cipher::new(&stored.key);
        let mut bytes = Vec::new();
        for chunk in first..blob.chunks().min(first + CHUNKS_AT_ONCE) {
            if let Some(plain) = transaction.chunk_of(blob, &cipher, chunk)? {
                bytes.extend_from_slice(&plain);
                continue;
            }
            let Document { partition, number, .. } = &stored.document;
            let now = transaction.stored_document(partition, *number)?;
            let same = now.is_some_and(|(_, now)| now.vectors == stored.vectors);
            return if same { Err(blob.damaged()) } else { Ok(None) };
        }
        Ok(Some(bytes))
    }
}

impl Transaction<'_> {
    /// Opens the record of a document and looks for its chunks, as a restored backup is verified.
    pub(super) fn verify_document(&self, key: &[u8]) -> Result<(), StoreError> {
        let key = Key { tree: Tree::Documents, bytes: key.to_vec() };
        let Some(stored) = self.get::<StoredDocument>(&key)? else { return Ok(()) };
        for blob in [Some(stored.passages()), stored.vectors()].into_iter().flatten() {
            for chunk in 0..blob.chunks() {
                if !self.contains(&blob.chunk(chunk))? {
                    return Err(StoreError::Damaged { tree: blob.tree.name() });
                }
            }
        }
        Ok(())
    }

    /// Opens a chunk of a document, as a restored backup is verified.
    pub(super) fn verify_document_chunk(&self, key: &[u8], sealed: &[u8]) -> Result<(), StoreError> {
        let tree = key.first().and_then(|letter| Tree::of(*letter)).map_or("unknown", Tree::name);
        let Some(number) = document_of(key) else { return Err(StoreError::Damaged { tree }) };
        // Without a record it is what a kill has left, and goes at the next start.
        let Some(held) = self.held_document(number) else { return Ok(()) };
        let Some(stored) = self.get::<StoredDocument>(&held.place.key())? else { return Ok(()) };
        Cipher::new(&stored.key).open(tree, key, sealed).map(drop).ok_or(StoreError::Damaged { tree })
    }

    /// A document of a partition.
    pub(super) fn stored_document(
        &self,
        partition: &Partition,
        number: u64,
    ) -> Result<Option<(DocumentPlace, StoredDocument)>, StoreError> {
        let (group, partition) = self.blinded_ids().places_of(partition)?;
        let Some(place) = self.held_document(number).map(|held| held.place.clone()) else { return Ok(None) };
        if (place.group, place.partition) != (group, partition) {
            return Ok(None);
        }
        Ok(self.find::<StoredDocument>(&place.key())?.map(|stored| (place, stored)))
    }
}
