//! Why a task of the assistant ended without its result.

use crate::{inference::InferenceError, store::StoreError};

/// Why a piece of work ended without being done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The program stops; the next one goes on.
    #[error("the program is stopping")]
    Stopped,
    /// The stores of the session failed.
    #[error("the session's stores: {0}")]
    Session(String),
    /// The room does not take the message.
    #[error("the room refused the message: {0}")]
    Refused(String),
    /// The homeserver has not answered for as long as it was asked.
    #[error("the homeserver did not answer: {0}")]
    Unanswered(String),
    /// What a person may do in a room could not be asked.
    #[error("what a person may do could not be asked: {0}")]
    Unchecked(String),
    /// What a person may do in a room would have to be asked, and must not be now: while commands decide, only the store is read.
    #[error("what a person may do is not known yet")]
    NotKnown,
    /// The configured compagnon is not there.
    #[error("{0}")]
    Compagnon(String),
    /// The model gave no answer.
    #[error("the model: {0}")]
    Model(#[from] InferenceError),
    /// A mistake in this program.
    #[error("answering panicked")]
    Panicked,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure {
    /// Whether everything else will fail as well, until a new start.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Session(_) => true,
            Self::Store(error) => error.is_fatal(),
            Self::Stopped
            | Self::Refused(_)
            | Self::Unanswered(_)
            | Self::Unchecked(_)
            | Self::NotKnown
            | Self::Compagnon(_)
            | Self::Model(_)
            | Self::Panicked => false,
        }
    }
}
