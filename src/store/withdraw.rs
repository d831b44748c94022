//! What was taken back: the question, its answer and what was remembered of both go, and the bot's messages with them.
//!
//! A message to be taken back is noted here until the homeserver has redacted it with all its edits: each of them holds the text. Only the
//! homeserver knows all edits through kills, so they are asked of it, and not kept here.

use ruma::{EventId, OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

use super::answered::Answered;
use super::inbox::Queued;
use super::outbox::Delivery;
use super::records::{Key, Place, Tree};
use super::seal::Name;
use super::session::Session;
use super::turns::Said;
use super::{Database, StoreError};
use crate::message::{Incoming, Redaction};

/// A message of the bot to be taken back, with its edits.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The bot's message. When this is the question itself: whatever the room shows in answer to it, because a process may have sent
    /// something without living to write its id down.
    pub event_id: OwnedEventId,
    /// The question that it answers.
    #[serde(default)]
    pub question: Option<OwnedEventId>,
    /// When it was noted; 0 in what an older program wrote.
    #[serde(default)]
    pub noted_at: u64,
}

impl Withdrawal {
    /// Whether it is not known which messages these are.
    #[must_use]
    pub fn is_of_question(&self) -> bool {
        self.question.as_ref() == Some(&self.event_id)
    }

    /// Whether it was noted longer ago than this: a message that could not be taken back for so long never will be.
    pub(super) fn is_older(&self, now: u64, than: u64) -> bool {
        self.noted_at > 0 && now.saturating_sub(self.noted_at) > than
    }
}

/// What a redaction has taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Nothing that is known.
    Nothing,
    /// The message that showed an answer being written, which goes on: it needs another message.
    Draft,
    /// A question with its answer.
    Exchange,
}

impl Database {
    /// The bot's messages still to be taken back.
    pub fn withdrawals(&self) -> Result<Vec<Withdrawal>, StoreError> {
        Ok(self.session().scan::<Withdrawal>(&Key::all(Tree::Withdrawals))?.into_iter().map(|(_, one)| one).collect())
    }

    /// A message was taken back with all its edits.
    pub fn withdrawn(&self, withdrawal: &Withdrawal) -> Result<(), StoreError> {
        let mut session = self.session();
        session.remove(&self.place(&withdrawal.room_id, &withdrawal.event_id).of(Tree::Withdrawals));
        session.commit()
    }
}

/// What may be known of an event that is taken back.
const KNOWN: [Tree; 3] = [Tree::Inbox, Tree::Outbox, Tree::Answered];

