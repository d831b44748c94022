//! The going of documents: one by one, by what they belong to, and to another partition.

use ruma::{EventId, RoomId, UserId};

use super::database::Database;
use super::document::{DocumentPlace, StoredDocument, chunks_of, document_of};
use super::error::StoreError;
use super::layout::{Key, QUARANTINE, Tree};
use super::library::Held;
use super::seal::BlindedId;
use super::transaction::Transaction;
use crate::document::{Document, Partition};
use crate::message::ConversationId;

/// The trees of chunks.
const CHUNKS: [Tree; 2] = [Tree::Passages, Tree::Vectors];

impl Database {
    /// Reads which documents there are.
    pub(super) fn read_library(&self) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        for raw in transaction.raw_keys(&Key::all(Tree::Documents))? {
            let Some(place) = DocumentPlace::of(raw.strip_prefix(&[QUARANTINE]).unwrap_or(&raw)) else { continue };
            let stored = transaction.find::<StoredDocument>(&place.key())?;
            let bytes = stored.as_ref().map_or(0, StoredDocument::size);
            let partition = stored.map(|stored| stored.document.partition);
            transaction.state.library.documents.insert(place.number, Held { place, partition, bytes });
        }
        Ok(())
    }

    /// Removes what a kill has left of documents, and of vectors, that were not ended.
    pub(super) fn sweep_documents(&self) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        for tree in CHUNKS {
            // Of passages the number of their document stands before the number of the chunk, of vectors the number of their set as well.
            let length = if tree == Tree::Vectors { 17 } else { 9 };
            let mut from = Key::all(tree).bytes;
            while let Some(key) = self.db.range(from.as_slice()..).keys().next().transpose()? {
                self.touch(1);
                let Some(number) = document_of(&key).filter(|_| key.first() == Some(&tree.letter())) else { break };
                let blob = Key { tree, bytes: key.get(..length).unwrap_or(&key).to_vec() };
                if !transaction.is_named(&blob, number)? {
                    transaction.remove_chunks_under(&blob, |_| true)?;
                }
                from = [blob.bytes.as_slice(), &[0xff; 5]].concat();
            }
        }
        transaction.commit()
    }
}

