//! When what was found is worth showing: pure, and apart from any engine, since only evidence that does not depend on what else was found
//! carries from one corpus to another.
//!
//! The best of many passages fits better by chance than the best of a few, so the bound rises with their number. It was set on questions
//! that a corpus of 17,080 passages answers or not, and on the same with single documents; `benches/retrieval` measures it on others.

use super::Evidence;

/// What a passage's evidence must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The cosine, with a part of the share of words added to it. It depends on the embedding model.
    pub cosine: f32,
    /// The share of words, where there is no cosine.
    pub words: f32,
}

/// What the share of words counts beside the cosine: a passage of another subject shares the one or the other, hardly both.
const WORDS: f32 = 0.2;

/// For one passage, and how much more for ten times as many.
const COSINE: (f32, f32) = (0.87, 0.0138);
/// The same of words alone.
const WORDS_ALONE: (f32, f32) = (0.10, 0.07);
/// From so many passages on the bound stays: more was not measured.
const MOST: u32 = 30_000;

impl Threshold {
    /// That of a search over so many passages, with vectors of multilingual-e5-small.
    #[must_use]
    pub fn among(passages: u64) -> Self {
        let tens = (passages.max(1) as f32).min(MOST as f32).log10();
        Self { cosine: COSINE.0 + COSINE.1 * tens, words: WORDS_ALONE.0 + WORDS_ALONE.1 * tens }
    }
}

impl Default for Threshold {
    /// That of a large collection.
    fn default() -> Self {
        Self::among(u64::from(MOST))
    }
}

/// Whether a passage is worth showing.
#[must_use]
pub fn is_evidence_enough(evidence: &Evidence, threshold: &Threshold) -> bool {
    match evidence.cosine {
        Some(cosine) => cosine + WORDS * evidence.words >= threshold.cosine,
        None => evidence.words >= threshold.words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enough(cosine: Option<f32>, words: f32, passages: u64) -> bool {
        is_evidence_enough(&Evidence { cosine, words }, &Threshold::among(passages))
    }

    #[test]
    fn a_meaning_and_some_words_are_enough_neither_alone_is() {
        assert!(enough(Some(0.88), 0.6, 20_000));
        assert!(!enough(Some(0.88), 0.1, 20_000), "the same field");
        assert!(!enough(Some(0.80), 0.5, 20_000), "the same words");
        assert!(enough(Some(0.93), 0.05, 20_000), "in other words");
    }

    #[test]
    fn words_alone_are_enough_where_there_are_no_vectors() {
        assert!(enough(None, 0.5, 20_000) && !enough(None, 0.3, 20_000));
        assert!(!enough(None, 0.0, 1), "nothing speaks for it");
    }

    #[test]
    fn among_few_less_is_enough() {
        assert!(enough(Some(0.86), 0.2, 5) && !enough(Some(0.86), 0.2, 20_000));
        assert!(enough(None, 0.2, 5) && !enough(None, 0.2, 20_000));
        assert_eq!(Threshold::among(u64::MAX), Threshold::default());
        assert_eq!(Threshold::among(0), Threshold::among(1));
    }

    #[test]
    fn what_is_not_a_number_is_not_enough() {
        assert!(!enough(Some(f32::NAN), 1.0, 5) && !enough(None, f32::NAN, 5));
    }
}
