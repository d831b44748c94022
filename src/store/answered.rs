//! Answers that were delivered, and questions that are answered again: because their text was changed, or on command.

use std::collections::HashSet;

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, UserId};

use super::answer::{Answered, Delivery};
use super::database::Database;
use super::document::StoredDocument;
use super::error::StoreError;
use super::handle::Store;
use super::layout::{EventPlace, Key, Tree};
use super::question::{Queued, QueuedKind};
use super::transaction::Transaction;
use crate::document::{Citation, Document, Partition};
use crate::message::{ConversationId, Edit, Incoming, Item};

impl Database {
    /// Has an answered question wait again, because of `trigger`; its turns are replaced when it is answered. `None`: it waits
    /// already, or nothing is known of it any more.
    pub fn reopen(&self, question: &Incoming, trigger: &EventId, now: u64) -> Result<Option<Queued>, StoreError> {
        let mut transaction = self.transaction();
        let place = self.place(&question.room_id, &question.event_id);
        if transaction.contains(&place.of(Tree::Inbox))? {
            return Ok(None);
        }
        let Some(answered) = transaction.find::<Answered>(&place.of(Tree::Answered))? else { return Ok(None) };
        let content = answered.question.content.reworded(question.text());
        let question = Incoming { content, ..answered.question };
        let queued = transaction.queue(&place, question, QueuedKind::Question, Some(trigger.to_owned()), now)?;
        transaction.commit()?;
        Ok(Some(queued))
    }
}

impl Database {
    /// The thread of a room that was opened on the last question of a person which opened one and was answered.
    pub fn last_thread_of(&self, room: &RoomId, person: &UserId) -> Result<Option<OwnedEventId>, StoreError> {
        let key = Key::new(Tree::Answered, &[&self.blinded_ids.room(room)]);
        let mut opened: Vec<Answered> =
            self.transaction().scan(&key)?.into_iter().map(|(_, answered)| answered).collect();
        opened.retain(|answered| answered.question.sender == person && answered.question.opens_thread());
        opened.sort_unstable_by_key(|answered| std::cmp::Reverse(answered.at));
        for answered in opened {
            // What was refused is no part of a conversation.
            if !self.turns(&answered.question.conversation())?.is_empty() {
                return Ok(answered.question.thread);
            }
        }
        Ok(None)
    }

    /// The passages that an answer cites: that of the exchange which this message belongs to. `None`: nothing is known of it.
    pub fn citations_of(&self, room: &RoomId, event: &EventId) -> Result<Option<Vec<Citation>>, StoreError> {
        let Some(asked) = self.exchange_of(room, event)? else { return Ok(None) };
        let place = self.place(room, &asked.event_id).of(Tree::Answered);
        Ok(self.transaction().find::<Answered>(&place)?.map(|answered| answered.citations))
    }

    /// The passages that the last answer of a conversation cites. `None`: nothing was answered in it.
    pub fn last_citations(&self, conversation: &ConversationId) -> Result<Option<Vec<Citation>>, StoreError> {
        let room = self.blinded_ids.room(&conversation.room_id);
        // An answer is said in its conversation, be it a model's or an approved one; the bot's own sentences are not.
        let said: HashSet<OwnedEventId> = self.turns(conversation)?.into_iter().map(|turn| turn.event_id).collect();
        let answered = self.transaction().scan::<Answered>(&Key::new(Tree::Answered, &[&room]))?;
        let here = answered.into_iter().map(|(_, answered)| answered);
        let here = here.filter(|one| said.contains(&one.question.event_id));
        Ok(here.max_by_key(|answered| answered.at).map(|answered| answered.citations))
    }

    /// What services answered to the calls that an answer made. `None`: it is not delivered, or nothing is known of it any more.
    pub fn calls_of(&self, room: &RoomId, question: &EventId) -> Result<Option<Vec<String>>, StoreError> {
        let place = self.place(room, question).of(Tree::Answered);
        Ok(self.transaction().find::<Answered>(&place)?.map(|answered| answered.calls))
    }

    /// Whether something in a conversation was answered while it was one of two.
    pub fn was_direct(&self, conversation: &ConversationId) -> Result<bool, StoreError> {
        Ok(self.transaction().direct_until(conversation)?.is_some())
    }
}

