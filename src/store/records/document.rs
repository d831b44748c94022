//! Documents, and their passages.

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use super::hex::Hex;
use super::stored::Stored;
use crate::document::{Document, Origin, Partition, Passage, Place};
use crate::message::ConversationId;
use crate::store::document::{StoredDocument, VectorSet};
use crate::store::seal::Key32;

/// A [`StoredDocument`], with the data key that seals its chunks.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct DocumentRecord {
    number: u64,
    partition: PartitionRecord,
    title: String,
    format: String,
    pages: Option<u32>,
    passages: u32,
    characters: u64,
    origin: Option<OriginRecord>,
    added_at: u64,
    link: Option<String>,
    key: Hex<32>,
    bytes: u64,
    vectors: Option<VectorSetRecord>,
}

/// A [`Partition`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::store) enum PartitionRecord {
    Conversation { room_id: OwnedRoomId, thread: Option<OwnedEventId> },
    Room(OwnedRoomId),
    Person(OwnedUserId),
    Compagnon(String),
    Catalogue,
    Collection(String),
}

#[derive(Serialize, Deserialize)]
struct OriginRecord {
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
    sender: OwnedUserId,
    sent_at: u64,
}

#[derive(Serialize, Deserialize)]
struct VectorSetRecord {
    number: u64,
    model: String,
    bytes: u64,
}

impl Stored for StoredDocument {
    type Record = DocumentRecord;
}

impl From<&StoredDocument> for DocumentRecord {
    fn from(stored: &StoredDocument) -> Self {
        let document = &stored.document;
        Self {
            number: document.number,
            partition: PartitionRecord::from(&document.partition),
            title: document.title.clone(),
            format: document.format.clone(),
            pages: document.pages,
            passages: document.passages,
            characters: document.characters,
            origin: document.origin.as_ref().map(OriginRecord::from),
            added_at: document.added_at,
            link: document.link.clone(),
            key: Hex(*stored.key.bytes()),
            bytes: stored.bytes,
            vectors: stored.vectors.as_ref().map(|set| VectorSetRecord {
                number: set.number,
                model: set.model.clone(),
                bytes: set.bytes,
            }),
        }
    }
}

impl From<DocumentRecord> for StoredDocument {
    fn from(record: DocumentRecord) -> Self {
        Self {
            document: Document {
                number: record.number,
                partition: record.partition.into(),
                title: record.title,
                format: record.format,
                pages: record.pages,
                passages: record.passages,
                characters: record.characters,
                origin: record.origin.map(Into::into),
                added_at: record.added_at,
                link: record.link,
            },
            key: Key32::from_bytes(&record.key.0),
            bytes: record.bytes,
            vectors: record.vectors.map(|set| VectorSet { number: set.number, model: set.model, bytes: set.bytes }),
        }
    }
}

impl From<&Partition> for PartitionRecord {
    fn from(partition: &Partition) -> Self {
        match partition {
            Partition::Conversation(ConversationId { room_id, thread }) => {
                Self::Conversation { room_id: room_id.clone(), thread: thread.clone() }
            }
            Partition::Room(room) => Self::Room(room.clone()),
            Partition::Person(person) => Self::Person(person.clone()),
            Partition::Compagnon(compagnon) => Self::Compagnon(compagnon.clone()),
            Partition::Catalogue => Self::Catalogue,
            Partition::Collection(collection) => Self::Collection(collection.clone()),
        }
    }
}

impl From<PartitionRecord> for Partition {
    fn from(record: PartitionRecord) -> Self {
        match record {
            PartitionRecord::Conversation { room_id, thread } => Self::Conversation(ConversationId { room_id, thread }),
            PartitionRecord::Room(room) => Self::Room(room),
            PartitionRecord::Person(person) => Self::Person(person),
            PartitionRecord::Compagnon(compagnon) => Self::Compagnon(compagnon),
            PartitionRecord::Catalogue => Self::Catalogue,
            PartitionRecord::Collection(collection) => Self::Collection(collection),
        }
    }
}

impl From<&Origin> for OriginRecord {
    fn from(origin: &Origin) -> Self {
        Self {
            room_id: origin.room_id.clone(),
            event_id: origin.event_id.clone(),
            sender: origin.sender.clone(),
            sent_at: origin.sent_at,
        }
    }
}

impl From<OriginRecord> for Origin {
    fn from(record: OriginRecord) -> Self {
        let OriginRecord { room_id, event_id, sender, sent_at } = record;
        Self { room_id, event_id, sender, sent_at }
    }
}

/// A [`Passage`].
#[derive(Serialize, Deserialize)]
struct PassageRecord {
    ordinal: u32,
    place: PlaceRecord,
    headings: Vec<String>,
    text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PlaceRecord {
    Whole,
    Page(u32),
    Slide(u32),
    Sheet(String),
}

/// The passages of a document as bytes.
pub(in crate::store) fn passages_to_bytes(passages: Vec<Passage>) -> Option<Vec<u8>> {
    let records: Vec<PassageRecord> = passages.into_iter().map(Into::into).collect();
    serde_json::to_vec(&records).ok()
}

/// The passages of a document from their bytes; `None` when they are none.
pub(in crate::store) fn passages_of_bytes(bytes: &[u8]) -> Option<Vec<Passage>> {
    let records: Vec<PassageRecord> = serde_json::from_slice(bytes).ok()?;
    Some(records.into_iter().map(Into::into).collect())
}

impl From<Passage> for PassageRecord {
    fn from(passage: Passage) -> Self {
        let place = match passage.place {
            Place::Whole => PlaceRecord::Whole,
            Place::Page(page) => PlaceRecord::Page(page),
            Place::Slide(slide) => PlaceRecord::Slide(slide),
            Place::Sheet(sheet) => PlaceRecord::Sheet(sheet),
        };
        Self { ordinal: passage.ordinal, place, headings: passage.headings, text: passage.text }
    }
}

impl From<PassageRecord> for Passage {
    fn from(record: PassageRecord) -> Self {
        let place = match record.place {
            PlaceRecord::Whole => Place::Whole,
            PlaceRecord::Page(page) => Place::Page(page),
            PlaceRecord::Slide(slide) => Place::Slide(slide),
            PlaceRecord::Sheet(sheet) => Place::Sheet(sheet),
        };
        Self { ordinal: record.ordinal, place, headings: record.headings, text: record.text }
    }
}
