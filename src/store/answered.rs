//! Answers that were delivered, and questions that are answered again: because their text was changed, or on command.

use ruma::{EventId, OwnedEventId};
use serde::{Deserialize, Serialize};

use super::inbox::{Queued, QueuedKind};
use super::outbox::Delivery;
use super::records::{Key, Place, Tree};
use super::session::Session;
use super::{Database, StoreError};
use crate::message::{Content, ConversationId, Edit, Incoming};

/// An answer that was delivered: what is needed to replace it, or to take it back.
#[derive(Serialize, Deserialize)]
pub(super) struct Answered {
    /// The question, without its text: that is in the conversation, and is not to be forgotten twice.
    pub(super) question: Incoming,
    /// The messages that show the answer.
    pub(super) parts: Vec<OwnedEventId>,
    /// When it was delivered.
    pub(super) at: u64,
}

impl Answered {
    /// What is kept of a delivery; nothing of what the bot says unasked, which answers nobody.
    pub(super) fn of(delivery: Delivery, now: u64) -> Option<Self> {
        let Delivery { question, answer, sent, .. } = delivery;
        if !question.is_message() {
            return None;
        }
        // Where delivering was given up, the messages that were to be replaced still stand in the room.
        let left = answer.shown.into_iter().take(answer.items.len()).skip(sent.len());
        let mut parts = sent.clone();
        parts.extend(left.filter(|event| !sent.contains(event)));
        parts.dedup();
        Some(Self {
            question: Incoming { content: Content::Text(String::new()), quoted: None, ..question },
            parts,
            at: now,
        })
    }
}

impl Database {
    /// Has an answered question wait again, because of `trigger`; its turns are replaced when it is answered. `None`: it waits
    /// already, or nothing is known of it any more.
    pub fn reopen(&self, question: &Incoming, trigger: &EventId, now: u64) -> Result<Option<Queued>, StoreError> {
        let mut session = self.session();
        let place = self.place(&question.room_id, &question.event_id);
        if session.contains(&place.of(Tree::Inbox))? {
            return Ok(None);
        }
        let Some(answered) = session.look::<Answered>(&place.of(Tree::Answered))? else { return Ok(None) };
        let question = Incoming { content: question.content.clone(), ..answered.question };
        let queued = session.queue(&place, question, QueuedKind::Question, Some(trigger.to_owned()), now)?;
        session.commit()?;
        Ok(Some(queued))
    }
}

impl Database {
    /// Whether something in a conversation was answered while it was one of two.
    pub fn was_direct(&self, conversation: &ConversationId) -> Result<bool, StoreError> {
        let room = self.0.names.room(&conversation.room_id);
        let answered = self.session().scan::<Answered>(&Key::new(Tree::Answered, &[&room]))?;
        let here = |answered: &Answered| answered.question.direct && answered.question.conversation() == *conversation;
        Ok(answered.iter().any(|(_, answered)| here(answered)))
    }
}

impl Session<'_> {
    /// Gives a question its new text, and returns whether its answer was already written, so that it waits anew. `None`: the edit
    /// was seen before, is not the author's, or is of nothing that is known.
    pub(super) fn edit(&mut self, edit: &Edit, now: u64) -> Result<Option<bool>, StoreError> {
        let seen = self.names().mark(Tree::Done, &edit.event_id);
        if self.contains(&seen)? {
            return Ok(None);
        }
        let place = Place::new(self.names(), &edit.room_id, &edit.replaces);
        let anew = if let Some(mut queued) = self.look::<Queued>(&place.of(Tree::Inbox))? {
            if queued.question.sender != edit.sender {
                return Ok(None);
            }
            if edit.sent_at < queued.question.edited_at {
                return self.note_old_edit(&seen, now);
            }
            queued.question.content = Content::Text(edit.body.clone());
            queued.kind = QueuedKind::Question;
            queued.question.edited_at = edit.sent_at;
            self.put(&place.of(Tree::Inbox), &queued)?;
            false
        } else {
            let Some(question) = self.answered_question(&place)?.filter(|question| question.sender == edit.sender)
            else {
                return Ok(None);
            };
            if edit.sent_at < question.edited_at {
                return self.note_old_edit(&seen, now);
            }
            let question = Incoming { content: Content::Text(edit.body.clone()), edited_at: edit.sent_at, ..question };
            self.queue(&place, question, QueuedKind::Question, Some(edit.event_id.clone()), now)?;
            true
        };
        self.put(&seen, &now)?;
        Ok(Some(anew))
    }

    /// An edit that is older than the one that counts, its key having come late, changes nothing, now or later.
    fn note_old_edit(&mut self, seen: &Key, now: u64) -> Result<Option<bool>, StoreError> {
        self.put(seen, &now)?;
        Ok(None)
    }

    /// A question whose answer is written, delivered or not.
    fn answered_question(&self, place: &Place) -> Result<Option<Incoming>, StoreError> {
        if let Some(delivery) = self.look::<Delivery>(&place.of(Tree::Outbox))? {
            return Ok(Some(delivery.question).filter(Incoming::is_message));
        }
        Ok(self.look::<Answered>(&place.of(Tree::Answered))?.map(|answered| answered.question))
    }

    /// The messages of the bot that show the answer to a question, at whatever stage it is.
    pub(super) fn messages(&self, place: &Place) -> Result<Vec<OwnedEventId>, StoreError> {
        let mut messages = Vec::new();
        if let Some(queued) = self.look::<Queued>(&place.of(Tree::Inbox))? {
            messages.extend(queued.draft);
        }
        if let Some(delivery) = self.look::<Delivery>(&place.of(Tree::Outbox))? {
            messages.extend(delivery.sent);
            messages.extend(delivery.answer.draft);
            messages.extend(delivery.answer.shown);
        }
        if let Some(answered) = self.look::<Answered>(&place.of(Tree::Answered))? {
            messages.extend(answered.parts);
        }
        Ok(messages)
    }

    /// The question that one of the bot's messages answers, when it is part of an answer that is written.
    pub(super) fn question_of(&self, message: &Place, event: &EventId) -> Result<Option<OwnedEventId>, StoreError> {
        for (_, delivery) in self.scan::<Delivery>(&Key::new(Tree::Outbox, &[&message.room]))? {
            if delivery.sent.iter().any(|sent| sent == event) {
                return Ok(Some(delivery.question.event_id));
            }
        }
        let answered = self.scan::<Answered>(&Key::new(Tree::Answered, &[&message.room]))?;
        let answered = answered.into_iter().find(|(_, answered)| answered.parts.iter().any(|part| part == event));
        let Some((_, Answered { question, .. })) = answered else { return Ok(None) };
        // The bot itself takes back the messages that a shorter answer leaves over: that is not the end of the exchange.
        let again = Place::new(self.names(), &question.room_id, &question.event_id).of(Tree::Outbox);
        let left_over = self.look::<Delivery>(&again)?.is_some_and(|delivery| {
            delivery.answer.shown.iter().skip(delivery.answer.items.len()).any(|shown| shown == event)
        });
        Ok(Some(question.event_id).filter(|_| !left_over))
    }
}
