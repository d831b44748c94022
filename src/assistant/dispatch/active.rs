//! The generations that are active, so that they can be stopped, and given up when their question is edited or redacted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use ruma::{EventId, OwnedEventId, OwnedUserId, RoomId, UserId};
use tokio_util::sync::CancellationToken;

use crate::message::{ConversationId, Incoming};

/// Why a generation ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Somebody asked for it: what is written so far is the answer.
    Stopped,
    /// Its question has another text now, or is no more.
    Changed,
}

/// One answer being generated.
#[derive(Debug)]
pub struct ActiveGeneration {
    pub conversation: ConversationId,
    pub question: OwnedEventId,
    pub asker: OwnedUserId,
    draft: Mutex<Option<OwnedEventId>>,
    why: OnceLock<Interruption>,
    token: CancellationToken,
}

impl ActiveGeneration {
    /// Notes the message that shows the answer.
    pub fn shown_as(&self, draft: &EventId) {
        *self.draft() = Some(draft.to_owned());
    }

    /// Somebody has taken the message away that shows the answer, if it is this one.
    pub fn lose(&self, draft: &EventId) {
        self.draft().take_if(|shown| shown == draft);
    }

    /// The message that shows the answer.
    pub fn shown(&self) -> Option<OwnedEventId> {
        self.draft().clone()
    }

    fn draft(&self) -> MutexGuard<'_, Option<OwnedEventId>> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the answer early; the first reason counts.
    pub fn interrupt(&self, why: Interruption) {
        let _ = self.why.set(why);
        self.token.cancel();
    }

    /// Waits until the answer is to end early.
    pub async fn interrupted(&self) -> Interruption {
        self.token.cancelled().await;
        self.why.get().copied().unwrap_or(Interruption::Changed)
    }
}

/// The active generations: at most one per conversation.
#[derive(Debug, Default)]
pub struct ActiveGenerations(Mutex<HashMap<ConversationId, Arc<ActiveGeneration>>>);

impl ActiveGenerations {
    /// Enters a generation, until the guard is dropped.
    pub fn enter(&self, question: &Incoming) -> Entered<'_> {
        let generation = Arc::new(ActiveGeneration {
            conversation: question.conversation(),
            question: question.event_id.clone(),
            asker: question.sender.clone(),
            draft: Mutex::default(),
            why: OnceLock::new(),
            token: CancellationToken::new(),
        });
        self.lock().insert(generation.conversation.clone(), Arc::clone(&generation));
        Entered { active: self, generation }
    }

    /// The answer being written in a conversation; without one there, to this person elsewhere in the room.
    pub fn near(&self, conversation: &ConversationId, person: &OwnedUserId) -> Option<Arc<ActiveGeneration>> {
        let active = self.lock();
        let elsewhere = || {
            active.values().find(|generation| {
                generation.conversation.room_id == conversation.room_id && generation.asker == *person
            })
        };
        active.get(conversation).or_else(elsewhere).cloned()
    }

    /// The answer that a message shows or that answers it.
    pub fn about(&self, room: &RoomId, event: &EventId) -> Option<Arc<ActiveGeneration>> {
        let about = |generation: &&Arc<ActiveGeneration>| {
            generation.conversation.room_id == room
                && (generation.question == event || generation.shown().is_some_and(|draft| draft == event))
        };
        self.lock().values().find(about).cloned()
    }

    /// The answers being written in a room.
    pub fn of_room(&self, room: &RoomId) -> Vec<Arc<ActiveGeneration>> {
        self.lock().values().filter(|generation| generation.conversation.room_id == room).cloned().collect()
    }

    /// The answers being written to a person, wherever.
    pub fn of_person(&self, person: &UserId) -> Vec<Arc<ActiveGeneration>> {
        self.lock().values().filter(|generation| generation.asker == person).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConversationId, Arc<ActiveGeneration>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A generation that is active until this is dropped.
pub struct Entered<'a> {
    active: &'a ActiveGenerations,
    pub generation: Arc<ActiveGeneration>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut active = self.active.lock();
        // One that has taken its place stays.
        if active.get(&self.generation.conversation).is_some_and(|other| Arc::ptr_eq(other, &self.generation)) {
            active.remove(&self.generation.conversation);
        }
    }
}
