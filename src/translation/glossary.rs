//! Terms that translations keep to: how they are written, where they occur, and whether a translation has used them.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    inflect::{alike, bases},
    languages::TextLanguage,
    words::{Word, fold, words},
};

/// The most terms of a room.
pub const MOST_TERMS: usize = 2_000;

/// The most terms that a file of the configuration gives.
pub const MOST_FILE_TERMS: usize = 50_000;

/// The longest side of a term, in characters.
pub const LONGEST_TERM: usize = 120;

/// The most terms that one text is given: what a small model can follow.
pub const MOST_GIVEN: usize = 12;

/// How a term is translated. It holds in both directions.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Term {
    /// The code of the language of the first side.
    pub from: String,
    /// The code of the language of the second side.
    pub to: String,
    /// The first side.
    pub source: String,
    /// The second side.
    pub target: String,
}

impl std::fmt::Debug for Term {
    /// Leaves the words out.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Term").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

impl Term {
    /// A term with clean sides; nothing where one of them is empty or too long, or says the same language twice.
    #[must_use]
    pub fn new(from: TextLanguage, to: TextLanguage, source: &str, target: &str) -> Option<Self> {
        let (source, target) = (side(source)?, side(target)?);
        (from != to).then(|| Self { from: from.code().to_owned(), to: to.code().to_owned(), source, target })
    }

    /// Whether it says how the same words are translated to the same language.
    #[must_use]
    pub fn stands_for(&self, other: &Self) -> bool {
        (&self.from, &self.to) == (&other.from, &other.to) && key(&self.source) == key(&other.source)
    }

    /// Whether one of its sides is this.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let name = key(name);
        !name.is_empty() && (key(&self.source) == name || key(&self.target) == name)
    }
}

/// A side of a term on one line, without quotation marks around it.
fn side(text: &str) -> Option<String> {
    let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = shown.trim_matches(|letter: char| QUOTES.contains(letter) || letter.is_whitespace());
    let fits = shown.chars().any(char::is_alphanumeric) && shown.chars().count() <= LONGEST_TERM;
    let harmless = !shown.chars().any(|letter| letter.is_control() || "<>`".contains(letter));
    (fits && harmless).then(|| shown.to_owned())
}

const QUOTES: &str = "\"«»“”„‟";

/// The words of a term, as they are compared.
fn key(text: &str) -> Vec<String> {
    words(text).into_iter().map(|word| fold(word.text)).collect()
}

/// The two sides of `"mission diplomatique" = "diplomatic mission"`, with quotation marks of any kind or none; `->`, `→` and a tab do as well.
#[must_use]
pub fn pair(line: &str) -> Option<(&str, &str)> {
    let (source, target) = ["\t", " = ", "=", "→", "->"].iter().find_map(|mark| line.split_once(mark))?;
    Some((source.trim(), target.trim()))
}

/// The terms of a table, a line each, with how many lines are none. The first line may name the languages of the columns, by name or code;
/// each further column is then another language for the first one's words. `languages` are those of a table that does not say it.
#[must_use]
pub fn table(text: &str, languages: (TextLanguage, TextLanguage), most: usize) -> (Vec<Term>, usize) {
    let mut columns = vec![languages.0, languages.1];
    let (mut terms, mut refused): (Vec<Term>, usize) = (Vec::new(), 0);
    let mut known: HashMap<(String, Vec<String>), usize> = HashMap::new();
    let lines = text.trim_start_matches('\u{feff}').lines().filter(|line| !line.trim().is_empty());
    for (number, line) in lines.enumerate() {
        let cells = cells(line);
        if number == 0
            && let Some(named) = cells.iter().map(|cell| TextLanguage::named(cell)).collect::<Option<Vec<_>>>()
            && named.len() > 1
        {
            columns = named;
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let mut any = false;
        let others = columns.iter().zip(&cells).skip(1).filter(|(_, cell)| !cell.trim().is_empty());
        for (language, cell) in others {
            let (Some(from), Some(source)) = (columns.first(), cells.first()) else { continue };
            let Some(term) = Term::new(*from, *language, source, cell) else { continue };
            any = true;
            let place = (term.to.clone(), key(&term.source));
            if let Some(earlier) = known.get(&place).and_then(|at| terms.get_mut(*at)) {
                *earlier = term;
            } else if terms.len() < most {
                known.insert(place, terms.len());
                terms.push(term);
            } else {
                any = false;
            }
        }
        refused += usize::from(!any);
    }
    (terms, refused)
}

fn cells(line: &str) -> Vec<&str> {
    if line.contains('\t') {
        return line.split('\t').map(str::trim).collect();
    }
    match pair(line) {
        Some((source, target)) => vec![source, target],
        None if line.contains(';') => line.split(';').map(str::trim).collect(),
        None => vec![line.trim()],
    }
}

/// The terms that hold for translations from a language to another.
#[derive(Default)]
pub struct Terms {
    all: Vec<Directed>,
    /// The terms by the forms that their first word may have.
    by_first: HashMap<String, Vec<usize>>,
    from: String,
    to: String,
}

/// A term in the direction in which it is used.
struct Directed {
    source: String,
    target: String,
    words: Vec<String>,
}

/// A term that occurs in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<'a> {
    /// What stands in the text, as the glossary has it.
    pub source: &'a str,
    /// How it is to be translated.
    pub target: &'a str,
}

