//! What is counted of a question at its end.

use std::time::Duration;

use super::{
    counters::{Counters, Refusal},
    day::Day,
    series::Series,
};

/// The end of a question, as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The day.
    pub day: Day,
    /// What it is counted under.
    pub series: Series,
    /// How it ended.
    pub outcome: Outcome,
    /// When the first text of its answer came, in milliseconds since the epoch.
    pub first_text_at: Option<u64>,
    /// Whether a person asked: a room may have asked once for something to be done to each message.
    pub asked: bool,
}

/// How a question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Answered,
    /// It was not.
    Refused(Refusal),
}

impl Counted {
    /// Whether whoever asked is one of the people whom the bot serves.
    #[must_use]
    pub fn counts_person(&self) -> bool {
        self.asked && self.outcome != Outcome::Refused(Refusal::Access)
    }

    /// What one question adds that came at `arrived` and has ended `now`, in milliseconds since the epoch.
    #[must_use]
    pub fn counters(&self, arrived: u64, now: u64) -> Counters {
        let mut counters = Counters { questions: 1, ..Counters::default() };
        match self.outcome {
            Outcome::Answered => {
                counters.answers = 1;
                counters.whole.record(Duration::from_millis(now.saturating_sub(arrived)));
                if let Some(first) = self.first_text_at {
                    counters.first_text.record(Duration::from_millis(first.saturating_sub(arrived)));
                }
            }
            Outcome::Refused(refusal) => {
                counters.refusals.insert(refusal, 1);
            }
        }
        counters
    }
}
