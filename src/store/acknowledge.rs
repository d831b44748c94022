//! The part of [`Store`] that notes what was delivered. Each function does so in one step with its check: an answer that was replaced by
//! another one meanwhile must not be taken for it.

use ruma::{EventId, OwnedEventId, OwnedRoomId};

use super::answer::Delivery;
use super::database::Database;
use super::error::StoreError;
use super::handle::Store;
use crate::message::Incoming;

impl Store {
    /// Remembers that a message of an answer was acknowledged, and its event as the bot's own. Items come in order; the same one may come
    /// twice. Returns whether the answer is still the one to be delivered: otherwise another one was stored since, and the message is among
    /// [`Store::withdrawals`].
    pub async fn part_sent(
        &self,
        delivery: &Delivery,
        item: usize,
        event: &EventId,
        now: u64,
    ) -> Result<bool, StoreError> {
        let (message, event) = ((delivery.question.room_id.clone(), event.to_owned()), event.to_owned());
        self.of_delivery(delivery, Some(message), now, move |database, question| {
            database.part_sent(question, item, &event, now)
        })
        .await
    }

    /// As [`Store::part_sent`], for a message in another room than the question's.
    pub async fn sent_elsewhere(
        &self,
        delivery: &Delivery,
        item: usize,
        room: &OwnedRoomId,
        event: &EventId,
        now: u64,
    ) -> Result<bool, StoreError> {
        let (room, event) = (room.clone(), event.to_owned());
        self.of_delivery(delivery, Some((room.clone(), event.clone())), now, move |database, question| {
            database.sent_elsewhere(question, item, &room, &event, now)
        })
        .await
    }

    /// As [`Store::part_sent`], for the message that says that an item was refused for good: what follows it is not sent any more.
    pub async fn item_refused(
        &self,
        delivery: &Delivery,
        item: usize,
        event: &EventId,
        now: u64,
    ) -> Result<bool, StoreError> {
        let (message, event) = ((delivery.question.room_id.clone(), event.to_owned()), event.to_owned());
        self.of_delivery(delivery, Some(message), now, move |database, question| {
            database.item_refused(question, item, &event, now)
        })
        .await
    }

    /// As [`Store::part_sent`], for an item that another service acknowledged, with the reference that it gave.
    pub async fn service_acknowledged(
        &self,
        delivery: &Delivery,
        item: usize,
        reference: &str,
        now: u64,
    ) -> Result<bool, StoreError> {
        let reference = reference.to_owned();
        self.of_delivery(delivery, None, now, move |database, question| {
            database.service_acknowledged(question, item, &reference)
        })
        .await
    }

    /// Does something about a delivery unless another answer to its question was stored since, in one step: nothing comes between the check
    /// and what is done. A message that was sent for an answer that was replaced is to be withdrawn.
    async fn of_delivery(
        &self,
        delivery: &Delivery,
        message: Option<(OwnedRoomId, OwnedEventId)>,
        now: u64,
        change: impl FnOnce(&Database, &Incoming) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<bool, StoreError> {
        let (question, sequence) = (delivery.question.clone(), delivery.sequence);
        self.run(move |database| {
            if database.delivery(&question)?.is_none_or(|stored| stored.sequence == sequence) {
                return change(database, &question).map(|()| true);
            }
            if let Some((room, event)) = message {
                database.stray(&question, &room, &event, now)?;
            }
            Ok(false)
        })
        .await
    }

    /// Ends a question: its answer is out of the outbox, and its event is never accepted again. Its messages are remembered, so that
    /// they can be replaced or taken back. Where nothing could be sent, the draft is among [`Store::withdrawals`].
    /// Where another answer was stored since, nothing changes.
    pub async fn delivered(&self, delivery: &Delivery, now: u64) -> Result<(), StoreError> {
        self.of_delivery(delivery, None, now, move |database, question| database.delivered(question, now))
            .await
            .map(drop)
    }
}
