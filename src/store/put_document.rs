//! The putting of documents and of vectors: chunks first, in slices, then the record. What a kill leaves of chunks without a record is removed
//! at the next start, and what somebody leaves who was stopped with the next document, or the next purge.

use std::sync::Arc;

use super::chunk::{Blob, CHUNK, CHUNKS_AT_ONCE};
use super::database::Database;
use super::document::{
    DocumentPlace, LARGEST_DOCUMENT, MOST_BYTES_IN_ALL, MOST_BYTES_OF_GROUP, MOST_IN_ALL, MOST_OF_GROUP, NewDocument,
    StoredDocument, StoredVectors, VectorSet, chunks_of,
};
use super::error::{Full, StoreError};
use super::handle::Store;
use super::layout::Tree;
use super::library::{Held, PutToken, Unnamed};
use super::records::passages_to_bytes;
use super::seal::{BlindedId, Key32};
use super::transaction::Transaction;
use super::vectors;
use crate::document::{Document, Partition};

/// Bytes of one transaction.
const SLICE: usize = CHUNK * CHUNKS_AT_ONCE;

/// A document as it is written.
pub(super) struct Prepared {
    document: Document,
    pub(super) passages: Vec<u8>,
    vectors: Option<PreparedVectors>,
}

/// Vectors as they are written.
pub(super) struct PreparedVectors {
    model: String,
    bytes: Vec<u8>,
}

/// A document whose chunks are being written, or its vectors alone.
pub(super) struct Begun {
    number: u64,
    /// The number of its vectors.
    set: u64,
    key: Key32,
    token: PutToken,
}

impl Prepared {
    pub(super) fn new(new: NewDocument, now: u64) -> Result<Self, StoreError> {
        const DAMAGED: StoreError = StoreError::Damaged { tree: "passages" };
        let count = new.passages.len();
        let vectors = new.vectors.map(|vectors| PreparedVectors::new(&vectors, count)).transpose()?;
        let characters = new.passages.iter().map(|passage| passage.text.chars().count() as u64).sum();
        let document = Document {
            number: 0,
            partition: new.partition,
            title: new.title,
            format: new.format,
            pages: new.pages,
            passages: u32::try_from(count).map_err(|_| StoreError::TooLarge)?,
            characters,
            origin: new.origin,
            added_at: now,
            link: new.link,
        };
        let passages = passages_to_bytes(new.passages).ok_or(DAMAGED)?;
        if passages.len() > LARGEST_DOCUMENT {
            return Err(StoreError::TooLarge);
        }
        Ok(Self { document, passages, vectors })
    }

    fn size(&self) -> u64 {
        (self.passages.len() + self.vectors.as_ref().map_or(0, |vectors| vectors.bytes.len())) as u64
    }
}

impl PreparedVectors {
    pub(super) fn new(vectors: &StoredVectors, passages: usize) -> Result<Self, StoreError> {
        let bytes = vectors::to_bytes(&vectors.values).filter(|_| vectors.values.len() == passages);
        let bytes = bytes.ok_or(StoreError::Unfit)?;
        if bytes.len() > LARGEST_DOCUMENT {
            return Err(StoreError::TooLarge);
        }
        Ok(Self { model: vectors.model.clone(), bytes })
    }

    fn set(&self, number: u64) -> VectorSet {
        VectorSet { number, model: self.model.clone(), bytes: self.bytes.len() as u64 }
    }
}

impl Store {
    /// Stores a document. The same origin in the same partition gives the document that is there. Where it would be too many or too much:
    /// [`StoreError::Full`]; where what it came with, or was to belong to, went meanwhile: [`StoreError::Gone`].
    pub async fn put_document(&self, new: NewDocument, now: u64) -> Result<Document, StoreError> {
        let prepared = computed(move || Prepared::new(new, now)).await?;
        let prepared = Arc::new(prepared);
        let place = prepared.clone();
        let begun = match self.run(move |database| database.begin_document(&place)).await? {
            Ok(document) => return Ok(document),
            Err(begun) => Arc::new(begun),
        };
        for from in (0..prepared.passages.len()).step_by(SLICE) {
            let (prepared, begun) = (prepared.clone(), begun.clone());
            self.run(move |database| database.put_passages(&prepared, &begun, from)).await?;
        }
        for from in (0..prepared.vectors.as_ref().map_or(0, |vectors| vectors.bytes.len())).step_by(SLICE) {
            let (prepared, begun) = (prepared.clone(), begun.clone());
            self.run(move |database| match &prepared.vectors {
                Some(vectors) => database.put_set(&begun, vectors, from),
                None => Ok(()),
            })
            .await?;
        }
        self.run(move |database| database.end_document(&prepared, &begun)).await
    }

