//! Mastered answers: a question with the answer to it that somebody responsible has approved, which is given word for word in place of what a
//! model would write.

use std::fmt;

use ruma::OwnedUserId;

use crate::document::Partition;

/// The most answers of one compagnon, or of the catalogue, proposals counted.
pub const MOST_ANSWERS: usize = 200;
/// The most wordings of one question, the first one counted.
pub const MOST_WORDINGS: usize = 10;
/// The most characters of a wording.
pub const LONGEST_QUESTION: usize = 300;
/// The most characters of an answer.
pub const LONGEST_ANSWER: usize = 4_000;

/// An answer that was proposed, and perhaps approved. Its texts never change: another wording is another proposal.
#[derive(Clone, PartialEq, Eq)]
pub struct MasteredAnswer {
    /// Its number, never given to another one.
    pub number: u64,
    /// Whose it is: a compagnon, or the catalogue.
    pub partition: Partition,
    /// The question.
    pub question: String,
    /// Other wordings of it.
    pub variants: Vec<String>,
    /// The answer, in Markdown.
    pub text: String,
    /// Who proposed it. `None` once that person has asked to be forgotten.
    pub author: Option<OwnedUserId>,
    /// When, in milliseconds since the epoch.
    pub proposed_at: u64,
    /// The answer that goes when this one is approved.
    pub replaces: Option<u64>,
    /// Whether it is approved, by whom and when.
    pub state: AnswerState,
}

/// How far an answer has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerState {
    /// It waits for approval, and answers nothing.
    Proposed,
    /// It answers.
    Approved {
        /// Who approved it. `None` once that person has asked to be forgotten.
        by: Option<OwnedUserId>,
        /// When, in milliseconds since the epoch.
        at: u64,
    },
}

impl MasteredAnswer {
    /// Whether it may be given.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        matches!(self.state, AnswerState::Approved { .. })
    }

    /// All wordings of the question.
    pub fn wordings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.question).chain(&self.variants).map(String::as_str)
    }
}

impl fmt::Debug for MasteredAnswer {
    /// Leaves the texts out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("MasteredAnswer");
        debug.field("number", &self.number).field("bytes", &self.text.len()).field("state", &self.state);
        debug.finish_non_exhaustive()
    }
}
