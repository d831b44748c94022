//! The messages that the bot has sent: dedup records by event, with an index to the questions that they answer.

use ruma::{EventId, RoomId};

use super::database::Database;
use super::error::StoreError;
use super::layout::{EventPlace, Tree};
use super::transaction::Transaction;
use crate::message::Incoming;

/// A message that the bot has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OwnMessage {
    /// When it was sent.
    pub(super) at: u64,
    /// The question that it answers, where that is known.
    pub(super) answers: Option<EventPlace>,
}

impl Database {
    /// Whether the bot sent this event.
    pub fn is_own(&self, event: &EventId) -> Result<bool, StoreError> {
        self.transaction().contains(&self.dedup_key(Tree::Own, event))
    }

    /// The question of the exchange that a message belongs to: the message is that question, or part of its answer. `None`: it is neither,
    /// or nothing is known of it any more. The text of a question that was answered is left out.
    pub fn exchange_of(&self, room: &RoomId, event: &EventId) -> Result<Option<Incoming>, StoreError> {
        let transaction = self.transaction();
        let place = self.place(room, event);
        if let Some(question) = transaction.asked(&place)? {
            return Ok(Some(question));
        }
        match transaction.answered_by(event)?.filter(|question| question.room == place.room) {
            Some(question) => transaction.asked(&question),
            None => Ok(None),
        }
    }
}

impl Transaction<'_> {
    /// Remembers a message as the bot's own, and which question it answers.
    pub(super) fn put_own(&mut self, event: &EventId, question: &EventPlace, now: u64) -> Result<(), StoreError> {
        let key = self.blinded_ids().dedup_key(Tree::Own, event);
        self.put(&key, &OwnMessage { at: now, answers: Some(*question) })
    }

    /// The question that a message of the bot answers. `None`: the bot did not send it, or it is not known.
    pub(super) fn answered_by(&self, event: &EventId) -> Result<Option<EventPlace>, StoreError> {
        let own = self.find::<OwnMessage>(&self.blinded_ids().dedup_key(Tree::Own, event))?;
        Ok(own.and_then(|own| own.answers))
    }
}
