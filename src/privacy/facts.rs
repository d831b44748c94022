//! What the program does with what people write, as it is configured: computed, never promised.

use std::time::Duration;

use super::config::Config;
use crate::compagnon::{Answers, Language};

/// What is true of a service.
#[allow(clippy::struct_excessive_bools)] // Each is a setting, and says what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What ops say.
    pub stated: Config,
    /// The body that offers the assistant.
    pub organisation: String,
    /// The models.
    pub models: Models,
    /// How long things are kept.
    pub keeps: Keeps,
    /// What may leave the program for other systems than the messenger.
    pub sends: Sends,
    /// How many administrators the assistant has.
    pub administrators: usize,
    /// Whether they are told each week how much was asked.
    pub digest: bool,
    /// Whether external accounts are served, and rooms open to them.
    pub externals: bool,
    /// Whether single external accounts are served all the same, by their names.
    pub named_externals: bool,
    /// Whether rooms without encryption are served.
    pub unencrypted: bool,
    /// Whether an answer is shown while it is written.
    pub streaming: bool,
    /// Whether who finds an answer not useful may be asked why.
    pub asks_why: bool,
    /// Whether what is counted is published.
    pub publishes: bool,
    /// The titles of the collections of documents that ops give.
    pub collections: Vec<String>,
}

/// The models that read what people write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Models {
    /// The name of the one that answers, where it was opened.
    pub name: Option<String>,
    /// Where it is from: the name of its file or folder, or its repository. `None`: it is the tiny one that is built in, for trials.
    pub source: Option<String>,
    /// Whether what it is asked goes to another machine.
    pub remote: bool,
    /// What turns texts into vectors.
    pub embedding: Option<String>,
    /// What orders passages.
    pub reranker: Option<String>,
    /// What finds names.
    pub entities: Option<String>,
}

/// How long things are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeps {
    /// What is said, in rooms that have not chosen otherwise.
    pub retention: Duration,
    /// The longest that a room may choose.
    pub longest: Duration,
    /// What people have asked to be remembered.
    pub memory: Duration,
    /// The trail of commands.
    pub audit: Duration,
    /// The blinded marks of events.
    pub marks: Duration,
    /// For how long after an answer was forgotten it still goes with its question.
    pub withdrawable: Duration,
    /// Compagnons made by command that nobody uses.
    pub unused_compagnons: Duration,
    /// What is counted, in months.
    pub months_counted: u32,
}

/// What may leave for other systems, by host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sends {
    /// Notes that become documents, when somebody asks for that.
    pub docs: Option<String>,
    /// Files, to be looked through for viruses.
    pub scanner: Option<String>,
    /// The terms of questions, to search shared collections with.
    pub search: Option<String>,
}

impl Sends {
    /// Whether nothing may.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Where people read this.
#[allow(clippy::struct_excessive_bools)] // As above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Here {
    /// Whether it is a direct conversation.
    pub direct: bool,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Whether external accounts may be in it.
    pub open: bool,
    /// How long what is said is kept in it.
    pub retention: Duration,
    /// Which messages are answered.
    pub answers: Answers,
    /// Whether all messages are translated.
    pub translated: bool,
}

/// Whom people are sent to when something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom<'a> {
    /// Whom ops name.
    Contact(&'a str),
    /// The administrators of the assistant: there are some.
    Administrators,
    /// There is nobody to name.
    Nobody,
}

impl Facts {
    /// Whom people are sent to.
    #[must_use]
    pub fn whom(&self, language: Language) -> Whom<'_> {
        match (&self.stated.contact, self.administrators) {
            (Some(contact), _) => Whom::Contact(match language {
                Language::Fr => contact.fr(),
                Language::En => contact.en(),
            }),
            (None, 0) => Whom::Nobody,
            (None, _) => Whom::Administrators,
        }
    }
}
