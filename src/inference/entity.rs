//! The trait of models that find names in texts: of persons, places and organisations.

use async_trait::async_trait;

use super::embedding::EmbeddingError;
use crate::pseudonym::Suggestion;

/// A model that says which words of a text are names.
#[async_trait]
pub trait EntityModel: Send + Sync + 'static {
    /// The model's name.
    fn name(&self) -> &str;

    /// What stands in each text, in their order: persons, places and organisations, apart from one another. A text of any length is read to its
    /// end. It is an error when one of them was not read.
    async fn find(&self, texts: &[String], haste: Haste) -> Result<Vec<Vec<Suggestion>>, EmbeddingError>;
}

/// Who waits for what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// An answer.
    Answer,
    /// A file, which takes its time: answers to others come first.
    Later,
}