impl Transaction<'_> {
    /// The documents, with what this transaction has changed.
    pub(super) fn holdings(&self) -> impl Iterator<Item = (u64, &Held)> {
        let changed = self.document_changes();
        let before = self.state.library.documents.iter().filter(|(number, _)| !changed.contains_key(number));
        let changed = changed.iter().filter_map(|(number, held)| Some((number, held.as_ref()?)));
        before.chain(changed).map(|(number, held)| (*number, held))
    }

    pub(super) fn held_document(&self, number: u64) -> Option<&Held> {
        match self.document_changes().get(&number) {
            Some(changed) => changed.as_ref(),
            None => self.state.library.documents.get(&number),
        }
    }

    pub(super) fn holds_document(&self, number: u64) -> bool {
        self.held_document(number).is_some()
    }

    /// Whether chunks are those that the record of their document names.
    fn is_named(&self, blob: &Key, number: u64) -> Result<bool, StoreError> {
        let Some(key) = self.held_document(number).map(|held| held.place.key()) else { return Ok(false) };
        if blob.tree == Tree::Passages {
            return Ok(true);
        }
        let stored = self.find::<StoredDocument>(&key)?;
        Ok(stored
            .and_then(|stored| stored.vectors())
            .is_some_and(|vectors| vectors.chunk(0).bytes.starts_with(&blob.bytes)))
    }

    fn places(&self, is_meant: impl Fn(&Held) -> bool) -> Vec<DocumentPlace> {
        self.holdings().filter(|(_, held)| is_meant(held)).map(|(_, held)| held.place.clone()).collect()
    }

    /// The documents that came with a message.
    pub(super) fn documents_from(&self, origin: BlindedId) -> Vec<DocumentPlace> {
        self.places(|held| held.place.is_of(origin))
    }

    /// Removes a document of a partition, for good.
    pub(super) fn remove_document(&mut self, partition: &Partition, number: u64) -> Result<(), StoreError> {
        let (group, partition) = self.blinded_ids().places_of(partition)?;
        let is_meant = |held: &Held| (held.place.group, held.place.partition) == (group, partition);
        match self.held_document(number).filter(|held| is_meant(held)).map(|held| held.place.clone()) {
            Some(place) => self.remove_documents(vec![place]),
            None => Ok(()),
        }
    }

    /// Removes documents, for good: their records with the keys of their chunks, and the chunks.
    fn remove_documents(&mut self, places: Vec<DocumentPlace>) -> Result<(), StoreError> {
        for place in places {
            self.take_record(&place);
            self.remove_document_chunks(place.number)?;
            self.note_document(place.number, None);
            self.rotate(place.group)?;
        }
        Ok(())
    }

    /// Removes the documents that came with a message, for good, in whatever partition they are; whether there were any. From here on none is
    /// stored that came with it.
    pub(super) fn remove_documents_from(&mut self, room: &RoomId, event: &EventId) -> Result<bool, StoreError> {
        let origin = self.blinded_ids().origin(room, event);
        self.state.library.note_late(origin);
        let places = self.documents_from(origin);
        let any = !places.is_empty();
        self.remove_documents(places)?;
        Ok(any)
    }

    /// Removes documents of a conversation, for good: those whose numbers are meant.
    pub(super) fn remove_documents_of(
        &mut self,
        conversation: &ConversationId,
        is_meant: impl Fn(u64) -> bool,
    ) -> Result<(), StoreError> {
        let (group, partition) = self.blinded_ids().places_of(&Partition::Conversation(conversation.clone()))?;
        let here = |held: &Held| (held.place.group, held.place.partition) == (group, partition);
        let places = self.places(|held| here(held) && is_meant(held.place.number));
        self.remove_documents(places)
    }

    /// What is left of documents whose records were removed as too old.
    pub(super) fn remove_expired_document(&mut self, key: &Key) -> Result<(), StoreError> {
        match DocumentPlace::of(&key.bytes).filter(|_| key.tree == Tree::Documents) {
            Some(place) => self.remove_documents(vec![place]),
            None => Ok(()),
        }
    }

    /// Removes a person's own documents, and those that they have put into conversations, for good. What they have put for everybody in a
    /// room, or for all who ask a compagnon, is not theirs alone: it stays, and says no more who added it.
    pub(super) fn forget_documents_of_person(&mut self, person: &UserId) -> Result<(), StoreError> {
        let (group, _) = self.blinded_ids().places_of(&Partition::Person(person.to_owned()))?;
        self.remove_records(group)?;
        self.destroy_key(group);
        for (key, stored) in self.documents_by(person)? {
            let Some(place) = DocumentPlace::of(&key.bytes).filter(|place| place.group != group) else { continue };
            if matches!(stored.document.partition, Partition::Conversation(_)) {
                self.remove_documents(vec![place])?;
            } else {
                let document = Document { origin: None, ..stored.document };
                self.shelve(&StoredDocument { document, ..stored }, place.origin)?;
                self.rotate(place.group)?;
            }
        }
        Ok(())
    }

    /// The documents that a person has added, and their own.
    pub(super) fn documents_by(&self, person: &UserId) -> Result<Vec<(Key, StoredDocument)>, StoreError> {
        let mut documents = self.scan::<StoredDocument>(&Key::all(Tree::Documents))?;
        documents.retain(|(_, stored)| {
            let Document { origin, partition, .. } = &stored.document;
            let added = origin.as_ref().is_some_and(|origin| origin.sender == person);
            added || matches!(partition, Partition::Person(theirs) if theirs == person)
        });
        Ok(documents)
    }

    /// Hands the documents of a room over to the one that takes its place.
    pub(super) fn move_documents(&mut self, old: &RoomId, new: &RoomId) -> Result<(), StoreError> {
        let (from, to) = (Partition::Room(old.to_owned()), Partition::Room(new.to_owned()));
        for (_, stored) in self.scan::<StoredDocument>(&self.blinded_ids().documents(&from)?)? {
            self.move_document(&from, stored.document.number, &to)?;
        }
        Ok(())
    }

    /// The partitions that are without a document with this transaction.
    pub(super) fn partitions_with_losses(&self) -> Vec<Partition> {
        let before = &self.state.library.documents;
        let lost = self.document_changes().iter().filter_map(|(number, held)| {
            let partition = before.get(number)?.partition.as_ref()?;
            (held.as_ref().and_then(|held| held.partition.as_ref()) != Some(partition)).then(|| partition.clone())
        });
        let mut partitions: Vec<Partition> = Vec::new();
        for partition in lost {
            if !partitions.contains(&partition) {
                partitions.push(partition);
            }
        }
        partitions
    }

    /// Removes the documents of a group whose key goes with them.
    pub(super) fn remove_documents_of_group(&mut self, group: BlindedId) -> Result<(), StoreError> {
        for place in self.places(|held| held.place.group == group) {
            self.take_record(&place);
            self.remove_document_chunks(place.number)?;
            self.note_document(place.number, None);
        }
        Ok(())
    }

    fn take_record(&mut self, place: &DocumentPlace) {
        let key = place.key();
        self.remove_raw(&key.quarantined());
        self.remove(&key);
    }

    /// Removes the chunks of a document, and its vectors'.
    pub(super) fn remove_document_chunks(&mut self, number: u64) -> Result<(), StoreError> {
        for tree in CHUNKS {
            self.remove_chunks_under(&chunks_of(tree, number), |_| true)?;
        }
        Ok(())
    }

    /// Moves a document to another partition. Its passages stay where they are: its record, with their key, is sealed anew. Where the document
    /// is not there, or the other partition has no place for it or is of a compagnon that is no more, nothing changes.
    pub(super) fn move_document(&mut self, from: &Partition, number: u64, to: &Partition) -> Result<(), StoreError> {
        let Some((place, mut stored)) = self.stored_document(from, number)? else { return Ok(()) };
        if from == to || self.is_unmade(to)? {
            return Ok(());
        }
        let (group, partition) = self.blinded_ids().places_of(to)?;
        let same = |held: &Held| {
            (held.place.group, held.place.partition) == (group, partition) && held.place.is_of(place.origin)
        };
        if !self.places(same).is_empty() {
            // It is there already.
            return self.remove_documents(vec![place]);
        }
        if place.group != group && !self.group_has_place(group, 1, stored.size()) {
            tracing::warn!("a document stays where it is: there are too many where it was to go");
            return Ok(());
        }
        self.take_record(&place);
        stored.document.partition = to.clone();
        self.shelve(&stored, place.origin)?;
        if place.group == group { Ok(()) } else { self.rotate(place.group) }
    }
}
