//! What the vectors of a query, of passages and of documents say.

use super::{
    partition::{Entry, PartitionIndex, Searched},
    vectors::{QueryVector, Vectors},
    words::Scores,
};
use crate::index::{IndexError, centred::Centred, vector};

/// A query's direction, and what is common to all that is searched, also as they are compared with many.
pub struct Meaning {
    centred: Centred,
    asked: QueryVector,
    mean: QueryVector,
}

impl Meaning {
    /// `None` where there is nothing to compare.
    pub fn new(searched: &[Searched<'_>], query: &[f32], generic: Option<&[f32]>) -> Result<Option<Self>, IndexError> {
        let (mut sum, mut passages) = (Vec::new(), 0.0);
        for (own, count) in searched.iter().map(|(_, index)| index.all()) {
            if !own.is_empty() && own.len() != query.len() {
                return Err(IndexError::Dimension { found: query.len(), expected: own.len() });
            }
            vector::add(&mut sum, own, 1.0);
            passages += count;
        }
        let centred = Centred::new(query, generic, sum, passages);
        let rounded = QueryVector::new(&centred.asked).zip(QueryVector::new(&centred.mean));
        Ok(rounded.map(|(asked, mean)| Self { centred, asked, mean }))
    }

    /// How alike each passage and the query are, roughly: what is common to all is not taken off the passages.
    pub fn products(&self, searched: &[Searched<'_>]) -> Scores {
        let of_partition = |index: &PartitionIndex| {
            let mut scores = vec![f32::NAN; index.lengths().len()];
            for (_, entry) in index.documents() {
                let slots = scores.iter_mut().skip(entry.first as usize);
                let products = entry.vectors.iter().flat_map(|vectors| vectors.products(&self.asked));
                for (score, product) in slots.zip(products) {
                    *score = product.unwrap_or(f32::NAN);
                }
            }
            scores
        };
        searched.iter().map(|(_, index)| of_partition(index)).collect()
    }

    /// How long one of some vectors is without what is common: whatever the query, and so only once for each.
    pub fn left(&self, vectors: &Vectors, place: usize) -> Option<f32> {
        self.centred.left(vectors.square(place)?, vectors.product(place, &self.mean)?)
    }

    /// How alike one of some vectors, of which so much is left, and the query are.
    pub fn cosine(&self, vectors: &Vectors, place: usize, left: f32) -> Option<f32> {
        Some(self.centred.cosine(vectors.product(place, &self.asked)?, left))
    }

    /// How alike a passage and the query are.
    pub fn passage(&self, entry: &Entry, slot: u32) -> Option<f32> {
        let (vectors, place) = (entry.vectors.as_ref()?, slot.checked_sub(entry.first)? as usize);
        self.cosine(vectors, place, self.left(vectors, place)?)
    }

    /// Moves the query towards the documents that were found first.
    pub fn follow<'a>(&mut self, found: impl Iterator<Item = &'a Entry>) {
        self.centred.follow(found.filter_map(|entry| entry.whole.as_ref()?.get(0)));
        if let Some(asked) = QueryVector::new(&self.centred.asked) {
            self.asked = asked;
        }
    }
}
