//! The trait of models that answer in conversations. It promises only what a remote engine can keep, too: an engine in this
//! process knows more (exact token counts, its cache), and says so through the same types.

use std::{future, sync::Arc};

use async_trait::async_trait;

use super::{
    generation::{Generation, InferenceError},
    request::{CacheScope, Message, Request},
};

/// A model that answers: the local engine, a remote server, or a scripted fake in tests.
#[async_trait]
pub trait ChatModel: Send + Sync + 'static {
    /// The model's name, for people: `check`, `chat` and the health page show it.
    fn name(&self) -> &str;

    /// What a request must fit into.
    fn limits(&self) -> ModelLimits;

    /// Counts the tokens of messages, so that a prompt can be cut to the limits before it is sent.
    fn token_counter(&self) -> Arc<dyn TokenCounter>;

    /// Starts answering. Returns at once, with [`InferenceError::Busy`] when the bounded queue is full.
    fn generate(&self, request: Request) -> Result<Generation, InferenceError>;

    /// Whether what it is asked leaves this machine: then nothing that identifies anybody is sent, unless a compagnon says otherwise.
    fn is_remote(&self) -> bool {
        false
    }

    /// Whether it is the embedded test model. It knows a few sentences and reads a thousand tokens: it is given a compagnon's text alone,
    /// without the rules that stand before it for every other model.
    fn is_test_model(&self) -> bool {
        false
    }

    /// Removes from the cache what requests submitted before this call have left in it; of a request that is running or queued,
    /// as soon as it has ended. An engine that keeps nothing which this process could remove does nothing.
    fn invalidate(&self, _scope: CacheScope) {}

    /// Whether the engine can answer now, from what is known already: nothing is waited for.
    fn health(&self) -> Health;

    /// Waits until the engine is [`Health::Dead`], and says why. A remote engine can come back without us, so it never is.
    async fn dead(&self) -> String {
        future::pending().await
    }
}

/// What a model accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelLimits {
    /// The most tokens that prompt and answer may have together.
    pub context_length: usize,
}

/// Whether an engine can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Ok,
    /// Requests fail or wait now; it may recover by itself. The text says why, in one sentence, without content.
    Degraded(String),
    /// Only a new process answers again. The text says why, in one sentence, without content.
    Dead(String),
}

impl Health {
    /// Whether requests are answered now.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        *self == Self::Ok
    }
}

/// Counts tokens. It can be kept and used from any thread without the model.
pub trait TokenCounter: Send + Sync {
    /// Tokens that the message adds to a prompt, the template's markup included.
    fn count(&self, message: &Message) -> usize;

    /// How [`TokenCounter::count`] compares to what the model counts.
    fn accuracy(&self) -> CountAccuracy;
}

/// How far a token count can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountAccuracy {
    /// Counted with the model's own tokenizer and template: the sum over the messages is never less than the prompt's length.
    UpperBound,
    /// Guessed without the model's tokenizer: the prompt may be longer.
    Estimate,
}

impl CountAccuracy {
    /// Tokens of a context to keep free because the counts may be too low.
    #[must_use]
    pub fn margin(self, context_length: usize) -> usize {
        match self {
            Self::UpperBound => 0,
            // A prompt that is too long all the same is refused by the engine, and the person is told.
            Self::Estimate => context_length / 8,
        }
    }
}
