//! The parts of a week, merged until each is of enough people.

use super::super::counters::Counters;

/// The fewest people of whom a figure is shown.
pub const THRESHOLD: u64 = 10;

/// What a group's people are said to be at least.
const STEPS: [u64; 13] = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

/// A part of what was asked in a week.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// At least so many different people.
    pub people: u64,
    /// At least so many different people who rated an answer.
    pub raters: u64,
    /// What is counted of it.
    pub counters: Counters,
}

impl Part {
    /// Both together: at least as many people as in one of them.
    fn and(mut self, other: &Self) -> Self {
        self.people = self.people.max(other.people);
        self.raters = self.raters.max(other.raters);
        self.counters.add(&other.counters);
        self
    }

    /// Its counters, without the ratings where they are of too few people.
    pub fn told(mut self) -> Counters {
        if self.raters < THRESHOLD {
            (self.counters.useful, self.counters.not_useful) = (0, 0);
            self.counters.reasons.clear();
        }
        self.counters
    }
}

/// A part, or several together, of at least [`THRESHOLD`] people.
pub struct Atom<Label> {
    /// Which part; nothing for several together.
    pub label: Option<Label>,
    /// So many people, or more. As many as the threshold are outside it, or may be.
    pub at_least: u64,
    /// The counters of its parts.
    pub counters: Counters,
}

/// The parts of a week in which so many people asked, those together that are too small. Nothing where it cannot be split.
pub fn atoms<Label: Ord>(all: u64, parts: impl Iterator<Item = (Label, Part)>) -> Vec<Atom<Label>> {
    let Some(inside) = all.checked_sub(THRESHOLD) else { return Vec::new() };
    // Who is not in a group must not be fewer than the threshold either, as far as anybody can tell.
    let at_least = |people: u64| STEPS.into_iter().rfind(|step| *step <= people.min(inside));
    let some = parts.filter(|(_, part)| part.people > 0 || part.counters != Counters::default());
    let large = |part: &Part| part.people >= THRESHOLD && part.counters.questions >= THRESHOLD;
    let (mut shown, mut merged): (Vec<_>, Vec<_>) = some.partition(|(_, part)| large(part));
    // Those of the fewest people go first into what hides others.
    shown.sort_by(|one, other| other.1.people.cmp(&one.1.people).then_with(|| one.0.cmp(&other.0)));
    while !merged.is_empty() && !merged.iter().any(|(_, part)| large(part)) {
        match shown.pop() {
            Some(part) => merged.push(part),
            None => return Vec::new(),
        }
    }
    if shown.is_empty() {
        return Vec::new();
    }
    let others = merged.into_iter().map(|(_, part)| part).reduce(|sum, part| sum.and(&part));
    let shown = shown.into_iter().map(|(label, part)| (Some(label), part));
    let atoms = shown.chain(others.map(|part| (None, part)));
    let atoms = atoms.map(|(label, part)| (label, part.people, part.told()));
    let atoms =
        atoms.map(|(label, people, counters)| at_least(people).map(|at_least| Atom { label, at_least, counters }));
    atoms.collect::<Option<_>>().unwrap_or_default()
}
