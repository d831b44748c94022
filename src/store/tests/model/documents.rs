//! Documents in random histories: whose they should be, in the simplest words.

use std::collections::HashSet;

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};

use super::{EVENTS, KEEP, Pair, asked, person, room, room_of};
use crate::document::{Origin, Partition};
use crate::message::{ConversationId, Redaction};
use crate::store::chunk::{CHUNK, CHUNKS_AT_ONCE};
use crate::store::put_document::Prepared;
use crate::store::tests::documents::{new, passages, vectors, with_chunks};
use crate::store::{Change, NewDocument, StoreError};

/// How many partitions the document of a message may be in.
pub(super) const SCOPES: usize = 5;

/// A document that should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    number: u64,
    partition: Partition,
    /// The index of the message that it came with.
    index: usize,
    /// Who added it, where that is still said.
    sender: Option<OwnedUserId>,
    at: u64,
}

/// The documents that should be there.
#[derive(Default)]
pub(super) struct Library {
    kept: Vec<Kept>,
    /// Taken back since the last kill.
    redacted: HashSet<(OwnedRoomId, OwnedEventId)>,
    /// Left since the last kill.
    left: HashSet<OwnedRoomId>,
    /// What was there when the store was last asked what is gone.
    told: Vec<(Partition, u64)>,
}

fn partition(index: usize, scope: usize) -> Partition {
    match scope {
        0 => Partition::Conversation(asked(index).conversation()),
        1 => Partition::Room(room(&room_of(index))),
        2 => Partition::Person(asked(index).sender),
        3 => Partition::Compagnon("rh".to_owned()),
        _ => Partition::Catalogue,
    }
}

fn partitions() -> Vec<Partition> {
    let mut all: Vec<Partition> = Vec::new();
    for (index, scope) in (0..EVENTS).flat_map(|index| (0..SCOPES).map(move |scope| (index, scope))) {
        let partition = partition(index, scope);
        if !all.contains(&partition) {
            all.push(partition);
        }
    }
    all
}

fn room_of_partition(partition: &Partition) -> Option<&OwnedRoomId> {
    match partition {
        Partition::Conversation(conversation) => Some(&conversation.room_id),
        Partition::Room(room) => Some(room),
        _ => None,
    }
}

fn document(index: usize, partition: &Partition) -> NewDocument {
    let asked = asked(index);
    let origin = Origin { room_id: asked.room_id, event_id: asked.event_id, sender: asked.sender, sent_at: 1 };
    NewDocument { origin: Some(origin), ..new(partition, "x", &format!("d{index}")) }
}

impl Library {
    pub(super) fn redact(&mut self, redaction: &Redaction) -> bool {
        let before = self.kept.len();
        self.kept.retain(|kept| {
            let asked = asked(kept.index);
            (&asked.room_id, &asked.event_id) != (&redaction.room_id, &redaction.redacts)
        });
        self.redacted.insert((redaction.room_id.clone(), redaction.redacts.clone()));
        self.kept.len() < before
    }

    pub(super) fn forget_conversation(&mut self, conversation: &ConversationId) {
        self.kept.retain(|kept| kept.partition != Partition::Conversation(conversation.clone()));
    }

    pub(super) fn forget_room(&mut self, room: &OwnedRoomId) {
        self.kept.retain(|kept| room_of_partition(&kept.partition) != Some(room));
    }

    pub(super) fn leave(&mut self, room: &OwnedRoomId) {
        self.forget_room(room);
        self.left.insert(room.clone());
    }

    pub(super) fn forget_person(&mut self, person: &OwnedUserId) {
        self.kept.retain(|kept| {
            let theirs = matches!(kept.partition, Partition::Conversation(_)) && kept.sender.as_ref() == Some(person);
            !theirs && kept.partition != Partition::Person(person.clone())
        });
        for kept in &mut self.kept {
            kept.sender = kept.sender.take().filter(|sender| sender != person);
        }
    }

    pub(super) fn purge(&mut self, now: u64, kept_in: impl Fn(&OwnedRoomId) -> u64) {
        self.kept.retain(|kept| match &kept.partition {
            Partition::Conversation(conversation) => now - kept.at <= kept_in(&conversation.room_id),
            Partition::Person(_) => now - kept.at <= KEEP.memory,
            _ => true,
        });
    }

    /// What was only in memory is lost.
    pub(super) fn killed(&mut self) {
        self.redacted.clear();
        self.left.clear();
        self.told = self.places();
    }

