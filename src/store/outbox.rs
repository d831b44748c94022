//! Answers stored and not wholly delivered.

use ruma::EventId;
use sled::Batch;

use super::{
    Conclusion, Delivery, Store, StoreError,
    records::{INBOX, OUTBOX},
};
use crate::message::Incoming;

impl Store {
    /// Takes the question out of the inbox, adds the turns to its conversation and puts the answer in the outbox: one change, flushed.
    pub fn conclude(&self, conclusion: &Conclusion<'_>) -> Result<Delivery, StoreError> {
        let question = conclusion.question;
        let delivery = Delivery {
            sequence: self.inner.db.generate_id()?,
            question: question.clone(),
            answer: conclusion.answer.clone(),
            sent: Vec::new(),
        };
        let mut batch = Batch::default();
        batch.remove(self.event_key(INBOX, &question.room_id, &question.event_id));
        self.put(&mut batch, OUTBOX, &self.event_key(OUTBOX, &question.room_id, &question.event_id), &delivery)?;
        self.add_turns(&mut batch, &question.conversation(), &conclusion.turns)?;
        self.apply(batch)?;
        Ok(delivery)
    }

    /// The answers not wholly delivered, in the order in which they were concluded.
    pub fn undelivered(&self) -> Result<Vec<Delivery>, StoreError> {
        let mut deliveries: Vec<Delivery> = self.scan(OUTBOX, &[OUTBOX.prefix])?;
        deliveries.sort_by_key(|delivery| delivery.sequence);
        Ok(deliveries)
    }

    /// Notes that the homeserver has the next part of the answer, as the message `event_id`.
    pub fn part_sent(&self, question: &Incoming, event_id: &EventId, now: u64) -> Result<(), StoreError> {
        let key = self.event_key(OUTBOX, &question.room_id, &question.event_id);
        let mut batch = Batch::default();
        if let Some(mut delivery) = self.get::<Delivery>(OUTBOX, &key)? {
            delivery.sent.push(event_id.to_owned());
            self.put(&mut batch, OUTBOX, &key, &delivery)?;
        }
        batch.insert(self.mark(b's', event_id), &now.to_be_bytes());
        self.apply(batch)
    }

    /// Notes that the question is done with: its answer leaves the outbox, and its event is never a question again.
    pub fn delivered(&self, question: &Incoming, now: u64) -> Result<(), StoreError> {
        fail::fail_point!("before-done");
        let mut batch = Batch::default();
        batch.remove(self.event_key(OUTBOX, &question.room_id, &question.event_id));
        batch.insert(self.mark(b'd', &question.event_id), &now.to_be_bytes());
        self.apply(batch)
    }
}
