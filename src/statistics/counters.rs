//! What is counted of one series on one day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use crate::energy::Energy;

/// The most kinds of refusals there are.
pub const MOST_REFUSALS: usize = Refusal::ALL.len();

/// The counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Questions and jobs that ended, answered or refused.
    pub questions: u64,
    /// Those that were answered.
    pub answers: u64,
    /// Those that were not, by why.
    pub refusals: BTreeMap<Refusal, u64>,
    /// Answers rated useful, as the ratings stand.
    pub useful: u64,
    /// Answers rated not useful.
    pub not_useful: u64,
    /// Why answers were not useful.
    pub reasons: BTreeMap<Reason, u64>,
    /// Tokens of prompts, those from the cache included.
    pub prompt_tokens: u64,
    /// Tokens of prompts that were in the cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// From a question's arrival to the first text of its answer.
    pub first_text: Histogram,
    /// From a question's arrival to the end of its answer.
    pub whole: Histogram,
    /// What the answers took.
    pub energy: Energy,
}

impl Counters {
    /// Adds others to these.
    pub fn add(&mut self, other: &Self) {
        let Self { questions, answers, refusals, useful, not_useful, reasons, .. } = other;
        for (sum, more) in [
            (&mut self.questions, questions),
            (&mut self.answers, answers),
            (&mut self.useful, useful),
            (&mut self.not_useful, not_useful),
            (&mut self.prompt_tokens, &other.prompt_tokens),
            (&mut self.cached_tokens, &other.cached_tokens),
            (&mut self.completion_tokens, &other.completion_tokens),
        ] {
            *sum = sum.saturating_add(*more);
        }
        for (refusal, more) in refusals {
            let sum = self.refusals.entry(*refusal).or_default();
            *sum = sum.saturating_add(*more);
        }
        for (reason, more) in reasons {
            let sum = self.reasons.entry(*reason).or_default();
            *sum = sum.saturating_add(*more);
        }
        self.first_text.add(&other.first_text);
        self.whole.add(&other.whole);
        self.energy = self.energy.and(other.energy);
    }

    /// The share of rated answers that are useful, between 0 and 1; nothing where none is rated.
    #[must_use]
    pub fn usefulness(&self) -> Option<f64> {
        let rated = self.useful.saturating_add(self.not_useful);
        (rated > 0).then(|| self.useful as f64 / rated as f64)
    }
}

/// What somebody finds of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rating {
    /// 👍
    Useful,
    /// 👎
    NotUseful,
}

impl Rating {
    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Useful => "useful",
            Self::NotUseful => "not_useful",
        }
    }
}

/// Why an answer is not useful, as its reader says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// It is wrong.
    Wrong,
    /// Something is missing.
    Incomplete,
    /// It is about something else.
    OffTopic,
    /// It is too long.
    TooLong,
    /// Its sources do not help.
    Sources,
}

impl Reason {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Wrong, Self::Incomplete, Self::OffTopic, Self::TooLong, Self::Sources];

    /// Its name in metrics and exports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Incomplete => "incomplete",
            Self::OffTopic => "off_topic",
            Self::TooLong => "too_long",
            Self::Sources => "sources",
        }
    }
}

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// Its author may not ask.
    Access,
    /// Its author or room asks too often.
    Rate,
    /// The queues or the disk are full.
    Busy,
    /// It waited too long.
    Stale,
    /// It does not fit the model's context.
    TooLong,
    /// Its file cannot be read.
    Unreadable,
    /// Only what documents say is answered there, and they say nothing of it.
    Unsourced,
    /// Its author stopped it.
    Stopped,
    /// The model failed.
    Model,
    /// Something else failed.
    Failure,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Access,
        Self::Rate,
        Self::Busy,
        Self::Stale,
        Self::TooLong,
        Self::Unreadable,
        Self::Unsourced,
        Self::Stopped,
        Self::Model,
        Self::Failure,
    ];

    /// Its name in metrics and exports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Rate => "rate",
            Self::Busy => "busy",
            Self::Stale => "stale",
            Self::TooLong => "too_long",
            Self::Unreadable => "unreadable",
            Self::Unsourced => "unsourced",
            Self::Stopped => "stopped",
            Self::Model => "model",
            Self::Failure => "failure",
        }
    }
}
