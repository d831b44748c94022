//! Putting collections into the server that several bots share.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;

use super::blocking::{blocking, load};
use crate::{
    collections::{CollectionError, Collections},
    document::{Document, Partition, Passage},
    index::{Index, IndexError, PostgresIndex, SharedDocument},
    inference::EmbeddingModel,
};

/// The server, and in tests a stand-in.
#[async_trait]
pub trait SharedIndex: Send + Sync + 'static {
    /// Whether it has documents of a collection.
    async fn holds(&self, name: &str) -> Result<bool, IndexError>;

    /// A document of a collection.
    async fn document(&self, name: &str, number: u64) -> Result<Option<Document>, IndexError>;

    /// A document of a collection with its passages.
    async fn passages(&self, name: &str, number: u64) -> Result<Option<(Document, Vec<Passage>)>, IndexError>;

    /// See [`PostgresIndex::begin`].
    async fn begin(&self, name: &str, model: Option<(&str, usize)>) -> Result<HashMap<u64, [u8; 32]>, IndexError>;

    /// Puts a document, or puts it anew.
    async fn put(&self, name: &str, document: &SharedDocument<'_>) -> Result<(), IndexError>;

    /// Removes a document.
    async fn remove(&self, name: &str, number: u64) -> Result<(), IndexError>;
}

#[async_trait]
impl SharedIndex for PostgresIndex {
    async fn holds(&self, name: &str) -> Result<bool, IndexError> {
        Index::holds(self, &Partition::Collection(name.to_owned())).await
    }

    async fn document(&self, name: &str, number: u64) -> Result<Option<Document>, IndexError> {
        PostgresIndex::document(self, name, number).await
    }

    async fn passages(&self, name: &str, number: u64) -> Result<Option<(Document, Vec<Passage>)>, IndexError> {
        PostgresIndex::passages(self, name, number).await
    }

    async fn begin(&self, name: &str, model: Option<(&str, usize)>) -> Result<HashMap<u64, [u8; 32]>, IndexError> {
        PostgresIndex::begin(self, name, model).await
    }

    async fn put(&self, name: &str, document: &SharedDocument<'_>) -> Result<(), IndexError> {
        self.put_document(name, document).await
    }

    async fn remove(&self, name: &str, number: u64) -> Result<(), IndexError> {
        Index::remove(self, &Partition::Collection(name.to_owned()), Some(number)).await
    }
}

/// What of the server's documents a reading has not seen to be gone. Another bot may have put them there, so that nothing is known of them here.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    /// Those whose file could not be read at the moment.
    pub numbers: HashSet<u64>,
    /// Where a folder could not be looked into: those that were known here, and whose file is gone. No other is known to be.
    pub only: Option<HashSet<u64>>,
}

impl Unseen {
    fn is_gone(&self, number: u64) -> bool {
        !self.numbers.contains(&number) && self.only.as_ref().is_none_or(|only| only.contains(&number))
    }
}

/// What is put, and where.
pub(super) struct Publication<'a> {
    pub collections: &'a Collections,
    pub name: &'a str,
    pub shared: &'a dyn SharedIndex,
    pub embedding: Option<&'a dyn EmbeddingModel>,
    pub unseen: Unseen,
    /// Whether a folder that gives nothing empties the collection.
    pub empty: bool,
}

impl Publication<'_> {
    /// Puts what has changed, and removes what is gone. Returns how many documents are damaged here: the server keeps what it has of them.
    pub(super) async fn publish(self) -> Result<usize, CollectionError> {
        let Self { collections, name, shared, embedding, unseen, empty } = self;
        let unreachable = |error: IndexError| CollectionError::Shared(error.to_string());
        let (of, all) = (name.to_owned(), collections.clone());
        let kept = Arc::new(blocking(move || all.kept(&of)).await?);
        let documents: Vec<_> = kept.documents().collect();
        // Nobody has read anything here: the folder is not mounted, or its files cannot be read.
        if documents.is_empty() && !empty && shared.holds(name).await.map_err(unreachable)? {
            let folder = collections.get(name)?.folder.display().to_string();
            return Err(CollectionError::EmptiedShared { folder });
        }
        let model = embedding.map(|model| (model.name(), model.limits().dimension));
        let mut there = shared.begin(name, model).await.map_err(unreachable)?;
        let mut damaged = 0;
        for (document, version) in documents {
            if there.remove(&document.number).is_some_and(|known| known == version) {
                continue;
            }
            let Ok(Some(loaded)) = load(&kept, document.number).await else {
                damaged += 1;
                continue;
            };
            let vectors = loaded.vectors.filter(|_| loaded.model.as_deref() == model.map(|(name, _)| name));
            let put = SharedDocument {
                document: &loaded.document,
                version,
                passages: &loaded.passages,
                vectors: vectors.as_deref(),
            };
            shared.put(name, &put).await.map_err(unreachable)?;
        }
        for number in there.into_keys().filter(|number| unseen.is_gone(*number)) {
            shared.remove(name, number).await.map_err(unreachable)?;
        }
        Ok(damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::Unseen;

    #[test]
    fn where_a_folder_could_not_be_looked_into_only_what_was_known_is_gone() {
        let unseen = Unseen { numbers: [2].into(), only: Some([1, 2].into()) };
        assert!(unseen.is_gone(1));
        assert!(!unseen.is_gone(2), "its file could not be read");
        assert!(!unseen.is_gone(3), "it may be in that folder");
        assert!(Unseen::default().is_gone(3));
    }
}
