//! The documents of one partition, as they are searched: for each term the passages that hold it, and the vectors.
//!
//! Passages have slots, counted up as documents are put; those of one document follow one another. So the postings of a document are one
//! piece of each list, and go when it goes.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

use zeroize::Zeroize;

use super::vectors::Vectors;
use crate::{
    document::{Partition, Passage},
    index::{IndexError, IndexedDocument, french, lexical, vector},
};

/// How many slots may be unused beside as many that are used, before they are numbered anew.
const UNUSED_SLOTS: usize = 4096;
/// What a term takes beside its letters and its passages: a pointer, a list, the table.
const TERM_BYTES: usize = 64;
/// What a passage takes beside its texts and its terms.
const PASSAGE_BYTES: usize = 128;

/// A partition that is searched.
pub type Searched<'a> = (&'a Partition, &'a PartitionIndex);

/// A document made ready outside of any lock.
pub struct Prepared {
    number: u64,
    title: String,
    passages: Arc<[Passage]>,
    counts: Vec<lexical::Counts>,
    vectors: Option<Vectors>,
    whole: Option<Vectors>,
}

/// A document that is searched.
pub struct Entry {
    pub title: String,
    pub passages: Arc<[Passage]>,
    /// The slot of its first passage.
    pub first: u32,
    /// How many passages it has, which take as many slots.
    pub count: u32,
    pub vectors: Option<Vectors>,
    /// The mean of its vectors alone.
    pub whole: Option<Vectors>,
    bytes: usize,
}

/// A passage that holds a term.
#[derive(Clone, Copy)]
pub struct Posting {
    pub slot: u32,
    pub count: f32,
}

/// The documents of one partition.
#[derive(Default)]
pub struct PartitionIndex {
    postings: HashMap<Box<str>, Vec<Posting>>,
    documents: BTreeMap<u64, Entry>,
    /// Which document's passages begin at a slot; those without passages take none.
    firsts: BTreeMap<u32, u64>,
    /// The weighted count of terms of the passage in each slot; not a number, where none is.
    lengths: Vec<f32>,
    passages: u32,
    length: f64,
    bytes: usize,
    /// How many documents have vectors, and of how many values.
    with_vectors: usize,
    dimension: usize,
    /// The sum of all vectors and their number, once a search has asked for them.
    all: OnceLock<(Vec<f32>, f32)>,
}

impl Prepared {
    /// Analyses a document.
    pub fn new(document: IndexedDocument) -> Self {
        let title = french::terms(&document.title);
        let counts = document.passages.iter().map(|passage| lexical::counts(&title, passage)).collect();
        let dimension = document.vectors.as_deref().and_then(|vectors| vectors.first()).map_or(0, Vec::len);
        let given = document.vectors.as_deref().filter(|_| dimension > 0);
        let vectors = given.map(|given| {
            let missing = document.passages.len().saturating_sub(given.len());
            let given = given.iter().map(Vec::as_slice).chain(std::iter::repeat_n([].as_slice(), missing));
            Vectors::new(dimension, given.take(document.passages.len()))
        });
        let whole = vectors.as_ref().and_then(|vectors| mean(vectors, document.passages.len()));
        Self { number: document.number, title: document.title, passages: document.passages, counts, vectors, whole }
    }

    /// How many values its vectors have.
    pub fn dimension(&self) -> Option<usize> {
        self.vectors.as_ref().map(Vectors::dimension)
    }
}

/// The mean of so many vectors. `None` where there is none that says something.
fn mean(vectors: &Vectors, count: usize) -> Option<Vectors> {
    let mut sum = Vec::new();
    let sound: Vec<_> = (0..count).filter_map(|index| vectors.get(index)).collect();
    for vector in &sound {
        vector::add(&mut sum, vector, 1.0 / sound.len() as f32);
    }
    (!sum.is_empty()).then(|| Vectors::new(sum.len(), std::iter::once(sum.as_slice())))
}

impl PartitionIndex {
    /// Puts a document in the place of the one with its number.
    pub fn put(&mut self, document: Prepared) -> Result<(), IndexError> {
        let replaced = self.documents.get(&document.number).is_some_and(|entry| entry.vectors.is_some());
        if let (Some(found), expected) = (document.dimension(), self.dimension)
            && expected != found
            && self.with_vectors > usize::from(replaced)
        {
            return Err(IndexError::Dimension { found, expected });
        }
        self.remove(document.number);
        if let Some(dimension) = document.dimension() {
            self.dimension = dimension;
            self.with_vectors += 1;
        }
        self.all = OnceLock::new();
        let mut entry = Entry {
            bytes: [&document.vectors, &document.whole].into_iter().flatten().map(Vectors::bytes).sum::<usize>()
                + document.title.len(),
            title: document.title,
            first: self.lengths.len() as u32,
            count: document.counts.len() as u32,
            passages: document.passages,
            vectors: document.vectors,
            whole: document.whole,
        };
        for (passage, counts) in entry.passages.iter().zip(document.counts) {
            let headings: usize = passage.headings.iter().map(String::len).sum();
            entry.bytes += PASSAGE_BYTES + passage.text.len() + headings + counts.terms.len() * size_of::<Posting>();
            self.add(counts);
        }
        self.bytes += entry.bytes;
        if entry.count > 0 {
            self.firsts.insert(entry.first, document.number);
        }
        self.documents.insert(document.number, entry);
        Ok(())
    }

