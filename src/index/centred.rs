//! A query's direction without what it has in common with any question, compared with vectors without what all of them have in common. Pure,
//! and apart from the engines, which multiply in their own ways.
//!
//! All vectors of a model lie close together. So the mean of all passages is taken off a passage, the mean of generic questions off the
//! query, and what is left tells them apart. The cosine as it is serves as evidence only.

use super::vector;

/// With so many passages the mean is half believed: the mean of a few is what they say, not what they have in common.
const FEW: f32 = 20.0;
/// How much of the direction of the documents that were found first is added to that of the query.
const FEEDBACK: f32 = 0.5;
/// Where hardly more than this is left of a vector, it is the rounding.
const NOTHING_LEFT: f32 = 1e-5;
/// How many documents that were found first the query is moved towards.
const FOLLOWED: usize = 10;
/// Among so many documents for each of those: among fewer, what was found first is no choice.
const AMONG: usize = 4;

/// The direction of a query, and what is common to all that is searched.
#[derive(Clone, Debug)]
pub struct Centred {
    /// The query's direction.
    pub asked: Vec<f32>,
    /// What is common.
    pub mean: Vec<f32>,
    /// The square of its length.
    square: f32,
    /// The product of both.
    common: f32,
}

impl Centred {
    /// That of a query's vector, of what is generic in it, and of the sum of the vectors of so many passages.
    #[must_use]
    pub fn new(query: &[f32], generic: Option<&[f32]>, mut sum: Vec<f32>, passages: f32) -> Self {
        for value in &mut sum {
            *value /= passages + FEW;
        }
        let asked = vector::normalised(vector::without(query, generic.unwrap_or_default()));
        Self { square: vector::dot(&sum, &sum), common: vector::dot(&sum, &asked), mean: sum, asked }
    }

    /// How long a vector is without what is common, by its square and its product with [`Self::mean`]. `None` where nothing is left.
    #[must_use]
    pub fn left(&self, square: f32, common: f32) -> Option<f32> {
        let left = square - 2.0 * common + self.square;
        (square > 0.0 && left > NOTHING_LEFT).then(|| left.sqrt())
    }

    /// The cosine of a vector and the query, what is common taken off both, by the vector's product with [`Self::asked`] and what is left of it.
    #[must_use]
    pub fn cosine(&self, asked: f32, left: f32) -> f32 {
        (asked - self.common) / left
    }

    /// Moves the query towards the documents that were found first: they say in many words what it says in a few.
    pub fn follow(&mut self, found: impl Iterator<Item = Vec<f32>>) {
        let mut together = Vec::new();
        for whole in found {
            vector::add(&mut together, &vector::normalised(vector::without(&whole, &self.mean)), 1.0);
        }
        let mut asked = self.asked.clone();
        vector::add(&mut asked, &vector::normalised(together), FEEDBACK);
        let asked = vector::normalised(asked);
        if asked.iter().all(|value| value.is_finite()) {
            self.common = vector::dot(&self.mean, &asked);
            self.asked = asked;
        }
    }
}

/// How many of so many documents are followed.
#[must_use]
pub fn followed(documents: usize) -> usize {
    FOLLOWED.min(documents / AMONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_says_nothing_and_the_rest_is_a_cosine() {
        let (one, other) = ([1.0, 0.2, 0.0], [1.0, 0.0, 0.2]);
        let sum: Vec<f32> = one.iter().zip(&other).map(|(one, other)| 500.0 * (one + other)).collect();
        let centred = Centred::new(&[1.0, 0.3, 0.1], Some(&[1.0, 0.1, 0.1]), sum, 1000.0);
        let cosine = |of: &[f32]| {
            let left = centred.left(vector::dot(of, of), vector::dot(of, &centred.mean))?;
            Some(centred.cosine(vector::dot(of, &centred.asked), left))
        };
        let (near, far) = (cosine(&one).unwrap(), cosine(&other).unwrap());
        assert!(near > 0.6 && far < -0.6 && near <= 1.0 && far >= -1.0, "{near} {far}");
        assert_eq!(cosine(&[0.0; 3]), None);
        assert_eq!(cosine(&centred.mean), None, "nothing is left");
    }

    #[test]
    fn the_query_follows_what_was_found_and_few_documents_are_no_choice() {
        let mut centred = Centred::new(&[1.0, 0.0], None, vec![0.0; 2], 1.0);
        centred.follow([vec![0.0, 1.0]].into_iter());
        assert!(centred.asked[1] > 0.3 && centred.asked[0] > centred.asked[1], "{:?}", centred.asked);
        centred.follow(std::iter::empty());
        assert!((vector::dot(&centred.asked, &centred.asked) - 1.0).abs() < 1e-5);
        assert_eq!((followed(3), followed(8), followed(1000)), (0, 2, 10));
    }
}