impl Session<'_> {
    /// Takes out what belongs to an event that was redacted: a question, or a message of the bot that answers one. Gives the question of
    /// the exchange that is no more.
    pub(super) fn redact(
        &mut self,
        redaction: &Redaction,
        now: u64,
    ) -> Result<(Taken, Option<OwnedEventId>), StoreError> {
        let place = Place::new(self.names(), &redaction.room_id, &redaction.redacts);
        let question = if self.is_held(&place)? {
            redaction.redacts.clone()
        } else if !self.contains(&Key::new(Tree::Own, &[&place.event]))? {
            return Ok((Taken::Nothing, None));
        } else if let Some(question) = self.question_of(&place, &redaction.redacts)? {
            question
        } else {
            let lost = self.lose_draft(&place, &redaction.redacts, now)?;
            return Ok((if lost { Taken::Draft } else { Taken::Nothing }, None));
        };
        let place = Place::new(self.names(), &redaction.room_id, &question);
        // The redacted one too, if it is the bot's: its edits still hold the text.
        for message in self.messages(&place)? {
            self.withdraw(&redaction.room_id, &message, &question, now)?;
        }
        if self.may_show_more(&place)? {
            self.withdraw(&redaction.room_id, &question, &question, now)?;
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
        Ok((Taken::Exchange, Some(question)))
    }

    fn is_held(&self, place: &Place) -> Result<bool, StoreError> {
        for key in KNOWN.map(|tree| place.of(tree)) {
            if self.contains(&key)? || self.set_aside(&key)? {
                return Ok(true);
            }
        }
        Ok(!self.raw_keys(&place.of(Tree::Undecrypted))?.is_empty())
    }

    /// Takes a draft that somebody else has redacted out of the question it belongs to, if it is one.
    fn lose_draft(&mut self, draft: &Place, event: &EventId, now: u64) -> Result<bool, StoreError> {
        for (key, mut queued) in self.scan::<Queued>(&Key::new(Tree::Inbox, &[&draft.room]))? {
            if queued.draft.as_deref() == Some(event) {
                queued.lose_draft();
                self.put(&key, &queued)?;
                self.withdraw(&queued.question.room_id, event, &queued.question.event_id, now)?;
                return Ok(true);
            }
        }
        for (key, mut delivery) in self.scan::<Delivery>(&Key::new(Tree::Outbox, &[&draft.room]))? {
            if delivery.sent.is_empty() && delivery.answer.draft.as_deref() == Some(event) {
                delivery.answer.lose_draft();
                self.put(&key, &delivery)?;
                self.withdraw(&delivery.question.room_id, event, &delivery.question.event_id, now)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the room may show something in answer to a question that no record names.
    fn may_show_more(&self, place: &Place) -> Result<bool, StoreError> {
        let queued = self.look::<Queued>(&place.of(Tree::Inbox))?;
        let delivery = self.look::<Delivery>(&place.of(Tree::Outbox))?;
        Ok(queued.is_some_and(|queued| queued.may_show_more())
            || delivery.is_some_and(|delivery| delivery.sent.len() < delivery.answer.items.len()))
    }

    /// Notes a message of the bot to be taken back. As the message, the question stands for whatever answers it.
    pub(super) fn withdraw(
        &mut self,
        room: &OwnedRoomId,
        message: &EventId,
        question: &EventId,
        now: u64,
    ) -> Result<(), StoreError> {
        let key = Place::new(self.names(), room, message).of(Tree::Withdrawals);
        self.put(&key, &withdrawal(room, message, question, now))
    }

    /// Has what a waiting question shows taken back.
    pub(super) fn withdraw_draft(&mut self, queued: &Queued, now: u64) -> Result<(), StoreError> {
        let Queued { question, draft, .. } = queued;
        match draft {
            Some(draft) => self.withdraw(&question.room_id, draft, &question.event_id, now),
            None if queued.may_show_more() => {
                self.withdraw(&question.room_id, &question.event_id, &question.event_id, now)
            }
            None => Ok(()),
        }
    }

    /// A message of the bot was on its way while the question it answers was taken back: it is taken back too. Not in a room that
    /// was forgotten, where the bot no longer is.
    pub(super) fn withdraw_late(&mut self, question: &Incoming, message: &EventId, now: u64) -> Result<(), StoreError> {
        let place = Place::new(self.names(), &question.room_id, &question.event_id);
        let over = self.contains(&Key::new(Tree::Done, &[&place.event]))?;
        if !over || self.contains(&place.of(Tree::Outbox))? || self.rooms().cipher(&place.room).is_none() {
            return Ok(());
        }
        let shown = self.look::<Answered>(&place.of(Tree::Answered))?;
        if shown.is_some_and(|answered| answered.parts.iter().any(|part| part == message)) {
            return Ok(());
        }
        self.withdraw(&question.room_id, message, &question.event_id, now)
    }

    /// Before a room is forgotten because the bot is out of it: remembers which of its messages there are unfinished, to be taken back
    /// if it ever comes in again. Nothing of what was said is in that.
    pub(super) fn strand(&mut self, room: Name, now: u64) -> Result<(), StoreError> {
        let mut stranded: Vec<Withdrawal> = Vec::new();
        for (_, queued) in self.scan::<Queued>(&Key::new(Tree::Inbox, &[&room]))? {
            let unfinished = queued.draft.clone();
            let unfinished = unfinished.or_else(|| queued.may_show_more().then(|| queued.question.event_id.clone()));
            let Incoming { room_id, event_id, .. } = &queued.question;
            stranded.extend(unfinished.map(|message| withdrawal(room_id, &message, event_id, now)));
        }
        for (_, delivery) in self.scan::<Delivery>(&Key::new(Tree::Outbox, &[&room]))? {
            let Incoming { room_id, event_id, .. } = &delivery.question;
            let unfinished = delivery.answer.draft.filter(|_| delivery.sent.is_empty());
            stranded.extend(unfinished.map(|message| withdrawal(room_id, &message, event_id, now)));
        }
        stranded
            .extend(self.scan::<Withdrawal>(&Key::new(Tree::Withdrawals, &[&room]))?.into_iter().map(|(_, one)| one));
        for withdrawal in stranded {
            let place = Place::new(self.names(), &withdrawal.room_id, &withdrawal.event_id);
            self.put(&place.of(Tree::Stranded), &withdrawal)?;
        }
        Ok(())
    }

    /// The bot is in a room again: what it left unfinished there can be taken back.
    pub(super) fn unstrand(&mut self, room: &OwnedRoomId) -> Result<(), StoreError> {
        let room = self.names().room(room);
        for (key, withdrawal) in self.scan::<Withdrawal>(&Key::new(Tree::Stranded, &[&room]))? {
            let place = Place::new(self.names(), &withdrawal.room_id, &withdrawal.event_id);
            self.put(&place.of(Tree::Withdrawals), &withdrawal)?;
            self.remove(&key);
        }
        Ok(())
    }
}

fn withdrawal(room: &OwnedRoomId, message: &EventId, question: &EventId, now: u64) -> Withdrawal {
    Withdrawal {
        room_id: room.clone(),
        event_id: message.to_owned(),
        question: Some(question.to_owned()),
        noted_at: now,
    }
}
