//! How many different people ask something in a week.
//!
//! To count each once, the week remembers them: by hashes under a random key, which is sealed under a data key of the week. When the week is
//! over, the data key is destroyed as that of a forgotten room is, and the hashes are removed in the same transaction. What is left is a number: with all keys
//! of the store in hand, nobody can tell whom it counts.

use std::borrow::Cow;

use ruma::UserId;

use super::error::StoreError;
use super::layout::{Key, Tree, WEEK};
use super::seal::{BlindedId, BlindedIds, Key32, blind};
use super::transaction::Transaction;
use crate::statistics::{Compagnon, Crowd, Day, Series, Week};

/// The most crowds of a week that are kept apart. People of compagnons beyond them are counted together.
pub const MOST_CROWDS: usize = 200;

/// A crowd, and how many are in it.
pub(super) struct Present {
    pub(super) crowd: Crowd,
    pub(super) count: u64,
}

/// What the people of a week are hashed under.
pub(super) struct WeekKey(pub(super) Key32);

impl WeekKey {
    fn mark(&self, group: BlindedId, purpose: &[u8], person: &UserId) -> Key {
        Key::new(Tree::Marks, &[&group, b"m", &blind(&self.0, &[purpose, person.as_bytes()])])
    }
}

/// Before the hash of the name of a crowd.
const IN_CROWD: &[u8] = b"crowd";

impl Transaction<'_> {
    /// Counts a person in a week, unless they are counted already.
    pub(super) fn count_person(&mut self, person: &UserId, day: Day, series: &Series) -> Result<(), StoreError> {
        let week = self.current_week(day)?;
        let compagnon = Crowd::Compagnon(series.compagnon.clone());
        for crowd in [Crowd::All, compagnon, Crowd::Activity(series.activity)] {
            let (key, mut present) = self.present(week, crowd)?;
            if self.mark_once(week, &crowd_mark(&key), person)? {
                present.count = present.count.saturating_add(1);
                self.put(&key, &present)?;
            }
        }
        Ok(())
    }

    /// Notes for the rest of its week that something was done about a person. Returns whether it was not noted before.
    pub(super) fn mark_once(&mut self, week: Week, purpose: &[u8], person: &UserId) -> Result<bool, StoreError> {
        let group = self.blinded_ids().week(week);
        let mark = self.week_key(group)?.mark(group, purpose, person);
        if self.contains(&mark)? {
            return Ok(false);
        }
        self.put_value(&mark, &())?;
        Ok(true)
    }

    /// The week whose people are counted on this day. The one before it is over then.
    pub(super) fn current_week(&mut self, day: Day) -> Result<Week, StoreError> {
        let (week, meta) = (day.week(), Key::meta(WEEK));
        let current = self.find_value::<Week>(&meta)?;
        match current {
            // A clock that was put back a little opens no week again that is over.
            Some(current) if current == week || current == week.after() => return Ok(current),
            Some(over) => self.end_week(over)?,
            None => {}
        }
        self.put_value(&meta, &week)?;
        Ok(week)
    }

    /// Ends the week whose people are counted, where this day is in a later one. Returns whether it did.
    pub(super) fn end_week_before(&mut self, day: Day) -> Result<bool, StoreError> {
        let current = self.find_value::<Week>(&Key::meta(WEEK))?;
        let Some(over) = current.filter(|current| *current < day.week()) else { return Ok(false) };
        self.end_week(over)?;
        self.remove(&Key::meta(WEEK));
        Ok(true)
    }

    fn end_week(&mut self, week: Week) -> Result<(), StoreError> {
        let group = self.blinded_ids().week(week);
        for key in self.raw_keys(&Key::new(Tree::Marks, &[&group]))? {
            self.remove_raw(&key);
        }
        self.destroy_key(group);
        Ok(())
    }

    /// Removes what the current week remembers of a person. The numbers stay.
    pub(super) fn unmark(&mut self, person: &UserId) -> Result<(), StoreError> {
        let marks = self.marks_of(person)?;
        if let Some(group) = marks.first().and_then(Key::room) {
            self.rotate(group)?;
        }
        for mark in &marks {
            self.remove(mark);
        }
        Ok(())
    }

    /// Whether the current week remembers a person: that they asked something, or were asked why an answer is not useful.
    pub(super) fn is_marked(&self, person: &UserId) -> Result<bool, StoreError> {
        Ok(!self.marks_of(person)?.is_empty())
    }

    /// What the current week remembers of a person.
    fn marks_of(&self, person: &UserId) -> Result<Vec<Key>, StoreError> {
        let Some(week) = self.find_value::<Week>(&Key::meta(WEEK))? else { return Ok(Vec::new()) };
        let group = self.blinded_ids().week(week);
        let Some(hashed) = self.find::<WeekKey>(&key_of(group))? else { return Ok(Vec::new()) };
        let crowds = self.raw_keys(&Key::new(Tree::People, &[&week.monday().0.to_be_bytes()]))?;
        let crowds = crowds.iter().map(|key| Key { tree: Tree::People, bytes: key.to_vec() });
        let purposes: Vec<Vec<u8>> = crowds.map(|key| crowd_mark(&key)).chain([ASKED_WHY.to_vec()]).collect();
        let mut marks = Vec::new();
        for mark in purposes.iter().map(|purpose| hashed.mark(group, purpose, person)) {
            if self.contains(&mark)? {
                marks.push(mark);
            }
        }
        Ok(marks)
    }

    fn week_key(&mut self, group: BlindedId) -> Result<WeekKey, StoreError> {
        let place = key_of(group);
        if let Some(key) = self.find::<WeekKey>(&place)? {
            return Ok(key);
        }
        let key = WeekKey(Key32::random());
        self.put(&place, &key)?;
        Ok(key)
    }

    /// A crowd of a week; that of the other compagnons where there are too many.
    fn present(&self, week: Week, crowd: Crowd) -> Result<(Key, Present), StoreError> {
        let monday = week.monday().0.to_be_bytes();
        let place = |crowd: &Crowd| Key::new(Tree::People, &[&monday, &self.blinded_ids().crowd(crowd)]);
        let key = place(&crowd);
        if let Some(present) = self.find::<Present>(&key)? {
            return Ok((key, present));
        }
        let held = self.raw_keys(&Key::new(Tree::People, &[&monday]))?.len();
        let crowd = match crowd {
            Crowd::Compagnon(_) if held >= MOST_CROWDS => Crowd::Compagnon(Compagnon::Others),
            crowd => crowd,
        };
        let key = place(&crowd);
        let present = self.find::<Present>(&key)?;
        Ok((key, present.unwrap_or(Present { crowd, count: 0 })))
    }
}