impl Terms {
    /// The terms of several glossaries; the first counts before those after it. Of a text whose language is not known, any may be.
    #[must_use]
    pub fn new<'a>(
        glossaries: impl IntoIterator<Item = &'a [Term]>,
        from: Option<TextLanguage>,
        to: TextLanguage,
    ) -> Self {
        let from = from.map(TextLanguage::code);
        let mut held = Self { to: to.code().to_owned(), from: from.unwrap_or("fr").to_owned(), ..Self::default() };
        let mut seen: HashSet<Vec<String>> = HashSet::new();
        for glossary in glossaries {
            for term in glossary {
                let directed = if term.to == to.code() && from.is_none_or(|from| term.from == from) {
                    (&term.source, &term.target)
                } else if term.from == to.code() && from.is_some_and(|from| term.to == from) {
                    (&term.target, &term.source)
                } else {
                    continue;
                };
                let words = key(directed.0);
                if !words.is_empty() && seen.insert(words.clone()) {
                    held.add(Directed { source: directed.0.clone(), target: directed.1.clone(), words });
                }
            }
        }
        held
    }

    fn add(&mut self, term: Directed) {
        if let Some(first) = term.words.first() {
            for base in bases(first, &self.from) {
                self.by_first.entry(base).or_default().push(self.all.len());
            }
        }
        self.all.push(term);
    }

    /// The terms that occur in a text, in the order of their first occurrence; within a longer one, none counts.
    #[must_use]
    pub fn occurring(&self, text: &str) -> Vec<Given<'_>> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let folded: Vec<String> = words(text).iter().map(|Word { text, .. }| fold(text)).collect();
        let mut found: Vec<usize> = Vec::new();
        let mut at = 0;
        while let Some(word) = folded.get(at) {
            let begin = bases(word, &self.from);
            let candidates = begin.iter().filter_map(|base| self.by_first.get(base)).flatten();
            let longest = candidates
                .filter_map(|index| Some((*index, self.all.get(*index)?)))
                .filter(|(_, term)| stands_at(&term.words, &folded, at, &self.from))
                .max_by_key(|(_, term)| term.words.len());
            match longest {
                Some((index, term)) => {
                    if !found.contains(&index) {
                        found.push(index);
                    }
                    at += term.words.len();
                }
                None => at += 1,
            }
        }
        let given = found.into_iter().filter_map(|index| self.all.get(index)).take(MOST_GIVEN);
        given.map(|term| Given { source: &term.source, target: &term.target }).collect()
    }

    /// Those of the given terms that a translation has not used.
    #[must_use]
    pub fn unused<'a>(&self, given: &[Given<'a>], translation: &str) -> Vec<Given<'a>> {
        let folded: Vec<String> = words(translation).iter().map(|word| fold(word.text)).collect();
        let whole = fold(translation);
        let is_used = |term: &Given<'_>| {
            let wanted = key(term.target);
            // Some scripts do not part words.
            let inside = !term.target.is_ascii() && whole.contains(&fold(term.target));
            inside || (0..folded.len()).any(|at| stands_at(&wanted, &folded, at, &self.to))
        };
        given.iter().filter(|term| !is_used(term)).copied().collect()
    }
}

/// Whether words stand in a text from one of its words on, in whatever form.
fn stands_at(wanted: &[String], folded: &[String], at: usize, language: &str) -> bool {
    let Some(there) = folded.get(at..at + wanted.len()) else { return false };
    wanted.iter().zip(there).all(|(one, other)| alike(one, other, language))
}

#[cfg(test)]
mod tests {
    use super::{Given, Term, Terms, pair, table};
    use crate::translation::languages::TextLanguage;

    fn term(source: &str, target: &str) -> Term {
        Term::new(TextLanguage::french(), TextLanguage::english(), source, target).expect("a term")
    }

