//! What one answer cost, measured once by the engine that generated it; logs, the store and the metrics all read this.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// Why the answer ended.
    pub finish: Finish,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finish {
    /// The model ended it, or a stop text was reached.
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
