//! Counting: each question once, in the write that ends it. What is counted is read in `statistics.rs`; people are counted in `people.rs`.

use super::error::StoreError;
use super::layout::{Key, SINCE, Tree};
use super::recorder::CountedEvent;
use super::seal::BlindedId;
use super::transaction::Transaction;
use crate::message::Incoming;
use crate::statistics::{Activity, Compagnon, Counted, Counters, Day, Series, Week};
use crate::usage::AnswerUsage;

/// The most series of a day that are kept apart; what is beyond them is counted together, by kind of work.
pub const MOST_SERIES: usize = 200;

/// What is counted of a series on a day.
pub(super) struct Tally {
    pub(super) series: Series,
    pub(super) counters: Counters,
}

impl Transaction<'_> {
    /// Counts the end of a question that came at `arrived`.
    pub(super) fn count(
        &mut self,
        question: &Incoming,
        counted: &Counted,
        usage: Option<&AnswerUsage>,
        arrived: u64,
        now: u64,
    ) -> Result<(), StoreError> {
        let mut counters = counted.counters(arrived, now);
        if let Some(AnswerUsage { usage, .. }) = usage {
            counters.prompt_tokens = usage.prompt_tokens as u64;
            counters.cached_tokens = usage.cached_tokens as u64;
            counters.completion_tokens = usage.completion_tokens as u64;
            counters.energy = usage.energy;
        }
        let room = self.blinded_ids().room(&question.room_id);
        self.tally(room, counted.day, &counted.series, |sum| sum.add(&counters))?;
        self.counted.push(CountedEvent::Ended(counted.series.clone(), counted.outcome, Box::new(counters)));
        if let Compagnon::Made(number) = counted.series.compagnon {
            self.note_used(number, now)?;
        }
        if counted.counts_person() {
            self.count_person(&question.sender, counted.day, &counted.series)?;
        }
        Ok(())
    }

    /// Changes the counters of a series on a day, and those of a room.
    pub(super) fn tally(
        &mut self,
        room: BlindedId,
        day: Day,
        series: &Series,
        change: impl Fn(&mut Counters),
    ) -> Result<(), StoreError> {
        let key = self.series_key(day, series);
        let (key, mut tally) = match self.find::<Tally>(&key)? {
            Some(tally) => (key, tally),
            None => self.new_tally(day, series)?,
        };
        change(&mut tally.counters);
        self.put(&key, &tally)?;
        let key = of_room(room, day.week(), series.activity);
        let mut counters = self.find_value::<Counters>(&key)?.unwrap_or_default();
        change(&mut counters);
        self.put_value(&key, &counters)
    }

    /// The counters of a series of which nothing was counted on that day; where the day has too many, those of the others.
    fn new_tally(&mut self, day: Day, series: &Series) -> Result<(Key, Tally), StoreError> {
        let first = self.find_value::<Day>(&Key::meta(SINCE))?;
        if first.is_none_or(|first| first > day) {
            self.put_value(&Key::meta(SINCE), &day)?;
        }
        let held = self.raw_keys(&of_day(day))?.len();
        let series = if held >= MOST_SERIES { series.others() } else { series.clone() };
        let key = self.series_key(day, &series);
        let tally = self.find::<Tally>(&key)?;
        Ok((key, tally.unwrap_or(Tally { series, counters: Counters::default() })))
    }

    fn series_key(&self, day: Day, series: &Series) -> Key {
        Key::new(Tree::Usage, &[&day.0.to_be_bytes(), &self.blinded_ids().series(series)])
    }
}

/// The counters of a day.
fn of_day(day: Day) -> Key {
    Key::new(Tree::Usage, &[&day.0.to_be_bytes()])
}

/// The counters of a room.
fn of_room(room: BlindedId, week: Week, activity: Activity) -> Key {
    let activity = Activity::ALL.iter().position(|one| *one == activity).and_then(|at| u8::try_from(at).ok());
    Key::new(Tree::RoomUsage, &[&room, &week.monday().0.to_be_bytes(), &[activity.unwrap_or(u8::MAX)]])
}
