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
    /// How many different people have rated an answer that it was given.
    pub(super) raters: u64,
}

/// What the people of a week are hashed under.
pub(super) struct WeekKey(pub(super) Key32);

impl WeekKey {
    fn mark(&self, group: BlindedId, purpose: &[u8], person: &[u8]) -> Key {
        Key::new(Tree::Marks, &[&group, b"m", &blind(&self.0, &[purpose, person])])
    }
}

/// What a week remembers of a person.
struct Marked {
    mark: Key,
    /// The crowd in which it counts them, and whether that is among those who rate.
    crowd: Option<(Key, bool)>,
}

/// Before the hash of the name of a crowd: that a person is in it.
const IN_CROWD: &[u8] = b"crowd";

/// The same: that a person has rated answers that it was given.
const RATES_IN_CROWD: &[u8] = b"raters";

impl Transaction<'_> {
    /// Counts a person in a week, unless they are counted already.
    pub(super) fn count_person(&mut self, person: &UserId, day: Day, series: &Series) -> Result<(), StoreError> {
        let week = self.current_week(day)?;
        for crowd in crowds(series) {
            let (key, mut present) = self.present(week, crowd)?;
            if self.mark_once(week, &purpose(IN_CROWD, &key), person)? {
                present.count = present.count.saturating_add(1);
                self.put(&key, &present)?;
            }
        }
        Ok(())
    }

    /// Counts one more rating of a person that stands, or one less, in the week that is not over: a person is counted for as long as one does.
    pub(super) fn count_rater(
        &mut self,
        person: BlindedId,
        week: Week,
        series: &Series,
        adds: bool,
    ) -> Result<(), StoreError> {
        let group = self.blinded_ids().week(week);
        for crowd in crowds(series) {
            let (key, mut present) = self.present(week, crowd)?;
            let mark = self.week_key(group)?.mark(group, &purpose(RATES_IN_CROWD, &key), &person);
            let stood = self.find_value::<u64>(&mark)?.unwrap_or(0);
            let stand = if adds { stood.saturating_add(1) } else { stood.saturating_sub(1) };
            if stand == 0 {
                self.remove(&mark);
            } else {
                self.put_value(&mark, &stand)?;
            }
            present.raters = match (stood, stand) {
                (0, 1) => present.raters.saturating_add(1),
                (1, 0) => present.raters.saturating_sub(1),
                _ => continue,
            };
            self.put(&key, &present)?;
        }
        Ok(())
    }

    /// Notes for the rest of its week that something was done about a person. Returns whether it was not noted before.
    pub(super) fn mark_once(&mut self, week: Week, purpose: &[u8], person: &UserId) -> Result<bool, StoreError> {
        let group = self.blinded_ids().week(week);
        let mark = self.week_key(group)?.mark(group, purpose, person.as_bytes());
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

    /// The week whose people are counted and not forgotten yet, if there is one.
    pub(super) fn open_week(&self) -> Result<Option<Week>, StoreError> {
        self.find_value::<Week>(&Key::meta(WEEK))
    }

    /// Removes what the current week remembers of a person, who counts no more: otherwise one person could ask and be forgotten until they
    /// are ten.
    pub(super) fn unmark(&mut self, person: &UserId) -> Result<(), StoreError> {
        let marks = self.marks_of(person)?;
        if let Some(group) = marks.first().and_then(|marked| marked.mark.room()) {
            self.rotate(group)?;
        }
        for Marked { mark, crowd } in &marks {
            self.remove(mark);
            let Some((crowd, rates)) = crowd else { continue };
            let Some(mut present) = self.find::<Present>(crowd)? else { continue };
            let count = if *rates { &mut present.raters } else { &mut present.count };
            *count = count.saturating_sub(1);
            self.put(crowd, &present)?;
        }
        Ok(())
    }

    /// Whether the current week remembers a person: that they asked or rated something, or were asked why an answer is not useful.
    pub(super) fn is_marked(&self, person: &UserId) -> Result<bool, StoreError> {
        Ok(!self.marks_of(person)?.is_empty())
    }

    /// What the current week remembers of a person.
    fn marks_of(&self, person: &UserId) -> Result<Vec<Marked>, StoreError> {
        let Some(week) = self.open_week()? else { return Ok(Vec::new()) };
        let group = self.blinded_ids().week(week);
        let Some(hashed) = self.find::<WeekKey>(&key_of(group))? else { return Ok(Vec::new()) };
        let (name, blinded) = (person.as_bytes(), self.blinded_ids().person(person));
        let mut marks = vec![Marked { mark: hashed.mark(group, ASKED_WHY, name), crowd: None }];
        for key in self.raw_keys(&Key::new(Tree::People, &[&week.monday().0.to_be_bytes()]))? {
            let crowd = || Key { tree: Tree::People, bytes: key.to_vec() };
            for (of, person, rates) in [(IN_CROWD, name, false), (RATES_IN_CROWD, &blinded[..], true)] {
                let mark = hashed.mark(group, &purpose(of, &crowd()), person);
                marks.push(Marked { mark, crowd: Some((crowd(), rates)) });
            }
        }
        let mut found = Vec::new();
        for marked in marks {
            if self.contains(&marked.mark)? {
                found.push(marked);
            }
        }
        Ok(found)
    }

    /// How many different people are in a crowd of a week.
    pub(super) fn people(&self, week: Week, crowd: Crowd) -> Result<u64, StoreError> {
        Ok(self.present(week, crowd)?.1.count)
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
        Ok((key, present.unwrap_or(Present { crowd, count: 0, raters: 0 })))
    }
}

/// That a person was asked why an answer is not useful.
pub(super) const ASKED_WHY: &[u8] = b"asked why";

/// The crowds that a question or an answer of this series counts in.
fn crowds(series: &Series) -> [Crowd; 3] {
    [Crowd::All, Crowd::Compagnon(series.compagnon.clone()), Crowd::Activity(series.activity)]
}

/// What a mark of a crowd is for.
fn purpose(of: &[u8], crowd: &Key) -> Vec<u8> {
    [of, &crowd.bytes].concat()
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
