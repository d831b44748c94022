//! The summary of the beginning of a conversation, beside its turns.
//!
//! A summary repeats what its turns say. So it goes with any of them: whatever removes or replaces a turn that it covers removes it in the
//! same write. What is left of the record then says only that people were told that the conversation is too long.

use std::collections::BTreeMap;

use super::database::Database;
use super::error::StoreError;
use super::handle::Store;
use super::layout::{Key, Tree};
use super::said::Said;
use super::seal::BlindedIds;
use super::summary::{Condensed, NewSummary, Past, Summary};
use super::transaction::Transaction;
use super::turns::MOST_TURNS;
use crate::message::ConversationId;

impl Database {
    /// What is remembered of a conversation, as it is at one moment.
    pub fn past(&self, conversation: &ConversationId) -> Result<Past, StoreError> {
        let transaction = self.transaction();
        let said = transaction.last::<Said>(&self.blinded_ids.turns(conversation), MOST_TURNS)?;
        let Condensed { summary, told, .. } =
            transaction.find(&self.blinded_ids.condensed(conversation))?.unwrap_or_default();
        let last = summary.as_ref().map(|summary| summary.last);
        let covered = said.iter().take_while(|(key, _)| last.is_some_and(|last| number(key) <= last)).count();
        let turns = said.into_iter().map(|(_, said)| said.turn).collect();
        Ok(Past { turns, summary, covered, told })
    }

    /// Keeps a summary, unless one of the turns that it is made of has changed meanwhile; returns whether it is kept.
    pub fn summarise(&self, conversation: &ConversationId, made: &NewSummary, now: u64) -> Result<bool, StoreError> {
        let mut transaction = self.transaction();
        let place = self.blinded_ids.condensed(conversation);
        let condensed = transaction.find::<Condensed>(&place)?.unwrap_or_default();
        let before = condensed.summary;
        if before.as_ref().map(|before| before.number) != made.continues {
            return Ok(false);
        }
        let after = before.as_ref().map_or(0, |before| before.last);
        let mut said = transaction.last::<Said>(&self.blinded_ids.turns(conversation), MOST_TURNS)?;
        said.retain(|(key, _)| number(key) > after);
        let first = made.turns.first().and_then(|first| said.iter().position(|(_, said)| said.turn == *first));
        let Some(added) = first.and_then(|first| said[first..].get(..made.turns.len())) else { return Ok(false) };
        if !added.iter().map(|(_, said)| &said.turn).eq(&made.turns) {
            return Ok(false);
        }
        let Some((last, _)) = added.last() else { return Ok(false) };
        let askers = made.turns.iter().map(|turn| turn.asker.as_ref());
        let mut askers = askers.chain(before.as_ref().map(|before| before.asker.as_ref()));
        let asker = askers.next().flatten().filter(|one| askers.all(|other| other == Some(*one))).cloned();
        let times = made.turns.iter().map(|turn| turn.at);
        let from = times.chain(before.as_ref().map(|before| before.from)).min().unwrap_or(0);
        let (text, last) = (made.text.clone(), number(last));
        let summary = Some(Summary { number: transaction.next()?, text, from, asker, last });
        transaction.put(&place, &Condensed { summary, at: now, ..condensed })?;
        transaction.commit()?;
        Ok(true)
    }
}

impl Store {
    /// What is remembered of a conversation, as it is at one moment.
    pub async fn past(&self, conversation: &ConversationId) -> Result<Past, StoreError> {
        let conversation = conversation.clone();
        self.run(move |database| database.past(&conversation)).await
    }

    /// Keeps a summary, unless one of the turns that it is made of has changed meanwhile; returns whether it is kept.
    pub async fn summarise(
        &self,
        conversation: &ConversationId,
        made: NewSummary,
        now: u64,
    ) -> Result<bool, StoreError> {
        let conversation = conversation.clone();
        self.run(move |database| database.summarise(&conversation, &made, now)).await
    }
}

impl BlindedIds {
    /// The place of what is kept of a conversation beside its turns.
    fn condensed(&self, conversation: &ConversationId) -> Key {
        Key::new(Tree::Summaries, &[&self.room(&conversation.room_id), &self.conversation(conversation)])
    }
}

/// The number of a turn, by its place.
fn number(turn: &Key) -> u64 {
    turn.bytes.last_chunk().map_or(0, |number| u64::from_be_bytes(*number))
}

impl Transaction<'_> {
    /// Notes that people were told that the beginning of a conversation is left out.
    pub(super) fn tell_cut(&mut self, conversation: &ConversationId, now: u64) -> Result<(), StoreError> {
        let place = self.blinded_ids().condensed(conversation);
        let condensed = self.find::<Condensed>(&place)?.unwrap_or_default();
        self.put(&place, &Condensed { told: true, at: now, ..condensed })
    }

    /// Turns are no more, or are others now: the summaries that cover them go.
    pub(super) fn uncover<'k>(&mut self, turns: impl IntoIterator<Item = &'k Key>) -> Result<(), StoreError> {
        let mut first: BTreeMap<Key, u64> = BTreeMap::new();
        for turn in turns.into_iter().filter(|key| key.tree == Tree::Turns) {
            let number = number(turn);
            let earliest = first.entry(beside(turn)).or_insert(number);
            *earliest = number.min(*earliest);
        }
        for (place, number) in first {
            let Some(condensed) = self.find::<Condensed>(&place)? else { continue };
            if condensed.summary.as_ref().is_some_and(|summary| summary.last >= number) {
                self.put(&place, &Condensed { summary: None, ..condensed })?;
            }
        }
        Ok(())
    }

    /// Turns are no more, and nothing is to be left beside them.
    pub(super) fn forget_condensed<'k>(&mut self, turns: impl IntoIterator<Item = &'k Key>) {
        for turn in turns.into_iter().filter(|key| key.tree == Tree::Turns) {
            self.remove(&beside(turn));
        }
    }

    /// As [`Transaction::forget_condensed`], for a whole conversation: whether there was something.
    pub(super) fn forget_condensed_of(&mut self, conversation: &ConversationId) -> Result<bool, StoreError> {
        let keys = self.raw_keys(&self.blinded_ids().condensed(conversation))?;
        for key in &keys {
            self.remove_raw(key);
        }
        Ok(!keys.is_empty())
    }
}

/// The place beside a turn: what is kept of its conversation.
fn beside(turn: &Key) -> Key {
    let conversation = &turn.bytes[1..turn.bytes.len().saturating_sub(size_of::<u64>()).max(1)];
    Key::new(Tree::Summaries, &[conversation])
}
