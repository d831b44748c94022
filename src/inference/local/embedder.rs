//! Embeddings from the hidden states of a local model, computed beside its answers by the same engine and weights.

use std::sync::Arc;

use async_trait::async_trait;

use super::local_model::LocalModel;
use super::pooling::Vector;
use super::tokenizer::Span;
use crate::inference::{EmbeddingError, EmbeddingLimits, EmbeddingModel, InferenceError, Prefixes, TextKind};

/// A local model as an embedding model.
pub struct LocalEmbedder {
    model: Arc<LocalModel>,
    limits: EmbeddingLimits,
    prefixes: Prefixes,
}

impl LocalEmbedder {
    /// Embeds with this model, which goes on answering. `None` for a model that returns no hidden states (candle computes it), or
    /// whose file asks for a pooling that is neither the mean nor the last token.
    #[must_use]
    pub fn new(model: Arc<LocalModel>, prefixes: Prefixes) -> Option<Self> {
        let limits = EmbeddingLimits {
            dimension: model.engine.hidden()?,
            context_length: model.engine.context(),
            max_batch: model.max_batch,
        };
        model.pooling?;
        Some(Self { model, limits, prefixes })
    }

    fn submit(&self, kind: TextKind, index: usize, text: &str) -> Result<Vector, EmbeddingError> {
        let model = &self.model;
        let span = Span::Content(format!("{}{text}", self.prefixes.of(kind)));
        let mut tokens = model.tokenizer.prompt(&[span]).map_err(EmbeddingError::Engine)?;
        tokens.extend(model.text_end);
        let pooling = model.pooling.ok_or_else(|| EmbeddingError::Engine("the model has no pooling".to_owned()))?;
        model.engine.embed(tokens, pooling).map_err(|error| convert(error, index))
    }
}

#[async_trait]
impl EmbeddingModel for LocalEmbedder {
    fn name(&self) -> &str {
        &self.model.name
    }

    fn limits(&self) -> EmbeddingLimits {
        self.limits
    }

    async fn embed(&self, kind: TextKind, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let max_batch = self.limits.max_batch;
        if texts.len() > max_batch {
            return Err(EmbeddingError::BatchTooLarge { texts: texts.len(), max_batch });
        }
        // Dropping the vectors cancels the work, so that a batch that is refused in the middle leaves nothing running.
        let queued: Result<Vec<Vector>, EmbeddingError> =
            texts.iter().enumerate().map(|(index, text)| self.submit(kind, index, text)).collect();
        let mut vectors = Vec::with_capacity(texts.len());
        for (index, mut vector) in queued?.into_iter().enumerate() {
            let ended = vector.recv().await;
            let stopped = || EmbeddingError::Engine("the engine went away".to_owned());
            vectors.push(ended.ok_or_else(stopped)?.map_err(|error| convert(error, index))?);
        }
        Ok(vectors)
    }
}

fn convert(error: InferenceError, index: usize) -> EmbeddingError {
    match error {
        InferenceError::Busy => EmbeddingError::Busy,
        InferenceError::PromptTooLong { tokens, context } => EmbeddingError::TextTooLong { index, tokens, context },
        InferenceError::Engine(reason) | InferenceError::Format(reason) => EmbeddingError::Engine(reason),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::LocalEmbedder;
    use crate::inference::local::LocalModel;
    use crate::inference::{EmbeddingError, EmbeddingModel, Prefixes, TextKind};

    fn embedder(prefixes: Prefixes) -> LocalEmbedder {
        LocalEmbedder::new(Arc::new(LocalModel::witness().unwrap()), prefixes).expect("hidden states")
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[tokio::test]
    async fn a_batch_equals_each_alone() {
        let embedder = embedder(Prefixes::default());
        let long = "Le budget de l'établissement est voté en novembre. ".repeat(12);
        let texts = owned(&["Bonjour", &long, "Combien de jours de congé ?", "x"]);
        let together = embedder.embed(TextKind::Passage, &texts).await.unwrap();
        for (text, vector) in texts.iter().zip(&together) {
            let alone = embedder.embed(TextKind::Passage, std::slice::from_ref(text)).await.unwrap();
            assert_eq!(vector.len(), embedder.limits().dimension);
            assert!((dot(vector, vector) - 1.0).abs() < 1e-5);
            let off = vector.iter().zip(&alone[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-5, "{off}");
        }
        assert!(dot(&together[0], &together[1]) < 0.999, "different texts have different directions");
    }

    #[tokio::test]
    async fn the_prefix_belongs_to_the_text() {
        let prefixes = Prefixes { query: "Question : ".to_owned(), passage: String::new() };
        let model = embedder(prefixes);
        let texts = owned(&["Combien de jours ?"]);
        let [query, passage] = [TextKind::Query, TextKind::Passage];
        let query = model.embed(query, &texts).await.unwrap();
        let spelt = model.embed(passage, &owned(&["Question : Combien de jours ?"])).await.unwrap();
        let plain = model.embed(passage, &texts).await.unwrap();
        assert_eq!(query, spelt);
        assert_ne!(query, plain);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_named() {
        let embedder = embedder(Prefixes::default());
        let limits = embedder.limits();
        let many = vec!["x".to_owned(); limits.max_batch + 1];
        assert!(matches!(embedder.embed(TextKind::Query, &many).await, Err(EmbeddingError::BatchTooLarge { .. })));
        let long = owned(&["a", &"budget ".repeat(limits.context_length)]);
        let error = embedder.embed(TextKind::Query, &long).await.unwrap_err();
        assert!(matches!(error, EmbeddingError::TextTooLong { index: 1, .. }), "{error}");
        assert_eq!(embedder.embed(TextKind::Query, &owned(&["a"])).await.unwrap().len(), 1, "nothing is left running");
    }
}
