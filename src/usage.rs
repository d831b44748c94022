//! What one answer cost, measured once by the engine that generated it; logs, the store and the metrics all read this.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::energy::Energy;

/// The cost of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the prompt whose keys and values were in the cache, so that they were not computed.
    pub cached_tokens: usize,
    /// Tokens generated, hidden reasoning included.
    pub completion_tokens: usize,
    /// From the start of the prefill to its end; other requests may have shared the engine meanwhile.
    pub prefill: Duration,
    /// From the end of the prefill to the end of the answer.
    pub decode: Duration,
    /// What its share of the engine's steps took.
    #[serde(default)]
    pub energy: Energy,
    /// Why the answer ended.
    pub finish: Finish,
}

impl Usage {
    /// The cost of nothing.
    pub const NOTHING: Self = Self {
        prompt_tokens: 0,
        cached_tokens: 0,
        completion_tokens: 0,
        prefill: Duration::ZERO,
        decode: Duration::ZERO,
        energy: Energy::NONE,
        finish: Finish::Stop,
    };

    /// The cost of two answers that are one work together, which has ended.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            cached_tokens: self.cached_tokens + other.cached_tokens,
            completion_tokens: self.completion_tokens + other.completion_tokens,
            prefill: self.prefill + other.prefill,
            decode: self.decode + other.decode,
            energy: self.energy.and(other.energy),
            finish: Finish::Stop,
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finish {
    /// The model ended it, or a stop text was reached.
    #[default]
    Stop,
    /// It reached the limit on tokens or time, or the model's context was full.
    Length,
}

/// The cost of one answer, and who gave it: what is stored with the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerUsage {
    /// The model's name.
    pub model: String,
    /// The compagnon's identifier.
    pub compagnon: String,
    /// The compagnon's version; `None` for one of the library, which has none.
    pub compagnon_version: Option<u32>,
    /// What it cost. Stored in whole milliseconds.
    pub usage: Usage,
}