    fn sources<'a>(given: &[Given<'a>]) -> Vec<&'a str> {
        given.iter().map(|term| term.source).collect()
    }

    #[test]
    fn pairs_are_read_however_they_are_written() {
        for line in [
            "\"mission diplomatique\" = \"diplomatic mission\"",
            "« mission diplomatique » = « diplomatic mission »",
            "mission diplomatique=diplomatic mission",
            "mission diplomatique → diplomatic mission",
            "mission diplomatique\tdiplomatic mission",
        ] {
            let (source, target) = pair(line).expect(line);
            assert_eq!(term(source, target), term("mission diplomatique", "diplomatic mission"), "{line}");
        }
        assert!(pair("mission diplomatique").is_none());
        for side in ["", "«»", "!", &"x".repeat(121), "a <b>"] {
            assert!(Term::new(TextLanguage::french(), TextLanguage::english(), side, "a").is_none(), "{side}");
        }
        assert!(!format!("{:?}", term("secret", "x")).contains("secret"));
    }

    #[test]
    fn tables_name_their_languages_or_not() {
        let (french, english) = (TextLanguage::french(), TextLanguage::english());
        let (terms, refused) = table("arrêté\torder\n\n# vu\nsans rien\narrêté\tdecree\n", (french, english), 10);
        assert_eq!((terms.as_slice(), refused), ([term("arrêté", "decree")].as_slice(), 1));
        let (terms, _) =
            table("\u{feff}Français\tanglais\tde\narrêté\torder\tErlass\nnote\t\tNotiz", (english, french), 10);
        let shown: Vec<_> =
            terms.iter().map(|term| (term.from.as_str(), term.to.as_str(), term.target.as_str())).collect();
        assert_eq!(shown, [("fr", "en", "order"), ("fr", "de", "Erlass"), ("fr", "de", "Notiz")]);
        let (terms, refused) = table("a b\tc\nd\te\nf\tg", (french, english), 2);
        assert_eq!((terms.len(), refused), (2, 1));
        assert_eq!(table("arrêté;order", (french, english), 2).0, [term("arrêté", "order")]);
    }

    #[test]
    fn terms_are_found_in_any_form_and_the_longest_counts() {
        let glossary = [
            term("mission diplomatique", "diplomatic mission"),
            term("mission diplomatique permanente", "permanent mission"),
            term("arrêté", "order"),
            term("directeur général", "director general"),
        ];
        let terms = Terms::new([glossary.as_slice()], Some(TextLanguage::french()), TextLanguage::english());
        let found = |text| sources(&terms.occurring(text));
        assert_eq!(found("Les missions diplomatiques ont reçu l’ARRÊTÉ."), ["mission diplomatique", "arrêté"]);
        assert_eq!(found("La mission-diplomatique permanente"), ["mission diplomatique permanente"]);
        assert_eq!(found("Les directrices générales"), ["directeur général"]);
        assert_eq!(found("Une mission sans rien"), [""; 0]);
        let given = terms.occurring("Les missions diplomatiques et l’arrêté");
        for (translation, unused) in [
            ("The Diplomatic Missions and the orders", vec![]),
            ("The embassies and the order", vec!["mission diplomatique"]),
            ("The diplomatic-mission and the decree", vec!["arrêté"]),
            ("", vec!["mission diplomatique", "arrêté"]),
        ] {
            assert_eq!(sources(&terms.unused(&given, translation)), unused, "{translation}");
        }
    }

    #[test]
    fn terms_hold_in_both_directions_and_the_nearest_glossary_counts() {
        let (room, ministry) = ([term("note", "memo")], [term("note", "note"), term("arrêté", "order")]);
        let terms =
            Terms::new([room.as_slice(), ministry.as_slice()], Some(TextLanguage::french()), TextLanguage::english());
        let given = terms.occurring("La note et l’arrêté");
        assert_eq!(given.iter().map(|term| term.target).collect::<Vec<_>>(), ["memo", "order"]);
        let back = Terms::new([room.as_slice()], Some(TextLanguage::english()), TextLanguage::french());
        assert_eq!(back.occurring("Two memos")[0].target, "note");
        let other = Terms::new([room.as_slice()], None, TextLanguage::named("de").expect("known"));
        assert!(other.occurring("La note").is_empty());
    }

    #[test]
    fn scripts_without_spaces_are_looked_into() {
        let chinese = TextLanguage::named("zh").expect("known");
        let glossary = [Term::new(TextLanguage::french(), chinese, "préfecture", "省政府").expect("a term")];
        let terms = Terms::new([glossary.as_slice()], Some(TextLanguage::french()), chinese);
        let given = terms.occurring("La préfecture est fermée");
        assert!(terms.unused(&given, "省政府已关闭").is_empty());
        assert_eq!(terms.unused(&given, "已关闭").len(), 1);
    }
}
