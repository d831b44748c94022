//! All that is counted, as it is read; and the removal of what has grown old.

use std::collections::BTreeMap;

use ruma::RoomId;

use super::database::Database;
use super::error::StoreError;
use super::handle::Store;
use super::layout::{DIGEST, Key, SINCE, Tree};
use super::people::Present;
use super::purge::SLICE;
use super::transaction::Transaction;
use super::usage::Tally;
use crate::message::Incoming;
use crate::statistics::{Activity, Counted, Counters, Day, Statistics, Week};

/// How many months what is counted is kept.
pub const STATISTICS_MONTHS: u32 = 25;

/// How far a reading has come.
struct Reading {
    statistics: Statistics,
    /// The key to go on from; `None` at the end.
    next: Option<Vec<u8>>,
}

impl Database {
    /// All that is counted.
    pub fn statistics(&self) -> Result<Statistics, StoreError> {
        let mut reading = self.begin_statistics()?;
        while reading.next.is_some() {
            self.read_statistics(&mut reading)?;
        }
        Ok(reading.statistics)
    }

    fn begin_statistics(&self) -> Result<Reading, StoreError> {
        let transaction = self.transaction();
        let since = transaction.find_value::<Day>(&Key::meta(SINCE))?;
        let present = transaction.scan::<Present>(&Key::all(Tree::People))?.into_iter();
        let mut statistics = Statistics { since, ..Statistics::default() };
        for (key, Present { crowd, count, raters }) in present {
            if let Some(day) = day_of(&key) {
                statistics.raters.insert((day.week(), crowd.clone()), raters);
                statistics.people.insert((day.week(), crowd), count);
            }
        }
        Ok(Reading { statistics, next: Some(Key::all(Tree::Usage).bytes) })
    }

    fn read_statistics(&self, reading: &mut Reading) -> Result<(), StoreError> {
        let Some(from) = reading.next.take() else { return Ok(()) };
        let (tallies, next) = self.transaction().page::<Tally>(&Key::all(Tree::Usage), &from, SLICE)?;
        let tallies = tallies.into_iter();
        let tallies = tallies.filter_map(|(key, tally)| Some(((day_of(&key)?, tally.series), tally.counters)));
        reading.statistics.days.extend(tallies);
        reading.next = next;
        Ok(())
    }

    /// What is counted in a room, by week and kind of work.
    pub fn room_statistics(&self, room: &RoomId) -> Result<BTreeMap<(Week, Activity), Counters>, StoreError> {
        let room = self.blinded_ids.room(room);
        let prefix = Key::new(Tree::RoomUsage, &[&room]);
        // Bounded by the weeks that are kept.
        let (found, _) = self.transaction().page_of_values::<Counters>(&prefix, &prefix.bytes, usize::MAX)?;
        let place = |key: &Key| {
            let (week, activity) = key.bytes.get(prefix.bytes.len()..)?.split_first_chunk::<4>()?;
            let activity = Activity::ALL.get(usize::from(*activity.first()?))?;
            Some((Day(u32::from_be_bytes(*week)).week(), *activity))
        };
        Ok(found.into_iter().filter_map(|(key, counters)| Some((place(&key)?, counters))).collect())
    }

    fn note_digest(&self, week: Week) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        transaction.put_value(&Key::meta(DIGEST), &week)?;
        transaction.commit()
    }

    /// Ends the week that is over on this day, and removes what was counted too long ago: a slice of it. Returns whether there may be more.
    pub(super) fn age_statistics(&self, today: Day) -> Result<bool, StoreError> {
        let mut transaction = self.transaction();
        let ended = transaction.end_week_before(today)?;
        let oldest = today.months_before(STATISTICS_MONTHS);
        let mut old = transaction.days_before(Tree::Usage, oldest)?;
        old.extend(transaction.days_before(Tree::People, oldest)?);
        for key in &old {
            transaction.remove(key);
        }
        if ended || !old.is_empty() {
            fail::fail_point!("before-statistics-aged");
            transaction.commit()?;
            fail::fail_point!("statistics-aged");
        }
        Ok(old.len() >= SLICE)
    }
}

impl Transaction<'_> {
    /// The first records of a tree that stand at days before this one.
    fn days_before(&self, tree: Tree, day: Day) -> Result<Vec<Key>, StoreError> {
        let mut old = Vec::new();
        let end = Key::new(tree, &[&day.0.to_be_bytes()]).bytes;
        for key in self.database.db.range(Key::all(tree).bytes..end).keys().take(SLICE) {
            old.push(Key { tree, bytes: key?.to_vec() });
        }
        Ok(old)
    }
}

impl Store {
    /// Drops a waiting question, as [`Store::drop_question`] does, that counts as one that was not answered.
    pub async fn refuse_question(&self, question: &Incoming, counted: Counted, now: u64) -> Result<bool, StoreError> {
        let (room, event) = (question.room_id.clone(), question.event_id.clone());
        self.run(move |database| database.refuse_question(&room, &event, &counted, now)).await
    }

    /// Ends a waiting question, as [`Store::close_question`] does, of which something is counted.
    pub async fn close_counted(&self, question: &Incoming, counted: Counted, now: u64) -> Result<bool, StoreError> {
        let (room, event) = (question.room_id.clone(), question.event_id.clone());
        self.run(move |database| database.close_counted(&room, &event, &counted, now)).await
    }

    /// All that is counted.
    pub async fn statistics(&self) -> Result<Statistics, StoreError> {
        let mut reading = self.run(Database::begin_statistics).await?;
        while reading.next.is_some() {
            reading = self
                .run(move |database| {
                    database.read_statistics(&mut reading)?;
                    Ok(reading)
                })
                .await?;
        }
        Ok(reading.statistics)
    }

    /// What is counted in a room, by week and kind of work, without its people.
    pub async fn room_statistics(&self, room: &RoomId) -> Result<BTreeMap<(Week, Activity), Counters>, StoreError> {
        let room = room.to_owned();
        self.run(move |database| database.room_statistics(&room)).await
    }

    /// The last week of which the administrators were told.
    pub async fn last_digest(&self) -> Result<Option<Week>, StoreError> {
        self.run(|database| database.transaction().find_value::<Week>(&Key::meta(DIGEST))).await
    }

    /// The administrators were told of a week.
    pub async fn note_digest(&self, week: Week) -> Result<(), StoreError> {
        self.run(move |database| database.note_digest(week)).await
    }

    /// Ends the week that is over on this day, so that nobody can be told of it any more, and removes what was counted too long ago.
    pub async fn age_statistics(&self, today: Day) -> Result<(), StoreError> {
        while self.run(move |database| database.age_statistics(today)).await? {}
        Ok(())
    }
}

/// The day at which a record stands; of a week, its Monday.
fn day_of(key: &Key) -> Option<Day> {
    key.bytes.get(1..)?.first_chunk::<4>().map(|day| Day(u32::from_be_bytes(*day)))
}
