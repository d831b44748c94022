//! What of a text has to be found in its translation: numbers, amounts, dates, times, names, addresses, references. What is missing there is a
//! difference, for a person to look at: it may be right all the same.

mod amounts;
mod dates;
mod facts;
mod months;
mod names;
mod places;
mod tokens;

#[cfg(test)]
mod tests;

use self::facts::{Fact, Value};
use super::languages::TextLanguage;

/// The most differences of one text. A text that differs in more is another text.
const MOST: usize = 20;

/// What kind of thing differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// An amount of money, a percentage.
    Amount,
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A name or an acronym.
    Name,
    /// An address of mail or of the Web.
    Address,
    /// The number of a text, of a file, of an article.
    Reference,
}

/// Something of a text that is not in its translation.
#[derive(Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub kind: Kind,
    /// As the text has it.
    pub shown: String,
}

impl std::fmt::Debug for Difference {
    /// Leaves the words out.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Difference").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What is known of a text and its translation.
#[derive(Clone, Copy)]
pub struct Languages<'a> {
    /// The language of the text, where it is known.
    pub from: Option<TextLanguage>,
    /// That of the translation.
    pub to: TextLanguage,
    /// What a folded word is in French.
    pub lexicon: &'a dyn Fn(&str) -> Known,
}

/// What a word is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// An ordinary word: a capital does not make a name of it.
    Ordinary,
    /// A name and no ordinary word.
    Name,
    /// Nothing is known of it.
    Nothing,
}

/// What of a text is not in its translation.
#[must_use]
pub fn differences(source: &str, translation: &str, languages: &Languages<'_>) -> Vec<Difference> {
    let from = languages.from.map_or("", TextLanguage::code);
    let to = languages.to.code();
    let wanted = facts::of(source, from);
    let there = facts::of(translation, to);
    let mut supply = Supply { used: vec![false; there.len()], facts: there, translation, to };
    // What is there as it is, first: the rest may be made up of parts.
    let mut missing: Vec<&Fact<'_>> = wanted.iter().filter(|fact| !supply.has(fact)).collect();
    missing.retain(|fact| !supply.has_parts(fact));
    let mut found: Vec<(usize, Difference)> = missing
        .into_iter()
        .map(|fact| (fact.start, Difference { kind: fact.kind, shown: fact.shown.trim().to_owned() }))
        .collect();
    for (start, name) in names::missing(source, translation, languages) {
        found.push((start, Difference { kind: Kind::Name, shown: name.to_owned() }));
    }
    found.sort_by_key(|(start, _)| *start);
    found.into_iter().map(|(_, difference)| difference).take(MOST).collect()
}

/// What a translation has.
struct Supply<'a> {
    facts: Vec<Fact<'a>>,
    used: Vec<bool>,
    translation: &'a str,
    to: &'a str,
}

impl Supply<'_> {
    /// Whether something is there as it is. It is used up then.
    fn has(&mut self, wanted: &Fact<'_>) -> bool {
        let unit_known = months::of(self.to).is_some();
        let same = |fact: &Fact<'_>| {
            wanted.values.iter().any(|value| {
                fact.values.iter().any(|other| value.is(other) || (!unit_known && value.is_but_for_unit(other)))
            })
        };
        let at = (0..self.facts.len()).find(|at| !self.used[*at] && self.facts.get(*at).is_some_and(same));
        if let Some(at) = at {
            self.used[at] = true;
        }
        at.is_some() || self.has_in_words(wanted)
    }

    /// Whether a small number is written in words or in Roman numerals.
    fn has_in_words(&self, wanted: &Fact<'_>) -> bool {
        wanted.values.iter().any(|value| match value {
            Value::Amount { number, unit: None } => amounts::in_words(number, self.translation, self.to),
            _ => false,
        })
    }

    /// Whether the parts of something are there: of a date the day, the month and the year, of a range its ends.
    fn has_parts(&mut self, wanted: &Fact<'_>) -> bool {
        let unused = |supply: &Self| -> Vec<(usize, Vec<String>)> {
            let facts = supply.facts.iter().enumerate().filter(|(at, _)| !supply.used[*at]);
            facts.map(|(at, fact)| (at, fact.parts())).collect()
        };
        for value in &wanted.values {
            let Some(parts) = value.parts(months::of(self.to).is_some()) else { continue };
            let mut left = unused(self);
            let mut taken = Vec::new();
            let all = !parts.is_empty()
                && parts.iter().all(|part| {
                    left.iter_mut().any(|(at, held)| {
                        let Some(place) = held.iter().position(|one| one == part) else { return false };
                        held.remove(place);
                        taken.push(*at);
                        true
                    })
                });
            if all {
                // A part of a date serves once, the rest of it again.
                for at in taken {
                    if self.facts.get(at).is_some_and(|fact| fact.parts().len() == 1) {
                        self.used[at] = true;
                    }
                }
                return true;
            }
        }
        false
    }
}
