//! What the vectors of a query, of passages and of documents say.
//!
//! All vectors of a model lie close together. So the mean of all passages is taken off a passage, the mean of generic questions off the
//! query, and what is left tells them apart. The cosine as it is serves as evidence only.

use super::{
    partition::{Entry, PartitionIndex, Searched},
    vectors::{self, QueryVector, Vectors},
    words::Scores,
};
use crate::index::IndexError;

/// With so many passages the mean is half believed: the mean of a few is what they say, not what they have in common.
const FEW: f32 = 20.0;
/// How much of the direction of the documents that were found first is added to that of the query.
const FEEDBACK: f32 = 0.5;
/// Where hardly more than this is left of a vector, it is the rounding.
const NOTHING_LEFT: f32 = 1e-5;

/// A query's direction, and what is common to all that is searched.
pub struct Meaning {
    asked: Direction,
    mean: Direction,
    /// The product of both.
    common: f32,
}

/// A vector, also as it is compared with many.
struct Direction {
    exact: Vec<f32>,
    rounded: QueryVector,
    /// The square of its length.
    square: f32,
}

impl Direction {
    /// `None` for one that points nowhere.
    fn new(exact: Vec<f32>) -> Option<Self> {
        let rounded = QueryVector::new(&exact)?;
        let square = vectors::dot(&exact, &exact);
        Some(Self { exact, rounded, square })
    }
}

impl Meaning {
    /// `None` where there is nothing to compare.
    pub fn new(searched: &[Searched<'_>], vector: &[f32], generic: Option<&[f32]>) -> Result<Option<Self>, IndexError> {
        let mut mean = Vec::new();
        let mut passages = 0.0;
        for (sum, count) in searched.iter().map(|(_, index)| index.all()) {
            if !sum.is_empty() && sum.len() != vector.len() {
                return Err(IndexError::Dimension { found: vector.len(), expected: sum.len() });
            }
            vectors::add(&mut mean, sum, 1.0);
            passages += count;
        }
        for value in &mut mean {
            *value /= passages + FEW;
        }
        let asked = vectors::normalised(vectors::without(vector, generic.unwrap_or_default()));
        let both = Direction::new(asked).zip(Direction::new(mean));
        Ok(both.map(|(asked, mean)| Self { common: vectors::dot(&mean.exact, &asked.exact), asked, mean }))
    }

    /// How alike each passage and the query are, roughly: what is common to all is not taken off the passages.
    pub fn products(&self, searched: &[Searched<'_>]) -> Scores {
        let of_partition = |index: &PartitionIndex| {
            let mut scores = vec![f32::NAN; index.lengths().len()];
            for (_, entry) in index.documents() {
                let slots = scores.iter_mut().skip(entry.first as usize);
                let products = entry.vectors.iter().flat_map(|vectors| vectors.products(&self.asked.rounded));
                for (score, product) in slots.zip(products) {
                    *score = product.unwrap_or(f32::NAN);
                }
            }
            scores
        };
        searched.iter().map(|(_, index)| of_partition(index)).collect()
    }

    /// How alike a passage and the query are.
    pub fn passage(&self, entry: &Entry, slot: u32) -> Option<f32> {
        self.cosine(entry.vectors.as_ref()?, slot.checked_sub(entry.first)? as usize)
    }

    /// How alike a document as a whole and the query are.
    pub fn document(&self, entry: &Entry) -> Option<f32> {
        self.cosine(entry.whole.as_ref()?, 0)
    }

    /// The cosine of a vector and the query, what is common to all taken off both.
    fn cosine(&self, vectors: &Vectors, index: usize) -> Option<f32> {
        let (asked, common) =
            (vectors.product(index, &self.asked.rounded)?, vectors.product(index, &self.mean.rounded)?);
        // The square of what is left without the mean, and its product with the query, without making it.
        let square = vectors.square(index)? - 2.0 * common + self.mean.square;
        let product = asked - self.common;
        (square > NOTHING_LEFT).then(|| product / square.sqrt())
    }

    /// Moves the query towards the documents that were found first: they say in many words what it says in a few.
    pub fn follow<'a>(&mut self, found: impl Iterator<Item = &'a Entry>) {
        let mut together = Vec::new();
        for whole in found.filter_map(|entry| entry.whole.as_ref()?.get(0)) {
            let direction = vectors::normalised(vectors::without(&whole, &self.mean.exact));
            vectors::add(&mut together, &direction, 1.0);
        }
        let mut asked = self.asked.exact.clone();
        vectors::add(&mut asked, &vectors::normalised(together), FEEDBACK);
        if let Some(asked) = Direction::new(vectors::normalised(asked)) {
            self.common = vectors::dot(&self.mean.exact, &asked.exact);
            self.asked = asked;
        }
    }
}
