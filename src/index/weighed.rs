//! A query's terms, each with what it is worth among all that is searched. Pure, and apart from the engines that count.

use std::collections::{BTreeMap, HashMap};

use super::{
    common,
    lexical::{self, Statistics},
    spelling,
};

/// The terms of a query with their weights.
#[derive(Debug, Default)]
pub struct Weighed {
    statistics: Statistics,
    terms: Vec<WeighedTerm>,
}

/// A term that is searched.
#[derive(Debug)]
pub struct WeighedTerm {
    /// The term, as passages hold it.
    pub text: String,
    /// What it adds to a score, times how well it fits: the rarer it is in what is searched, the more.
    pub weight: f32,
    /// In how many of the searched passages it is.
    pub holders: u64,
    /// Which of the query's terms it is evidence for, and how good: itself, or another spelling of it. None for what was not typed.
    evidence: Option<(usize, f32)>,
    /// How rare it is at large, for the evidence.
    at_large: f32,
}

impl WeighedTerm {
    /// Whether it was typed, or is what was meant by something that was.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.evidence.is_some()
    }
}

impl Weighed {
    /// Weighs terms. `holders` says in how many of the searched passages a term is; `near` gives the terms of the searched passages among which
    /// the one is looked for that was meant by one that none of them holds, each with its holders. A term may be given several times.
    #[must_use]
    pub fn new<'a, N: Iterator<Item = (&'a str, u64)>>(
        asked: Vec<lexical::Term>,
        statistics: Statistics,
        holders: impl Fn(&str) -> u64,
        near: impl Fn(&str) -> N,
    ) -> Self {
        let mut terms: Vec<WeighedTerm> = Vec::with_capacity(asked.len());
        let unknown = unknown(&asked, &holders);
        for (typed, term) in asked.into_iter().enumerate() {
            let known = holders(&term.text);
            let evidence = term.typed.then_some((typed, 1.0));
            let at_large = common::rarity(&term.text, statistics.passages, known);
            let weight = term.weight * statistics.rarity(known);
            terms.push(WeighedTerm { text: term.text, weight, holders: known, evidence, at_large });
        }
        for (typed, term) in unknown {
            let mut known: BTreeMap<&str, u64> = BTreeMap::new();
            for (text, holders) in near(&term).filter(|(text, _)| spelling::is_near(&term, text)) {
                *known.entry(text).or_default() += holders;
            }
            for (text, weight) in spelling::meant(&term, known.into_iter()) {
                let holders = holders(&text);
                let (rarity, evidence) = (statistics.rarity(holders), Some((typed, weight)));
                terms.push(WeighedTerm { text, weight: weight * rarity, holders, evidence, at_large: rarity });
            }
        }
        Self { statistics, terms }
    }

    /// The terms, those that were typed first.
    #[must_use]
    pub fn terms(&self) -> &[WeighedTerm] {
        &self.terms
    }

    /// What the fit of a term depends on beside the passage.
    #[must_use]
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// The share of the typed terms that a passage of this length holds, by how often it holds each term.
    #[must_use]
    pub fn evidence(&self, length: f32, count: impl Fn(&str) -> f32) -> f32 {
        let mut shares: HashMap<usize, (f32, f32)> = HashMap::new();
        for term in &self.terms {
            let Some((typed, quality)) = term.evidence else { continue };
            let (held, rarity) = shares.entry(typed).or_default();
            let count = count(&term.text);
            if count > 0.0 {
                *held = held.max(quality * self.statistics.evidence(count, length));
            }
            if quality >= 1.0 {
                *rarity = term.at_large;
            }
        }
        // In the order of the terms: a sum must not depend on the order of a table.
        let shares: BTreeMap<usize, (f32, f32)> = shares.into_iter().collect();
        let all: f32 = shares.values().map(|(_, rarity)| rarity).sum();
        if all > 0.0 { shares.values().map(|(held, rarity)| held * rarity).sum::<f32>() / all } else { 0.0 }
    }
}

/// The terms that were typed and that nothing holds, a few at most, with their places.
#[must_use]
pub fn unknown(asked: &[lexical::Term], holders: &impl Fn(&str) -> u64) -> Vec<(usize, String)> {
    let unknown = asked.iter().enumerate().filter(|(_, term)| term.typed && holders(&term.text) == 0);
    unknown.map(|(typed, term)| (typed, term.text.clone())).take(spelling::LOOKED_FOR).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(texts: &[&str]) -> Vec<lexical::Term> {
        texts.iter().map(|text| lexical::Term { text: (*text).to_owned(), weight: 1.0, typed: true }).collect()
    }

    #[test]
    fn another_spelling_counts_once_however_many_partitions_hold_it() {
        let statistics = Statistics { passages: 100, length: 5000.0 };
        let known =
            [("conventionnel", 3), ("conventionnal", 4), ("conventionnel", 3), ("autre", 9), ("conventionnel", 3)];
        let holders = |term: &str| known.iter().filter(|(text, _)| *text == term).map(|(_, count)| count).sum();
        let weighed = Weighed::new(asked(&["conventionel"]), statistics, holders, |_| known.into_iter());
        let found: Vec<_> = weighed.terms().iter().map(|term| term.text.as_str()).collect();
        assert_eq!(found, ["conventionel", "conventionnel", "conventionnal"], "the commoner of all partitions first");
        let one = weighed.evidence(50.0, |term| f32::from(u8::from(term == "conventionnel")));
        assert!(one > 0.3 && one < 0.7, "{one}");
    }

    #[test]
    fn what_was_not_typed_is_no_evidence() {
        let mut terms = asked(&["rtt"]);
        terms.push(lexical::Term { text: "reduc".to_owned(), weight: 0.25, typed: false });
        let statistics = Statistics { passages: 10, length: 100.0 };
        let weighed = Weighed::new(terms, statistics, |_| 1, |_| std::iter::empty());
        assert!(weighed.evidence(10.0, |term| f32::from(u8::from(term == "reduc"))) == 0.0);
        assert!(weighed.evidence(10.0, |term| f32::from(u8::from(term == "rtt"))) > 0.5);
        assert!(weighed.terms()[0].is_typed() && !weighed.terms()[1].is_typed());
    }
}
