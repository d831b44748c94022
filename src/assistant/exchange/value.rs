//! The value that goes from stage to stage.

use super::{effective::EffectiveCompagnon, history::History};
use crate::{
    assistant::documents::readable,
    compagnon::Settings,
    document::{Document, Source},
    material::Material,
    matrix::{RoomFacts, RoomKind},
    memory::RememberedFacts,
    message::Unread,
    store::Queued,
};

/// One question on its way to an answer.
pub struct Exchange {
    /// The question, as it waits in the store.
    pub queued: Queued,
    /// The settings of its room.
    pub settings: Settings,
    /// Who answers.
    pub compagnon: EffectiveCompagnon,
    /// What the room is; nothing when the bot is not in it any more.
    pub room: Option<RoomFacts>,
    /// What was said before.
    pub history: History,
    /// What is remembered for this room and this person.
    pub facts: RememberedFacts,
    /// What the question points at.
    pub material: Vec<Material>,
    /// The documents that the question itself is about: its own file, and the one that it replies to.
    pub documents: Vec<Document>,
    /// The passages of documents that answer it, perhaps, in the order of their marks.
    pub sources: Vec<Source>,
    /// What the model is asked, where the question itself is a mention and nothing else.
    pub instruction: Option<&'static str>,
}

impl Exchange {
    /// Whether the model is given a text that stands with this question only: what it points at, passages of documents.
    pub fn holds_others_words(&self) -> bool {
        !self.sources.is_empty() || self.material.iter().any(|material| material.content.is_ok())
    }

    /// Whether the room is a conversation of two now. Of a room that is not known, nothing is concluded.
    pub fn is_direct(&self) -> bool {
        is_direct(self.room.as_ref())
    }

    /// What the question holds beside its text that was not read.
    pub fn unread(&self) -> Option<Unread> {
        // A document that cannot be read is said so instead of an answer.
        self.queued.question.unread().filter(|_| readable(&self.queued.question).is_none())
    }

    /// The question as the model reads it and the conversation remembers it.
    pub fn asked(&self) -> &str {
        self.instruction.unwrap_or_else(|| self.queued.question.text())
    }
}

/// Whether a room is a conversation of two now. Of a room that is not known, nothing is concluded.
pub fn is_direct(room: Option<&RoomFacts>) -> bool {
    room.is_some_and(|room| room.kind == RoomKind::Direct)
}
