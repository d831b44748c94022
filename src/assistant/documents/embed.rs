//! The vectors of a document's passages, made in bounded batches.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    document::Passage,
    index::embedding_text,
    inference::{EmbeddingError, EmbeddingModel, TextKind},
    store::StoredVectors,
};

/// The most passages in one call: answers that are being written get their turn between two calls.
const BATCH: usize = 16;
/// How often a call is made while the model's queue is full.
const BUSY_TRIES: u32 = 6;
/// The wait before the second try; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// One vector for each passage. `None` without a model, or where it fails: the document is then found by its words only.
pub async fn vectors(model: Option<&dyn EmbeddingModel>, title: &str, passages: &[Passage]) -> Option<StoredVectors> {
    let model = model?;
    let mut values = Vec::with_capacity(passages.len());
    for batch in passages.chunks(BATCH.min(model.limits().max_batch).max(1)) {
        let texts = batch.iter().map(|passage| embedding_text(title, passage)).collect();
        match embedded(model, texts).await {
            Ok(vectors) => values.extend(vectors),
            Err(error) => {
                tracing::warn!(%error, "a document is stored without vectors");
                return None;
            }
        }
    }
    Some(StoredVectors { model: model.name().to_owned(), values })
}

/// Embeds texts. One that is longer than the model's context is represented by its beginning.
async fn embedded(model: &dyn EmbeddingModel, mut texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbeddingError> {
    let (mut busy, mut wait) = (1, FIRST_WAIT);
    loop {
        match model.embed(TextKind::Passage, &texts).await {
            Err(EmbeddingError::Busy) if busy < BUSY_TRIES => {
                busy += 1;
                sleep(wait).await;
                wait *= 2;
            }
            Err(EmbeddingError::TextTooLong { index, tokens, context }) => {
                let Some(text) = texts.get_mut(index).filter(|text| text.len() > 1) else {
                    return Err(EmbeddingError::TextTooLong { index, tokens, context });
                };
                text.truncate(text.floor_char_boundary(text.len() / 2));
            }
            done => return done,
        }
    }
}
