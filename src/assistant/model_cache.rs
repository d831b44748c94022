//! The keys under which the model's prefix cache keeps conversations, and what is removed from it when conversations are forgotten.

use std::sync::Arc;

use ruma::RoomId;

use crate::{
    inference::{CacheScope, ChatModel},
    message::ConversationId,
    store::{Change, Purged},
};

/// The prefix cache of a model, as the assistant addresses it.
pub struct ModelCache {
    model: Arc<dyn ChatModel>,
    /// Makes the keys of this process: they say nothing of rooms to whoever reads them elsewhere.
    salt: [u8; 32],
}

impl ModelCache {
    /// With keys of this process only.
    pub fn new(model: Arc<dyn ChatModel>) -> Self {
        Self { model, salt: rand::random() }
    }

    /// The key of a conversation; its upper half is the room's key.
    pub fn key(&self, conversation: &ConversationId) -> u64 {
        let thread = conversation.thread.as_ref().map_or("", |thread| thread.as_str());
        let name = format!("{} {thread}", conversation.room_id);
        // 0 would be nobody's.
        u64::from(self.room_key(&conversation.room_id)) << 32 | u64::from(self.short_key(&name).max(1))
    }

    /// The key of a room.
    pub fn room_key(&self, room: &RoomId) -> u32 {
        self.short_key(room.as_str())
    }

    fn short_key(&self, name: &str) -> u32 {
        let hash = blake3::keyed_hash(&self.salt, name.as_bytes());
        hash.as_bytes().first_chunk().map_or(1, |bytes| u32::from_le_bytes(*bytes))
    }

    /// Removes what was computed of a conversation.
    pub fn forget_conversation(&self, conversation: &ConversationId) {
        if conversation.thread.is_none() {
            // A thread opened on an exchange of the main line begins with it.
            return self.forget_room(&conversation.room_id);
        }
        self.model.invalidate(CacheScope::Conversation(self.key(conversation)));
    }

    /// Removes what was computed of a room and its threads.
    pub fn forget_room(&self, room: &RoomId) {
        self.model.invalidate(CacheScope::Room(self.room_key(room)));
    }

    /// Removes what these changes remove from the store.
    pub fn apply(&self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::ForgetConversation(conversation) | Change::BeginAnew(conversation) => self.forget_conversation(conversation),
                Change::ForgetTurns(room) => self.forget_room(room),
                Change::ForgetFacts(facts) => {
                    for fact in facts {
                        self.forget_room(&fact.room_id);
                    }
                }
                // In which rooms they wrote is removed with it.
                Change::ForgetPerson(_) => self.model.invalidate(CacheScope::Conversations),
                // Its prompt was its author's, and no longer is anybody's.
                Change::Unmade(_) => self.model.invalidate(CacheScope::All),
                Change::Settings(..)
                | Change::Made(_)
                | Change::Informed(_)
                | Change::Audit(_)
                | Change::Remember(_)
                | Change::ToldCut(_)
                // What a question is given of documents is not kept beyond its answer.
                | Change::RemoveDocument(..)
                | Change::MoveDocument { .. }
                // They are given without the model.
                | Change::ProposeAnswer(_)
                | Change::AcceptAnswer { .. }
                | Change::RemoveAnswer(..)
                | Change::KeepJob(_)
                | Change::DropJob(..) => {}
            }
        }
    }

    /// Removes what a purge has removed from the store.
    pub fn purged(&self, purged: &Purged) {
        for conversation in &purged.conversations {
            self.forget_conversation(conversation);
        }
        for room in &purged.rooms {
            self.forget_room(room);
        }
        if purged.unmade {
            self.model.invalidate(CacheScope::All);
        }
        if purged.unplaced {
            self.model.invalidate(CacheScope::Conversations);
        }
    }
}
