//! The comparison: what of a text is in its translation as it is, then what is there in parts.

use super::{
    amounts,
    difference::{Difference, Kind, Languages},
    fact::{Fact, Value},
    facts, months, names,
};
use crate::translation::languages::TextLanguage;

/// The most differences of one text. A text that differs in more is another text.
pub(super) const MOST: usize = 20;

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
