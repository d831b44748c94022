//! How well words fit: counts per passage, rarity, and the score of one term in one passage (BM25 with fields). Pure, and apart from the
//! engines that count, so that each of them ranks alike.

use std::collections::HashMap;

use super::{acronyms, french, synonyms};
use crate::document::Passage;

/// What a word of the title counts beside one of the text.
const TITLE: f32 = 8.0;
/// What a word of the headings counts.
const HEADINGS: f32 = 1.0;
/// How slowly repetitions lose their weight (k1). High, since a title's word alone counts 8.
pub const SATURATION: f32 = 4.0;
/// How far a long passage is worth less than a short one (b).
pub const LENGTH: f32 = 0.75;

/// What it is worth as evidence that a passage holds a word at all; the rest depends on how well it fits.
const HELD: f32 = 0.5;

/// The most bytes of a query that are read.
pub const QUERY_BYTES: usize = 16 * 1024;
/// The most different terms of a query that are searched, its expansions included.
pub const QUERY_TERMS: usize = 128;

/// The terms of one passage with those of its title and headings, each with its weighted count.
pub struct Counts {
    /// Each term once.
    pub terms: HashMap<String, f32>,
    /// The sum of the counts.
    pub length: f32,
}

/// Counts a passage's terms; those of its document's title are given, since all of its passages share them.
#[must_use]
pub fn counts(title: &[String], passage: &Passage) -> Counts {
    let mut counts = Counts { terms: HashMap::new(), length: 0.0 };
    for term in title {
        counts.add(term.clone(), TITLE);
    }
    for heading in &passage.headings {
        for term in french::terms(heading) {
            counts.add(term, HEADINGS);
        }
    }
    for term in french::terms(&passage.text) {
        counts.add(term, 1.0);
    }
    counts
}

impl Counts {
    fn add(&mut self, term: String, count: f32) {
        *self.terms.entry(term).or_default() += count;
        self.length += count;
    }
}

/// What a score depends on beside the passage itself: of the searched partitions and of nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// How many passages are searched.
    pub passages: u64,
    /// The sum of their lengths.
    pub length: f64,
}

impl Statistics {
    /// How rare a term is that this many of the passages hold (idf).
    #[must_use]
    pub fn rarity(&self, holders: u64) -> f32 {
        let (passages, holders) = (self.passages as f32, holders as f32);
        (1.0 + (passages - holders + 0.5).max(0.0) / (holders + 0.5)).ln()
    }

    /// How well one term fits a passage, between 0 and 1, whatever its rarity.
    #[must_use]
    pub fn fit(&self, count: f32, length: f32) -> f32 {
        let mean = (self.length / self.passages.max(1) as f64) as f32;
        count / (count + SATURATION * (1.0 - LENGTH + LENGTH * length / mean.max(1.0)))
    }

    /// What a term that a passage holds is worth as evidence, between 0 and 1.
    #[must_use]
    pub fn evidence(&self, count: f32, length: f32) -> f32 {
        HELD + (1.0 - HELD) * self.fit(count, length)
    }
}

/// A term that is searched.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The term.
    pub text: String,
    /// What it counts: 1 for each time that it was typed, less where it was not.
    pub weight: f32,
    /// Whether it was typed. Only those are evidence.
    pub typed: bool,
}

/// The terms of a query, each once, those that were typed first, and what acronyms add to them.
#[must_use]
pub fn query_terms(query: &str) -> Vec<Term> {
    let query = beginning(query);
    let mut terms: Vec<Term> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    // As they follow one another, with repetitions: wordings of several words are found in it.
    let typed = french::terms(query);
    for text in typed.iter().cloned() {
        match places.get(&text) {
            Some(place) => terms[*place].weight += 1.0,
            None if terms.len() < QUERY_TERMS => {
                places.insert(text.clone(), terms.len());
                terms.push(Term { text, weight: 1.0, typed: true });
            }
            None => {}
        }
    }
    let of_acronyms = acronyms::expansions(query).into_iter().map(|text| (text, acronyms::WEIGHT));
    for (text, weight) in of_acronyms.chain(synonyms::expansions(&typed)) {
        if terms.len() < QUERY_TERMS && !terms.iter().any(|term| term.text == text) {
            terms.push(Term { text, weight, typed: false });
        }
    }
    terms
}

/// The part of a query that is read.
fn beginning(query: &str) -> &str {
    let end = (0..=QUERY_BYTES.min(query.len())).rev().find(|end| query.is_char_boundary(*end)).unwrap_or(0);
    &query[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wording_of_several_words_is_found_after_words_that_were_typed_before() {
        let added = |query: &str| -> Vec<String> {
            query_terms(query).into_iter().filter(|term| !term.typed).map(|term| term.text).collect()
        };
        // "heures" is there already: with each term once, "heures sup" would not stand there any more.
        let alone = added("heures sup");
        assert!(!alone.is_empty());
        let after = added("heures de nuit, et heures sup");
        assert!(alone.iter().all(|term| after.contains(term)), "{after:?}");
    }

    #[test]
    fn a_term_counts_as_often_as_it_was_typed_and_there_are_not_too_many() {
        let terms = query_terms("congé et congés");
        assert!((terms[0].weight - 2.0).abs() < f32::EPSILON && terms[0].typed, "{terms:?}");
        let many = (0..1000).map(|number| format!("mot{number}")).collect::<Vec<_>>().join(" ");
        assert_eq!(query_terms(&many).len(), QUERY_TERMS);
        assert!(query_terms(&"é".repeat(QUERY_BYTES)).len() <= 1);
    }
}
