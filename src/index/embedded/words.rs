//! What the words of a query say about each passage.

use super::partition::{PartitionIndex, Searched};
use crate::index::{
    lexical::{self, Statistics},
    weighed::Weighed,
};

/// Scores by partition and slot; not a number, where there is none.
pub type Scores = Vec<Vec<f32>>;

/// The words that are searched.
pub struct Words {
    weighed: Weighed,
}

impl Words {
    /// The words of a query, with how rare they are in what is searched, and with what was meant by those that nothing holds.
    pub fn new(searched: &[Searched<'_>], query: &str) -> Self {
        let mut statistics = Statistics::default();
        for (_, index) in searched {
            let own = index.statistics();
            statistics.passages += own.passages;
            statistics.length += own.length;
        }
        let holders = |term: &str| searched.iter().map(|(_, index)| index.postings(term).len() as u64).sum();
        let near = |_: &str| searched.iter().flat_map(|(_, index)| index.vocabulary());
        Self { weighed: Weighed::new(lexical::query_terms(query), statistics, holders, near) }
    }

    /// How well each passage fits.
    pub fn scores(&self, searched: &[Searched<'_>]) -> Scores {
        searched.iter().map(|(_, index)| self.scores_in(index)).collect()
    }

    fn scores_in(&self, index: &PartitionIndex) -> Vec<f32> {
        let lengths = index.lengths();
        let mut scores: Vec<f32> = lengths.iter().map(|length| if length.is_nan() { f32::NAN } else { 0.0 }).collect();
        for term in self.weighed.terms() {
            for posting in index.postings(&term.text) {
                let slot = posting.slot as usize;
                if let (Some(score), Some(length)) = (scores.get_mut(slot), lengths.get(slot)) {
                    *score += term.weight * self.weighed.statistics().fit(posting.count, *length);
                }
            }
        }
        scores
    }

    /// The share of the typed words that a passage holds.
    pub fn evidence(&self, index: &PartitionIndex, slot: u32) -> f32 {
        let length = index.lengths().get(slot as usize).copied().unwrap_or_default();
        self.weighed.evidence(length, |term| {
            let postings = index.postings(term);
            let found = postings.binary_search_by_key(&slot, |posting| posting.slot).ok();
            found.and_then(|place| postings.get(place)).map_or(0.0, |posting| posting.count)
        })
    }
}