/// That a person was asked why an answer is not useful.
pub(super) const ASKED_WHY: &[u8] = b"asked why";

fn crowd_mark(key: &Key) -> Vec<u8> {
    [IN_CROWD, &key.bytes].concat()
}

fn key_of(group: BlindedId) -> Key {
    Key::new(Tree::Marks, &[&group, b"k"])
}

/// Where what is counted stands.
impl BlindedIds {
    fn week(&self, week: Week) -> BlindedId {
        self.group("week", &week.to_string())
    }

    fn crowd(&self, crowd: &Crowd) -> BlindedId {
        match crowd {
            Crowd::All => self.partition(&["crowd", "all"]),
            Crowd::Compagnon(compagnon) => {
                let [kind, id] = named(compagnon);
                self.partition(&["crowd", "compagnon", &kind, &id])
            }
            Crowd::Activity(activity) => self.partition(&["crowd", "activity", activity.name()]),
        }
    }

    pub(super) fn series(&self, series: &Series) -> BlindedId {
        let [kind, id] = named(&series.compagnon);
        self.partition(&["series", &kind, &id, &series.model, series.activity.name()])
    }
}

fn named(compagnon: &Compagnon) -> [Cow<'_, str>; 2] {
    match compagnon {
        Compagnon::Library(id) => ["library".into(), id.into()],
        Compagnon::Made(number) => ["made".into(), number.to_string().into()],
        Compagnon::Others => ["others".into(), "".into()],
    }
}
