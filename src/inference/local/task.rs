//! What the engine does for one request: it generates an answer, or it pools hidden states to an embedding.

use std::time::Instant;

use tokio::sync::mpsc::WeakSender;

use super::answer::Answer;
use super::pooling::Pooled;
use crate::energy::Energy;
use crate::inference::{InferenceError, Piece};

/// The state of one request outside the model.
pub(super) enum Task {
    Generate(Box<Answer>),
    Embed(Pooled),
}

impl Task {
    /// A handle by which the reader can be told that the task will never end.
    pub(super) fn reader(&self) -> Reader {
        match self {
            Self::Generate(answer) => Reader::Pieces(answer.reader()),
            Self::Embed(pooled) => Reader::Vector(pooled.reader()),
        }
    }

    /// Whether the reader was dropped.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Generate(answer) => answer.is_abandoned(),
            Self::Embed(pooled) => pooled.is_abandoned(),
        }
    }

    /// Records that the prefill begins.
    pub(super) fn start(&mut self, now: Instant) {
        match self {
            Self::Generate(answer) => answer.start(now),
            Self::Embed(pooled) => pooled.start(now),
        }
    }

    /// Adds its share of what a step took. Of embeddings nobody asks.
    pub(super) fn spend(&mut self, energy: Energy) {
        if let Self::Generate(answer) = self {
            answer.spend(energy);
        }
    }

    /// When the prefill began.
    pub(super) fn started(&self) -> Option<Instant> {
        match self {
            Self::Generate(answer) => answer.started(),
            Self::Embed(pooled) => pooled.started(),
        }
    }

    /// Ends with an error.
    pub(super) fn fail(self, error: InferenceError) {
        match self {
            Self::Generate(answer) => answer.fail(error),
            Self::Embed(pooled) => pooled.fail(error),
        }
    }
}

/// The sender of a task, held without keeping the channel open.
pub(super) enum Reader {
    Pieces(WeakSender<Result<Piece, InferenceError>>),
    Vector(WeakSender<Result<Vec<f32>, InferenceError>>),
}

impl Reader {
    /// Ends the reader's wait with an error, if the task has not ended yet.
    pub(super) fn fail(self, error: InferenceError) {
        match self {
            Self::Pieces(sender) => {
                if let Some(sender) = sender.upgrade() {
                    let _ = sender.try_send(Err(error));
                }
            }
            Self::Vector(sender) => {
                if let Some(sender) = sender.upgrade() {
                    let _ = sender.try_send(Err(error));
                }
            }
        }
    }
}
