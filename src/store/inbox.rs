//! The sync cursor and the questions not yet answered: what was read from Matrix is here before the next sync is asked for.

use std::collections::HashSet;

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use serde::{Deserialize, Serialize};

use super::records::{CURSOR, Key, Place, Session, Tree};
use super::{Store, StoreError};
use crate::message::{Incoming, Undecrypted};

/// What one sync response, or a key that came late, brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accept<'a> {
    /// Where the next sync starts; `None` leaves the cursor where it is (a late key brings questions without a sync).
    pub next_batch: Option<&'a str>,
    /// Questions, in order.
    pub questions: &'a [Incoming],
    /// Events that could not be decrypted.
    pub undecrypted: &'a [Undecrypted],
    /// Rooms the bot is no longer in: they are forgotten, and their questions in this same response with them.
    pub left: &'a [OwnedRoomId],
}

/// A question waiting for its answer.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Queued {
    /// Its place in the order of arrival; grows across restarts.
    pub sequence: u64,
    /// The question.
    pub question: Incoming,
    /// When it was accepted.
    pub received_at: u64,
    /// How many times answering it was begun.
    pub attempts: u32,
    /// The message that shows the answer being written, if one was sent.
    pub draft: Option<OwnedEventId>,
}

impl Store {
    /// Writes down a sync response: questions, undecrypted events and cursor together.
    ///
    /// Returns the new questions only. An event already queued, answered or over is left out, so a response may be given twice.
    pub fn accept(&self, batch: &Accept<'_>, now: u64) -> Result<Vec<Queued>, StoreError> {
        let mut session = self.session();
        let mut taken = HashSet::new();
        let mut new = Vec::new();
        for question in batch.questions.iter().filter(|question| !batch.left.contains(&question.room_id)) {
            let place = self.place(&question.room_id, &question.event_id);
            // Its key has come, whether or not it is new as a question.
            session.remove(&place.of(Tree::Undecrypted));
            if !taken.insert(place.event) || session.is_known(&place)? {
                continue;
            }
            let sequence = session.next()?;
            let queued = Queued { sequence, question: question.clone(), received_at: now, attempts: 0, draft: None };
            session.put(&place.of(Tree::Inbox), &queued)?;
            new.push(queued);
        }
        for event in batch.undecrypted.iter().filter(|event| !batch.left.contains(&event.room_id)) {
            let place = self.place(&event.room_id, &event.event_id);
            if taken.insert(place.event) && !session.is_known(&place)? {
                session.hold(&place, event)?;
            }
        }
        for room in batch.left {
            session.forget(self.0.names.room(room), now)?;
        }
        if let Some(cursor) = batch.next_batch {
            session.put(&Key::meta(CURSOR), &cursor)?;
        }
        fail::fail_point!("before-sync-saved");
        session.commit()?;
        fail::fail_point!("sync-saved");
        Ok(new)
    }

    /// Where the next sync starts; `None` when there was none yet.
    pub fn cursor(&self) -> Result<Option<String>, StoreError> {
        self.session().get(&Key::meta(CURSOR))
    }

    /// The questions waiting, in order of arrival. Records that do not open are set aside and counted by [`Store::damaged`].
    pub fn queued(&self) -> Result<Vec<Queued>, StoreError> {
        let questions = self.session().scan::<Queued>(&Key::new(Tree::Inbox, &[]))?;
        let mut questions: Vec<Queued> = questions.into_iter().map(|(_, queued)| queued).collect();
        questions.sort_unstable_by_key(|queued| queued.sequence);
        Ok(questions)
    }

    /// Counts an attempt at an answer before it is made, and returns its number, from 1. `None`: the question is not waiting any
    /// more (dropped, or its room forgotten) and must not be answered.
    pub fn begin(&self, question: &Incoming) -> Result<Option<u32>, StoreError> {
        let attempts = self.change_queued(question, |_, queued| {
            queued.attempts = queued.attempts.saturating_add(1);
            Ok(queued.attempts)
        })?;
        fail::fail_point!("question-begun");
        Ok(attempts)
    }

    /// Remembers the message that shows the answer being written, as this question's and as the bot's own. Returns whether the
    /// question is still waiting.
    pub fn draft(&self, question: &Incoming, event: &EventId, now: u64) -> Result<bool, StoreError> {
        let own = self.mark(Tree::Own, event);
        let changed = self.change_queued(question, |session, queued| {
            queued.draft = Some(event.to_owned());
            session.put(&own, &now)
        })?;
        Ok(changed.is_some())
    }

    /// Takes a question out at whatever stage it is (redacted, or not answerable), never to be accepted again. Returns whether
    /// there was anything to take out.
    pub fn drop_question(&self, room: &RoomId, event: &EventId, now: u64) -> Result<bool, StoreError> {
        let mut session = self.session();
        let place = self.place(room, event);
        let mut found = false;
        for tree in [Tree::Inbox, Tree::Outbox, Tree::Undecrypted] {
            let key = place.of(tree);
            if session.contains(&key)? {
                session.remove(&key);
                found = true;
            }
        }
        if found {
            session.put(&self.mark(Tree::Done, event), &now)?;
            session.commit()?;
        }
        Ok(found)
    }

    fn change_queued<T>(
        &self,
        question: &Incoming,
        change: impl FnOnce(&mut Session<'_>, &mut Queued) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut session = self.session();
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Inbox);
        let Some(mut queued) = session.get::<Queued>(&key)? else { return Ok(None) };
        let result = change(&mut session, &mut queued)?;
        session.put(&key, &queued)?;
        session.commit()?;
        Ok(Some(result))
    }
}

impl Session<'_> {
    /// Whether an event is queued, being delivered, or over. A damaged outbox record counts: part of the answer may be sent.
    fn is_known(&self, place: &Place) -> Result<bool, StoreError> {
        let outbox = place.of(Tree::Outbox);
        Ok(self.contains(&place.of(Tree::Inbox))?
            || self.contains(&outbox)?
            || self.contains(&Key::new(Tree::Done, &[&place.event]))?
            || self.set_aside(&outbox)?)
    }
}
