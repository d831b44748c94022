//! What was said, conversation by conversation.

use sled::Batch;

use super::{
    Store, StoreError, number,
    records::{OUTBOX, TURNS},
};
use crate::{
    conversation::Turn,
    message::{ConversationId, Incoming},
};

impl Store {
    /// The turns of a conversation, oldest first.
    pub fn turns(&self, conversation: &ConversationId) -> Result<Vec<Turn>, StoreError> {
        self.scan(TURNS, &self.conversation_key(conversation))
    }

    /// Whether the bot speaks in this conversation: it has answered there, or an answer is on its way.
    pub fn answers_in(&self, conversation: &ConversationId) -> Result<bool, StoreError> {
        if let Some(entry) = self.inner.db.scan_prefix(self.conversation_key(conversation)).next() {
            return entry.map(|_| true).map_err(StoreError::from);
        }
        let room = [&[OUTBOX.prefix], &self.inner.names.room(&conversation.room_id)[..]].concat();
        let on_their_way: Vec<super::Delivery> = self.scan(OUTBOX, &room)?;
        Ok(on_their_way.iter().any(|delivery| Incoming::conversation(&delivery.question) == *conversation))
    }

    /// Removes the turns of a conversation. Their sealed bytes may stay in the log until it is compacted; the room's key opens them.
    pub fn forget_conversation(&self, conversation: &ConversationId) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for key in self.inner.db.scan_prefix(self.conversation_key(conversation)).keys() {
            batch.remove(key?);
        }
        self.apply(batch)
    }

    pub(super) fn add_turns(
        &self,
        batch: &mut Batch,
        conversation: &ConversationId,
        turns: &[Turn],
    ) -> Result<(), StoreError> {
        for turn in turns {
            let sequence = self.inner.db.generate_id()?.to_be_bytes();
            let key = [&self.conversation_key(conversation)[..], &sequence, &turn.at.to_be_bytes()].concat();
            self.put(batch, TURNS, &key, turn)?;
        }
        Ok(())
    }

    /// Adds the removal of turns from before `horizon` to a batch. The time stands in the key: nothing needs to be opened.
    pub(super) fn old_turns(&self, horizon: u64, batch: &mut Batch) -> Result<(), StoreError> {
        for key in self.inner.db.scan_prefix([TURNS.prefix]).keys() {
            let key = key?;
            let at = key.len().checked_sub(8).map_or(0, |start| number(&key[start..]));
            if at < horizon {
                batch.remove(key);
            }
        }
        Ok(())
    }

    fn conversation_key(&self, conversation: &ConversationId) -> Vec<u8> {
        let names = &self.inner.names;
        [&[TURNS.prefix], &names.room(&conversation.room_id)[..], &names.conversation(conversation)[..]].concat()
    }
}
