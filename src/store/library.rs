//! Which documents the store holds, in memory: a few dozen bytes each, read from their keys and records when the store is opened, and brought up
//! to date by each commit. So what is full, what came with a message, and what is gone is known without reading the disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};

use super::document::DocumentPlace;
use super::seal::BlindedId;
use crate::document::Partition;

/// How many documents that are gone are told one by one.
const MOST_TOLD: usize = 10_000;

/// How many messages and rooms are remembered that were taken back, or left, lately: a document of theirs may be under way.
const MOST_LATE: usize = 4_096;

/// A document that the store holds.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) place: DocumentPlace,
    /// Whose it is. `None` for one whose record does not open.
    pub(super) partition: Option<Partition>,
    /// Bytes of all that is kept of it.
    pub(super) bytes: u64,
}

/// Documents that are no more where they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoneDocuments {
    /// Where they were, and their numbers.
    pub documents: Vec<(Partition, u64)>,
    /// More are gone than are told: whatever is kept of documents in memory may be of one of them.
    pub others: bool,
}

/// What who puts chunks holds; without it, and without a record that names them, they are given up.
pub(super) type PutToken = Arc<()>;

/// Chunks that are written, and that no record names yet.
#[derive(Debug)]
pub(super) struct Unnamed {
    pub(super) document: u64,
    /// The number of the vectors, where the document itself is there.
    pub(super) set: Option<u64>,
    by: Weak<()>,
}

/// The documents that are held.
#[derive(Default)]
pub(super) struct Library {
    pub(super) documents: BTreeMap<u64, Held>,
    unnamed: Vec<Unnamed>,
    gone: GoneDocuments,
    late: VecDeque<BlindedId>,
}

impl Library {
    /// Takes what a commit has changed.
    pub(super) fn take(&mut self, changes: BTreeMap<u64, Option<Held>>) {
        for (number, held) in changes {
            let now = held.as_ref().and_then(|held| held.partition.clone());
            let before = match held {
                Some(held) => self.documents.insert(number, held),
                None => self.documents.remove(&number),
            };
            let before = before.and_then(|held| held.partition);
            if let Some(partition) = before.filter(|before| now.as_ref() != Some(before)) {
                self.lose(partition, number);
            }
        }
    }

    fn lose(&mut self, partition: Partition, number: u64) {
        if self.gone.documents.len() >= MOST_TOLD {
            self.gone = GoneDocuments { documents: Vec::new(), others: true };
        }
        self.gone.documents.push((partition, number));
    }

    /// The documents that are gone since this was last asked for.
    pub(super) fn gone(&mut self) -> GoneDocuments {
        std::mem::take(&mut self.gone)
    }

    /// Notes that chunks are going to be written.
    pub(super) fn begin(&mut self, document: u64, set: Option<u64>) -> PutToken {
        let token = PutToken::default();
        self.unnamed.push(Unnamed { document, set, by: Arc::downgrade(&token) });
        token
    }

    /// Notes that the chunks are named by a record now, or gone.
    pub(super) fn end(&mut self, token: &PutToken) {
        self.unnamed.retain(|unnamed| unnamed.by.as_ptr() != Arc::as_ptr(token));
    }

    /// The chunks that nobody goes on writing.
    pub(super) fn given_up(&mut self) -> Vec<Unnamed> {
        self.unnamed.extract_if(.., |unnamed| unnamed.by.strong_count() == 0).collect()
    }

    /// A message was taken back, a room was left, or a compagnon deleted.
    pub(super) fn note_late(&mut self, name: BlindedId) {
        self.late.push_back(name);
        self.late.drain(..self.late.len().saturating_sub(MOST_LATE));
    }

    pub(super) fn is_late(&self, name: BlindedId) -> bool {
        self.late.contains(&name)
    }
}
