//! What a command comes to. Nothing of it has happened when a command returns it: it is written down first, and carried out from there, so
//! that it survives the end of the process.

use ruma::{OwnedRoomId, OwnedUserId};

use crate::{
    assistant::texts::{Mastered, Text},
    evaluation::Standing,
    message::{Egress, Incoming},
    store::Change,
};

/// What a command comes to.
pub(super) enum Outcome {
    /// A sentence.
    Say(Reply),
    /// A sentence, and a question answered again, in the place of the answer that it has.
    Generate {
        /// The question.
        question: Box<Incoming>,
        /// What is said of it.
        reply: Reply,
        /// What is said where nothing is known of the question any more.
        otherwise: Reply,
    },
    /// Files, then a sentence.
    Files {
        /// The files.
        files: Vec<NewFile>,
        /// The room that they are sent to.
        room_id: OwnedRoomId,
        /// What is said of it.
        reply: Reply,
    },
    /// A call to another service, then a sentence.
    #[allow(dead_code)] // No command calls a service yet; what delivers such calls is there, and tested.
    Egress {
        /// The call.
        egress: Egress,
        /// What is said of it.
        reply: Reply,
    },
}

/// What a command answers and changes, together in one write.
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) changes: Vec<Change>,
    /// What the administrators of the instance, or an author, are told once it is written.
    pub(super) proposal: Option<Box<Proposal>>,
}

/// What was proposed to the administrators of the instance, as they are told; and what they decided.
pub(super) enum Proposal {
    /// A compagnon, for the catalogue.
    Compagnon {
        /// Its title.
        title: String,
        /// Its identifier.
        id: String,
        /// Who proposes it.
        author: String,
        /// What tells its text from all others.
        reference: String,
        /// How it stands by its cases.
        cases: Box<Standing>,
    },
    /// An answer, to be given word for word.
    Answer {
        /// What the compagnon is called.
        title: String,
        /// Who proposes it.
        author: String,
        /// Its number.
        number: u64,
    },
    /// What became of the proposal of a compagnon: its author is told.
    Decided {
        /// Its author.
        author: OwnedUserId,
        /// Its title.
        title: String,
        /// Whether it is in the catalogue now.
        accepted: bool,
    },
}

impl Proposal {
    /// What they are told.
    pub(super) fn text(&self) -> Text<'_> {
        match self {
            Self::Compagnon { title, id, author, reference, cases } => {
                Text::NewProposal { title, id, author, reference, cases }
            }
            Self::Answer { title, author, number } => Text::Mastered(Mastered::News { title, author, number: *number }),
            Self::Decided { title, accepted, .. } => Text::Decided { title, accepted: *accepted },
        }
    }
}

/// A file that a command has made.
pub(super) struct NewFile {
    /// Its name.
    pub(super) name: &'static str,
    /// Its media type.
    pub(super) media_type: &'static str,
    /// Its content.
    pub(super) bytes: Vec<u8>,
}

impl Outcome {
    /// What is said and changed, whatever else there is.
    pub(super) fn reply(&self) -> &Reply {
        match self {
            Self::Say(reply)
            | Self::Generate { reply, .. }
            | Self::Files { reply, .. }
            | Self::Egress { reply, .. } => reply,
        }
    }
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self::Say(reply)
    }
}

impl Reply {
    /// An answer that changes nothing.
    pub(super) fn text(text: String) -> Self {
        Self { text, changes: Vec::new(), proposal: None }
    }
}
