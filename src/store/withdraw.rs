//! What was taken back: the question, its answer and what was remembered of both go, and the bot's messages with them.

use ruma::{EventId, OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

use super::answered::Answered;
use super::records::{Key, Place, Tree};
use super::session::Session;
use super::turns::Said;
use super::{Store, StoreError};
use crate::message::{Incoming, Redaction};

/// A message of the bot to be taken back, because the question it answers was.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Withdrawal {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The bot's message.
    pub event_id: OwnedEventId,
}

impl Store {
    /// The bot's messages still to be taken back.
    pub fn withdrawals(&self) -> Result<Vec<Withdrawal>, StoreError> {
        let withdrawals = self.session().scan::<Withdrawal>(&Key::all(Tree::Withdrawals))?;
        Ok(withdrawals.into_iter().map(|(_, withdrawal)| withdrawal).collect())
    }

    /// A message was taken back, or cannot be.
    pub fn withdrawn(&self, withdrawal: &Withdrawal) -> Result<(), StoreError> {
        let mut session = self.session();
        session.remove(&self.place(&withdrawal.room_id, &withdrawal.event_id).of(Tree::Withdrawals));
        session.commit()
    }
}

/// What may be known of an event that is taken back.
const KNOWN: [Tree; 3] = [Tree::Inbox, Tree::Outbox, Tree::Answered];

impl Session<'_> {
    /// Takes out what belongs to an event that was redacted: a question, or a message of the bot that answers one. Returns the
    /// question. `None`: nothing is known of it.
    pub(super) fn redact(&mut self, redaction: &Redaction, now: u64) -> Result<Option<OwnedEventId>, StoreError> {
        let place = Place::new(self.names(), &redaction.room_id, &redaction.redacts);
        // It may be one of those to be taken back, which somebody else just did.
        self.remove(&place.of(Tree::Withdrawals));
        let question = if self.is_held(&place)? {
            redaction.redacts.clone()
        } else if self.contains(&Key::new(Tree::Own, &[&place.event]))?
            && let Some(question) = self.question_of(&place, &redaction.redacts)?
        {
            question
        } else {
            return Ok(None);
        };
        let place = Place::new(self.names(), &redaction.room_id, &question);
        for message in self.messages(&place)? {
            if message != redaction.redacts {
                self.withdraw(&redaction.room_id, &message)?;
            }
        }
        for key in KNOWN.map(|tree| place.of(tree)) {
            self.remove_raw(&key.quarantined());
            self.remove(&key);
        }
        // Set-aside ones too.
        for key in self.raw_keys(&place.of(Tree::Undecrypted))? {
            self.remove_raw(&key);
        }
        for (key, said) in self.scan::<Said>(&Key::new(Tree::Turns, &[&place.room]))? {
            if said.turn.event_id == question {
                self.remove(&key);
            }
        }
        self.put(&Key::new(Tree::Done, &[&place.event]), &now)?;
        self.rotate(place.room)?;
        Ok(Some(question))
    }

    fn is_held(&self, place: &Place) -> Result<bool, StoreError> {
        for key in KNOWN.map(|tree| place.of(tree)) {
            if self.contains(&key)? || self.set_aside(&key)? {
                return Ok(true);
            }
        }
        Ok(!self.raw_keys(&place.of(Tree::Undecrypted))?.is_empty())
    }

    fn withdraw(&mut self, room: &OwnedRoomId, message: &EventId) -> Result<(), StoreError> {
        let key = Place::new(self.names(), room, message).of(Tree::Withdrawals);
        self.put(&key, &Withdrawal { room_id: room.clone(), event_id: message.to_owned() })
    }

    /// A message of the bot was on its way while the question it answers was taken back: it is taken back too. Not in a room that
    /// was forgotten, where the bot no longer is.
    pub(super) fn withdraw_late(&mut self, question: &Incoming, message: &EventId) -> Result<(), StoreError> {
        let place = Place::new(self.names(), &question.room_id, &question.event_id);
        let over = self.contains(&Key::new(Tree::Done, &[&place.event]))?;
        if !over || self.contains(&place.of(Tree::Outbox))? || self.rooms().cipher(&place.room).is_none() {
            return Ok(());
        }
        let shown = self.look::<Answered>(&place.of(Tree::Answered))?;
        if shown.is_some_and(|answered| answered.parts.iter().any(|part| part == message)) {
            return Ok(());
        }
        self.withdraw(&question.room_id, message)
    }
}
