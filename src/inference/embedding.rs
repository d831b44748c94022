//! The trait of models that turn texts into vectors, so that texts of a similar meaning have similar directions.

use async_trait::async_trait;

/// A model that embeds texts.
#[async_trait]
pub trait EmbeddingModel: Send + Sync + 'static {
    /// The model's name. Vectors of different models cannot be compared.
    fn name(&self) -> &str;

    /// What a call must fit into.
    fn limits(&self) -> EmbeddingLimits;

    /// One vector for each text, in their order, each of [`EmbeddingLimits::dimension`] values and of length 1: the dot product of
    /// two vectors is their cosine similarity. The prefix that the model was trained with for this kind of text is added here.
    async fn embed(&self, kind: TextKind, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingError>;
}

/// What a text is for. Many models are trained with a prefix that tells the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// What is searched for.
    Query,
    /// What is found.
    Passage,
}

/// What one call of an embedding model may contain, and what it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddingLimits {
    /// Values in a vector.
    pub dimension: usize,
    /// The most tokens that one text may have, its prefix included.
    pub context_length: usize,
    /// The most texts in one call.
    pub max_batch: usize,
}

/// The texts that a model wants before a query and before a passage; empty where it wants none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// Before a query, such as `query: `.
    pub query: String,
    /// Before a passage, such as `passage: `.
    pub passage: String,
}

impl Prefixes {
    /// The prefix for a kind of text.
    #[must_use]
    pub fn of(&self, kind: TextKind) -> &str {
        match kind {
            TextKind::Query => &self.query,
            TextKind::Passage => &self.passage,
        }
    }
}

/// Why texts were not embedded.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// The queue is full: ask again later.
    #[error("the model's queue is full")]
    Busy,
    /// There are more texts than [`EmbeddingLimits::max_batch`].
    #[error("{texts} texts were to be embedded in one call, the model takes {max_batch}")]
    BatchTooLarge {
        /// The texts of the call.
        texts: usize,
        /// The most texts in one call.
        max_batch: usize,
    },
    /// A text has more tokens than [`EmbeddingLimits::context_length`].
    #[error("text {index} has {tokens} tokens, the model's context holds {context}")]
    TextTooLong {
        /// Which of the texts, counted from 0.
        index: usize,
        /// Its length in tokens, its prefix included.
        tokens: usize,
        /// The context's length in tokens.
        context: usize,
    },
    /// The engine stopped or failed; the text is for logs and never contains content.
    #[error("the engine failed: {0}")]
    Engine(String),
}
