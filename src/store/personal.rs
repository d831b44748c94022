//! What is held on one person, in all rooms: to be handed over, or forgotten.

use std::collections::{HashMap, HashSet};
use std::fmt;

use ruma::{OwnedEventId, OwnedRoomId, UserId};

use super::answer::{Answered, Delivery};
use super::audit::Entry;
use super::database::Database;
use super::error::StoreError;
use super::layout::{EventPlace, Key, Tree};
use super::question::Queued;
use super::ratings::GivenRating;
use super::said::Said;
use super::seal::BlindedId;
use super::transaction::Transaction;
use crate::approved::MasteredAnswer;
use crate::compagnon::{Made, Version};
use crate::conversation::Turn;
use crate::document::Document;
use crate::job::JobState;
use crate::memory::Fact;
use crate::message::{Content, ConversationId, Incoming, Item, Undecrypted};
use crate::usage::AnswerUsage;

/// What a person has asked in a conversation, and the answers.
pub type Exchanges = (Option<ConversationId>, Vec<Turn>);

/// All that the store holds on a person, but for the summaries of conversations: those of what this person alone has asked stand beside the turns
/// in [`Past`](super::Past), and go with the turns.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Personal {
    /// What the person has asked, and the answers, oldest first within a conversation. What an older program wrote does not say where it was said.
    pub exchanges: Vec<Exchanges>,
    /// Which model wrote the answer to a question that is still known; none where an approved answer was given.
    pub models: HashMap<OwnedEventId, Option<String>>,
    /// The messages that were answered and are known by that alone, with the time of the answer: commands, files.
    pub answered: Vec<(Incoming, u64)>,
    /// The messages that wait for an answer, or have one being written.
    pub waiting: Vec<Queued>,
    /// The answers that are on their way.
    pub under_way: Vec<Delivery>,
    /// The messages that could not be decrypted yet.
    pub undecrypted: Vec<Undecrypted>,
    /// The instructions that the person has given to rooms, with the room where it is known.
    pub instructions: Vec<(Option<OwnedRoomId>, String)>,
    /// The compagnons the person has made.
    pub made: Vec<Made>,
    /// The versions that the person has written of others' compagnons, with the compagnon's identifier.
    pub versions: Vec<(String, Version)>,
    /// The person's lines of the audit trail, newest first.
    pub audit: Vec<Entry>,
    /// What the person has asked to be remembered, for themselves or for everybody in a room.
    pub facts: Vec<Fact>,
    /// The documents that the person has added, wherever, and those that are for this person alone.
    pub documents: Vec<Document>,
    /// The mastered answers that the person has proposed.
    pub answers: Vec<MasteredAnswer>,
    /// What jobs keep for the person and the compagnons that the person has made, and what the person has chosen for those of others.
    pub jobs: Vec<JobState>,
    /// What the person finds of answers that are still known.
    pub ratings: Vec<GivenRating>,
    /// When the person was told what the bot is.
    pub informed_at: Option<u64>,
    /// When the person was last told that a message of theirs cannot be read.
    pub told_unread_at: Option<u64>,
    /// Whether the person is among those who are counted this week.
    pub counted_this_week: bool,
}

impl fmt::Debug for Personal {
    /// Leaves the texts out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Personal").field("conversations", &self.exchanges.len()).finish_non_exhaustive()
    }
}

