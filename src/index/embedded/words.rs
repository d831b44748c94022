//! What the words of a query say about each passage.

use super::partition::{PartitionIndex, Searched};
use crate::index::{
    common,
    lexical::{self, Statistics},
    spelling,
};

/// Scores by partition and slot; not a number, where there is none.
pub type Scores = Vec<Vec<f32>>;

/// The words that are searched.
pub struct Words {
    statistics: Statistics,
    terms: Vec<SearchedTerm>,
}

struct SearchedTerm {
    text: String,
    weight: f32,
    /// How rare it is in what is searched, for the order.
    rarity: f32,
    /// How rare it is at large, for the evidence.
    rarity_at_large: f32,
    /// Which of the typed terms it is evidence for, and how good: itself, or another spelling of it.
    evidence: Option<(usize, f32)>,
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
        let mut terms: Vec<SearchedTerm> = Vec::new();
        let mut unknown = Vec::new();
        for (typed, term) in lexical::query_terms(query).into_iter().enumerate() {
            let known: u64 = holders(&term.text);
            if known == 0 && term.typed && unknown.len() < spelling::LOOKED_FOR {
                unknown.push((typed, term.text.clone()));
            }
            let rarity = statistics.rarity(known);
            let evidence = term.typed.then_some((typed, 1.0));
            let rarity_at_large = common::rarity(&term.text, statistics.passages, known);
            terms.push(SearchedTerm { text: term.text, weight: term.weight, rarity, rarity_at_large, evidence });
        }
        for (typed, term) in unknown {
            let known = searched.iter().flat_map(|(_, index)| index.vocabulary());
            for (text, weight) in spelling::meant(&term, known) {
                let rarity = statistics.rarity(holders(&text));
                let evidence = Some((typed, weight));
                terms.push(SearchedTerm { text, weight, rarity, rarity_at_large: rarity, evidence });
            }
        }
        Self { statistics, terms }
    }

    /// How well each passage fits.
    pub fn scores(&self, searched: &[Searched<'_>]) -> Scores {
        searched.iter().map(|(_, index)| self.scores_in(index)).collect()
    }

    fn scores_in(&self, index: &PartitionIndex) -> Vec<f32> {
        let lengths = index.lengths();
        let mut scores: Vec<f32> = lengths.iter().map(|length| if length.is_nan() { f32::NAN } else { 0.0 }).collect();
        for term in &self.terms {
            for posting in index.postings(&term.text) {
                let slot = posting.slot as usize;
                if let (Some(score), Some(length)) = (scores.get_mut(slot), lengths.get(slot)) {
                    *score += term.weight * term.rarity * self.statistics.fit(posting.count, *length);
                }
            }
        }
        scores
    }

    /// The share of the typed words that a passage holds.
    pub fn evidence(&self, index: &PartitionIndex, slot: u32) -> f32 {
        let mut shares = vec![(0.0_f32, 0.0_f32); self.terms.len()];
        for term in &self.terms {
            let Some((typed, quality)) = term.evidence else { continue };
            let Some((held, rarity)) = shares.get_mut(typed) else { continue };
            let postings = index.postings(&term.text);
            let found = postings.binary_search_by_key(&slot, |posting| posting.slot).ok();
            let count = found.and_then(|place| postings.get(place)).map_or(0.0, |posting| posting.count);
            let length = index.lengths().get(slot as usize).copied().unwrap_or_default();
            if count > 0.0 {
                *held = held.max(quality * self.statistics.evidence(count, length));
            }
            if quality >= 1.0 {
                *rarity = term.rarity_at_large;
            }
        }
        let all: f32 = shares.iter().map(|(_, rarity)| rarity).sum();
        if all > 0.0 { shares.iter().map(|(held, rarity)| held * rarity).sum::<f32>() / all } else { 0.0 }
    }
}
