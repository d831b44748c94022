//! Cases that somebody has attached to a compagnon, and a run of them: as both are kept.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{Failed, words::plain};

/// The most cases of one compagnon.
pub const MOST_CASES: usize = 50;

/// The cases of one compagnon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCases {
    /// The last number that was given: none is given twice.
    #[serde(default)]
    last: u32,
    /// The cases, in the order of their numbers.
    #[serde(default)]
    pub cases: Vec<KeptCase>,
}

/// A case, as it was written. It never changes: another wording is another case.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCase {
    /// Its number.
    pub number: u32,
    /// The question.
    pub query: String,
    /// What is expected of its answer.
    pub expected: String,
}

/// What came of adding a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It has this number now.
    Now(u32),
    /// It was there already, with this number.
    Already(u32),
    /// There are as many as there may be.
    Full,
}

impl KeptCases {
    /// Adds a case.
    pub fn add(&mut self, query: &str, expected: &str) -> Added {
        let same = |case: &&KeptCase| plain(&case.query) == plain(query) && case.expected == expected;
        if let Some(known) = self.cases.iter().find(same) {
            return Added::Already(known.number);
        }
        if self.cases.len() >= MOST_CASES {
            return Added::Full;
        }
        self.last = self.last.saturating_add(1);
        let (query, expected) = (query.to_owned(), expected.to_owned());
        self.cases.push(KeptCase { number: self.last, query, expected });
        Added::Now(self.last)
    }

    /// Removes a case. Whether it was there.
    pub fn remove(&mut self, number: u32) -> bool {
        let before = self.cases.len();
        self.cases.retain(|case| case.number != number);
        self.cases.len() < before
    }
}

impl fmt::Debug for KeptCase {
    /// Leaves the texts out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeptCase").field("number", &self.number).finish_non_exhaustive()
    }
}

/// A run that is under way: what was answered is not asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRun {
    /// What the answers were made for: the message that asks for the run, the version and the model.
    pub of: RunOf,
    /// The answers, by the numbers of their cases.
    #[serde(default)]
    pub answers: BTreeMap<u32, KeptAnswer>,
}

/// What a run is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOf {
    /// The message that asks for it.
    pub message: String,
    /// The version of the compagnon.
    pub version: u32,
    /// The model's name.
    pub model: String,
}

/// What an answer came to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// Its beginning.
    pub shown: String,
    /// What is wrong with it.
    pub failed: Vec<Failed>,
}

impl fmt::Debug for KeptAnswer {
    /// Leaves the text out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeptAnswer").field("passed", &self.failed.is_empty()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Added, KeptAnswer, KeptCases, MOST_CASES};

    #[test]
    fn a_number_is_never_given_twice_and_neither_is_a_case() {
        let mut cases = KeptCases::default();
        assert_eq!(cases.add("Combien ?", "25"), Added::Now(1));
        assert_eq!(cases.add("Quand ?", "lundi"), Added::Now(2));
        assert_eq!(cases.add("  COMBIEN ? ", "25"), Added::Already(1));
        assert_eq!(cases.add("Combien ?", "26"), Added::Now(3));
        assert!(cases.remove(3) && !cases.remove(3));
        let kept = serde_json::to_value(&cases).expect("JSON");
        let mut again: KeptCases = serde_json::from_value(kept).expect("the same");
        assert_eq!(again, cases);
        assert_eq!(again.add("Combien ?", "26"), Added::Now(4));
        for more in again.cases.len()..MOST_CASES {
            assert!(matches!(again.add(&more.to_string(), "x"), Added::Now(_)));
        }
        assert_eq!(again.add("Un de trop ?", "x"), Added::Full);
    }

    #[test]
    fn nothing_of_it_is_in_a_log() {
        let mut cases = KeptCases::default();
        cases.add("CANARI", "CANARI");
        let answer = KeptAnswer { shown: "CANARI".to_owned(), failed: Vec::new() };
        assert!(!format!("{cases:?} {answer:?}").contains("CANARI"));
    }
}
