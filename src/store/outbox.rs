//! Answers on their way: stored whole before the first part is sent, and kept until the last one is acknowledged.

use std::collections::BTreeMap;

use ruma::{EventId, OwnedEventId, OwnedRoomId};

use super::answer::{Answer, Answered, Conclusion, Delivery, Sent};
use super::changes::Change;
use super::database::Database;
use super::error::StoreError;
use super::layout::{EventPlace, Key, Tree};
use super::question::Queued;
use super::transaction::Transaction;
use crate::message::Incoming;
use crate::statistics::{Activity, Counted, Outcome};

impl Database {
    /// Moves a question from waiting to answered: out of the inbox, its turns into the conversation, its answer into the outbox, all
    /// in one write.
    ///
    /// The turns of a question that is answered again take the place of the earlier ones.
    ///
    /// Returns the delivery to make. `None`: the question is not waiting any more (dropped, or its room forgotten), or its text was
    /// edited meanwhile; nothing was written and nothing may be sent.
    pub fn conclude(&self, conclusion: Conclusion<'_>, now: u64) -> Result<Option<Delivery>, StoreError> {
        let Conclusion { question, turns, mut answer, changes, usage, counted } = conclusion;
        let mut transaction = self.transaction();
        let place = self.place(&question.room_id, &question.event_id);
        let waiting = transaction.get::<Queued>(&place.of(Tree::Inbox))?;
        let Some(waiting) = waiting.filter(|queued| queued.question.content == question.content) else {
            return Ok(None);
        };
        // The draft may have been taken away since whoever concludes looked.
        answer.draft = answer.draft.filter(|draft| !waiting.lost.contains(draft));
        answer.lost = waiting.lost;
        transaction.remove(&place.of(Tree::Inbox));
        // Before the turns: what a command forgets is not what is said of it.
        for change in &changes {
            transaction.change(change, now)?;
        }
        transaction.say(question, turns)?;
        let mut elsewhere = Vec::new();
        if let Some(overtaken) = transaction.find::<Delivery>(&place.of(Tree::Outbox))? {
            transaction.remove_files(&overtaken.answer.items)?;
            elsewhere.extend(overtaken.elsewhere().map(|(room, event)| (room.clone(), event.clone())));
            // Notices are delivered beside the lane: an edit may come between two of their messages.
            let replaced =
                |event: &&OwnedEventId| answer.shown.contains(*event) || answer.draft.as_ref() == Some(*event);
            for event in overtaken.messages().filter(|event| !replaced(event)) {
                transaction.withdraw(&question.room_id, event, &question.event_id, now)?;
            }
        }
        if let Some(before) = transaction.find::<Answered>(&place.of(Tree::Answered))? {
            elsewhere.extend(before.elsewhere);
        }
        // The new answer replaces the messages of this room; of those in other rooms nobody would know any more.
        for (room, event) in elsewhere {
            transaction.withdraw(&room, &event, &question.event_id, now)?;
        }
        if let Some(counted) = &counted {
            transaction.count(question, counted, usage.as_ref(), waiting.received_at, now)?;
        }
        let rateable = counted.filter(|counted| is_rateable(counted, &answer));
        if let Some(Counted { day, series, .. }) = &rateable {
            transaction.count_early_ratings(&place, *day, series)?;
        }
        let series = rateable.map(|counted| counted.series);
        let forgets = |change: &Change| matches!(change, Change::ForgetPerson(person) if *person == question.sender);
        let sequence = transaction.next()?;
        let delivery = Delivery {
            sequence,
            question: question.clone(),
            answer,
            sent: Vec::new(),
            uploaded: BTreeMap::new(),
            stored_at: now,
            usage,
            series,
            forgotten: changes.iter().any(forgets),
        };
        transaction.put(&place.of(Tree::Outbox), &delivery)?;
        fail::fail_point!("before-answer-stored");
        transaction.commit()?;
        // What a test of kills waits for: from here on the answer survives.
        tracing::debug!(event_id = %question.event_id, "stored");
        fail::fail_point!("answer-stored");
        Ok(Some(delivery))
    }

    /// The answers not yet delivered, in the order they were stored. Records that do not open are set aside and counted by
    /// [`Database::damaged`].
    pub fn undelivered(&self) -> Result<Vec<Delivery>, StoreError> {
        let deliveries = self.transaction().scan::<Delivery>(&Key::new(Tree::Outbox, &[]))?;
        let mut deliveries: Vec<Delivery> = deliveries.into_iter().map(|(_, delivery)| delivery).collect();
        deliveries.sort_unstable_by_key(|delivery| delivery.sequence);
        Ok(deliveries)
    }

