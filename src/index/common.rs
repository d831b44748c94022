//! How rare a word is in French administrative texts at large.
//!
//! In what is searched, rarity says which passage a word tells apart. As evidence that a passage answers, it must not depend on what else
//! is searched: in a single document of ten passages its very subject is the most common word.

use std::{collections::HashMap, sync::LazyLock};

/// How many passages what is known of the language counts as, beside those that are searched.
const KNOWN: f32 = 2000.0;
/// In how many of a thousand passages a term is that is not among the common ones.
const UNCOMMON: f32 = 2.0;
/// How much more than the lower bound of its class a term has, about.
const WITHIN_CLASS: f32 = 1.4;

static COMMON: LazyLock<HashMap<&str, f32>> = LazyLock::new(|| read(include_str!("common.txt")));

/// How rare a term is in the language and in so many passages, of which some hold it, taken together (idf).
#[must_use]
pub fn rarity(term: &str, passages: u64, holders: u64) -> f32 {
    let share = COMMON.get(term).copied().unwrap_or(UNCOMMON) / 1000.0;
    let (all, with) = (KNOWN + passages as f32, KNOWN * share + holders as f32);
    (1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln()
}

fn read(text: &'static str) -> HashMap<&'static str, f32> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let classes = lines.filter_map(|(least, terms)| Some((least.parse::<f32>().ok()? * WITHIN_CLASS, terms)));
    classes.flat_map(|(share, terms)| terms.split_whitespace().map(move |term| (term, share))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::french;

    #[test]
    fn common_words_are_worth_less_whatever_is_searched() {
        assert!(COMMON.len() > 500, "{}", COMMON.len());
        let term = |word: &str| french::terms(word).pop().unwrap();
        for passages in [1, 10, 100_000] {
            let of = |word: &str| rarity(&term(word), passages, 0);
            assert!(of("demande") < of("congé") && of("congé") < of("trottinette"), "{passages}");
        }
        // The only document's own subject is no common word for it.
        assert!(rarity(&term("trottinette"), 10, 10) > rarity(&term("demande"), 10, 1));
        assert!(rarity("x", u64::MAX, u64::MAX).is_finite());
    }
}
