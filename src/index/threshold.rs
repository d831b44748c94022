//! When what was found is worth showing: pure, and apart from any engine, since only evidence that does not depend on what else was found
//! carries from one corpus to another.

use super::Evidence;

/// Below both of these, a passage does not answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// A cosine of at least this is enough by itself. It depends on the embedding model.
    pub cosine: f32,
    /// A share of the query's words of at least this is enough by itself.
    pub words: f32,
}

impl Default for Threshold {
    /// What was found for multilingual-e5-small.
    fn default() -> Self {
        Self { cosine: 0.875, words: 0.35 }
    }
}

/// Whether a passage is worth showing.
#[must_use]
pub fn is_evidence_enough(evidence: &Evidence, threshold: &Threshold) -> bool {
    evidence.cosine.is_some_and(|cosine| cosine >= threshold.cosine) || evidence.words >= threshold.words
}