impl Store {
    /// As [`Database::calls_of`].
    pub async fn calls_of(&self, room: &RoomId, question: &EventId) -> Result<Option<Vec<String>>, StoreError> {
        let (room, question) = (room.to_owned(), question.to_owned());
        self.run(move |database| database.calls_of(&room, &question)).await
    }

    /// Whether an answer to a question is on its way.
    pub async fn is_underway(&self, room: &RoomId, question: &EventId) -> Result<bool, StoreError> {
        let (room, question) = (room.to_owned(), question.to_owned());
        self.run(move |database| {
            let place = database.place(&room, &question).of(Tree::Outbox);
            database.transaction().contains(&place)
        })
        .await
    }

    /// What a service knows a person by: always the same, and nothing that tells who it is.
    pub async fn subject(&self, service: &str, person: &UserId) -> Result<String, StoreError> {
        let (service, person) = (service.to_owned(), person.to_owned());
        let subject = self.run(move |database| Ok(database.blinded_ids.subject(&service, &person))).await?;
        Ok(subject.iter().fold("compagnon-".to_owned(), |text, byte| format!("{text}{byte:02x}")))
    }

    /// When the last question was sent that was answered in a conversation while it was one of two, by the homeserver's time.
    pub async fn direct_until(&self, conversation: &ConversationId) -> Result<Option<u64>, StoreError> {
        let conversation = conversation.clone();
        self.run(move |database| database.transaction().direct_until(&conversation)).await
    }
}

