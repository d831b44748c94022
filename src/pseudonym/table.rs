//! The table of a conversation: what each placeholder stands for.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::detect::detect;
use super::finding::{Finding, Pseudonymised};
use super::fold::fold;
use super::kind::Kind;
use super::known;
use super::page::{Gender, Hit};
use super::people::{People, words};
use super::placeholder::{self, Placeholder};
use super::suggestion::Suggestion;

/// What each placeholder of a conversation stands for.
///
/// It grows with what is found and is as sensitive as the texts: whoever keeps it seals it.
#[derive(Default, Serialize, Deserialize)]
#[serde(from = "Record", into = "Record")]
pub struct Table {
    /// For each kind, what each number stands for: its spellings, the first one first.
    entries: HashMap<Kind, Vec<Entry>>,
    /// For each kind, where a spelling stands.
    spellings: HashMap<(Kind, String), Place>,
    /// For each kind but persons, the number of what means the same: a telephone number with and without points.
    meanings: HashMap<(Kind, String), u32>,
    people: People,
    /// The words of the persons' names.
    names: HashSet<String>,
}

/// A number and one of its spellings.
#[derive(Clone, Copy)]
struct Place {
    number: u32,
    spelling: u32,
}

/// What one number stands for.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Entry {
    spellings: Vec<String>,
    /// Where each of them stands, from 1 on.
    #[serde(skip)]
    places: HashMap<String, u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    female: Option<bool>,
}

/// A table as it is kept.
#[derive(Default, Serialize, Deserialize)]
struct Record(Vec<(Kind, Vec<Entry>)>);

impl Table {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many different things have a placeholder.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.values().map(Vec::len).sum()
    }

    /// Whether nothing has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces what is found in a text. [`Table::restore`] gives the text back.
    pub fn pseudonymise(&mut self, text: &str) -> Pseudonymised {
        self.pseudonymise_with(text, &[])
    }

    /// The same, with what a model has found in this text: it adds what the rules have missed.
    pub fn pseudonymise_with(&mut self, text: &str, suggestions: &[Suggestion]) -> Pseudonymised {
        let hits = detect(text, &self.names, suggestions);
        let mut shown = String::with_capacity(text.len());
        let mut found = Vec::with_capacity(hits.len());
        let mut done = 0;
        let mut person = None;
        for Hit { kind, start, end, gender, same } in hits {
            let original = &text[start..end];
            let placeholder = match person.filter(|_| same) {
                Some(number) => self.other_name(number, original),
                None => self.placeholder(kind, original, gender),
            };
            if kind == Kind::Person {
                person = Some(placeholder.number);
            }
            let placeholder = placeholder.write();
            shown.push_str(&text[done..start]);
            shown.push_str(&placeholder);
            found.push(Finding { kind, range: start..end, original: original.to_owned(), placeholder });
            done = end;
        }
        shown.push_str(&text[done..]);
        Pseudonymised { text: shown, found }
    }

    /// The placeholder of a name that is known to be a person's, as of a room's member. Its words are found from here on, wherever they stand.
    pub fn person(&mut self, name: &str) -> String {
        self.placeholder(Kind::Person, name, None).write()
    }

    /// The placeholder of a text that is replaced as a whole, whatever it says.
    pub fn literal(&mut self, text: &str) -> String {
        self.placeholder(Kind::Literal, text, None).write()
    }

    /// Where placeholders stand in a text, with what they stand for. Those that stand for nothing are left out.
    #[must_use]
    pub fn standing(&self, text: &str) -> Vec<(std::ops::Range<usize>, String)> {
        let all = placeholder::all(text);
        all.filter_map(|(start, end, one)| Some((start..end, self.original(one)?.to_owned()))).collect()
    }

    /// How many words are known to be of names. Where a text has added some, texts before it may be replaced anew.
    #[must_use]
    pub fn known(&self) -> usize {
        self.names.len()
    }

    /// Puts back what placeholders stand for. Those that stand for nothing are left.
    #[must_use]
    pub fn restore(&self, text: &str) -> String {
        placeholder::restored(text, |placeholder| self.original(placeholder))
    }

    /// What a placeholder stands for; an unknown spelling is the first one.
    pub(super) fn original(&self, Placeholder { kind, number, spelling }: Placeholder) -> Option<&str> {
        let entry = self.entries.get(&kind)?.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
        let spelling = usize::try_from(spelling).ok()?.saturating_sub(1);
        entry.spellings.get(spelling).or_else(|| entry.spellings.first()).map(String::as_str)
    }

    /// The placeholder of something found: an earlier one, or a new one.
    fn placeholder(&mut self, kind: Kind, original: &str, gender: Option<Gender>) -> Placeholder {
        // A title may tell two persons of one name apart.
        if gender.is_none()
            && let Some(place) = self.spellings.get(&(kind, original.to_owned()))
        {
            return Placeholder { kind, number: place.number, spelling: place.spelling };
        }
        let number = self.number(kind, original, gender);
        let spelling = self.note(kind, number, original, gender);
        Placeholder { kind, number, spelling }
    }

    /// Another name of a person who has a number.
    fn other_name(&mut self, number: u32, original: &str) -> Placeholder {
        self.people.restore(usize::try_from(number).unwrap_or(1).saturating_sub(1), original, None);
        Placeholder { kind: Kind::Person, number, spelling: self.note(Kind::Person, number, original, None) }
    }

    /// The number of something.
    fn number(&mut self, kind: Kind, original: &str, gender: Option<Gender>) -> u32 {
        if kind == Kind::Person {
            return self.people.number(original, gender);
        }
        let next = self.entries.get(&kind).map_or(0, Vec::len) + 1;
        let next = u32::try_from(next).unwrap_or(u32::MAX);
        *self.meanings.entry((kind, meaning(kind, original))).or_insert(next)
    }

    /// Notes a spelling, and says which of its number's it is, from 1 on.
    fn note(&mut self, kind: Kind, number: u32, original: &str, gender: Option<Gender>) -> u32 {
        let entries = self.entries.entry(kind).or_default();
        let index = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        if entries.len() <= index {
            entries.resize_with(index + 1, Entry::default);
        }
        let entry = &mut entries[index];
        entry.female = entry.female.or(gender.map(|gender| gender == Gender::Female));
        let spelling = if let Some(spelling) = entry.places.get(original) {
            *spelling
        } else {
            entry.spellings.push(original.to_owned());
            let spelling = u32::try_from(entry.spellings.len()).unwrap_or(u32::MAX);
            entry.places.insert(original.to_owned(), spelling);
            spelling
        };
        self.spellings.insert((kind, original.to_owned()), Place { number, spelling });
        if kind == Kind::Person {
            self.names.extend(words(original).iter().flat_map(|word| known::parts(word)));
        }
        spelling
    }
}

