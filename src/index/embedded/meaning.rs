//! What the vectors of a query, of passages and of documents say.
//!
//! All vectors of a model lie close together. So the mean of all passages is taken off a passage, the mean of generic questions off the
//! query, and what is left tells them apart. The cosine as it is serves as evidence only.

use super::{
    partition::{Entry, PartitionIndex},
    search::Searched,
    vectors::{self, QueryVector},
    words::Scores,
};
use crate::index::IndexError;

/// With so many passages the mean is half believed: the mean of a few is what they say, not what they have in common.
const FEW: f32 = 20.0;
/// How much of the direction of the documents that were found first is added to that of the query.
const FEEDBACK: f32 = 0.6;

/// A query's direction, and what is common to all that is searched.
pub struct Meaning {
    asked: Vec<f32>,
    mean: Vec<f32>,
}

impl Meaning {
    /// `None` where there is nothing to compare.
    pub fn new(searched: &[Searched<'_>], vector: &[f32], generic: Option<&[f32]>) -> Result<Option<Self>, IndexError> {
        let mut mean = Vec::new();
        let mut passages = 0.0;
        for (_, entry) in searched.iter().flat_map(|(_, index)| index.documents()) {
            let Some(own) = &entry.vectors else { continue };
            if own.dimension() != vector.len() {
                return Err(IndexError::Dimension { found: vector.len(), expected: own.dimension() });
            }
            vectors::add(&mut mean, &entry.sum);
            passages += entry.count as f32;
        }
        mean.iter_mut().for_each(|value| *value /= passages + FEW);
        let asked = vectors::normalised(vectors::without(vector, generic.unwrap_or_default()));
        let sound = !mean.is_empty() && QueryVector::new(&asked).is_some();
        Ok(sound.then_some(Self { asked, mean }))
    }

    /// How alike each passage and the query are, roughly: what is common to all is not taken off the passages.
    pub fn products(&self, searched: &[Searched<'_>]) -> Scores {
        let query = QueryVector::new(&self.asked);
        let of_partition = |index: &PartitionIndex| {
            let mut scores = vec![f32::NAN; index.lengths().len()];
            let Some(query) = &query else { return scores };
            for (_, entry) in index.documents() {
                let slots = scores.iter_mut().skip(entry.first as usize);
                for (score, product) in slots.zip(entry.vectors.iter().flat_map(|vectors| vectors.products(query))) {
                    *score = product.unwrap_or(f32::NAN);
                }
            }
            scores
        };
        searched.iter().map(|(_, index)| of_partition(index)).collect()
    }

    /// How alike a passage and the query are.
    pub fn passage(&self, entry: &Entry, slot: u32) -> Option<f32> {
        let vector = entry.vectors.as_ref()?.get(slot.checked_sub(entry.first)? as usize)?;
        Some(vectors::dot(&self.direction(&vector), &self.asked))
    }

    /// How alike a document as a whole and the query are.
    pub fn document(&self, entry: &Entry) -> Option<f32> {
        Some(vectors::dot(&self.direction(&own_mean(entry)?), &self.asked))
    }

    /// Moves the query towards the documents that were found first: they say in many words what it says in a few.
    pub fn follow<'a>(&mut self, found: impl Iterator<Item = &'a Entry>) {
        let mut together = Vec::new();
        for mean in found.filter_map(own_mean) {
            vectors::add(&mut together, &self.direction(&mean));
        }
        if together.len() == self.asked.len() {
            let together = vectors::normalised(together).into_iter().map(|value| value * FEEDBACK).collect::<Vec<_>>();
            vectors::add(&mut self.asked, &together);
            self.asked = vectors::normalised(std::mem::take(&mut self.asked));
        }
    }

    fn direction(&self, vector: &[f32]) -> Vec<f32> {
        vectors::normalised(vectors::without(vector, &self.mean))
    }
}

/// The mean of a document's vectors.
fn own_mean(entry: &Entry) -> Option<Vec<f32>> {
    let sound = !entry.sum.is_empty() && entry.count > 0;
    sound.then(|| entry.sum.iter().map(|value| value / entry.count as f32).collect())
}