impl Transaction<'_> {
    /// As [`Store::direct_until`].
    fn direct_until(&self, conversation: &ConversationId) -> Result<Option<u64>, StoreError> {
        let room = self.blinded_ids().room(&conversation.room_id);
        let answered = self.scan::<Answered>(&Key::new(Tree::Answered, &[&room]))?;
        let questions = answered.into_iter().map(|(_, answered)| answered.question);
        let direct = questions.filter(|question| question.direct && question.conversation() == *conversation);
        Ok(direct.map(|question| question.sent_at).max())
    }

    /// Others have come into a conversation of two: removes what was said in it and the documents that were put into it until then, for good.
    pub(super) fn begin_anew(&mut self, conversation: &ConversationId, now: u64) -> Result<(), StoreError> {
        let until = self.direct_until(conversation)?;
        let documents = self.blinded_ids().documents(&Partition::Conversation(conversation.clone()))?;
        let documents = self.scan::<StoredDocument>(&documents)?.into_iter().map(|(_, stored)| stored.document);
        let sent_at = |document: &Document| document.origin.as_ref().map_or(document.added_at, |origin| origin.sent_at);
        let later = documents.filter(|document| until.is_none_or(|until| sent_at(document) > until));
        let later: HashSet<u64> = later.map(|document| document.number).collect();
        self.remove_documents_of(conversation, |number| !later.contains(&number))?;
        self.forget_said(conversation, now)
    }

    /// Gives a question its new text, and returns whether its answer was already written, so that it waits anew. `None`: the edit
    /// was seen before, is not the author's, takes the call away, or is of nothing that is known.
    pub(super) fn edit(&mut self, edit: &Edit, now: u64) -> Result<Option<bool>, StoreError> {
        let seen = self.blinded_ids().dedup_key(Tree::Done, &edit.event_id);
        if self.contains(&seen)? {
            return Ok(None);
        }
        let place = EventPlace::new(self.blinded_ids(), &edit.room_id, &edit.replaces);
        let anew = if let Some(mut queued) = self.find::<Queued>(&place.of(Tree::Inbox))? {
            // What an edit changes is a message, never another edit.
            if queued.question.sender != edit.sender || matches!(queued.kind, QueuedKind::EditOf(_)) {
                return Ok(None);
            }
            if edit.sent_at < queued.question.edited_at || edit.takes_call_from(&queued.question) {
                return self.note_idle_edit(&seen, now);
            }
            queued.question.content = queued.question.content.reworded(&edit.body);
            queued.kind = QueuedKind::Question;
            queued.question.edited_at = edit.sent_at;
            self.put(&place.of(Tree::Inbox), &queued)?;
            false
        } else {
            let Some(question) = self.answered_question(&place)?.filter(|question| question.sender == edit.sender)
            else {
                return Ok(None);
            };
            if edit.sent_at < question.edited_at || edit.takes_call_from(&question) {
                return self.note_idle_edit(&seen, now);
            }
            let content = question.content.reworded(&edit.body);
            let question = Incoming { content, edited_at: edit.sent_at, ..question };
            self.queue(&place, question, QueuedKind::Question, Some(edit.event_id.clone()), now)?;
            true
        };
        self.put_value(&seen, &now)?;
        Ok(Some(anew))
    }

    /// An edit that is older than the one that counts, its key having come late, or that takes the call away, changes nothing, now or later.
    fn note_idle_edit(&mut self, seen: &Key, now: u64) -> Result<Option<bool>, StoreError> {
        self.put_value(seen, &now)?;
        Ok(None)
    }

    /// A question of a person, whether it waits, is being answered, or is answered.
    pub(super) fn asked(&self, place: &EventPlace) -> Result<Option<Incoming>, StoreError> {
        match self.find::<Queued>(&place.of(Tree::Inbox))? {
            Some(queued) => Ok(Some(queued.question).filter(Incoming::is_message)),
            None => self.answered_question(place),
        }
    }

    /// A question whose answer is written, delivered or not.
    fn answered_question(&self, place: &EventPlace) -> Result<Option<Incoming>, StoreError> {
        if let Some(delivery) = self.find::<Delivery>(&place.of(Tree::Outbox))? {
            return Ok(Some(delivery.question).filter(Incoming::is_message));
        }
        Ok(self.find::<Answered>(&place.of(Tree::Answered))?.map(|answered| answered.question))
    }

    /// The messages of the bot that show the answer to a question, at whatever stage it is.
    pub(super) fn messages(&self, place: &EventPlace) -> Result<Vec<OwnedEventId>, StoreError> {
        let mut messages = Vec::new();
        if let Some(queued) = self.find::<Queued>(&place.of(Tree::Inbox))? {
            messages.extend(queued.draft);
        }
        if let Some(delivery) = self.find::<Delivery>(&place.of(Tree::Outbox))? {
            messages.extend(delivery.messages().cloned());
            messages.extend(delivery.answer.draft);
            messages.extend(delivery.answer.shown);
        }
        if let Some(answered) = self.find::<Answered>(&place.of(Tree::Answered))? {
            messages.extend(answered.parts);
        }
        Ok(messages)
    }

    /// The messages of the bot in other rooms that belong to the answer to a question. Where one may be that no record names, the question
    /// stands for it.
    pub(super) fn elsewhere(&self, place: &EventPlace) -> Result<Vec<(OwnedRoomId, OwnedEventId)>, StoreError> {
        let mut messages = Vec::new();
        if let Some(delivery) = self.find::<Delivery>(&place.of(Tree::Outbox))? {
            messages.extend(delivery.elsewhere().map(|(room, event)| (room.clone(), event.clone())));
            let unsent = delivery.answer.items.iter().skip(delivery.sent.len());
            let rooms = unsent.filter_map(|item| match item {
                Item::File(file) => file.room_id.clone(),
                Item::Post(post) => post.room_id.clone(),
                _ => None,
            });
            let others = rooms.filter(|room| *room != delivery.question.room_id);
            messages.extend(others.map(|room| (room, delivery.question.event_id.clone())));
        }
        if let Some(answered) = self.find::<Answered>(&place.of(Tree::Answered))? {
            messages.extend(answered.elsewhere);
        }
        Ok(messages)
    }

    /// The question that one of the bot's messages answers, when it is part of an answer that is written.
    pub(super) fn question_of(
        &self,
        message: &EventPlace,
        event: &EventId,
    ) -> Result<Option<OwnedEventId>, StoreError> {
        let Some(place) = self.answered_by(event)?.filter(|place| place.room == message.room) else { return Ok(None) };
        let delivery = self.find::<Delivery>(&place.of(Tree::Outbox))?;
        if let Some(delivery) = &delivery
            && delivery.messages().any(|sent| sent == event)
        {
            return Ok(Some(delivery.question.event_id.clone()));
        }
        let answered = self.find::<Answered>(&place.of(Tree::Answered))?;
        let Some(answered) = answered.filter(|answered| answered.parts.iter().any(|part| part == event)) else {
            return Ok(None);
        };
        // The bot itself takes back the messages that a shorter answer leaves over: that is not the end of the exchange.
        let left_over = delivery.is_some_and(|delivery| {
            delivery.answer.shown.iter().skip(delivery.answer.items.len()).any(|shown| shown == event)
        });
        Ok(Some(answered.question.event_id).filter(|_| !left_over))
    }
}