    /// The answer to a question as it stands in the outbox now. `None`: it is delivered, or the question was taken back.
    pub fn delivery(&self, question: &Incoming) -> Result<Option<Delivery>, StoreError> {
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Outbox);
        self.transaction().find(&key)
    }

    /// Remembers that a message of an answer was acknowledged, and its event as the bot's own. Items come in order; the same one may come
    /// twice.
    pub fn part_sent(&self, question: &Incoming, item: usize, event: &EventId, now: u64) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let place = self.place(&question.room_id, &question.event_id);
        // Without a delivery (the question was taken back, or its room forgotten meanwhile) the message is still the bot's own.
        if !transaction.acknowledge(&place, item, Sent::Message(event.to_owned()))? {
            transaction.withdraw_late(question, &question.room_id, event, now)?;
        }
        transaction.put_own(event, &place, now)?;
        transaction.commit()?;
        fail::fail_point!("part-recorded");
        Ok(())
    }

    /// As [`Database::part_sent`], for a message in another room than the question's.
    pub fn sent_elsewhere(
        &self,
        question: &Incoming,
        item: usize,
        room: &OwnedRoomId,
        event: &EventId,
        now: u64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let place = self.place(&question.room_id, &question.event_id);
        if !transaction.acknowledge(&place, item, Sent::Elsewhere(room.clone(), event.to_owned()))? {
            transaction.withdraw_late(question, room, event, now)?;
        }
        transaction.put_own(event, &place, now)?;
        transaction.commit()?;
        fail::fail_point!("part-recorded");
        Ok(())
    }

    /// As [`Database::part_sent`], for the message that says that an item was refused for good: what follows it is not sent any more.
    pub fn item_refused(&self, question: &Incoming, item: usize, event: &EventId, now: u64) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let place = self.place(&question.room_id, &question.event_id);
        if transaction.acknowledge(&place, item, Sent::Message(event.to_owned()))? {
            let key = place.of(Tree::Outbox);
            if let Some(mut delivery) = transaction.get::<Delivery>(&key)? {
                let following = (item + 1).min(delivery.answer.items.len());
                transaction.remove_files(&delivery.answer.items.split_off(following))?;
                transaction.put(&key, &delivery)?;
            }
        } else {
            transaction.withdraw_late(question, &question.room_id, event, now)?;
        }
        transaction.put_own(event, &place, now)?;
        transaction.commit()?;
        fail::fail_point!("part-recorded");
        Ok(())
    }

    /// Remembers that another service acknowledged an item, with the reference that it gave. Items come in order; the same one may come
    /// twice.
    pub fn service_acknowledged(&self, question: &Incoming, item: usize, reference: &str) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let place = self.place(&question.room_id, &question.event_id);
        transaction.acknowledge(&place, item, Sent::Service(reference.to_owned()))?;
        transaction.commit()?;
        fail::fail_point!("part-recorded");
        Ok(())
    }

    /// Remembers the media that were uploaded for an item: `media` is the JSON that its event will hold. A try after a kill sends the same.
    pub fn item_uploaded(&self, question: &Incoming, item: usize, media: &str) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let key = self.place(&question.room_id, &question.event_id).of(Tree::Outbox);
        let Some(mut delivery) = transaction.get::<Delivery>(&key)? else { return Ok(()) };
        delivery.uploaded.insert(item, media.to_owned());
        transaction.put(&key, &delivery)?;
        transaction.commit()?;
        fail::fail_point!("upload-recorded");
        Ok(())
    }

    /// Notes a message that was on its way when another answer to its question was written: it is the bot's own, and is taken back
    /// from the room that it is in.
    pub fn stray(&self, question: &Incoming, room: &OwnedRoomId, event: &EventId, now: u64) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let place = self.place(&question.room_id, &question.event_id);
        transaction.withdraw(room, event, &question.event_id, now)?;
        transaction.put_own(event, &place, now)?;
        transaction.commit()
    }

    /// Ends a question: its answer is out of the outbox, and its event is never accepted again. Its messages are remembered, so that
    /// they can be replaced or taken back. A draft that no text has taken the place of is among [`Database::withdrawals`].
    pub fn delivered(&self, question: &Incoming, now: u64) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let place = self.place(&question.room_id, &question.event_id);
        let delivery = transaction.find::<Delivery>(&place.of(Tree::Outbox))?;
        if let Some(delivery) = &delivery
            && let Some(draft) = &delivery.answer.draft
            && delivery.messages().all(|message| message != draft)
            // An earlier answer that was to be replaced stays.
            && !delivery.answer.shown.contains(draft)
        {
            transaction.withdraw(&question.room_id, draft, &question.event_id, now)?;
        }
        if let Some(delivery) = &delivery {
            transaction.remove_files(&delivery.answer.items)?;
        }
        let forgotten = delivery.as_ref().is_some_and(|delivery| delivery.forgotten);
        if let Some(answered) = delivery.and_then(|delivery| Answered::of(delivery, now)) {
            if forgotten {
                transaction.forget_answers([answered], now)?;
            } else {
                transaction.put(&place.of(Tree::Answered), &answered)?;
            }
        }
        transaction.remove(&place.of(Tree::Outbox));
        transaction.put_value(&self.dedup_key(Tree::Done, &question.event_id), &now)?;
        fail::fail_point!("before-done");
        transaction.commit()?;
        fail::fail_point!("done");
        Ok(())
    }
}

impl Transaction<'_> {
    /// Notes how an item was acknowledged. Returns whether its answer was still on its way.
    fn acknowledge(&mut self, place: &EventPlace, item: usize, sent: Sent) -> Result<bool, StoreError> {
        let key = place.of(Tree::Outbox);
        let Some(mut delivery) = self.get::<Delivery>(&key)? else { return Ok(false) };
        if item > delivery.sent.len() {
            return Err(StoreError::Refused("an item of an answer was acknowledged before the one that precedes it"));
        }
        delivery.sent.splice(item..delivery.sent.len().min(item + 1), [sent]);
        delivery.uploaded.remove(&item);
        self.put(&key, &delivery)?;
        Ok(true)
    }
}

/// Whether what was counted is an answer that somebody may find useful or not. The bot's own sentences are none, unless somebody has approved
/// them as an answer.
fn is_rateable(counted: &Counted, answer: &Answer) -> bool {
    counted.outcome == Outcome::Answered && (!answer.is_notice() || counted.series.activity == Activity::Mastered)
}
