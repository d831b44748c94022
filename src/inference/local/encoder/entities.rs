//! An encoder that labels tokens as a finder of persons, places and organisations.

use std::sync::Arc;

use async_trait::async_trait;

use super::labels::Labels;
use super::pace::Urgency;
use super::spans::spans;
use super::tokens::Input;
use super::windows::{Window, Windows};
use super::worker::Worker;
use crate::inference::{EmbeddingError, EntityModel, Haste};
use crate::pseudonym::Suggestion;

/// An encoder that finds names.
pub struct LocalEntities {
    pub(super) name: String,
    pub(super) windows: Arc<Windows>,
    pub(super) labels: Labels,
    /// What is less likely is left out.
    pub(super) threshold: f32,
    /// The most windows of one call of the worker: between two of them other texts have their turn.
    pub(super) max_batch: usize,
    pub(super) worker: Worker,
}

#[async_trait]
impl EntityModel for LocalEntities {
    fn name(&self) -> &str {
        &self.name
    }

    async fn find(&self, texts: &[String], haste: Haste) -> Result<Vec<Vec<Suggestion>>, EmbeddingError> {
        let urgency = match haste {
            Haste::Answer => Urgency::Scores,
            Haste::Later => Urgency::Passages,
        };
        let mut found = Vec::with_capacity(texts.len());
        let mut waiting: Vec<(&str, Vec<Window>)> = Vec::new();
        let mut count = 0;
        for text in texts {
            let windows = self.cut(text).await?;
            count += windows.len();
            waiting.push((text, windows));
            // Short texts are computed together.
            if count >= self.max_batch {
                found.extend(self.judge(std::mem::take(&mut waiting), urgency).await?);
                count = 0;
            }
        }
        found.extend(self.judge(waiting, urgency).await?);
        Ok(found)
    }
}

impl LocalEntities {
    /// The windows of a text. On a thread for that: a long text takes its time.
    async fn cut(&self, text: &str) -> Result<Vec<Window>, EmbeddingError> {
        let (windows, text) = (Arc::clone(&self.windows), text.to_owned());
        let cut = tokio::task::spawn_blocking(move || windows.of(&text)).await;
        cut.unwrap_or_else(|_| Err("its tokenizer panicked".to_owned())).map_err(EmbeddingError::Engine)
    }

    /// What stands in texts, from their windows.
    async fn judge(
        &self,
        texts: Vec<(&str, Vec<Window>)>,
        urgency: Urgency,
    ) -> Result<Vec<Vec<Suggestion>>, EmbeddingError> {
        let all: Vec<&Window> = texts.iter().flat_map(|(_, windows)| windows).collect();
        let mut chances: Vec<Vec<f32>> = Vec::with_capacity(all.len());
        for windows in all.chunks(self.max_batch) {
            let inputs = windows.iter().map(|window| Input::Ready(window.sequence.clone())).collect();
            chances.extend(self.worker.compute(inputs, urgency).await?);
        }
        let mut rest = &chances[..];
        let mut found = Vec::with_capacity(texts.len());
        for (text, windows) in &texts {
            let (own, others) = rest.split_at(windows.len().min(rest.len()));
            rest = others;
            found.push(spans(text, windows, own, &self.labels, self.threshold));
        }
        Ok(found)
    }
}
