//! The lists: what a word may be, and the names of places.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::flags::Flags;
use super::vocabulary;

/// The most parts of a place's name: "saint remy en bouzemont saint genest et isson" is cut.
pub(super) const PLACE_PARTS: usize = 8;

/// Whether a folded word is an ordinary one in French, whatever else it is.
#[must_use]
pub fn is_ordinary(word: &str) -> bool {
    GAZETTEER.flags(word).any(Flags::WORD | Flags::FUNCTION)
}

/// Whether a folded word is the name of a person or of a place, and no ordinary word.
#[must_use]
pub fn is_name(word: &str) -> bool {
    GAZETTEER.flags(word).any(Flags::FIRST | Flags::SURNAME | Flags::PLACE) && !is_ordinary(word)
}

/// What ends an inversion: "peut-elle" is no name.
const PRONOUNS: [&str; 18] = [
    "je", "tu", "il", "elle", "on", "nous", "vous", "ils", "elles", "ce", "la", "ci", "moi", "toi", "le", "les", "lui",
    "meme",
];

/// The lists, read once.
pub(super) struct Gazetteer {
    words: HashMap<&'static str, Flags>,
    /// Words that only their accents tell from a name: "marié".
    accented: HashSet<&'static str>,
    /// Names of places, their parts separated by one space.
    places: HashSet<String>,
}

/// The lists of the program.
pub(super) static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::read);

impl Gazetteer {
    fn read() -> Self {
        let mut words: HashMap<&'static str, Flags> = HashMap::with_capacity(80_000);
        let mut add = |list: &'static str, flag: Flags| {
            for word in list.split_ascii_whitespace() {
                *words.entry(word).or_default() |= flag;
            }
        };
        add(include_str!("data/words.txt"), Flags::WORD);
        add(vocabulary::FUNCTION, Flags::FUNCTION | Flags::WORD);
        add(vocabulary::TITLE, Flags::TITLE | Flags::WORD);
        add(vocabulary::ROLE, Flags::ROLE | Flags::WORD);
        add(vocabulary::PARTICLE, Flags::PARTICLE);
        add(vocabulary::BODY, Flags::BODY | Flags::WORD);
        add(vocabulary::LEGAL, Flags::LEGAL | Flags::WORD);
        add(vocabulary::STREET, Flags::STREET | Flags::WORD);
        add(vocabulary::VERB, Flags::VERB | Flags::WORD);
        add(vocabulary::GREETING, Flags::GREETING | Flags::WORD);
        add(vocabulary::KNOWN, Flags::KNOWN);
        add(vocabulary::MORE, Flags::WORD);
        add(vocabulary::CALLED, Flags::WORD | Flags::CALLED);
        add(vocabulary::AT, Flags::AT);
        add(vocabulary::OWNED, Flags::OWNED);
        add(vocabulary::TRADE, Flags::TRADE);
        add(vocabulary::SURELY, Flags::SURELY);
        add(vocabulary::SPOKEN, Flags::SPOKEN);
        add(vocabulary::FOREIGN, Flags::FOREIGN);
        add(vocabulary::FIELD, Flags::WORD);
        add(vocabulary::CLOSING, Flags::WORD | Flags::CLOSING);
        let mut lines = |list: &'static str, flag: Flags| {
            for line in list.lines() {
                *words.entry(line).or_default() |= flag;
            }
        };
        lines(include_str!("data/first_names.txt"), Flags::FIRST);
        lines(include_str!("data/common_surnames.txt"), Flags::COMMON | Flags::SURNAME);
        lines(include_str!("data/surnames.txt"), Flags::SURNAME);
        lines(include_str!("data/countries.txt"), Flags::KNOWN);
        lines(include_str!("data/terms.txt"), Flags::KNOWN);
        let mut places = HashSet::with_capacity(12_000);
        for line in include_str!("data/places.txt").lines() {
            places.insert(line.replace(['-', '\''], " "));
            let first = line.split(['-', '\'', ' ']).next().unwrap_or(line);
            *words.entry(first).or_default() |= Flags::PLACE;
        }
        let accented = include_str!("data/accented.txt").lines().collect();
        Self { words, accented, places }
    }

    /// What a folded word may be; one with hyphens, by its parts.
    pub(super) fn flags(&self, word: &str) -> Flags {
        if let Some(flags) = self.words.get(word) {
            return *flags;
        }
        let mut parts = word.split('-').filter(|part| !part.is_empty()).peekable();
        if !word.contains('-') || parts.peek().is_none() {
            return Flags::default();
        }
        let (mut all_words, mut all_first, mut any_surname, mut inverted) = (true, true, false, false);
        for part in parts {
            let flags = self.words.get(part).copied().unwrap_or_default();
            all_words &= flags.any(Flags::WORD);
            all_first &= flags.any(Flags::FIRST);
            any_surname |= flags.any(Flags::NAME) && !flags.any(Flags::WORD);
            inverted = PRONOUNS.contains(&part);
        }
        let mut flags = Flags::default();
        if inverted || (all_words && !all_first) {
            flags |= Flags::WORD;
        }
        if all_first {
            flags |= Flags::FIRST;
        } else if any_surname && !inverted {
            flags |= Flags::SURNAME;
        }
        flags
    }

    /// Whether a word in lower case is told from a name by its accents.
    pub(super) fn accented_word(&self, written: &str) -> bool {
        !written.is_ascii() && self.accented.contains(written)
    }

    /// Whether folded parts, separated by a space, name a place.
    pub(super) fn place(&self, name: &str) -> bool {
        self.places.contains(name)
    }
}

/// Whether a list of [`vocabulary`] has a word.
pub(super) fn has(list: &str, word: &str) -> bool {
    // The lists are short, and few words are asked for.
    !word.is_empty() && list.split_ascii_whitespace().any(|listed| listed == word)
}
