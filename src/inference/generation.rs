//! What a model answers: a stream of pieces that ends with the usage, or with an error.

use tokio::sync::mpsc;

use crate::usage::Usage;

/// A part of an answer, sent as soon as it is generated.
#[derive(Clone, PartialEq)]
pub enum Piece {
    /// More text: always whole characters.
    Text(String),
    /// The end of the answer. Nothing follows.
    Done(Usage),
}

/// An answer being generated. Dropping it cancels the work within one step of the engine.
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

    /// The next piece, for a thread outside the async runtime.
    pub fn blocking_next(&mut self) -> Option<Result<Piece, InferenceError>> {
        self.pieces.blocking_recv()
    }
}

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The queue is full: ask again later.
    #[error("the model's queue is full")]
    Busy,
    /// The prompt leaves no token for an answer.
    #[error("the prompt has {tokens} tokens, the model's context holds {context}")]
    PromptTooLong {
        /// The prompt's length in tokens.
        tokens: usize,
        /// The context's length in tokens.
        context: usize,
    },
    /// The engine stopped or failed; the text is for logs and never contains content.
    #[error("the engine failed: {0}")]
    Engine(String),
}
