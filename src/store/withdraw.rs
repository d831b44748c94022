//! What was taken back: the question, its answer and what was remembered of both go, and the bot's messages with them.
//!
//! A message to be taken back is noted here until the homeserver has redacted it with all its edits: each of them holds the text. Only the
//! homeserver knows all edits through kills, so they are asked of it, and not kept here.

use ruma::{EventId, OwnedEventId, OwnedRoomId};

use super::answer::{Answered, Delivery};
use super::database::Database;
use super::error::StoreError;
use super::layout::{EventPlace, Key, Tree};
use super::question::{Queued, QueuedKind};
use super::said::Said;
use super::seal::BlindedId;
use super::transaction::Transaction;
use super::withdrawal::{RedactedPart, Withdrawal, withdrawal};
use crate::command::Command;
use crate::message::{Edit, Incoming, Redaction};

impl Database {
    /// The bot's messages still to be taken back.
    pub fn withdrawals(&self) -> Result<Vec<Withdrawal>, StoreError> {
        Ok(self
            .transaction()
            .scan::<Withdrawal>(&Key::all(Tree::Withdrawals))?
            .into_iter()
            .map(|(_, one)| one)
            .collect())
    }

    /// A message was taken back with all its edits.
    pub fn withdrawn(&self, withdrawal: &Withdrawal) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        transaction.remove(&self.place(&withdrawal.room_id, &withdrawal.event_id).of(Tree::Withdrawals));
        transaction.commit()
    }
}

/// What may be known of an event that is taken back.
const KNOWN: [Tree; 3] = [Tree::Inbox, Tree::Outbox, Tree::Answered];

