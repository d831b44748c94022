//! What the public may see of the statistics: never a figure of fewer than [`THRESHOLD`] people, and none that could be computed.
//!
//! The figures are sums of *atoms*: the questions of a week, of a compagnon in a week, of a kind of work in a week, each of at least
//! [`THRESHOLD`] different people. What is smaller is merged until it is not (`groups`), and a week that is smaller has no figures at all. Whoever
//! subtracts published figures from one another (over weeks, between the page and its exports) finds sums of atoms again. Therefore:
//!
//! - how many questions were not answered, or how many answers were rated, is not told: both may be of one person;
//! - ratings are left out of a week, or of a group in it, where fewer than [`THRESHOLD`] different people have rated answers there;
//! - a group's people are told as "at least", so that those outside it are not counted by subtraction;
//! - a group's questions are rounded, because two tables split the same questions.

mod groups;

use std::{collections::BTreeMap, time::Duration};

use self::groups::{Part, atoms};
use super::{
    counters::Counters,
    day::{Day, Week},
    histogram::Histogram,
    series::{Activity, Compagnon, Series},
    table::{Crowd, Statistics},
};
use crate::energy::Energy;

pub use self::groups::THRESHOLD;

/// The days after a week in which what was asked in it may still be answered and counted.
pub const SETTLES: u32 = 1;

/// The most weeks: those that 25 months hold whole, wherever a month ends.
pub const MOST_WEEKS: u32 = 107;

/// What counts of a group's questions are rounded to.
pub const ROUNDED_TO: u64 = 10;

/// Everything that is published.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// The first day of which anything was counted.
    pub since: Option<Day>,
    /// Every week since then that is over and kept, the oldest first.
    pub weeks: Vec<PublishedWeek>,
}

/// A week that is over.
#[derive(Clone, Debug)]
pub struct PublishedWeek {
    /// Which.
    pub week: Week,
    /// Its figures. Nothing where fewer than [`THRESHOLD`] people asked.
    pub shown: Option<Shown>,
}

/// What is shown of a week.
#[derive(Clone, Debug)]
pub struct Shown {
    /// How many different people asked.
    pub people: u64,
    /// The figures of all that they asked.
    pub figures: Figures,
    /// By compagnon. Empty where the week cannot be split.
    pub compagnons: Vec<Group>,
    /// By kind of work. Empty where the week cannot be split.
    pub activities: Vec<Group>,
}

/// Weeks in a row, together.
#[derive(Clone, Debug, Default)]
pub struct Period {
    /// The figures of its weeks that are shown.
    pub figures: Figures,
    /// By compagnon; what weeks do not split is among the others.
    pub compagnons: Vec<Group>,
    /// By kind of work.
    pub activities: Vec<Group>,
}

/// A part of what was asked.
#[derive(Clone, Debug)]
pub struct Group {
    /// Which.
    pub label: Label,
    /// So many people, or more; over several weeks, in the week that had the most.
    pub at_least: Option<u64>,
    /// Its figures.
    pub figures: Figures,
}

/// What a group is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// A compagnon of the library, by its identifier.
    Library(String),
    /// All compagnons made by command, together.
    Made,
    /// A kind of work.
    Activity(Activity),
    /// What is too small to be shown, and what hides it.
    Others,
}

/// Sums of atoms, read as what may be told of them.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    counters: Counters,
}

impl Figures {
    /// Questions and jobs that ended.
    #[must_use]
    pub fn questions(&self) -> u64 {
        self.counters.questions
    }

    /// The same, rounded: what is told of a part of a week.
    #[must_use]
    pub fn questions_rounded(&self) -> u64 {
        self.counters.questions.saturating_add(ROUNDED_TO / 2) / ROUNDED_TO * ROUNDED_TO
    }

    /// How many of a hundred rated answers are useful; nothing below [`THRESHOLD`] ratings.
    #[must_use]
    #[expect(clippy::cast_sign_loss, reason = "a share is between 0 and 1")]
    pub fn useful_percent(&self) -> Option<u8> {
        let rated = self.counters.useful.saturating_add(self.counters.not_useful);
        let share = self.counters.usefulness().filter(|_| rated >= THRESHOLD)?;
        Some((share * 100.0).round() as u8)
    }

    /// How long the first text of an answer takes.
    #[must_use]
    pub fn first_text(&self) -> Option<Times> {
        Times::of(&self.counters.first_text)
    }

    /// How long an answer takes to its end.
    #[must_use]
    pub fn whole(&self) -> Option<Times> {
        Times::of(&self.counters.whole)
    }

    /// What it took. Told of whole weeks only.
    #[must_use]
    pub fn energy(&self) -> Energy {
        self.counters.energy
    }

    fn add(&mut self, other: &Self) {
        self.counters.add(&other.counters);
    }
}

/// How long something takes, rounded to tenths of a second, or to seconds from ten on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Half of them are within this time.
    pub median: Duration,
    /// 95 % are.
    pub most: Duration,
}

impl Times {
    fn of(histogram: &Histogram) -> Option<Self> {
        let enough = histogram.count() >= THRESHOLD;
        let quantile = |share| histogram.quantile(share).filter(|_| enough).map(rounded);
        Some(Self { median: quantile(0.5)?, most: quantile(0.95)? })
    }
}

