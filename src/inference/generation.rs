//! What a model answers: a stream of pieces that ends with the usage, or with an error.

use std::ops::ControlFlow;

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

/// What comes of an engine.
type Received = Result<Piece, InferenceError>;

/// An answer being generated. Dropping it cancels the work within one step of the engine.
pub struct Generation {
    pieces: mpsc::Receiver<Result<Piece, InferenceError>>,
    /// What the text goes through.
    through: Option<Box<dyn TextFilter>>,
    /// The end, once the last text was given before it.
    end: Option<Piece>,
}

/// Changes the text of a generation on its way.
pub trait TextFilter: Send {
    /// Takes the next piece, and gives what may go on; the rest is held back.
    fn push(&mut self, piece: &str) -> String;

    /// The text is over: gives what was held back.
    fn finish(&mut self) -> String;
}

impl Generation {
    /// A generation read from `pieces`; the sender sees the channel closed when the reader is dropped, and stops.
    #[must_use]
    pub fn new(pieces: mpsc::Receiver<Result<Piece, InferenceError>>) -> Self {
        Self { pieces, through: None, end: None }
    }

    /// The same, whose text goes through a filter.
    #[must_use]
    pub fn through(self, filter: impl TextFilter + 'static) -> Self {
        Self { through: Some(Box::new(filter)), ..self }
    }

    /// The next piece; `None` after [`Piece::Done`] or an error.
    pub async fn next(&mut self) -> Option<Result<Piece, InferenceError>> {
        loop {
            if let Some(end) = self.end.take() {
                return Some(Ok(end));
            }
            let piece = self.pieces.recv().await;
            if let ControlFlow::Break(piece) = self.filtered(piece) {
                return piece;
            }
        }
    }

    /// The next piece, for a thread outside the async runtime.
    pub fn blocking_next(&mut self) -> Option<Result<Piece, InferenceError>> {
        loop {
            if let Some(end) = self.end.take() {
                return Some(Ok(end));
            }
            let piece = self.pieces.blocking_recv();
            if let ControlFlow::Break(piece) = self.filtered(piece) {
                return piece;
            }
        }
    }

    /// A piece behind the filter; `Continue` where all of it is held back.
    fn filtered(&mut self, piece: Option<Received>) -> ControlFlow<Option<Received>> {
        let Some(filter) = &mut self.through else { return ControlFlow::Break(piece) };
        match piece {
            Some(Ok(Piece::Text(text))) => {
                let text = filter.push(&text);
                if text.is_empty() {
                    return ControlFlow::Continue(());
                }
                ControlFlow::Break(Some(Ok(Piece::Text(text))))
            }
            Some(Ok(end @ Piece::Done(_))) => {
                let rest = filter.finish();
                if rest.is_empty() {
                    return ControlFlow::Break(Some(Ok(end)));
                }
                self.end = Some(end);
                ControlFlow::Break(Some(Ok(Piece::Text(rest))))
            }
            other => ControlFlow::Break(other),
        }
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
    /// The answer's form cannot be followed; the text is one sentence, and contains nothing of the form.
    #[error("the form of the answer cannot be used: {0}")]
    Format(String),
    /// The engine stopped or failed; the text is for logs and never contains content.
    #[error("the engine failed: {0}")]
    Engine(String),
}
