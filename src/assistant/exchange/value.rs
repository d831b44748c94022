//! The value that goes from stage to stage.

use std::sync::Arc;

use super::{effective::EffectiveCompagnon, history::History, parts::Parts};
use crate::{
    assistant::{
        documents::readable,
        texts::{Text, sources::Sources},
        veil::Veil,
    },
    compagnon::{Bases, Settings, Sourcing},
    document::{Document, Source},
    inference::ChatModel,
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
    /// What stands between its conversation and the model.
    pub veil: Option<Veil>,
    /// The settings of its room.
    pub settings: Settings,
    /// The rules that stand before what any compagnon says.
    pub bases: Arc<Bases>,
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
    /// Where the sources are notes on documents that were read part by part: what these say themselves.
    pub notes: Option<Noted>,
    /// How the search for them ended.
    pub searched: Searched,
    /// What the model is asked, where the question itself is a mention and nothing else.
    pub instruction: Option<&'static str>,
}

/// What the documents say of which notes were made.
#[derive(Debug)]
pub struct Noted {
    /// The documents' own words, of each note.
    pub words: Vec<String>,
    /// Whether the notes that the model is given do not hold all of the documents.
    pub left_out: bool,
}

impl Noted {
    /// Puts the documents' own words in the place of the notes, of which a model was given the first so many.
    fn cite(&mut self, notes: &mut [Source], given: usize) {
        self.left_out |= given < notes.len();
        for (note, words) in notes.iter_mut().zip(self.words.drain(..)) {
            note.passage.text = words;
        }
    }
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
    /// What answers: the model, or what stands before it.
    pub fn model<'a>(&'a self, parts: &'a Parts) -> &'a dyn ChatModel {
        match &self.veil {
            Some(veil) => &veil.model,
            None => &*parts.model,
        }
    }

    /// Whether only what documents say is answered here.
    pub fn needs_sources(&self) -> bool {
        self.settings.sources == Some(Sourcing::Required)
            || self.compagnon.compagnon.about.sources == Some(Sourcing::Required)
    }

    /// Whether the model is given a text that stands with this question only: what it points at, passages of documents.
    pub fn holds_others_words(&self) -> bool {
        !self.sources.is_empty() || self.material.iter().any(|material| material.content.is_ok())
    }

    /// Whether the room is a conversation of two now. Of a room that is not known, nothing is concluded.
    pub fn is_direct(&self) -> bool {
        is_direct(self.room.as_ref())
    }

    /// Only so many of the sources can be cited: those that the model was given. From here on they are the documents' own words, also where
    /// it was given notes on them: what it quotes must stand there.
    pub fn cite(&mut self, sources: usize) {
        if let Some(notes) = &mut self.notes {
            notes.cite(&mut self.sources, sources);
        }
        self.sources.truncate(sources);
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

#[cfg(test)]
mod tests {
    use super::{Noted, Source};
    use crate::document::{Partition, Passage, Place};

    #[test]
    fn what_of_the_notes_has_no_place_is_known_and_what_is_cited_are_the_documents_own_words() {
        let note = |mark| Source {
            mark,
            partition: Partition::Catalogue,
            document: 1,
            title: "Guide.pdf".to_owned(),
            link: None,
            passage: Passage { ordinal: 0, place: Place::Page(1), headings: Vec::new(), text: "note".to_owned() },
            passages: 1,
        };
        for (given, left_out) in [(2, false), (1, true)] {
            let mut sources = [note(1), note(2)];
            let mut noted = Noted { words: vec!["un".to_owned(), "deux".to_owned()], left_out: false };
            noted.cite(&mut sources, given);
            assert_eq!(noted.left_out, left_out);
            assert_eq!(sources.map(|note| note.passage.text), ["un", "deux"]);
        }
    }
}