impl Database {
    /// All that is held on a person.
    pub fn personal(&self, user: &UserId) -> Result<Personal, StoreError> {
        let transaction = self.transaction();
        let mut audit = transaction.newest::<Entry>(Tree::Audit, usize::MAX)?;
        audit.retain(|entry| entry.by == user);
        let exchanges = transaction.conversations_of(user)?;
        let said: HashSet<&OwnedEventId> =
            exchanges.iter().flat_map(|(_, turns)| turns).map(|turn| &turn.event_id).collect();
        let answered = transaction.answered_to(user)?;
        let under_way = transaction.deliveries_to(user)?;
        let model = |question: &Incoming, usage: &Option<AnswerUsage>| {
            (question.event_id.clone(), usage.as_ref().map(|usage| usage.model.clone()))
        };
        let models = answered.iter().map(|(_, one)| model(&one.question, &one.usage));
        let models = models.chain(under_way.iter().map(|(_, one)| model(&one.question, &one.usage)));
        let made = transaction.all_made()?;
        let versions = made.iter().filter(|made| made.author != user).flat_map(|made| {
            let theirs = made.versions.iter().filter(|version| version.by.as_deref() == Some(user));
            theirs.map(|version| (made.id.clone(), version.clone()))
        });
        let mut documents: Vec<Document> =
            transaction.documents_by(user)?.into_iter().map(|(_, stored)| stored.document).collect();
        documents.sort_by_key(|document| document.number);
        let mut jobs = transaction.jobs_by(&user.to_owned())?;
        for made in made.iter().filter(|made| made.author == user) {
            // The cases of a compagnon are whose it is.
            jobs.extend(transaction.jobs_of_made(made.number)?);
        }
        Ok(Personal {
            models: models.collect(),
            answered: answered
                .iter()
                .filter(|(_, one)| !said.contains(&one.question.event_id))
                .map(|(_, one)| (one.question.clone(), one.at))
                .collect(),
            waiting: transaction.waiting_of(user)?.into_iter().map(|(_, queued)| queued).collect(),
            under_way: under_way.into_iter().map(|(_, delivery)| delivery).collect(),
            undecrypted: transaction.undecrypted_by(user)?.into_iter().map(|(_, event)| event).collect(),
            instructions: transaction.instructions_of(user, &audit)?,
            versions: versions.collect(),
            made: made.iter().filter(|made| made.author == user).cloned().collect(),
            facts: transaction.facts_by(user)?,
            documents,
            answers: transaction.answers_by(user)?,
            jobs,
            ratings: transaction.ratings_by(user)?,
            informed_at: transaction.find_value(&self.blinded_ids.informed(user))?,
            told_unread_at: transaction.find_value(&self.blinded_ids.told(user))?,
            counted_this_week: transaction.is_marked(user)?,
            audit,
            exchanges,
        })
    }
}

/// What is read of a person.
impl Transaction<'_> {
    /// What a person has asked in any room, and the answers.
    fn exchanges_of(&self, user: &UserId) -> Result<Vec<(Key, Said)>, StoreError> {
        let theirs = |said: &Said| said.turn.asker.as_deref() == Some(user);
        let mut said = self.scan::<Said>(&Key::all(Tree::Turns))?;
        let asked = said.iter().filter(|(_, said)| theirs(said)).map(|(_, said)| said.turn.event_id.clone());
        let asked: HashSet<OwnedEventId> = asked.collect();
        said.retain(|(_, said)| asked.contains(&said.turn.event_id));
        Ok(said)
    }

    /// The same by conversations. In the order of their keys the turns of one follow one another, oldest first.
    fn conversations_of(&self, user: &UserId) -> Result<Vec<Exchanges>, StoreError> {
        let mut conversations: Vec<Exchanges> = Vec::new();
        for (_, Said { turn, conversation }) in self.exchanges_of(user)? {
            match conversations.last_mut().filter(|(last, _)| *last == conversation) {
                Some((_, turns)) => turns.push(turn),
                None => conversations.push((conversation, vec![turn])),
            }
        }
        Ok(conversations)
    }

    fn waiting_of(&self, user: &UserId) -> Result<Vec<(Key, Queued)>, StoreError> {
        let mut waiting = self.scan::<Queued>(&Key::all(Tree::Inbox))?;
        waiting.retain(|(_, queued)| queued.question.sender == user);
        waiting.sort_by_key(|(_, queued)| queued.sequence);
        Ok(waiting)
    }

    fn deliveries_to(&self, user: &UserId) -> Result<Vec<(Key, Delivery)>, StoreError> {
        let mut deliveries = self.scan::<Delivery>(&Key::all(Tree::Outbox))?;
        deliveries.retain(|(_, delivery)| delivery.question.sender == user);
        Ok(deliveries)
    }

    fn answered_to(&self, user: &UserId) -> Result<Vec<(Key, Answered)>, StoreError> {
        let mut answered = self.scan::<Answered>(&Key::all(Tree::Answered))?;
        answered.retain(|(_, answered)| answered.question.sender == user);
        answered.sort_by_key(|(_, answered)| answered.at);
        Ok(answered)
    }

    /// The instructions of a person. Of a room only the name is known there: which room it is, the audit trail says, as long as it does.
    fn instructions_of(
        &self,
        user: &UserId,
        audit: &[Entry],
    ) -> Result<Vec<(Option<OwnedRoomId>, String)>, StoreError> {
        let rooms = audit.iter().map(|entry| (self.blinded_ids().room(&entry.room_id), &entry.room_id));
        let rooms: HashMap<BlindedId, &OwnedRoomId> = rooms.collect();
        let room = |key: &Key| rooms.get(&key.room()?).map(|room| (*room).clone());
        let additions = self.additions_by(user)?.into_iter();
        Ok(additions.filter_map(|(key, settings)| Some((room(&key), settings.addition?))).collect())
    }
}