    /// Keeps the vectors of a document's passages, in place of those of another model. A document that went meanwhile has none.
    pub async fn put_vectors(&self, document: &Document, vectors: StoredVectors) -> Result<(), StoreError> {
        let passages = document.passages as usize;
        let prepared = Arc::new(computed(move || PreparedVectors::new(&vectors, passages)).await?);
        let (partition, number) = (document.partition.clone(), document.number);
        let (whose, size) = (partition.clone(), prepared.bytes.len() as u64);
        let begun = self.run(move |database| database.begin_vectors(&whose, number, size)).await?;
        let Some(begun) = begun.map(Arc::new) else { return Ok(()) };
        for from in (0..prepared.bytes.len()).step_by(SLICE) {
            let (prepared, begun) = (prepared.clone(), begun.clone());
            self.run(move |database| database.put_set(&begun, &prepared, from)).await?;
        }
        self.run(move |database| database.end_vectors(&partition, &begun, &prepared)).await
    }
}

/// Has something computed where nobody waits for the thread.
async fn computed<T: Send + 'static>(
    compute: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(compute).await.unwrap_or(Err(StoreError::Stopped))
}

impl Database {
    /// As [`Store::put_document`].
    pub fn put_document(&self, new: NewDocument, now: u64) -> Result<Document, StoreError> {
        let prepared = Prepared::new(new, now)?;
        let begun = match self.begin_document(&prepared)? {
            Ok(document) => return Ok(document),
            Err(begun) => begun,
        };
        for from in (0..prepared.passages.len()).step_by(SLICE) {
            self.put_passages(&prepared, &begun, from)?;
        }
        if let Some(vectors) = &prepared.vectors {
            for from in (0..vectors.bytes.len()).step_by(SLICE) {
                self.put_set(&begun, vectors, from)?;
            }
        }
        self.end_document(&prepared, &begun)
    }

    /// As [`Store::put_vectors`].
    pub fn put_vectors(&self, document: &Document, vectors: &StoredVectors) -> Result<(), StoreError> {
        let prepared = PreparedVectors::new(vectors, document.passages as usize)?;
        let size = prepared.bytes.len() as u64;
        let Some(begun) = self.begin_vectors(&document.partition, document.number, size)? else { return Ok(()) };
        for from in (0..prepared.bytes.len()).step_by(SLICE) {
            self.put_set(&begun, &prepared, from)?;
        }
        self.end_vectors(&document.partition, &begun, &prepared)
    }

    /// Begins a document: its numbers, and a new key. Or the document that is there.
    pub(super) fn begin_document(&self, prepared: &Prepared) -> Result<Result<Document, Begun>, StoreError> {
        let mut transaction = self.transaction();
        if let Some(document) = transaction.same_document(&prepared.document)? {
            return Ok(Ok(document));
        }
        transaction.may_put(&prepared.document, prepared.size())?;
        transaction.remove_given_up()?;
        let (number, set) = (transaction.next()?, transaction.next()?);
        let token = transaction.state.library.begin(number, None);
        transaction.commit()?;
        Ok(Err(Begun { number, set, key: Key32::random(), token }))
    }