    fn places(&self) -> Vec<(Partition, u64)> {
        self.kept.iter().map(|kept| (kept.partition.clone(), kept.number)).collect()
    }
}

impl Pair {
    pub(super) fn put_document(&mut self, index: usize, scope: usize, now: u64) {
        let partition = partition(index, scope);
        let stored = self.store.put_document(document(index, &partition), now);
        let library = &mut self.model.library;
        let asked = asked(index);
        let there = library.kept.iter().find(|kept| (&kept.partition, kept.index) == (&partition, index));
        if let Some(there) = there {
            assert_eq!(stored.unwrap().number, there.number);
            return;
        }
        let left = room_of_partition(&partition).is_some_and(|room| library.left.contains(room));
        let taken_back = library.redacted.contains(&(asked.room_id, asked.event_id));
        if taken_back || (left && !self.has_key(index)) {
            assert!(matches!(stored, Err(StoreError::Gone)));
            return;
        }
        let number = stored.unwrap().number;
        self.model.library.kept.push(Kept { number, partition, index, sender: Some(asked.sender), at: now });
    }

    pub(super) fn remove_document(&mut self, which: usize, now: u64) {
        let library = &mut self.model.library;
        if library.kept.is_empty() {
            return;
        }
        let Kept { number, partition, .. } = library.kept.remove(which % library.kept.len());
        self.apply(Change::RemoveDocument(partition, number), now);
    }

    pub(super) fn move_document(&mut self, which: usize, scope: usize, now: u64) {
        let library = &mut self.model.library;
        if library.kept.is_empty() {
            return;
        }
        let which = which % library.kept.len();
        let Kept { number, partition: from, index, .. } = library.kept[which].clone();
        let to = partition(index, scope);
        if from != to && library.kept.iter().any(|kept| (&kept.partition, kept.index) == (&to, index)) {
            library.kept.remove(which);
        } else {
            library.kept[which].partition = to.clone();
        }
        self.apply(Change::MoveDocument { from, number, to }, now);
    }

    /// Writes a part of a document, which a kill then cuts.
    pub(super) fn begin_document(&self, now: u64) {
        let long =
            NewDocument { passages: passages("long", 4_000), vectors: None, ..document(0, &Partition::Catalogue) };
        let long = NewDocument { origin: None, ..long };
        let prepared = Prepared::new(long, now).unwrap();
        assert!(prepared.passages.len() > CHUNK * CHUNKS_AT_ONCE);
        let Err(begun) = self.store.begin_document(&prepared).unwrap() else { panic!("it came with no message") };
        self.store.put_passages(&prepared, &begun, 0).unwrap();
    }

    /// Nothing is left of documents that are not there.
    pub(super) fn compare_chunks(&self) {
        let numbers = self.model.library.kept.iter().map(|kept| kept.number).collect();
        assert_eq!(with_chunks(&self.store), numbers);
    }

    pub(super) fn compare_documents(&mut self) {
        let (store, library) = (&self.store, &mut self.model.library);
        library.kept.sort_by_key(|kept| kept.number);
        let documents = store.documents(&partitions()).unwrap();
        let found = documents.iter().map(|document| {
            let sender = document.origin.as_ref().map(|origin| origin.sender.clone());
            (document.number, document.partition.clone(), document.title.clone(), sender, document.added_at)
        });
        let expected = library.kept.iter().map(|kept| {
            let title = format!("d{}.pdf", kept.index);
            (kept.number, kept.partition.clone(), title, kept.sender.clone(), kept.at)
        });
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        for (kept, document) in library.kept.iter().zip(&documents) {
            assert!(store.passages(document).unwrap() == Some(passages(&format!("d{}", kept.index), 3)));
            let values = store.vectors(document, "e5").unwrap().unwrap();
            assert_eq!(values.len(), vectors("e5", 3, 8).values.len());
        }
        let gone = store.gone_documents();
        let now = library.places();
        let expected: HashSet<_> = library.told.iter().filter(|place| !now.contains(place)).cloned().collect();
        assert_eq!(gone.documents.into_iter().collect::<HashSet<_>>(), expected);
        library.told = now;
        for index in 0..2 {
            let theirs =
                |kept: &&Kept| kept.sender == Some(person(index)) || kept.partition == Partition::Person(person(index));
            let count = library.kept.iter().filter(theirs).count();
            assert_eq!(store.personal(&person(index)).unwrap().documents.len(), count);
        }
    }
}