impl Transaction<'_> {
    /// Takes out what belongs to an event that was redacted: a question, a message of the bot that answers one, a fact that was told with
    /// it, or a document that came with it. Gives the question of the exchange that is no more; the rooms that are without a fact of theirs are added to `untold`.
    pub(super) fn redact(
        &mut self,
        redaction: &Redaction,
        untold: &mut Vec<OwnedRoomId>,
        now: u64,
    ) -> Result<(RedactedPart, Option<OwnedEventId>), StoreError> {
        let place = EventPlace::new(self.blinded_ids(), &redaction.room_id, &redaction.redacts);
        self.unreact(&place)?;
        // A fact outlives what is known of the command that it was told with.
        let told = self.forget_told_with(&redaction.room_id, &redaction.redacts, None)?;
        // So does a document, wherever it was moved to; one of this message that is under way is not to be kept.
        let documents = self.remove_documents_from(&redaction.room_id, &redaction.redacts)?;
        let taken = !told.is_empty() || documents;
        untold.extend(told);
        // Of the message itself nothing is known while an edit of it is looked up.
        if self.drop_edits_of(&place, &redaction.redacts, now)? {
            self.rotate(place.room)?;
        }
        match self.redact_exchange(redaction, &place, now)? {
            (RedactedPart::Nothing, _) if taken => Ok((RedactedPart::Exchange, Some(redaction.redacts.clone()))),
            other => Ok(other),
        }
    }

    /// Forgets the fact that was told with a message, because its author has put other words there, and adds its room to `untold`.
    /// Where the edit is not `answered`, what the bot has said of the fact goes too, and a command that has told nothing yet tells nothing.
    /// Gives the command that is no more.
    pub(super) fn untell(
        &mut self,
        edit: &Edit,
        answered: bool,
        untold: &mut Vec<OwnedRoomId>,
        now: u64,
    ) -> Result<Option<OwnedEventId>, StoreError> {
        let told = self.forget_told_with(&edit.room_id, &edit.replaces, Some(&edit.sender))?;
        let place = EventPlace::new(self.blinded_ids(), &edit.room_id, &edit.replaces);
        let over = !answered && (!told.is_empty() || self.is_to_tell(edit, &place)?);
        untold.extend(told);
        if !over {
            return Ok(None);
        }
        let redaction = Redaction { room_id: edit.room_id.clone(), redacts: edit.replaces.clone() };
        Ok(self.redact_exchange(&redaction, &place, now)?.1)
    }

    /// Whether the message that is edited is a command that waits, of the same author, which asks to remember something.
    fn is_to_tell(&self, edit: &Edit, place: &EventPlace) -> Result<bool, StoreError> {
        let queued =
            self.find::<Queued>(&place.of(Tree::Inbox))?.filter(|queued| queued.question.sender == edit.sender);
        let remembers = |kind| matches!(kind, QueuedKind::Command(call) if call.command == Some(Command::Remember));
        Ok(queued.is_some_and(|queued| remembers(queued.kind)))
    }

    fn redact_exchange(
        &mut self,
        redaction: &Redaction,
        place: &EventPlace,
        now: u64,
    ) -> Result<(RedactedPart, Option<OwnedEventId>), StoreError> {
        let held = self.is_held(place)? || self.is_withdrawable(&redaction.room_id, &redaction.redacts)?;
        let question = if held {
            redaction.redacts.clone()
        } else if !self.contains(&Key::new(Tree::Own, &[&place.event]))? {
            return Ok((RedactedPart::Nothing, None));
        } else if let Some(question) = self.question_of(place, &redaction.redacts)? {
            question
        } else {
            let lost = self.lose_draft(place, &redaction.redacts, now)?;
            return Ok((if lost { RedactedPart::Draft } else { RedactedPart::Nothing }, None));
        };
        let place = EventPlace::new(self.blinded_ids(), &redaction.room_id, &question);
        // The redacted one too, if it is the bot's: its edits still hold the text.
        for message in self.messages(&place)? {
            self.withdraw(&redaction.room_id, &message, &question, now)?;
        }
        for (room, message) in self.elsewhere(&place)? {
            self.withdraw(&room, &message, &question, now)?;
        }
        self.withdraw_forgotten(&redaction.room_id, &question, now)?;
        if self.may_show_more(&place)? {
            self.withdraw(&redaction.room_id, &question, &question, now)?;
        }
        if let Some(delivery) = self.find::<Delivery>(&place.of(Tree::Outbox))? {
            self.remove_files(&delivery.answer.items)?;
        }
        // What was asked may have left no turn: a translation, say.
        if let Some(asked) = self.asked(&place)? {
            self.forget_derived_of(&asked.conversation())?;
        }
        for key in KNOWN.map(|tree| place.of(tree)) {
            self.remove_raw(&key.quarantined());
            self.remove(&key);
        }
        self.forget_ratings(&place)?;
        // Set-aside ones too.
        for key in self.raw_keys(&place.of(Tree::Undecrypted))? {
            self.remove_raw(&key);
        }
        let said = self.scan::<Said>(&Key::new(Tree::Turns, &[&place.room]))?.into_iter();
        let said: Vec<Key> = said.filter(|(_, said)| said.turn.event_id == question).map(|(key, _)| key).collect();
        for key in &said {
            self.remove(key);
        }
        self.uncover(&said)?;
        self.forget_derived_from(&said)?;
        self.put_value(&Key::new(Tree::Done, &[&place.event]), &now)?;
        self.rotate(place.room)?;
        Ok((RedactedPart::Exchange, Some(question)))
    }

    fn is_held(&self, place: &EventPlace) -> Result<bool, StoreError> {
        for key in KNOWN.map(|tree| place.of(tree)) {
            if self.contains(&key)? || self.set_aside(&key)? {
                return Ok(true);
            }
        }
        Ok(!self.raw_keys(&place.of(Tree::Undecrypted))?.is_empty())
    }

    /// Takes a draft that somebody else has redacted out of the question it belongs to, if it is one.
    fn lose_draft(&mut self, message: &EventPlace, event: &EventId, now: u64) -> Result<bool, StoreError> {
        let Some(place) = self.answered_by(event)?.filter(|place| place.room == message.room) else { return Ok(false) };
        let question = if let Some(mut queued) = self.find::<Queued>(&place.of(Tree::Inbox))?
            && queued.draft.as_deref() == Some(event)
        {
            queued.lose_draft();
            self.put(&place.of(Tree::Inbox), &queued)?;
            queued.question
        } else if let Some(mut delivery) = self.find::<Delivery>(&place.of(Tree::Outbox))?
            && delivery.answer.draft.as_deref() == Some(event)
        {
            delivery.answer.lose_draft();
            self.put(&place.of(Tree::Outbox), &delivery)?;
            delivery.question
        } else {
            return Ok(false);
        };
        self.withdraw(&question.room_id, event, &question.event_id, now)?;
        Ok(true)
    }

    /// Whether the room may show something in answer to a question that no record names.
    fn may_show_more(&self, place: &EventPlace) -> Result<bool, StoreError> {
        let queued = self.find::<Queued>(&place.of(Tree::Inbox))?;
        let delivery = self.find::<Delivery>(&place.of(Tree::Outbox))?;
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
        let key = EventPlace::new(self.blinded_ids(), room, message).of(Tree::Withdrawals);
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
    pub(super) fn withdraw_late(
        &mut self,
        question: &Incoming,
        room: &OwnedRoomId,
        message: &EventId,
        now: u64,
    ) -> Result<(), StoreError> {
        let place = EventPlace::new(self.blinded_ids(), &question.room_id, &question.event_id);
        let over = self.contains(&Key::new(Tree::Done, &[&place.event]))?;
        if !over || self.contains(&place.of(Tree::Outbox))? || self.rooms().cipher(&place.room).is_none() {
            return Ok(());
        }
        let shown = self.find::<Answered>(&place.of(Tree::Answered))?;
        let is_shown = |answered: Answered| {
            answered.parts.iter().chain(answered.elsewhere.iter().map(|(_, event)| event)).any(|part| part == message)
        };
        if shown.is_some_and(is_shown) {
            return Ok(());
        }
        self.withdraw(room, message, &question.event_id, now)
    }

    /// Before a room is forgotten because the bot is out of it: remembers which of its messages there are unfinished, to be taken back
    /// if it ever comes in again. Nothing of what was said is in that.
    pub(super) fn strand(&mut self, room: BlindedId, now: u64) -> Result<(), StoreError> {
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
            let place = EventPlace::new(self.blinded_ids(), &withdrawal.room_id, &withdrawal.event_id);
            self.put(&place.of(Tree::Stranded), &withdrawal)?;
        }
        Ok(())
    }

    /// The bot is in a room again: what it left unfinished there can be taken back.
    pub(super) fn unstrand(&mut self, room: &OwnedRoomId) -> Result<(), StoreError> {
        let room = self.blinded_ids().room(room);
        for (key, withdrawal) in self.scan::<Withdrawal>(&Key::new(Tree::Stranded, &[&room]))? {
            let place = EventPlace::new(self.blinded_ids(), &withdrawal.room_id, &withdrawal.event_id);
            self.put(&place.of(Tree::Withdrawals), &withdrawal)?;
            self.remove(&key);
        }
        Ok(())
    }
}
