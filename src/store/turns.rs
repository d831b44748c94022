//! What was said in each conversation. A room's main line and each of its threads are separate.

use ruma::RoomId;

use super::answer::{Answered, Delivery};
use super::database::Database;
use super::error::StoreError;
use super::layout::{EventPlace, Key, Tree};
use super::question::{Queued, QueuedKind};
use super::said::Said;
use super::seal::BlindedIds;
use super::transaction::Transaction;
use crate::conversation::Turn;
use crate::message::{ConversationId, Incoming};

/// The most turns that are read of a conversation: more than any model's context takes.
pub const MOST_TURNS: usize = 2000;

impl Database {
    /// What was said in a conversation, oldest first; of a very long one, the newest [`MOST_TURNS`]. Turns that do not open are set
    /// aside and counted by [`Database::damaged`].
    pub fn turns(&self, conversation: &ConversationId) -> Result<Vec<Turn>, StoreError> {
        let turns = self.transaction().last::<Said>(&self.blinded_ids.turns(conversation), MOST_TURNS)?;
        Ok(turns.into_iter().map(|(_, said)| said.turn).collect())
    }

    /// Whether the bot takes part in a conversation: it has said something there, or is about to.
    pub fn answers_in(&self, conversation: &ConversationId) -> Result<bool, StoreError> {
        let transaction = self.transaction();
        if transaction.has_any(&self.blinded_ids.turns(conversation))? {
            return Ok(true);
        }
        let room = self.blinded_ids.room(&conversation.room_id);
        let deliveries = transaction.scan::<Delivery>(&Key::new(Tree::Outbox, &[&room]))?;
        if deliveries.iter().any(|(_, delivery)| delivery.question.conversation() == *conversation) {
            return Ok(true);
        }
        let waiting = transaction.scan::<Queued>(&Key::new(Tree::Inbox, &[&room]))?;
        let asked =
            |queued: &Queued| queued.kind == QueuedKind::Question && queued.question.conversation() == *conversation;
        Ok(waiting.iter().any(|(_, queued)| asked(queued)))
    }
}

impl BlindedIds {
    /// The places of a conversation's turns.
    pub(super) fn turns(&self, conversation: &ConversationId) -> Key {
        Key::new(Tree::Turns, &[&self.room(&conversation.room_id), &self.conversation(conversation)])
    }
}

impl Transaction<'_> {
    /// Adds the turns of a question to its conversation. Earlier turns of the same question go; the new ones take their places in the
    /// order of the conversation.
    pub(super) fn say(&mut self, question: &Incoming, turns: Vec<Turn>) -> Result<(), StoreError> {
        let conversation = question.conversation();
        let prefix = self.blinded_ids().turns(&conversation);
        // Who answers for the first time has nothing to look for in a long conversation.
        let place = EventPlace::new(self.blinded_ids(), &question.room_id, &question.event_id);
        let before = self.contains(&place.of(Tree::Outbox))? || self.contains(&place.of(Tree::Answered))?;
        let mut earlier = if before { self.scan::<Said>(&prefix)? } else { Vec::new() };
        earlier.retain(|(_, said)| said.turn.event_id == question.event_id);
        for (key, _) in &earlier {
            self.remove(key);
        }
        self.uncover(earlier.iter().map(|(key, _)| key))?;
        if !earlier.is_empty() {
            // What its author has changed is not to be read again.
            self.rotate(self.blinded_ids().room(&conversation.room_id))?;
        }
        for turn in turns {
            let key = match earlier.iter().position(|(_, said)| said.turn.role == turn.role) {
                Some(index) => earlier.remove(index).0,
                None => Key::new(Tree::Turns, &[&prefix.bytes[1..], &self.next()?.to_be_bytes()]),
            };
            self.put(&key, &Said { turn, conversation: Some(conversation.clone()) })?;
        }
        Ok(())
    }

    /// Removes what was said in one conversation and the documents that were put into it, for good; questions and answers under way stay.
    pub(super) fn forget_conversation(&mut self, conversation: &ConversationId, now: u64) -> Result<(), StoreError> {
        self.remove_documents_of(conversation, |_| true)?;
        self.forget_said(conversation, now)
    }

    /// Removes what was said in one conversation, for good.
    pub(super) fn forget_said(&mut self, conversation: &ConversationId, now: u64) -> Result<(), StoreError> {
        self.forget_jobs_of_conversation(conversation)?;
        let room = self.blinded_ids().room(&conversation.room_id);
        let turns = self.raw_keys(&self.blinded_ids().turns(conversation))?;
        let mut answered = self.scan::<Answered>(&Key::new(Tree::Answered, &[&room]))?;
        answered.retain(|(_, answered)| answered.question.conversation() == *conversation);
        let condensed = self.forget_condensed_of(conversation)?;
        if turns.is_empty() && answered.is_empty() && !condensed {
            return Ok(());
        }
        for key in &turns {
            self.remove_raw(key);
        }
        for (key, _) in &answered {
            self.remove(key);
            if let Some(place) = key.event_place() {
                self.forget_ratings(&place)?;
            }
        }
        self.forget_answers(answered.into_iter().map(|(_, answered)| answered), now)?;
        self.rotate(room)
    }

    /// Removes what was said in a room, threads included, what is remembered in it and its documents, for good; questions and answers under
    /// way stay, and so do its settings.
    pub(super) fn forget_turns(&mut self, room: &RoomId, now: u64) -> Result<(), StoreError> {
        let room = self.blinded_ids().room(room);
        self.forget_jobs_of_room(room)?;
        let mut gone = self.raw_keys(&Key::new(Tree::Turns, &[&room]))?;
        gone.extend(self.raw_keys(&Key::new(Tree::Answered, &[&room]))?);
        gone.extend(self.raw_keys(&Key::new(Tree::Ratings, &[&room]))?);
        gone.extend(self.raw_keys(&Key::new(Tree::Reactions, &[&room]))?);
        gone.extend(self.raw_keys(&Key::new(Tree::Memory, &[&room]))?);
        gone.extend(self.raw_keys(&Key::new(Tree::Summaries, &[&room]))?);
        gone.extend(self.raw_keys(&Key::new(Tree::Documents, &[&room]))?);
        if gone.is_empty() {
            return Ok(());
        }
        let answered = self.scan::<Answered>(&Key::new(Tree::Answered, &[&room]))?;
        self.remove_documents_of_group(room)?;
        for key in &gone {
            self.remove_raw(key);
        }
        self.forget_answers(answered.into_iter().map(|(_, answered)| answered), now)?;
        self.rotate(room)
    }
}
