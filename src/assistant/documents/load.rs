//! Bringing the index to what the store says, and taking out of it what is gone.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{Documents, embed, indexed::Indexed};
use crate::{
    document::{Document, Partition, Passage},
    index::{IndexError, IndexedDocument},
    store::StoreError,
};

/// How long the vectors of documents that have none are waited for, before a question is answered without them.
const EMBED_FOR: Duration = Duration::from_secs(20);

/// Of how many partitions it is remembered what of them is in the index. Beyond, all of it is put anew.
const MOST_PARTITIONS: usize = 10_000;

/// Why the index could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index did not answer.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl Documents {
    /// Takes out of the index what is gone from the store: whatever is removed, moved or forgotten there. What of a partition is still there is
    /// put again when it is searched.
    pub async fn drop_gone(&self) -> Result<(), StoreError> {
        let gone = self.store.gone_documents().await?;
        if gone.others {
            let all: Vec<Partition> = self.lock_indexed().keys().cloned().collect();
            for partition in all {
                self.drop_from_index(&partition, None).await;
            }
        }
        for (partition, number) in &gone.documents {
            self.drop_from_index(partition, Some(*number)).await;
        }
        Ok(())
    }

    async fn drop_from_index(&self, partition: &Partition, number: Option<u64>) {
        let indexed = self.lock_indexed().get(partition).cloned();
        // A partition that is being loaded is waited for: it may be putting what is gone.
        let mut indexed = match &indexed {
            Some(indexed) => Some(indexed.lock().await),
            None => None,
        };
        if let Err(error) = self.index.remove(partition, number).await {
            tracing::warn!(%error, "the index did not remove what is gone");
        }
        if let Some(indexed) = &mut indexed {
            match number {
                Some(number) => {
                    indexed.remove(&number);
                }
                None => indexed.clear(),
            }
        }
    }

    fn indexed_of(&self, partition: &Partition) -> Indexed {
        let mut indexed = self.lock_indexed();
        if indexed.len() >= MOST_PARTITIONS && !indexed.contains_key(partition) {
            indexed.retain(|_, one| Arc::strong_count(one) > 1);
        }
        Arc::clone(indexed.entry(partition.clone()).or_default())
    }

    /// Puts into the index what it lacks of a partition of the store, whose documents these are.
    pub(super) async fn load(&self, partition: &Partition, documents: &[Document]) -> Result<(), LoadError> {
        let indexed = self.indexed_of(partition);
        let mut indexed = indexed.lock().await;
        if !self.index.holds(partition).await? {
            indexed.clear();
        }
        let until = Instant::now() + EMBED_FOR;
        for document in documents {
            if indexed.contains(&document.number) {
                continue;
            }
            let Some(passages) = self.store.passages(document).await? else { continue };
            let vectors = self.vectors(document, &passages, until).await?;
            let (number, title) = (document.number, document.title.clone());
            let put = IndexedDocument { number, title, passages: passages.into(), vectors: vectors.map(Arc::from) };
            self.index.put(partition, put).await?;
            indexed.insert(number);
        }
        let gone: Vec<u64> =
            indexed.iter().copied().filter(|number| !documents.iter().any(|one| one.number == *number)).collect();
        for number in gone {
            self.index.remove(partition, Some(number)).await?;
            indexed.remove(&number);
        }
        Ok(())
    }

    /// The vectors of a document: those that are stored, or new ones, which are stored then.
    async fn vectors(
        &self,
        document: &Document,
        passages: &[Passage],
        until: Instant,
    ) -> Result<Option<Vec<Vec<f32>>>, StoreError> {
        let Some(model) = &self.embedding else { return Ok(None) };
        if let Some(vectors) = self.store.vectors(document, model.name()).await? {
            return Ok(Some(vectors));
        }
        let made = embed::vectors(Some(&**model), &document.title, passages);
        let Ok(made) = timeout_at(until, made).await else {
            tracing::warn!("vectors take too long: documents are searched by their words alone");
            return Ok(None);
        };
        let Some(made) = made else { return Ok(None) };
        let values = made.values.clone();
        if let Err(error) = self.store.put_vectors(document, made).await {
            // They are there for now all the same.
            tracing::warn!(%error, "the vectors of a document were not stored");
        }
        Ok(Some(values))
    }
}
