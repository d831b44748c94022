//! The part of [`Store`] that notes what was delivered. Each function does so in one step with its check: an answer that was replaced by
//! another one meanwhile must not be taken for it.

use ruma::{OwnedEventId, OwnedRoomId};

use super::answer::{Delivery, Sent};
use super::database::Database;
use super::error::StoreError;
use super::handle::Store;
use crate::message::Incoming;

/// What became of an item of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// It is where it belongs.
    Sent(Sent),
    /// It was refused for good, and this message of the room says so: what follows it is not sent any more.
    Refused(OwnedEventId),
}

impl Acknowledgement {
    /// The message that was sent, with its room. None for what another service acknowledged.
    fn message(&self, room: &OwnedRoomId) -> Option<(OwnedRoomId, OwnedEventId)> {
        match self {
            Self::Sent(Sent::Message(event)) | Self::Refused(event) => Some((room.clone(), event.clone())),
            Self::Sent(Sent::Elsewhere(room, event)) => Some((room.clone(), event.clone())),
            Self::Sent(Sent::Service(_)) => None,
        }
    }
}

impl Store {
    /// Remembers what became of an item, and its message as the bot's own. Items come in order; the same one may come twice. Returns whether
    /// the answer is still the one to be delivered: otherwise another one was stored since, and the message is among [`Store::withdrawals`].
    pub async fn acknowledge(
        &self,
        delivery: &Delivery,
        item: usize,
        acknowledgement: Acknowledgement,
        now: u64,
    ) -> Result<bool, StoreError> {
        let message = acknowledgement.message(&delivery.question.room_id);
        self.of_delivery(delivery, message, now, move |database, question| match acknowledgement {
            Acknowledgement::Sent(Sent::Message(event)) => database.part_sent(question, item, &event, now),
            Acknowledgement::Sent(Sent::Elsewhere(room, event)) => {
                database.sent_elsewhere(question, item, &room, &event, now)
            }
            Acknowledgement::Sent(Sent::Service(reference)) => {
                database.service_acknowledged(question, item, &reference)
            }
            Acknowledgement::Refused(event) => database.item_refused(question, item, &event, now),
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
    /// they can be replaced or taken back. A draft that no text has taken the place of is among [`Store::withdrawals`]. Where another
    /// answer was stored since, nothing changes.
    pub async fn delivered(&self, delivery: &Delivery, now: u64) -> Result<(), StoreError> {
        self.of_delivery(delivery, None, now, move |database, question| database.delivered(question, now))
            .await
            .map(drop)
    }
}
