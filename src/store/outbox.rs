//! Answers on their way: stored whole before the first part is sent, and kept until the last one is acknowledged.

use std::fmt;

use ruma::{EventId, OwnedEventId};
use serde::{Deserialize, Serialize};

use super::answered::Answered;
use super::changes::Change;
use super::inbox::{Queued, lose};
use super::records::{Key, Tree};
use super::{Database, StoreError};
use crate::conversation::Turn;
use crate::message::{Incoming, Item};

/// What is sent in answer to a question.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Answer {
    /// What is sent, in this order: each is one message of the room, or one call to a service.
    pub items: Vec<Item>,
    /// The message shown while it was written, which part 0 replaces.
    pub draft: Option<OwnedEventId>,
    /// For a question answered again, the event for which it was: it tells this answer's transaction ids from the earlier one's.
    #[serde(default)]
    pub again: Option<OwnedEventId>,
    /// For a question answered again, the messages of the earlier answer: part n replaces the nth; those too many are taken back.
    #[serde(default)]
    pub shown: Vec<OwnedEventId>,
    /// The messages that showed it while it was written and were taken away by somebody: as [`Queued::lost`].
    #[serde(default)]
    pub lost: Vec<OwnedEventId>,
}

impl Answer {
    /// Whether all of it are sentences of the bot's own.
    #[must_use]
    pub fn is_notice(&self) -> bool {
        self.items.iter().all(Item::is_notice)
    }

    /// Somebody took the draft away.
    pub(super) fn lose_draft(&mut self) {
        lose(&mut self.draft, &mut self.lost);
    }
}

impl fmt::Debug for Answer {
    /// Leaves the texts out: what the bot says never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answer").field("items", &self.items).field("draft", &self.draft).finish_non_exhaustive()
    }
}

/// How answering a question ended.
#[derive(Clone, Debug)]
pub struct Conclusion<'a> {
    /// The question.
    pub question: &'a Incoming,
    /// What is added to its conversation: the question and the answer, or nothing for a notice.
    pub turns: Vec<Turn>,
    /// What is to be sent.
    pub answer: Answer,
    /// What else changes with it.
    pub changes: Vec<Change>,
}

/// An answer not yet delivered.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the order of storing, on the same count as [`Queued::sequence`].
    pub sequence: u64,
    /// The question.
    pub question: Incoming,
    /// What is to be sent.
    pub answer: Answer,
    /// The events of the parts already acknowledged, from part 0.
    pub sent: Vec<OwnedEventId>,
    /// When it was stored.
    pub stored_at: u64,
}

impl Database {
    /// Moves a question from waiting to answered: out of the inbox, its turns into the conversation, its answer into the outbox, all
    /// in one write.
    ///
    /// The turns of a question that is answered again take the place of the earlier ones.
    ///
    /// Returns the delivery to make. `None`: the question is not waiting any more (dropped, or its room forgotten), or its text was
    /// edited meanwhile; nothing was written and nothing may be sent.
    pub fn conclude(&self, conclusion: Conclusion<'_>, now: u64) -> Result<Option<Delivery>, StoreError> {
        let Conclusion { question, turns, mut answer, changes } = conclusion;
        let mut session = self.session();
        let place = self.place(&question.room_id, &question.event_id);
        let waiting = session.get::<Queued>(&place.of(Tree::Inbox))?;
        let Some(waiting) = waiting.filter(|queued| queued.question.content == question.content) else {
            return Ok(None);
        };
        // The draft may have been taken away since whoever concludes looked.
        answer.draft = answer.draft.filter(|draft| !waiting.lost.contains(draft));
        answer.lost = waiting.lost;
        session.remove(&place.of(Tree::Inbox));
        // Before the turns: what a command forgets is not what is said of it.
        for change in &changes {
            session.change(change, now)?;
        }
        session.say(question, turns)?;
        let sequence = session.next()?;
        let delivery = Delivery { sequence, question: question.clone(), answer, sent: Vec::new(), stored_at: now };
        session.put(&place.of(Tree::Outbox), &delivery)?;
        fail::fail_point!("before-answer-stored");
        session.commit()?;
        // What a test of kills waits for: from here on the answer survives.
        tracing::debug!(event_id = %question.event_id, "stored");
        fail::fail_point!("answer-stored");
        Ok(Some(delivery))
    }