fn rounded(time: Duration) -> Duration {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let step = if millis < 10_000 { 100 } else { 1_000 };
    Duration::from_millis(millis.saturating_add(step / 2) / step * step)
}

impl Published {
    /// What may be told on a day.
    #[must_use]
    pub fn of(statistics: &Statistics, today: Day) -> Self {
        let Some((since, last)) = statistics.since.zip(last_week(today)) else { return Self::default() };
        let sums = Sums::of(statistics);
        let first = since.week().max(last.back(MOST_WEEKS - 1));
        let weeks = std::iter::successors(Some(first), |week| Some(week.after())).take_while(|week| *week <= last);
        let published = weeks.map(|week| PublishedWeek { week, shown: sums.get(&week).and_then(Sums::shown) });
        Self { since: Some(since), weeks: published.collect() }
    }

    /// The last weeks, at most so many.
    #[must_use]
    pub fn recent(&self, weeks: usize) -> &[PublishedWeek] {
        &self.weeks[self.weeks.len().saturating_sub(weeks)..]
    }
}

impl Period {
    /// Weeks together.
    #[must_use]
    pub fn of(weeks: &[PublishedWeek]) -> Self {
        let mut period = Self::default();
        let (mut compagnons, mut activities) = (BTreeMap::new(), BTreeMap::new());
        for shown in weeks.iter().filter_map(|week| week.shown.as_ref()) {
            period.figures.add(&shown.figures);
            gather(&mut compagnons, &shown.compagnons, shown);
            gather(&mut activities, &shown.activities, shown);
        }
        period.compagnons = compagnons.into_values().collect();
        period.activities = activities.into_values().collect();
        period
    }
}

fn gather(sums: &mut BTreeMap<Label, Group>, groups: &[Group], shown: &Shown) {
    let unsplit = Group { label: Label::Others, at_least: None, figures: shown.figures.clone() };
    let groups = if groups.is_empty() { std::slice::from_ref(&unsplit) } else { groups };
    for group in groups {
        let empty = Group { label: group.label.clone(), at_least: None, figures: Figures::default() };
        let sum = sums.entry(group.label.clone()).or_insert(empty);
        sum.figures.add(&group.figures);
        sum.at_least = sum.at_least.max(group.at_least);
    }
}

/// The last week whose figures do not change any more by what was asked in it.
#[must_use]
pub fn last_week(today: Day) -> Option<Week> {
    let settled = Day(today.0.checked_sub(SETTLES)?).week();
    (settled.before() < settled).then(|| settled.before())
}

/// The counters of a week.
#[derive(Default)]
struct Sums {
    all: Part,
    parts: BTreeMap<Label, Part>,
}

impl Sums {
    fn of(statistics: &Statistics) -> BTreeMap<Week, Self> {
        let mut weeks = BTreeMap::<Week, Self>::new();
        for ((day, series), counters) in &statistics.days {
            let week = weeks.entry(day.week()).or_default();
            week.all.counters.add(counters);
            for label in labels(series) {
                week.parts.entry(label).or_default().counters.add(counters);
            }
        }
        // Of several compagnons together, at least as many as of one.
        for (numbers, raters) in [(&statistics.people, false), (&statistics.raters, true)] {
            for ((week, crowd), number) in numbers {
                let Some(week) = weeks.get_mut(week) else { continue };
                let part = match label_of(crowd) {
                    Some(label) => week.parts.entry(label).or_default(),
                    None => &mut week.all,
                };
                let of = if raters { &mut part.raters } else { &mut part.people };
                *of = (*of).max(*number);
            }
        }
        weeks
    }

    fn shown(&self) -> Option<Shown> {
        let people = self.all.people;
        if people < THRESHOLD || self.all.counters.questions < THRESHOLD {
            return None;
        }
        let split = |activity: bool| {
            let parts = self.parts.iter().filter(|(label, _)| matches!(label, Label::Activity(_)) == activity);
            let atoms = atoms(people, parts.map(|(label, part)| (label.clone(), part.clone())));
            let groups = atoms.into_iter().map(|atom| Group {
                label: atom.label.unwrap_or(Label::Others),
                at_least: Some(atom.at_least),
                figures: Figures { counters: atom.counters },
            });
            groups.collect()
        };
        let figures = Figures { counters: self.all.clone().told() };
        Some(Shown { people, figures, compagnons: split(false), activities: split(true) })
    }
}

fn labels(series: &Series) -> [Label; 2] {
    [of_compagnon(&series.compagnon), Label::Activity(series.activity)]
}

fn label_of(crowd: &Crowd) -> Option<Label> {
    match crowd {
        Crowd::All => None,
        Crowd::Compagnon(compagnon) => Some(of_compagnon(compagnon)),
        Crowd::Activity(activity) => Some(Label::Activity(*activity)),
    }
}

fn of_compagnon(compagnon: &Compagnon) -> Label {
    match compagnon {
        Compagnon::Library(id) => Label::Library(id.clone()),
        // Where there are so many that some are counted together, nearly all are made ones.
        Compagnon::Made(_) | Compagnon::Others => Label::Made,
    }
}

#[cfg(test)]
mod tests;
