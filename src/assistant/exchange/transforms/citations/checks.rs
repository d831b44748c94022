//! What an answer is checked against: the passages that it may cite, and the addresses that it may repeat.

use std::ops::Range;

use super::{
    addresses::{Allowed, Placeholders},
    comparable::comparable,
    quotations::holds,
};

/// What an answer is checked against.
pub struct Checks {
    /// The passages, comparable, in the order of their marks: the first has mark 1.
    passages: Vec<Vec<String>>,
    /// The addresses and numbers that may be written.
    pub allowed: Allowed,
    /// What is shown in the place of others.
    pub placeholders: Placeholders,
}

/// What the reader of a passage sees of it.
#[derive(Clone, Copy)]
pub struct Extract<'a> {
    /// Its text.
    pub text: &'a str,
    /// The title of its document and its headings.
    pub names: &'a [&'a str],
}

impl Checks {
    /// Checks against these passages, in the order of their marks; `written` is what may be repeated beside them: the question, what people
    /// said before it, the compagnon's prompt.
    pub fn new<'a>(
        passages: &[Extract<'a>],
        written: impl Iterator<Item = &'a str>,
        placeholders: Placeholders,
    ) -> Self {
        let texts =
            passages.iter().flat_map(|passage| std::iter::once(passage.text).chain(passage.names.iter().copied()));
        let allowed = Allowed::of(texts.chain(written));
        let comparable = |passage: &Extract<'_>| {
            std::iter::once(passage.text).chain(passage.names.iter().copied()).map(comparable).collect()
        };
        Self { passages: passages.iter().map(comparable).collect(), allowed, placeholders }
    }

    /// Whether there is a passage with this mark.
    pub fn has(&self, mark: usize) -> bool {
        (1..=self.passages.len()).contains(&mark)
    }

    /// Whether a quotation stands in one of the passages with these marks; without marks, in any.
    pub fn verifies(&self, quotation: &str, marks: &[usize]) -> bool {
        let mut cited: Vec<&Vec<String>> =
            marks.iter().filter_map(|mark| self.passages.get(mark.checked_sub(1)?)).collect();
        if cited.is_empty() {
            cited = self.passages.iter().collect();
        }
        cited.iter().any(|passage| passage.iter().any(|text| holds(text, quotation)))
    }
}

/// A mark in an answer that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its number.
    pub number: usize,
    /// Where it stands.
    pub place: Range<usize>,
}
