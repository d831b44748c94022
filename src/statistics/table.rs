//! All that is counted, as it is read.

use std::collections::BTreeMap;

use super::{
    counters::Counters,
    day::{Day, Week},
    series::{Activity, Compagnon, Series},
};

/// Everything that is counted and kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The first day of which anything was counted, whether or not it is still kept.
    pub since: Option<Day>,
    /// The counters of each series on each day.
    pub days: BTreeMap<(Day, Series), Counters>,
    /// How many different people asked something, by week and by group of them. The week that is not over yet is among them.
    pub people: BTreeMap<(Week, Crowd), u64>,
    /// How many different people rated an answer, the same.
    pub raters: BTreeMap<(Week, Crowd), u64>,
}

/// Whose number is counted. One person may be in several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Crowd {
    /// Everybody who asked.
    All,
    /// Who asked this compagnon.
    Compagnon(Compagnon),
    /// Who asked for this kind of work.
    Activity(Activity),
}

impl Statistics {
    /// The sum of the series of these weeks that one wants.
    #[must_use]
    pub fn sum(&self, weeks: std::ops::RangeInclusive<Week>, wanted: impl Fn(&Series) -> bool) -> Counters {
        let mut sum = Counters::default();
        if weeks.is_empty() {
            return sum;
        }
        for ((day, series), counters) in &self.days {
            if weeks.contains(&day.week()) && wanted(series) {
                sum.add(counters);
            }
        }
        sum
    }

    /// How many different people are in a crowd in a week.
    #[must_use]
    pub fn people(&self, week: Week, crowd: &Crowd) -> u64 {
        // A key of references would save the clone; this is read once a page.
        self.people.get(&(week, crowd.clone())).copied().unwrap_or(0)
    }
}
