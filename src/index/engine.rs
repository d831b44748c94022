//! What every search engine over passages does, and the values that go in and out of it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::document::{Partition, Passage};

/// A search engine over the passages of documents.
#[async_trait]
pub trait Index: Send + Sync + 'static {
    /// Puts a document, or puts it anew. Into a partition that was dropped nothing is put before [`Self::holds`] has said so.
    async fn put(&self, partition: &Partition, document: IndexedDocument) -> Result<(), IndexError>;

    /// Removes a document, or all documents of a partition.
    async fn remove(&self, partition: &Partition, document: Option<u64>) -> Result<(), IndexError>;

    /// Whether the partition's documents are there. An index that keeps them in memory has none after a start, and may drop those that were
    /// not searched for long; they are then put anew.
    async fn holds(&self, partition: &Partition) -> Result<bool, IndexError>;

    /// The passages of these partitions that answer a query best, best first. Nothing of any other partition has an influence on it.
    async fn search(&self, partitions: &[Partition], query: &Query) -> Result<Vec<Hit>, IndexError>;
}

/// A document as it is indexed.
#[derive(Clone, Debug)]
pub struct IndexedDocument {
    /// Its number in its partition.
    pub number: u64,
    /// What it is called.
    pub title: String,
    /// Its passages, in order.
    pub passages: Arc<[Passage]>,
    /// One vector of length 1 for each passage, where there is an embedding model.
    pub vectors: Option<Arc<[Vec<f32>]>>,
}

/// What is searched for.
#[derive(Clone)]
pub struct Query {
    /// The text.
    pub text: String,
    /// Its vector, where there is an embedding model.
    pub vector: Option<Vec<f32>>,
    /// The mean of the vectors of [`generic::QUESTIONS`] by the same model, as queries. What a query has in common with any question says
    /// nothing about what it asks for, and is taken off; without it the order is worse.
    pub generic: Option<Arc<[f32]>>,
    /// The most passages to find.
    pub most: usize,
}

/// A passage that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Whose its document is.
    pub partition: Partition,
    /// The number of its document.
    pub document: u64,
    /// What its document is called.
    pub title: String,
    /// The passage.
    pub passage: Passage,
    /// How well it fits, for the order only.
    pub score: f32,
    /// How well it fits by itself: comparable over queries and corpora.
    pub evidence: Evidence,
}

/// What speaks for a passage, whatever else was found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The cosine of its vector and the query's, where there are vectors.
    pub cosine: Option<f32>,
    /// The share of the query's words that it holds, weighted by how rare they are: between 0 and 1.
    pub words: f32,
}

/// The most characters of an [`embedding_text`].
const EMBEDDED_CHARACTERS: usize = 640;
/// The fewest of them that are the passage's own, however long the headings are.
const OWN_CHARACTERS: usize = 320;

/// The text of a passage as it is to be embedded: what its document is called and the headings above it say what it is about, which the
/// passage itself often does not. Its beginning is enough, and better: the more a vector is the mean of, the less it says.
#[must_use]
pub fn embedding_text(title: &str, passage: &Passage) -> String {
    let text = above(title, passage);
    let above = beginning(&text, EMBEDDED_CHARACTERS - OWN_CHARACTERS);
    let own = beginning(&passage.text, EMBEDDED_CHARACTERS - above.chars().count());
    format!("{above}{own}")
}

/// The text of a passage as a reranker reads it: all of it, since what answers may stand at its end.
#[must_use]
pub fn reranking_text(title: &str, passage: &Passage) -> String {
    let text = above(title, passage);
    format!("{}{}", beginning(&text, EMBEDDED_CHARACTERS - OWN_CHARACTERS), passage.text)
}

/// What stands above a passage: the title of its document, and its headings.
fn above(title: &str, passage: &Passage) -> String {
    let mut text = String::new();
    for part in std::iter::once(title).chain(passage.headings.iter().map(String::as_str)) {
        if !part.trim().is_empty() {
            text.push_str(part.trim());
            text.push_str(" — ");
        }
    }
    text
}

/// The beginning of a text of so many characters at most, cut between words where there are some.
fn beginning(text: &str, characters: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(characters) else { return text };
    let whole_words = text[..end].trim_end_matches(|letter: char| !letter.is_whitespace()).len();
    &text[..if whole_words * 2 > end { whole_words } else { end }]
}

/// Why an index did not answer.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The vectors are not of the model that the others are of.
    #[error("the vectors have {found} values, the index has {expected}")]
    Dimension {
        /// The values of the vectors that were given.
        found: usize,
        /// The values of those that are there.
        expected: usize,
    },
    /// What was given does not belong into this index; the text never contains content.
    #[error("{0}")]
    Refused(String),
    /// The server of the index did not answer; the text never contains content.
    #[error("the index did not answer: {0}")]
    Unreachable(String),
}

impl std::fmt::Debug for Query {
    /// Leaves the text out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Query")
            .field("bytes", &self.text.len())
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Place;

    #[test]
    fn the_beginning_is_embedded_and_all_of_it_is_reranked() {
        let text = format!("{} La réponse.", "Un mot. ".repeat(200));
        let headings = vec!["Congés".to_owned(), " ".to_owned()];
        let passage = Passage { ordinal: 0, place: Place::Whole, headings, text };
        let (embedded, reranked) = (embedding_text("Guide", &passage), reranking_text("Guide", &passage));
        assert!(embedded.starts_with("Guide — Congés — Un mot.") && embedded.chars().count() <= EMBEDDED_CHARACTERS);
        assert!(reranked.starts_with("Guide — Congés — Un mot.") && reranked.ends_with("La réponse."));
        let long = embedding_text(&"titre ".repeat(500), &passage);
        assert!(long.contains("Un mot.") && long.chars().count() <= EMBEDDED_CHARACTERS, "{long}");
    }
}
