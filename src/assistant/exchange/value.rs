//! The value that goes from stage to stage.

use super::{effective::EffectiveCompagnon, history::History, synthesis::Whole};
use crate::{
    assistant::{
        documents::readable,
        texts::{Text, sources::Sources},
    },
    compagnon::{Settings, Sourcing},
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
    /// The documents that are read part by part before it is answered: they are longer than the context, and it asks for all of them.
    pub long: Vec<Whole>,
    /// Whether the notes on these do not hold all of them.
    pub notes_cut: bool,
    /// How the search for them ended.
    pub searched: Searched,
    /// What the model is asked, where the question itself is a mention and nothing else.
    pub instruction: Option<&'static str>,
}

/// How the search for passages ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Searched {
    /// There is nothing to be searched, or nothing to be searched for.
    #[default]
    No,
    /// Nothing was found in what is there.
    Nothing,
    /// Passages were found.
    Found,
    /// It failed, or took too long.
    Failed,
}

impl Exchange {
    /// Whether only what documents say is answered here.
    pub fn needs_sources(&self) -> bool {
        self.settings.sources == Some(Sourcing::Required)
            || self.compagnon.compagnon.about.sources == Some(Sourcing::Required)
    }

    /// Whether the model is given a text that stands with this question only: what it points at, passages of documents.
    pub fn holds_others_words(&self) -> bool {
        !self.sources.is_empty()
            || !self.long.is_empty()
            || self.material.iter().any(|material| material.content.is_ok())
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

    /// What is said instead of an answer, where only what documents say is answered and there is none.
    pub fn unsourced(&self) -> Option<Text<'static>> {
        let refusal = match self.searched {
            Searched::Failed => Sources::RequiredNotSearched,
            _ => Sources::Required,
        };
        (self.needs_sources() && self.sources.is_empty()).then_some(Text::Sources(refusal))
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
