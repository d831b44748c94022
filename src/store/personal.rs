//! What is held on one person, in all rooms: to be handed over, or forgotten.

use std::collections::HashSet;
use std::fmt;

use ruma::{OwnedEventId, UserId};

use super::answer::Answered;
use super::audit::Entry;
use super::database::Database;
use super::error::StoreError;
use super::layout::{Key, Tree};
use super::ratings::GivenRating;
use super::said::Said;
use super::transaction::Transaction;
use crate::approved::MasteredAnswer;
use crate::compagnon::Made;
use crate::conversation::Turn;
use crate::document::Document;
use crate::job::JobState;
use crate::memory::Fact;
use crate::message::ConversationId;

/// All that the store holds on a person, but for the summaries of conversations: those of what this person alone has asked stand beside the turns
/// in [`Past`](super::Past), and go with the turns.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Personal {
    /// What the person has asked, and the answers, oldest first within a conversation.
    pub exchanges: Vec<(ConversationId, Vec<Turn>)>,
    /// The compagnons the person has made.
    pub made: Vec<Made>,
    /// The person's lines of the audit trail, newest first.
    pub audit: Vec<Entry>,
    /// What the person has asked to be remembered, for themselves or for everybody in a room.
    pub facts: Vec<Fact>,
    /// The documents that the person has added, wherever, and those that are for this person alone.
    pub documents: Vec<Document>,
    /// The mastered answers that the person has proposed.
    pub answers: Vec<MasteredAnswer>,
    /// What jobs keep for the person, and what the person has chosen for those of others.
    pub jobs: Vec<JobState>,
    /// What the person finds of answers that are still known.
    pub ratings: Vec<GivenRating>,
    /// When the person was told what the bot is.
    pub informed_at: Option<u64>,
    /// When the person was last told that a message of theirs cannot be read.
    pub told_unread_at: Option<u64>,
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
        let mut exchanges: Vec<(ConversationId, Vec<Turn>)> = Vec::new();
        // In the order of their keys: the turns of one conversation follow one another, oldest first. What an older program wrote
        // does not say where it was said.
        for (_, Said { turn, conversation }) in transaction.exchanges_of(user)? {
            let Some(conversation) = conversation else { continue };
            match exchanges.last_mut().filter(|(last, _)| *last == conversation) {
                Some((_, turns)) => turns.push(turn),
                None => exchanges.push((conversation, vec![turn])),
            }
        }
        let mut made = transaction.all_made()?;
        made.retain(|made| made.author == user);
        let mut audit = transaction.newest::<Entry>(Tree::Audit, usize::MAX)?;
        audit.retain(|entry| entry.by == user);
        let informed_at = transaction.find_value(&self.blinded_ids.informed(user))?;
        let told_unread_at = transaction.find_value(&self.blinded_ids.told(user))?;
        let facts = transaction.facts_by(user)?;
        let documents = transaction.documents_by(user)?.into_iter().map(|(_, stored)| stored.document);
        let mut documents: Vec<Document> = documents.collect();
        documents.sort_by_key(|document| document.number);
        let answers = transaction.answers_by(user)?;
        let jobs = transaction.jobs_by(&user.to_owned())?;
        let ratings = transaction.ratings_by(user)?;
        Ok(Personal { exchanges, made, audit, facts, documents, answers, jobs, ratings, informed_at, told_unread_at })
    }
}

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

    /// Removes what a person has asked in any room with the answers, for good, what they have asked to be remembered for them, their documents, what jobs keep for them,
    /// and what they were told. What is under way stays, and so do the audit trail and what they told or added for others,
    /// without their name.
    pub(super) fn forget_person(&mut self, user: &UserId) -> Result<(), StoreError> {
        let said = self.exchanges_of(user)?.into_iter().map(|(key, _)| key);
        let answered = self.scan::<Answered>(&Key::all(Tree::Answered))?.into_iter();
        let answered = answered.filter(|(_, answered)| answered.question.sender == user).map(|(key, _)| key);
        let gone: Vec<Key> = said.chain(answered).collect();
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
        self.forget_facts_of_person(user)?;
        self.forget_documents_of_person(user)?;
        self.forget_author_of_answers(user)?;
        self.forget_told(user);
        self.unmark(user)?;
        self.remove(&self.blinded_ids().informed(user));
        Ok(())
    }
}
