//! What is asked of the documents. Pure.

use crate::{
    document::{Document, Partition},
    message::ConversationId,
};

/// How many passages are given at most.
pub(super) const MOST_SOURCES: usize = 60;

/// A token has at least so many characters, nearly always: what is too long all the same is left out when the request is composed.
const CHARACTERS_PER_TOKEN: usize = 3;

/// About how many characters the passages may have that a model of so many tokens is given.
pub fn characters_for(context: usize) -> usize {
    context / 2 * CHARACTERS_PER_TOKEN
}

/// A question, and what it may see.
pub struct Search<'a> {
    /// The conversation that it stands in.
    pub conversation: &'a ConversationId,
    /// The partitions that it may search.
    pub partitions: &'a [Partition],
    /// The documents of the store in these that who asks can read.
    pub documents: &'a [Document],
    /// What is asked.
    pub question: &'a str,
    /// What was asked before it.
    pub before: Option<&'a str>,
    /// The documents that it is itself about: nothing else is searched for it.
    pub about: &'a [Document],
    /// When the last answer of the conversation was written: a document that came since is what is asked about.
    pub last_answer: Option<u64>,
    /// The time, by our clock.
    pub now: u64,
    /// About how many characters the passages may have.
    pub characters: usize,
}

impl Search<'_> {
    /// Whether a model can be given all of these documents.
    pub(super) fn fits(&self, documents: &[&Document]) -> bool {
        let characters: u64 = documents.iter().map(|document| document.characters).sum();
        let passages: u64 = documents.iter().map(|document| u64::from(document.passages)).sum();
        characters <= self.characters as u64 && passages <= MOST_SOURCES as u64
    }

    pub(super) fn is_about(&self, document: &Document) -> bool {
        self.about.iter().any(|about| place(about) == place(document))
    }
}

/// What tells a document from all others.
pub(super) fn place(document: &Document) -> (Partition, u64) {
    (document.partition.clone(), document.number)
}
