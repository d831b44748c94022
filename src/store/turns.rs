//! What was said in each conversation. A room's main line and each of its threads are separate.

use super::outbox::Delivery;
use super::records::{Key, Tree};
use super::{Store, StoreError};
use crate::conversation::Turn;
use crate::message::ConversationId;

impl Store {
    /// What was said in a conversation, oldest first. Turns that do not open are set aside and counted by [`Store::damaged`].
    pub fn turns(&self, conversation: &ConversationId) -> Result<Vec<Turn>, StoreError> {
        let turns = self.session().scan(&self.turns_of(conversation))?;
        Ok(turns.into_iter().map(|(_, turn)| turn).collect())
    }

    /// Whether the bot takes part in a conversation: it has said something there, or is about to.
    pub fn answers_in(&self, conversation: &ConversationId) -> Result<bool, StoreError> {
        let session = self.session();
        if session.any(&self.turns_of(conversation))? {
            return Ok(true);
        }
        let room = self.0.names.room(&conversation.room_id);
        let deliveries = session.scan::<Delivery>(&Key::new(Tree::Outbox, &[&room]))?;
        Ok(deliveries.iter().any(|(_, delivery)| delivery.question.conversation() == *conversation))
    }

    /// Removes what was said in one conversation; questions and answers under way stay.
    ///
    /// Other conversations need the room's key, so it stays too: until sled reuses their place in its log, the old bytes could be
    /// opened by someone who has the folder and its keys. [`Store::forget_room`] has no such delay.
    pub fn forget_conversation(&self, conversation: &ConversationId) -> Result<(), StoreError> {
        let mut session = self.session();
        for key in session.raw_keys(&self.turns_of(conversation))? {
            session.remove_raw(&key);
        }
        session.commit()
    }

    fn turns_of(&self, conversation: &ConversationId) -> Key {
        let room = self.0.names.room(&conversation.room_id);
        Key::new(Tree::Turns, &[&room, &self.0.names.conversation(conversation)])
    }
}