/// What is forgotten of a person.
impl Transaction<'_> {
    /// Removes all of a person in any room, for good: what they have asked with the answers, what waits for an answer, what is remembered for them,
    /// their documents, what jobs keep for them, the instructions that they gave to rooms, what they were told. The audit trail and their compagnons
    /// stay; so does what they told or added for others, without their name.
    pub(super) fn forget_person(&mut self, user: &UserId, now: u64) -> Result<(), StoreError> {
        let said = self.exchanges_of(user)?.into_iter().map(|(key, _)| key);
        let answered = self.answered_to(user)?;
        let gone: Vec<Key> = said.chain(answered.iter().map(|(key, _)| key.clone())).collect();
        self.forget_condensed(&gone);
        self.forget_derived_from(&gone)?;
        self.forget_jobs_of_person(user)?;
        self.forget_ratings_of_person(user)?;
        for key in &gone {
            self.remove(key);
            if let Some(answered) = key.event_place().filter(|_| key.tree == Tree::Answered) {
                self.forget_ratings(&answered)?;
            }
            if let Some(room) = key.room() {
                self.rotate(room)?;
            }
        }
        for (_, answered) in &answered {
            self.forget_derived_of(&answered.question.conversation())?;
        }
        self.forget_answers(answered.into_iter().map(|(_, answered)| answered), now)?;
        self.drop_waiting_of(user, now)?;
        self.forget_deliveries_to(user, now)?;
        self.forget_undecrypted_of_person(user)?;
        self.forget_additions_of_person(user)?;
        self.forget_author_of_versions(user)?;
        self.forget_facts_of_person(user)?;
        self.forget_documents_of_person(user)?;
        self.forget_author_of_answers(user)?;
        self.forget_told(user);
        self.forget_not_served(user)?;
        self.unmark(user)?;
        self.remove(&self.blinded_ids().informed(user));
        Ok(())
    }

    /// Drops the messages of a person that wait, also those whose answer is being written: what is shown of it is taken back.
    fn drop_waiting_of(&mut self, user: &UserId, now: u64) -> Result<(), StoreError> {
        for (key, queued) in self.waiting_of(user)? {
            self.withdraw_draft(&queued, now)?;
            self.end_forgotten(&key, &queued.question, now)?;
        }
        Ok(())
    }

    /// Of the answers to a person that are on their way, those of the model of which nothing is shown yet go no further. Whatever else is written is
    /// delivered, and nobody knows whom it answered once it is.
    fn forget_deliveries_to(&mut self, user: &UserId, now: u64) -> Result<(), StoreError> {
        for (key, delivery) in self.deliveries_to(user)? {
            if !delivery.sent.is_empty() || !is_of_the_model(&delivery.answer.items) {
                self.put(&key, &Delivery { forgotten: true, ..delivery })?;
                continue;
            }
            let Incoming { room_id, event_id, .. } = &delivery.question;
            let shown = &delivery.answer.shown;
            if let Some(draft) = delivery.answer.draft.as_ref().filter(|draft| !shown.contains(draft)) {
                self.withdraw(room_id, draft, event_id, now)?;
            }
            // One may be on its way.
            if shown.is_empty() {
                self.withdraw(room_id, event_id, event_id, now)?;
            }
            self.remove_files(&delivery.answer.items)?;
            self.end_forgotten(&key, &delivery.question, now)?;
        }
        Ok(())
    }

    /// A message that waited, or whose answer did, is over.
    fn end_forgotten(&mut self, key: &Key, message: &Incoming, now: u64) -> Result<(), StoreError> {
        let place = EventPlace::new(self.blinded_ids(), &message.room_id, &message.event_id);
        self.remove(key);
        self.forget_ratings(&place)?;
        self.forget_derived_of(&message.conversation())?;
        if matches!(message.content, Content::Attachment(_)) {
            // Its document may be under way.
            let origin = self.blinded_ids().origin(&message.room_id, &message.event_id);
            self.state.library.note_late(origin);
        }
        self.put_value(&Key::new(Tree::Done, &[&place.event]), &now)?;
        self.rotate(place.room)
    }
}

/// Whether all that is sent is what the model has written, with what stands beside it: no file that was asked for, and no call of a service.
fn is_of_the_model(items: &[Item]) -> bool {
    items.iter().any(Item::is_generated) && items.iter().all(|item| item.is_generated() || item.is_notice())
}
