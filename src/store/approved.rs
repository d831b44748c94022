//! Mastered answers: small records under the key of the group of their partition, as its documents are. They stay until they are removed, or
//! their compagnon is deleted.

use ruma::{OwnedUserId, UserId};

use super::database::Database;
use super::error::StoreError;
use super::handle::Store;
use super::layout::{ANSWERS, Key, Tree};
use super::seal::BlindedIds;
use super::transaction::Transaction;
use crate::approved::{AnswerState, MasteredAnswer};
use crate::document::Partition;

impl Store {
    /// A number for a new mastered answer, never given out before.
    pub async fn new_answer_number(&self) -> Result<u64, StoreError> {
        self.run(Database::new_answer_number).await
    }

    /// The mastered answers of these partitions, proposals too, in the order of their numbers. Those that do not open are set aside and
    /// counted by [`Store::damaged`].
    pub async fn mastered(&self, partitions: &[Partition]) -> Result<Vec<MasteredAnswer>, StoreError> {
        let partitions = partitions.to_vec();
        self.run(move |database| database.mastered(&partitions)).await
    }

    /// Those of them that are approved.
    pub async fn approved(&self, partitions: &[Partition]) -> Result<Vec<MasteredAnswer>, StoreError> {
        let mut answers = self.mastered(partitions).await?;
        answers.retain(MasteredAnswer::is_approved);
        Ok(answers)
    }
}

impl Database {
    /// As [`Store::new_answer_number`].
    pub fn new_answer_number(&self) -> Result<u64, StoreError> {
        let mut transaction = self.transaction();
        let number = transaction.get_value::<u64>(&Key::meta(ANSWERS))?.unwrap_or(0) + 1;
        transaction.put_value(&Key::meta(ANSWERS), &number)?;
        transaction.commit()?;
        Ok(number)
    }

    /// As [`Store::mastered`].
    pub fn mastered(&self, partitions: &[Partition]) -> Result<Vec<MasteredAnswer>, StoreError> {
        let transaction = self.transaction();
        let mut answers = Vec::new();
        for partition in partitions {
            answers.extend(transaction.answers_under(&self.blinded_ids.answers(partition)?)?);
        }
        answers.sort_by_key(|answer| answer.number);
        answers.dedup_by_key(|answer| answer.number);
        Ok(answers)
    }
}

impl BlindedIds {
    /// The beginning of the places of a partition's answers.
    fn answers(&self, partition: &Partition) -> Result<Key, StoreError> {
        let (group, partition) = self.places_of(partition)?;
        Ok(Key::new(Tree::Approved, &[&group, &partition]))
    }

    fn answer(&self, partition: &Partition, number: u64) -> Result<Key, StoreError> {
        let (group, partition) = self.places_of(partition)?;
        Ok(Key::new(Tree::Approved, &[&group, &partition, &number.to_be_bytes()]))
    }
}

impl Transaction<'_> {
    fn answers_under(&self, prefix: &Key) -> Result<Vec<MasteredAnswer>, StoreError> {
        let answers = self.scan::<MasteredAnswer>(prefix)?;
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// Keeps a proposal; not for a compagnon that was deleted meanwhile.
    pub(super) fn propose_answer(&mut self, answer: &MasteredAnswer) -> Result<(), StoreError> {
        if self.is_unmade(&answer.partition)? {
            return Ok(());
        }
        let key = self.blinded_ids().answer(&answer.partition, answer.number)?;
        self.put(&key, answer)
    }

    /// Approves a proposal, and removes the answer that it replaces. One that is not there any more, or is approved already, stays as it is.
    pub(super) fn accept_answer(
        &mut self,
        partition: &Partition,
        number: u64,
        by: &OwnedUserId,
        now: u64,
    ) -> Result<(), StoreError> {
        let key = self.blinded_ids().answer(partition, number)?;
        let Some(answer) = self.find::<MasteredAnswer>(&key)?.filter(|answer| !answer.is_approved()) else {
            return Ok(());
        };
        if let Some(replaced) = answer.replaces {
            self.remove_answer(partition, replaced)?;
        }
        let state = AnswerState::Approved { by: Some(by.clone()), at: now };
        self.put(&key, &MasteredAnswer { state, ..answer })
    }

    /// Removes an answer, for good.
    pub(super) fn remove_answer(&mut self, partition: &Partition, number: u64) -> Result<(), StoreError> {
        let key = self.blinded_ids().answer(partition, number)?;
        let keys = self.raw_keys(&key)?;
        if keys.is_empty() {
            return Ok(());
        }
        for key in &keys {
            self.remove_raw(key);
        }
        let (group, _) = self.blinded_ids().places_of(partition)?;
        self.rotate(group)
    }

    /// What a person has proposed.
    pub(super) fn answers_by(&self, person: &UserId) -> Result<Vec<MasteredAnswer>, StoreError> {
        let mut answers = self.answers_under(&Key::all(Tree::Approved))?;
        answers.retain(|answer| answer.author.as_deref() == Some(person));
        answers.sort_by_key(|answer| answer.number);
        Ok(answers)
    }

    /// The answers that a person has proposed or approved say so no more.
    pub(super) fn forget_author_of_answers(&mut self, person: &UserId) -> Result<(), StoreError> {
        for (key, answer) in self.scan::<MasteredAnswer>(&Key::all(Tree::Approved))? {
            let (author, state) = (answer.author.clone(), answer.state.clone());
            let author = author.filter(|author| author != person);
            let state = match state {
                AnswerState::Approved { by, at } => AnswerState::Approved { by: by.filter(|by| by != person), at },
                AnswerState::Proposed => AnswerState::Proposed,
            };
            if (&author, &state) == (&answer.author, &answer.state) {
                continue;
            }
            self.put(&key, &MasteredAnswer { author, state, ..answer })?;
            if let Some(group) = key.room() {
                self.rotate(group)?;
            }
        }
        Ok(())
    }
}
