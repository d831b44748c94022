//! The whole text of a generation that nobody watches: a summary, the notes on a part of a document.

use crate::inference::{Generation, InferenceError, Piece};

/// Reads a generation to its end. Dropping this ends it.
pub async fn whole(mut generation: Generation) -> Result<String, InferenceError> {
    let mut text = String::new();
    while let Some(piece) = generation.next().await {
        match piece? {
            Piece::Text(more) => text.push_str(&more),
            Piece::Done(_) => return Ok(text),
        }
    }
    Err(InferenceError::Engine("the engine went away".to_owned()))
}