    /// Removes the chunks of documents and vectors that nobody goes on putting.
    pub(super) fn sweep_given_up(&self) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        transaction.remove_given_up()?;
        transaction.commit()
    }

    pub(super) fn put_passages(&self, prepared: &Prepared, begun: &Begun, from: usize) -> Result<(), StoreError> {
        let blob = Blob::passages(begun.number, prepared.passages.len() as u64);
        self.put_slice(&blob, &begun.key, &prepared.passages, from)
    }

    pub(super) fn put_set(&self, begun: &Begun, vectors: &PreparedVectors, from: usize) -> Result<(), StoreError> {
        let blob = Blob::vectors(begun.number, begun.set, vectors.bytes.len() as u64);
        self.put_slice(&blob, &begun.key, &vectors.bytes, from)
    }

    /// Writes chunks, from a byte on.
    fn put_slice(&self, blob: &Blob, key: &Key32, bytes: &[u8], from: usize) -> Result<(), StoreError> {
        let slice = bytes.get(from..bytes.len().min(from + SLICE)).unwrap_or_default();
        self.put_blob(blob, key, from / CHUNK, slice)?;
        fail::fail_point!("document-chunks-stored");
        Ok(())
    }

    /// Ends a document whose chunks are written.
    pub(super) fn end_document(&self, prepared: &Prepared, begun: &Begun) -> Result<Document, StoreError> {
        let mut transaction = self.transaction();
        transaction.state.library.end(&begun.token);
        // Another one may have put the same meanwhile, or there may be no room for it any more.
        let there = match transaction.same_document(&prepared.document) {
            Ok(None) => transaction.may_put(&prepared.document, prepared.size()).map(|()| None),
            there => there,
        };
        if !matches!(there, Ok(None)) {
            transaction.remove_document_chunks(begun.number)?;
            transaction.commit()?;
            return there.map(|document| document.unwrap_or_else(|| prepared.document.clone()));
        }
        let document = Document { number: begun.number, ..prepared.document.clone() };
        let origin = transaction.blinded_ids().origin_of(document.origin.as_ref());
        let stored = StoredDocument {
            document,
            key: Key32::from_bytes(begun.key.bytes()),
            bytes: prepared.passages.len() as u64,
            vectors: prepared.vectors.as_ref().map(|vectors| vectors.set(begun.set)),
        };
        transaction.shelve(&stored, origin)?;
        transaction.commit()?;
        fail::fail_point!("document-stored");
        Ok(stored.document)
    }

    /// Begins the vectors of a document, under its key. `None`: the document is there no more.
    pub(super) fn begin_vectors(
        &self,
        partition: &Partition,
        number: u64,
        size: u64,
    ) -> Result<Option<Begun>, StoreError> {
        let mut transaction = self.transaction();
        let Some((place, stored)) = transaction.stored_document(partition, number)? else { return Ok(None) };
        // Those of another model go.
        let old = stored.vectors.as_ref().map_or(0, |vectors| vectors.bytes);
        transaction.has_place(place.group, 0, size.saturating_sub(old))?;
        transaction.remove_given_up()?;
        let set = transaction.next()?;
        let token = transaction.state.library.begin(number, Some(set));
        transaction.commit()?;
        Ok(Some(Begun { number, set, key: stored.key, token }))
    }

    /// Ends vectors whose chunks are written.
    fn end_vectors(&self, partition: &Partition, begun: &Begun, vectors: &PreparedVectors) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        transaction.state.library.end(&begun.token);
        let Begun { number, set: kept, .. } = *begun;
        match transaction.stored_document(partition, number)? {
            Some((place, stored)) => {
                transaction.remove_other_sets(number, kept)?;
                transaction.shelve(&StoredDocument { vectors: Some(vectors.set(kept)), ..stored }, place.origin)?;
            }
            // It was moved: then they are made anew.
            None if transaction.holds_document(number) => transaction.remove_set(number, kept)?,
            None => transaction.remove_document_chunks(number)?,
        }
        transaction.commit()?;
        fail::fail_point!("vectors-stored");
        Ok(())
    }
}

