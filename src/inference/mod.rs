//! Language models, behind one seam: [`ChatModel`].
//!
//! The rest of the program hands over a [`Request`] and reads pieces of text; which engine writes them is known only here.

pub mod config;
pub mod hub;
pub mod local;

use std::fmt;

use async_trait::async_trait;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::conversation::Role;

pub use config::Config;

/// One message of a prompt. Its text is content, never markup: an engine encodes it with control tokens off.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
    /// Who said it, where several people speak. Never part of the text: a template shows it in a field of its own.
    pub name: Option<String>,
}

impl Message {
    /// A message of nobody in particular.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), name: None }
    }
}

impl fmt::Debug for Message {
    /// Leaves the text out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("role", &self.role)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// How the next token is chosen, and when to stop.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// 0 takes the likeliest token each time; above, the higher the more varied. No unit.
    pub temperature: f32,
    /// Only the smallest set of tokens whose probabilities reach this sum is drawn from (0 < p ≤ 1).
    pub top_p: f32,
    /// At most this many of the likeliest tokens are drawn from; 0 means all.
    pub top_k: usize,
    /// Only tokens at least this share as likely as the likeliest are drawn from (0 ≤ p ≤ 1); 0 means all.
    pub min_p: f32,
    /// Divides (positive) or multiplies (negative) the logits of the answer's last 64 tokens; 1 changes nothing. The
    /// prompt's own tokens are left alone: names and figures must be copied from it.
    pub repetition_penalty: f32,
    /// Taken from the logit of each token that the answer holds already, once (-2 to 2); 0 changes nothing.
    pub presence_penalty: f32,
    /// Makes the draw repeatable; `None` takes a fresh seed.
    pub seed: Option<u64>,
    /// The most tokens an answer may have.
    pub max_tokens: usize,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
}

impl Default for Sampling {
    /// Sober: an assistant for work, not a poet.
    fn default() -> Self {
        Self {
            temperature: 0.3,
            top_p: 0.95,
            top_k: 40,
            min_p: 0.0,
            repetition_penalty: 1.05,
            presence_penalty: 0.0,
            seed: None,
            max_tokens: 1024,
            stop: Vec::new(),
        }
    }
}

/// A prompt and how to answer it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The system prompt, the history and the question, oldest first.
    pub messages: Vec<Message>,
    /// How to choose tokens.
    pub sampling: Sampling,
    /// How many of the first messages hold nothing of one conversation, so that the work of reading them may serve all:
    /// who asks the same sees it answered sooner. 1 for a system prompt without anything of the room, else 0.
    pub shared: usize,
    /// The conversation, as an opaque key whose first 32 bits are the room's: what was read of it is found again at its next
    /// message, and only there. 0 is nobody's: nothing is kept.
    pub owner: u64,
}

impl Request {
    /// A request of which nothing is shared or kept.
    #[must_use]
    pub fn new(messages: Vec<Message>, sampling: Sampling) -> Self {
        Self { messages, sampling, ..Self::default() }
    }
}

/// What a model writes, as it writes it.
#[derive(Clone, PartialEq)]
pub enum Piece {
    /// More text: always whole characters.
    Text(String),
    /// The end, with what it cost. Nothing follows.
    Done(Usage),
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model ended it, or a stop text was reached.
    Stop,
    /// It reached the most tokens or the longest time allowed, or the model's context was full.
    Length,
}

/// What one answer cost: measured once, here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// The prompt's tokens.
    pub prompt_tokens: usize,
    /// Those of them that had been read before and cost nothing.
    pub cached_tokens: usize,
    /// Tokens written.
    pub completion_tokens: usize,
    /// Time from the start of the reading of the prompt to its end; other answers may have been worked on meanwhile.
    pub prefill: std::time::Duration,
    /// Time from then to the answer's end.
    pub decode: std::time::Duration,
    /// Why it ended.
    pub finish: Finish,
}

/// An answer being written. Dropping it cancels the work within one step of the engine.
pub struct Generation {
    pieces: mpsc::Receiver<Result<Piece, InferenceError>>,
}

impl Generation {
    /// A generation read from `pieces`; the sender sees the channel closed when the reader is dropped, and stops.
    #[must_use]
    pub fn new(pieces: mpsc::Receiver<Result<Piece, InferenceError>>) -> Self {
        Self { pieces }
    }

    /// The next piece; `None` after [`Piece::Done`] or an error.
    pub async fn next(&mut self) -> Option<Result<Piece, InferenceError>> {
        self.pieces.recv().await
    }

    /// The next piece, for a thread that is outside the async runtime.
    pub fn blocking_next(&mut self) -> Option<Result<Piece, InferenceError>> {
        self.pieces.blocking_recv()
    }
}

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The queue is full: come back later.
    #[error("the model's queue is full")]
    Busy,
    /// The prompt alone does not leave room for an answer.
    #[error("the prompt has {tokens} tokens, the model's context holds {context}")]
    PromptTooLong {
        /// The prompt's length in tokens.
        tokens: usize,
        /// The context's length in tokens.
        context: usize,
    },
    /// The engine stopped or failed; the text is for logs and never holds content.
    #[error("the engine failed: {0}")]
    Engine(String),
}

/// Whose prompts are to leave nothing in memory. Only [`Forget::Everything`] reaches what a compagnon's fixed prompt has left: it
/// is nobody's, and all who ask that compagnon are answered sooner for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Forget {
    /// Those of one conversation: see [`Request::owner`].
    Conversation(u64),
    /// Those of all conversations whose owner begins with these 32 bits: the threads of a room.
    Room(u32),
    /// Those of all conversations.
    Everyone,
    /// Those of all conversations, and the fixed prompts of compagnons: one of them was taken back.
    Everything,
}

impl Forget {
    /// Whether the conversation of this key is meant.
    #[must_use]
    pub fn concerns(self, owner: u64) -> bool {
        match self {
            Self::Conversation(one) => owner == one,
            Self::Room(room) => owner >> 32 == u64::from(room),
            Self::Everyone | Self::Everything => true,
        }
    }
}

/// A model that answers: the local engine, a remote server, or a scripted fake in tests.
#[async_trait]
pub trait ChatModel: Send + Sync + 'static {
    /// Starts answering. Returns at once, with [`InferenceError::Busy`] when the bounded queue is full.
    fn generate(&self, request: Request) -> Result<Generation, InferenceError>;

    /// Forgets what prompts have left in memory: of those that were handed over before this call, whether they were answered,
    /// run or wait. Of one that runs or waits, once it has ended.
    fn forget(&self, _whose: Forget) {}

    /// Waits until the model hangs, so that only a new process answers again. The result is one sentence.
    async fn hangs(&self) -> String {
        std::future::pending().await
    }

    /// What a message costs in the prompt, in the model's own tokens, markup included.
    fn count_tokens(&self, message: &Message) -> usize;

    /// How many tokens prompt and answer may have together.
    fn context_length(&self) -> usize;

    /// The model's name, for people: `check`, `chat` and the health page show it.
    fn name(&self) -> &str;

    /// Whether the engine can answer now; the error says why not.
    async fn health(&self) -> Result<(), InferenceError>;
}
