//! The whole text of a generation that nobody watches: a summary, the notes on a part of a document, a job.

use std::time::Duration;

use crate::{
    inference::{ChatModel, Generation, InferenceError, Piece, Request},
    usage::Usage,
};

/// How often a request waits for a place in the engine's queue, and how long each time.
const MOST_WAITS: usize = 120;
const WAIT: Duration = Duration::from_secs(1);

/// What the model writes for a request, with what it cost; waits for a place in its queue. Dropping this ends it.
pub async fn patiently(model: &dyn ChatModel, request: &Request) -> Result<(String, Usage), InferenceError> {
    let mut waits = 0;
    loop {
        let written = match model.generate(request.clone()) {
            Ok(generation) => whole(generation).await,
            Err(error) => Err(error),
        };
        match written {
            // What stands before the model says so only when it is read.
            Err(InferenceError::Busy) if waits < MOST_WAITS => {
                waits += 1;
                tokio::time::sleep(WAIT).await;
            }
            written => return written,
        }
    }
}

/// Reads a generation to its end. Dropping this ends it.
pub async fn whole(mut generation: Generation) -> Result<(String, Usage), InferenceError> {
    let mut text = String::new();
    while let Some(piece) = generation.next().await {
        match piece? {
            Piece::Text(more) => text.push_str(&more),
            Piece::Done(usage) => return Ok((text, usage)),
        }
    }
    Err(InferenceError::Engine("the engine went away".to_owned()))
}
