//! Documents as the store keeps them: the values, and where they stand.
//!
//! A document has a data key of its own. The key stands in a small record under the key of its *group* (a room with its conversations, a
//! person, a compagnon, the catalogue); the passages and their vectors stand in chunks under the document's key, in trees that rotation
//! does not touch and whose keys do not name the group. So to move a document is to seal its record anew, and to forget it is to remove its
//! record and replace the key of its group.
//!
//! The key of a record names its partition and the message that the document came with: what goes with a conversation, and what a redaction
//! takes, is found without opening a record, and so also where one does not open any more.

use std::fmt;

use super::chunk::Blob;
use super::error::StoreError;
use super::layout::{Key, Tree};
use super::seal::{BlindedId, BlindedIds, Key32};
use crate::document::{Document, Origin, Partition, Passage};

/// The most documents of a group: a room with all of its conversations, a person, a compagnon, the catalogue.
pub(super) const MOST_OF_GROUP: usize = 1_000;
/// The most bytes of them.
pub(super) const MOST_BYTES_OF_GROUP: u64 = 256 * 1024 * 1024;
/// The most documents in all.
pub(super) const MOST_IN_ALL: usize = 20_000;
/// The most bytes of them.
pub(super) const MOST_BYTES_IN_ALL: u64 = 2 * 1024 * 1024 * 1024;
/// The most bytes of one document, and of its vectors.
pub(super) const LARGEST_DOCUMENT: usize = 32 * 1024 * 1024;

/// In the place of the message that a document came with: none.
const WITHOUT_ORIGIN: BlindedId = [0; size_of::<BlindedId>()];

/// A document to be stored.
#[derive(Clone)]
pub struct NewDocument {
    /// Whose it is.
    pub partition: Partition,
    /// What it is called.
    pub title: String,
    /// What it was made from, as in the list of formats.
    pub format: String,
    /// How many pages, slides or sheets it has, where its format has such.
    pub pages: Option<u32>,
    /// The message that it came with. In one partition there is one document of a message.
    pub origin: Option<Origin>,
    /// Where it can be read, for people.
    pub link: Option<String>,
    /// Its passages, in order.
    pub passages: Vec<Passage>,
    /// Their vectors, where there is an embedding model.
    pub vectors: Option<StoredVectors>,
}

impl fmt::Debug for NewDocument {
    /// Leaves title and text out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("NewDocument");
        debug.field("format", &self.format).field("passages", &self.passages.len()).field("vectors", &self.vectors);
        debug.finish_non_exhaustive()
    }
}

/// The vectors of a document's passages, one each. They are kept with eight bits a value.
#[derive(Clone, PartialEq)]
pub struct StoredVectors {
    /// The model that made them: those of two models cannot be compared.
    pub model: String,
    /// The vectors, in the order of the passages.
    pub values: Vec<Vec<f32>>,
}

impl fmt::Debug for StoredVectors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StoredVectors").field("model", &self.model).field("count", &self.values.len()).finish()
    }
}

/// A document, without its passages and vectors.
pub(super) struct StoredDocument {
    pub(super) document: Document,
    pub(super) key: Key32,
    /// Bytes of the passages.
    pub(super) bytes: u64,
    pub(super) vectors: Option<VectorSet>,
}

/// The vectors of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VectorSet {
    /// Tells its chunks from those of another set.
    pub(super) number: u64,
    pub(super) model: String,
    pub(super) bytes: u64,
}

impl StoredDocument {
    /// Bytes of all that is kept of it.
    pub(super) fn size(&self) -> u64 {
        self.bytes + self.vectors.as_ref().map_or(0, |vectors| vectors.bytes)
    }

    pub(super) fn passages(&self) -> Blob {
        Blob::passages(self.document.number, self.bytes)
    }

    pub(super) fn vectors(&self) -> Option<Blob> {
        let VectorSet { number, bytes, .. } = self.vectors.as_ref()?;
        Some(Blob::vectors(self.document.number, *number, *bytes))
    }
}

/// The bytes of a document, under its key.
impl Blob {
    pub(super) fn passages(document: u64, bytes: u64) -> Self {
        Self::new(Tree::Passages, &[&document.to_be_bytes()], bytes)
    }

    pub(super) fn vectors(document: u64, set: u64, bytes: u64) -> Self {
        Self::new(Tree::Vectors, &[&document.to_be_bytes(), &set.to_be_bytes()], bytes)
    }
}

/// The chunks of a document in one of the two trees.
pub(super) fn chunks_of(tree: Tree, document: u64) -> Key {
    Key::new(tree, &[&document.to_be_bytes()])
}

/// The document of a chunk, by its key.
pub(super) fn document_of(chunk: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*chunk.get(1..)?.first_chunk()?))
}

/// Where a document stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DocumentPlace {
    /// Whose key seals it.
    pub(super) group: BlindedId,
    pub(super) partition: BlindedId,
    pub(super) origin: BlindedId,
    pub(super) number: u64,
}

impl DocumentPlace {
    pub(super) fn key(&self) -> Key {
        Key::new(Tree::Documents, &[&self.group, &self.partition, &self.origin, &self.number.to_be_bytes()])
    }

    /// The place that a key says.
    pub(super) fn of(key: &[u8]) -> Option<Self> {
        let (group, rest) = key.get(1..)?.split_first_chunk()?;
        let (partition, rest) = rest.split_first_chunk()?;
        let (origin, rest) = rest.split_first_chunk()?;
        let number = u64::from_be_bytes(*rest.first_chunk()?);
        Some(Self { group: *group, partition: *partition, origin: *origin, number })
    }

    pub(super) fn is_of(&self, origin: BlindedId) -> bool {
        self.origin == origin && origin != WITHOUT_ORIGIN
    }
}

impl BlindedIds {
    /// Under whose key the records of a partition are sealed, and the partition's own name.
    pub(super) fn places_of(&self, partition: &Partition) -> Result<(BlindedId, BlindedId), StoreError> {
        Ok(match partition {
            Partition::Conversation(conversation) => {
                let thread = conversation.thread.as_ref().map_or("", |thread| thread.as_str());
                let room = &conversation.room_id;
                (self.room(room), self.partition(&["conversation", room.as_str(), thread]))
            }
            Partition::Room(room) => (self.room(room), self.partition(&["room", room.as_str()])),
            Partition::Person(person) => {
                (self.group("person", person.as_str()), self.partition(&["person", person.as_str()]))
            }
            Partition::Compagnon(compagnon) => {
                let group = match partition.made() {
                    Some(number) => self.made(number),
                    None => self.group("compagnon", compagnon),
                };
                (group, self.partition(&["compagnon", compagnon]))
            }
            Partition::Catalogue => (self.group("catalogue", ""), self.partition(&["catalogue"])),
            Partition::Collection(_) => return Err(StoreError::OfCollection),
        })
    }

    /// The message that a document came with, as its key says it.
    pub(super) fn origin_of(&self, origin: Option<&Origin>) -> BlindedId {
        origin.map_or(WITHOUT_ORIGIN, |origin| self.origin(&origin.room_id, &origin.event_id))
    }

    /// The beginning of the places of a partition's documents.
    pub(super) fn documents(&self, partition: &Partition) -> Result<Key, StoreError> {
        let (group, partition) = self.places_of(partition)?;
        Ok(Key::new(Tree::Documents, &[&group, &partition]))
    }
}
