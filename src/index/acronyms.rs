//! Acronyms of the French administration and what they stand for: who asks writes the one, who wrote the document the other.
//!
//! Apart from the analysis of texts: only queries are expanded, with a low weight, so that the words that were typed decide.

use std::{collections::HashMap, sync::LazyLock};

use super::french;

/// The weight of a term that was not typed beside one that was. At 1 the expansions do harm.
pub const WEIGHT: f32 = 0.25;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("acronyms.txt")));

/// The terms that a query is expanded by, each once: the words of the acronyms that it contains, and the acronyms of the words.
#[must_use]
pub fn expansions(query: &str) -> Vec<String> {
    let typed = french::terms(query);
    let mut expansions = Vec::new();
    for entry in TABLE.in_capitals_or_small(query) {
        expansions.extend(entry.expansions.iter().flatten().cloned());
    }
    for start in 0..typed.len() {
        for (expansion, acronym) in TABLE.beginning_with(&typed[start]) {
            if typed[start..].starts_with(expansion) {
                expansions.push(acronym.clone());
            }
        }
    }
    let mut seen: Vec<String> = Vec::new();
    expansions.retain(|term| {
        let new = !typed.contains(term) && !seen.contains(term);
        if new {
            seen.push(term.clone());
        }
        new
    });
    expansions
}

/// The acronyms, both ways.
struct Table {
    by_acronym: HashMap<String, Entry>,
    /// The expansions by their first term, each with its acronym's.
    by_first_term: HashMap<String, Vec<(Vec<String>, String)>>,
}

struct Entry {
    /// Also a word: meant only when it is written in capitals.
    is_word: bool,
    /// What it stands for, as terms; several where it stands for several things.
    expansions: Vec<Vec<String>>,
}

impl Table {
    /// Reads lines of the form `RTT: réduction du temps de travail; …`.
    fn read(text: &str) -> Self {
        let mut table = Self { by_acronym: HashMap::new(), by_first_term: HashMap::new() };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, expansions)) = line.split_once(':') else { continue };
            let is_word = name.ends_with('*');
            let acronym = french::fold(name.trim_end_matches('*'));
            let expansions: Vec<_> =
                expansions.split(';').map(french::terms).filter(|terms| !terms.is_empty()).collect();
            for expansion in &expansions {
                let same_beginning = table.by_first_term.entry(expansion[0].clone()).or_default();
                same_beginning.push((expansion.clone(), french::stem(&acronym)));
            }
            table.by_acronym.insert(acronym, Entry { is_word, expansions });
        }
        table
    }

    /// The acronyms in a text. Those that are words as well are found in capitals only, in a text that has small letters too.
    fn in_capitals_or_small<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a Entry> {
        let mixed = text.chars().any(char::is_lowercase);
        text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() <= 16).filter_map(move |word| {
            let entry = self.by_acronym.get(&french::fold(word))?;
            (!entry.is_word || (mixed && word.chars().all(char::is_uppercase))).then_some(entry)
        })
    }

    /// The expansions that begin with a term.
    fn beginning_with(&self, term: &str) -> impl Iterator<Item = &(Vec<String>, String)> {
        self.by_first_term.get(term).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(query: &str) -> String {
        expansions(query).join(" ")
    }

    #[test]
    fn there_are_enough_and_each_has_its_words() {
        assert!(TABLE.by_acronym.len() >= 150, "{}", TABLE.by_acronym.len());
        for (acronym, entry) in &TABLE.by_acronym {
            assert!(!entry.expansions.is_empty(), "{acronym} stands for nothing");
        }
    }

    #[test]
    fn acronyms_become_words_and_words_acronyms() {
        assert_eq!(joined("poser un RTT"), french::terms("réduction du temps de travail").join(" "));
        assert_eq!(joined("poser un rtt"), joined("poser un RTT"));
        assert_eq!(
            joined("l’IFSE des attachés"),
            french::terms("indemnité de fonctions, de sujétions et d’expertise").join(" ")
        );
        assert_eq!(joined("la réduction du temps de travail des cadres"), "rtt");
        assert_eq!(joined("une couleur"), "");
    }

    #[test]
    fn what_is_a_word_too_is_meant_in_capitals_only() {
        assert_eq!(joined("solde de mon CET"), "compt epargn temp");
        assert_eq!(joined("cet agent ne vient pas"), "");
        assert_eq!(joined("PAS DE CET AGENT"), "");
        assert!(joined("le PAS de ma paie").contains("prelev"));
    }

    #[test]
    fn what_was_typed_is_not_added_again() {
        assert_eq!(joined("le contrat à durée déterminée (CDD)"), "");
        let terms = expansions("CNI CNI carte");
        assert!(terms.iter().all(|term| terms.iter().filter(|other| *other == term).count() == 1), "{terms:?}");
    }
}