    /// The answers not yet delivered, in the order they were stored. Records that do not open are set aside and counted by
    /// [`Database::damaged`].
    pub fn undelivered(&self) -> Result<Vec<Delivery>, StoreError> {
        let deliveries = self.session().scan::<Delivery>(&Key::new(Tree::Outbox, &[]))?;
        let mut deliveries: Vec<Delivery> = deliveries.into_iter().map(|(_, delivery)| delivery).collect();
        deliveries.sort_unstable_by_key(|delivery| delivery.sequence);
        Ok(deliveries)
    }

    /// The answer to a question as it stands in the outbox now. `None`: it is delivered, or the question was taken back.
    pub fn delivery(&self, question: &Incoming) -> Result<Option<Delivery>, StoreError> {
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Outbox);
        self.session().look(&key)
    }

    /// Remembers that a part was acknowledged, and its event as the bot's own. Parts come in order; the same one may come twice.
    pub fn part_sent(&self, question: &Incoming, part: usize, event: &EventId, now: u64) -> Result<(), StoreError> {
        let mut session = self.session();
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Outbox);
        // Without a delivery (the question was taken back, or its room forgotten meanwhile) the message is still the bot's own.
        if let Some(mut delivery) = session.get::<Delivery>(&key)? {
            if part > delivery.sent.len() {
                return Err(StoreError::Refused(
                    "a part of an answer was acknowledged before the one that precedes it",
                ));
            }
            delivery.sent.splice(part..delivery.sent.len().min(part + 1), [event.to_owned()]);
            session.put(&key, &delivery)?;
        } else {
            session.withdraw_late(question, event, now)?;
        }
        session.put(&self.mark(Tree::Own, event), &now)?;
        session.commit()?;
        fail::fail_point!("part-recorded");
        Ok(())
    }

    /// Notes a message that was on its way when another answer to its question was written: it is the bot's own, and is taken back.
    pub fn stray(&self, question: &Incoming, event: &EventId, now: u64) -> Result<(), StoreError> {
        let mut session = self.session();
        session.withdraw(&question.room_id, event, &question.event_id, now)?;
        session.put(&self.mark(Tree::Own, event), &now)?;
        session.commit()
    }

    /// Ends a question: its answer is out of the outbox, and its event is never accepted again. Its messages are remembered, so that
    /// they can be replaced or taken back. Where nothing could be sent, the draft is among [`Database::withdrawals`].
    pub fn delivered(&self, question: &Incoming, now: u64) -> Result<(), StoreError> {
        let mut session = self.session();
        let place = self.place(&question.room_id, &question.event_id);
        let delivery = session.look::<Delivery>(&place.of(Tree::Outbox))?;
        if let Some(delivery) = delivery.as_ref().filter(|delivery| delivery.sent.is_empty())
            && let Some(draft) = &delivery.answer.draft
            // An earlier answer that was to be replaced stays.
            && !delivery.answer.shown.contains(draft)
        {
            session.withdraw(&question.room_id, draft, &question.event_id, now)?;
        }
        if let Some(answered) = delivery.and_then(|delivery| Answered::of(delivery, now)) {
            session.put(&place.of(Tree::Answered), &answered)?;
        }
        session.remove(&place.of(Tree::Outbox));
        session.put(&self.mark(Tree::Done, &question.event_id), &now)?;
        fail::fail_point!("before-done");
        session.commit()?;
        fail::fail_point!("done");
        Ok(())
    }

    /// Whether the bot sent this event.
    pub fn is_own(&self, event: &EventId) -> Result<bool, StoreError> {
        self.session().contains(&self.mark(Tree::Own, event))
    }
}
