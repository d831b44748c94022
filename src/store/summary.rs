//! What is remembered of a conversation that is longer than a model's context: the summary of its beginning, and the turns.

use std::fmt;

use ruma::OwnedUserId;

use crate::conversation::Turn;

/// A summary.
#[derive(Clone, PartialEq, Eq)]
pub struct Summary {
    /// Tells it from the ones before and after it.
    pub number: u64,
    /// What the model wrote.
    pub text: String,
    /// When the earliest of the turns it covers was stored, in milliseconds since the epoch.
    pub from: u64,
    /// Who asked all that it covers, where that is one person.
    pub asker: Option<OwnedUserId>,
    /// The number of the last turn it covers.
    pub(super) last: u64,
}

#[cfg(test)]
impl Summary {
    /// One with this text, of which nothing else matters.
    pub(crate) fn sample(text: &str) -> Self {
        Self { number: 1, text: text.to_owned(), from: 0, asker: None, last: 0 }
    }
}

impl fmt::Debug for Summary {
    /// Leaves the text out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Summary")
            .field("number", &self.number)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// What is kept of a conversation beside its turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Condensed {
    /// The summary of its beginning.
    pub(super) summary: Option<Summary>,
    /// Whether people were told that its beginning is left out.
    pub(super) told: bool,
    /// When this last changed.
    pub(super) at: u64,
}

/// What is remembered of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// What was said, oldest first; of a very long one, the newest [`MOST_TURNS`](super::MOST_TURNS).
    pub turns: Vec<Turn>,
    /// The summary of its beginning.
    pub summary: Option<Summary>,
    /// How many of the turns the summary covers.
    pub covered: usize,
    /// Whether people were told that its beginning is left out.
    pub told: bool,
}

/// A summary that was made.
#[derive(Clone)]
pub struct NewSummary {
    /// What the model wrote.
    pub text: String,
    /// The number of the summary that it continues.
    pub continues: Option<u64>,
    /// The turns that it adds to that.
    pub turns: Vec<Turn>,
}

impl fmt::Debug for NewSummary {
    /// Leaves the text out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NewSummary")
            .field("continues", &self.continues)
            .field("turns", &self.turns.len())
            .finish_non_exhaustive()
    }
}