impl Transaction<'_> {
    /// The document of the same message in the same partition, where it is there.
    fn same_document(&self, document: &Document) -> Result<Option<Document>, StoreError> {
        let (group, partition) = self.blinded_ids().places_of(&document.partition)?;
        let origin = self.blinded_ids().origin_of(document.origin.as_ref());
        let same = |place: &DocumentPlace| (place.group, place.partition) == (group, partition) && place.is_of(origin);
        let places: Vec<DocumentPlace> =
            self.holdings().filter(|(_, held)| same(&held.place)).map(|(_, held)| held.place.clone()).collect();
        for place in places {
            if let Some(stored) = self.find::<StoredDocument>(&place.key())? {
                return Ok(Some(stored.document));
            }
        }
        Ok(None)
    }

    /// Whether a document may be put now.
    fn may_put(&self, document: &Document, size: u64) -> Result<(), StoreError> {
        let (group, _) = self.blinded_ids().places_of(&document.partition)?;
        let library = &self.state.library;
        let origin = self.blinded_ids().origin_of(document.origin.as_ref());
        let is_gone = document.origin.is_some() && library.is_late(origin)
            // It may have been entered again: then there is a key.
            || library.is_late(group) && self.rooms().cipher(&group).is_none();
        if is_gone || self.is_unmade(&document.partition)? {
            return Err(StoreError::Gone);
        }
        self.has_place(group, 1, size)
    }

    /// Whether this is a compagnon made by command that there is not.
    pub(super) fn is_unmade(&self, partition: &Partition) -> Result<bool, StoreError> {
        let Some(number) = partition.made() else { return Ok(false) };
        let key = self.blinded_ids().compagnon(number);
        Ok(!self.contains(&key)? && !self.set_aside(&key)?)
    }

    /// Whether a group, and the store, have place for so many documents and bytes more.
    pub(super) fn has_place(&self, group: BlindedId, documents: usize, bytes: u64) -> Result<(), StoreError> {
        if !self.group_has_place(group, documents, bytes) {
            return Err(StoreError::Full(Full::Group));
        }
        let (held, size) = self.sum_of_holdings(|_| true);
        if held + documents > MOST_IN_ALL || size.saturating_add(bytes) > MOST_BYTES_IN_ALL {
            return Err(StoreError::Full(Full::Store));
        }
        Ok(())
    }

    /// Whether a group has place for so many documents and bytes more.
    pub(super) fn group_has_place(&self, group: BlindedId, documents: usize, bytes: u64) -> bool {
        let (held, size) = self.sum_of_holdings(|held| held.place.group == group);
        held + documents <= MOST_OF_GROUP && size.saturating_add(bytes) <= MOST_BYTES_OF_GROUP
    }

    /// How many documents are meant, and how many bytes are kept of them.
    fn sum_of_holdings(&self, is_meant: impl Fn(&Held) -> bool) -> (usize, u64) {
        let meant = self.holdings().filter(|(_, held)| is_meant(held));
        meant.fold((0, 0), |(count, bytes), (_, held)| (count + 1, u64::saturating_add(bytes, held.bytes)))
    }

    /// Writes the record of a document. `origin` is the message it came with, which the record may not name any more.
    pub(super) fn shelve(&mut self, stored: &StoredDocument, origin: BlindedId) -> Result<DocumentPlace, StoreError> {
        let (group, partition) = self.blinded_ids().places_of(&stored.document.partition)?;
        let number = stored.document.number;
        let place = DocumentPlace { group, partition, origin, number };
        self.put(&place.key(), stored)?;
        let partition = Some(stored.document.partition.clone());
        self.note_document(number, Some(Held { place: place.clone(), partition, bytes: stored.size() }));
        Ok(place)
    }

    /// Removes the chunks that nobody goes on writing. Those that a record names stay, whatever became of who wrote them.
    fn remove_given_up(&mut self) -> Result<(), StoreError> {
        for Unnamed { document, set, .. } in self.state.library.given_up() {
            match set {
                None if !self.holds_document(document) => self.remove_document_chunks(document)?,
                Some(set) if !self.names_set(document, set)? => self.remove_set(document, set)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the record of a document names these vectors.
    fn names_set(&self, document: u64, set: u64) -> Result<bool, StoreError> {
        let Some(key) = self.held_document(document).map(|held| held.place.key()) else { return Ok(false) };
        let stored = self.find::<StoredDocument>(&key)?;
        Ok(stored.and_then(|stored| stored.vectors).is_some_and(|vectors| vectors.number == set))
    }

    /// Removes the chunks of vectors but for those of one set.
    fn remove_other_sets(&mut self, document: u64, kept: u64) -> Result<(), StoreError> {
        let prefix = chunks_of(Tree::Vectors, document);
        let kept = [prefix.bytes.as_slice(), &kept.to_be_bytes()].concat();
        self.remove_chunks_under(&prefix, |key| !key.starts_with(&kept))
    }

    fn remove_set(&mut self, document: u64, set: u64) -> Result<(), StoreError> {
        let mut prefix = chunks_of(Tree::Vectors, document);
        prefix.bytes.extend_from_slice(&set.to_be_bytes());
        self.remove_chunks_under(&prefix, |_| true)
    }
}
