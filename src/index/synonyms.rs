//! What people say in everyday French, and what administrative texts write for it.
//!
//! Only queries are expanded, with so low a weight that the words that were typed decide.

use std::{collections::HashMap, sync::LazyLock};

use super::french;

/// The weight of a term that was not typed beside one that was; less, where it is one of several that stand for one thing.
const WEIGHT: f32 = 0.15;

static GROUPS: LazyLock<Groups> = LazyLock::new(|| Groups::read(include_str!("synonyms.txt")));

/// The terms that the terms of a query, as they follow one another, are expanded by, each once, with their weights.
#[must_use]
pub fn expansions(typed: &[String]) -> Vec<(String, f32)> {
    let mut expansions: Vec<(String, f32)> = Vec::new();
    for start in 0..typed.len() {
        for (wording, group) in GROUPS.beginning_with(&typed[start]) {
            if !typed[start..].starts_with(wording) {
                continue;
            }
            for other in GROUPS.groups.get(*group).into_iter().flatten() {
                let weight = WEIGHT / (other.len() as f32).sqrt();
                for term in other.iter().filter(|term| !typed.contains(term)) {
                    match expansions.iter_mut().find(|(known, _)| known == term) {
                        Some((_, known)) => *known = known.max(weight),
                        None => expansions.push((term.clone(), weight)),
                    }
                }
            }
        }
    }
    expansions
}

/// Wordings that stand for one another, as terms.
struct Groups {
    groups: Vec<Vec<Vec<String>>>,
    /// The wordings by their first term, each with its group.
    by_first_term: HashMap<String, Vec<(Vec<String>, usize)>>,
}

impl Groups {
    /// Reads lines of the form `démission; quitter son emploi`.
    fn read(text: &str) -> Self {
        let mut read = Self { groups: Vec::new(), by_first_term: HashMap::new() };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let wordings: Vec<_> = line.split(';').map(french::terms).filter(|terms| !terms.is_empty()).collect();
            for wording in &wordings {
                let same_beginning = read.by_first_term.entry(wording[0].clone()).or_default();
                same_beginning.push((wording.clone(), read.groups.len()));
            }
            read.groups.push(wordings);
        }
        read
    }

    fn beginning_with(&self, term: &str) -> impl Iterator<Item = &(Vec<String>, usize)> {
        self.by_first_term.get(term).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(query: &str) -> String {
        let terms: Vec<_> = expansions(&french::terms(query)).into_iter().map(|(term, _)| term).collect();
        terms.join(" ")
    }

    #[test]
    fn everyday_words_bring_those_of_the_texts() {
        assert_eq!(joined("le treizième mois"), french::terms("13e 13ème").join(" "));
        assert!(joined("mon patron veut me virer").contains("employeu"));
        assert!(joined("mon patron veut me virer").contains("licenc"));
        assert_eq!(joined("une trottinette"), "");
    }

    #[test]
    fn each_line_has_wordings_that_differ() {
        for group in &GROUPS.groups {
            let distinct: std::collections::HashSet<_> = group.iter().collect();
            assert!(distinct.len() >= 2, "{group:?}");
        }
    }

    #[test]
    fn what_stands_for_it_weighs_less_than_what_was_typed() {
        assert!(expansions(&french::terms("congés payés")).iter().all(|(_, weight)| *weight <= WEIGHT));
    }
}