    /// Adds the next passage's terms.
    fn add(&mut self, counts: lexical::Counts) {
        for (term, count) in counts.terms {
            let posting = Posting { slot: self.lengths.len() as u32, count };
            if let Some(postings) = self.postings.get_mut(term.as_str()) {
                postings.push(posting);
            } else {
                self.bytes += term.len() + TERM_BYTES;
                self.postings.insert(term.into_boxed_str(), vec![posting]);
            }
        }
        self.length += f64::from(counts.length);
        self.lengths.push(counts.length);
        self.passages += 1;
    }

    /// Removes a document, with every term that only it held.
    pub fn remove(&mut self, number: u64) {
        let Some(entry) = self.documents.remove(&number) else { return };
        self.all = OnceLock::new();
        if entry.count > 0 {
            self.firsts.remove(&entry.first);
        }
        self.with_vectors -= usize::from(entry.vectors.is_some());
        let (start, end) = (entry.first, entry.first + entry.count);
        // Its terms are read from it again: a list of them would be as long as the document.
        let title = french::terms(&entry.title);
        for passage in entry.passages.iter() {
            for (term, _) in lexical::counts(&title, passage).terms {
                self.forget(&term, start, end);
            }
        }
        for length in self.lengths.iter_mut().take(end as usize).skip(start as usize) {
            // Whole numbers: their sum is exact, and nothing of what is gone stays in it.
            self.length -= f64::from(std::mem::replace(length, f32::NAN));
        }
        self.passages -= end - start;
        self.bytes -= entry.bytes;
        if self.lengths.len() > UNUSED_SLOTS + 2 * self.passages as usize {
            self.renumber();
        }
    }

    /// Forgets that the passages of these slots hold a term.
    fn forget(&mut self, term: &str, start: u32, end: u32) {
        let Some(postings) = self.postings.get_mut(term) else { return };
        let from = postings.partition_point(|posting| posting.slot < start);
        let to = postings.partition_point(|posting| posting.slot < end);
        postings.drain(from..to);
        if postings.is_empty()
            && let Some((term, _)) = self.postings.remove_entry(term)
        {
            self.bytes -= term.len() + TERM_BYTES;
            String::from(term).zeroize();
        }
    }

    /// Gives the passages the slots from 0 on, in their order.
    fn renumber(&mut self) {
        let mut moved = Vec::with_capacity(self.firsts.len());
        let mut next = 0;
        let firsts = std::mem::take(&mut self.firsts);
        for (first, number) in firsts {
            let Some(entry) = self.documents.get_mut(&number) else { continue };
            moved.push((first, next));
            entry.first = next;
            self.firsts.insert(next, number);
            next += entry.count;
        }
        for posting in self.postings.values_mut().flatten() {
            let place = moved.partition_point(|(first, _)| *first <= posting.slot).saturating_sub(1);
            if let Some((first, new)) = moved.get(place) {
                posting.slot = posting.slot - first + new;
            }
        }
        self.lengths.retain(|length| !length.is_nan());
    }

    /// The passages that hold a term, by slot.
    pub fn postings(&self, term: &str) -> &[Posting] {
        self.postings.get(term).map_or(&[], Vec::as_slice)
    }

    /// The terms, each with how many passages hold it.
    pub fn vocabulary(&self) -> impl Iterator<Item = (&str, u64)> {
        self.postings.iter().map(|(term, postings)| (&**term, postings.len() as u64))
    }

    /// The documents, by number.
    pub fn documents(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.documents.iter().map(|(number, entry)| (*number, entry))
    }

    /// The weighted count of terms of the passage in each slot; not a number, where none is.
    pub fn lengths(&self) -> &[f32] {
        &self.lengths
    }

    /// What its scores depend on.
    pub fn statistics(&self) -> lexical::Statistics {
        lexical::Statistics { passages: u64::from(self.passages), length: self.length }
    }

    /// The sum of all vectors, about, and their number.
    pub fn all(&self) -> &(Vec<f32>, f32) {
        self.all.get_or_init(|| {
            let (mut sum, mut count) = (Vec::new(), 0.0);
            for entry in self.documents.values() {
                if let Some(mean) = entry.whole.as_ref().and_then(|whole| whole.get(0)) {
                    vector::add(&mut sum, &mean, entry.count as f32);
                    count += entry.count as f32;
                }
            }
            (sum, count)
        })
    }

    /// How many bytes it takes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Entry {
    /// Leaves no title behind; the passages may be shared, and go with whoever else has them.
    fn drop(&mut self) {
        self.title.zeroize();
        if let Some(passages) = Arc::get_mut(&mut self.passages) {
            for passage in passages {
                passage.text.zeroize();
                passage.headings.iter_mut().for_each(Zeroize::zeroize);
            }
        }
    }
}