/// What is the same in every way of writing something.
fn meaning(kind: Kind, original: &str) -> String {
    match kind {
        Kind::Literal => original.to_owned(),
        Kind::Phone => {
            let digits: String = original.chars().filter(char::is_ascii_digit).collect();
            // "+33 6", "0033 6", "06".
            digits.get(digits.len().saturating_sub(9)..).unwrap_or(&digits).to_owned()
        }
        _ => fold(original).chars().filter(|character| character.is_alphanumeric()).collect(),
    }
}

impl From<Record> for Table {
    fn from(Record(kinds): Record) -> Self {
        let mut table = Self::default();
        for (kind, entries) in kinds {
            for (index, entry) in entries.into_iter().enumerate() {
                let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
                let gender = entry.female.map(|female| if female { Gender::Female } else { Gender::Male });
                for spelling in entry.spellings {
                    if kind == Kind::Person {
                        table.people.restore(index, &spelling, gender);
                    } else {
                        table.meanings.entry((kind, meaning(kind, &spelling))).or_insert(number);
                    }
                    table.note(kind, number, &spelling, gender);
                }
            }
        }
        table
    }
}

impl From<Table> for Record {
    fn from(table: Table) -> Self {
        let mut kinds: Vec<(Kind, Vec<Entry>)> = table.entries.into_iter().collect();
        kinds.sort_unstable_by_key(|(kind, _)| *kind);
        Self(kinds)
    }
}

impl Clone for Table {
    fn clone(&self) -> Self {
        let kinds = self.entries.iter().map(|(kind, entries)| (*kind, entries.clone())).collect();
        Record(kinds).into()
    }
}

/// Nothing that people wrote is shown.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} entries)", self.len())
    }
}
