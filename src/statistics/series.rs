//! What counters are kept by.

use serde::{Deserialize, Serialize};

/// Counters of a day are kept for each of these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    /// Who answered.
    pub compagnon: Compagnon,
    /// The model's name; empty where none was asked.
    pub model: String,
    /// The kind of work.
    pub activity: Activity,
}

impl Series {
    /// What stands for all series of this kind of work beyond those that are kept apart.
    #[must_use]
    pub fn others(&self) -> Self {
        Self { compagnon: Compagnon::Others, model: String::new(), activity: self.activity }
    }
}

/// A compagnon, as far as it may be told of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Compagnon {
    /// One of the library, by its identifier: everybody knows it. An empty one stands for all compagnons beyond those that are kept apart.
    Library(String),
    /// One made by command, by its number. Its name may tell of a room or of a person: it is told to those who have it, and to nobody else.
    Made(u64),
    /// Those beyond the bound on what is counted apart, together.
    Others,
}

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Activity {
    /// A question that the model answers.
    Answer,
    /// A question that an approved answer answers, without a model.
    Mastered,
    /// A file that is read.
    Document,
    /// A translation.
    Translation,
    /// A note of a conversation, and what was missed in one.
    Note,
    /// Replies to reviews.
    Review,
    /// Pseudonyms for names, in a text or a file.
    Pseudonyms,
    /// The cases by which a compagnon is judged.
    Cases,
}

impl Activity {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Answer,
        Self::Mastered,
        Self::Document,
        Self::Translation,
        Self::Note,
        Self::Review,
        Self::Pseudonyms,
        Self::Cases,
    ];

    /// Its name in metrics and exports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Mastered => "mastered",
            Self::Document => "document",
            Self::Translation => "translation",
            Self::Note => "note",
            Self::Review => "review",
            Self::Pseudonyms => "pseudonyms",
            Self::Cases => "cases",
        }
    }
}
