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
        let gone = self.kept.gone_documents().await?;
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
            Some(indexed) => Some(indexed.numbers.lock().await),
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
        let without_vectors = self.load_embedded(partition, documents, &indexed).await?;
        if without_vectors.is_empty() {
            return Ok(());
        }
        let until = Instant::now() + EMBED_FOR;
        let _turn = timeout_at(until, indexed.embedding.lock()).await;
        for document in without_vectors {
            if indexed.numbers.lock().await.contains(&document.number) {
                continue;
            }
            let vectors = self.make_vectors(document, until).await?;
            let mut numbers = indexed.numbers.lock().await;
            // It may be gone since, and was taken out of the index already. What goes from here on waits for the lock.
            if let Some(passages) = self.kept.passages(document).await? {
                self.put(document, passages, vectors).await?;
                numbers.insert(document.number);
            }
        }
        Ok(())
    }

    /// Puts those whose vectors are stored, or need none, and takes out what is gone. Gives those whose vectors are still to be made.
    async fn load_embedded<'a>(
        &self,
        partition: &Partition,
        documents: &'a [Document],
        indexed: &Indexed,
    ) -> Result<Vec<&'a Document>, LoadError> {
        let mut numbers = indexed.numbers.lock().await;
        if !self.index.holds(partition).await? {
            numbers.clear();
        }
        let mut without_vectors = Vec::new();
        for document in documents.iter().filter(|document| !numbers.contains(&document.number)).collect::<Vec<_>>() {
            let vectors = match &self.embedding {
                Some(model) => self.kept.vectors(document, model.name()).await?,
                None => None,
            };
            if vectors.is_none() && self.embedding.is_some() {
                without_vectors.push(document);
            } else if let Some(passages) = self.kept.passages(document).await? {
                self.put(document, passages, vectors).await?;
                numbers.insert(document.number);
            }
        }
        let gone: Vec<u64> =
            numbers.iter().copied().filter(|number| !documents.iter().any(|one| one.number == *number)).collect();
        for number in gone {
            self.index.remove(partition, Some(number)).await?;
            numbers.remove(&number);
        }
        Ok(without_vectors)
    }

    async fn put(
        &self,
        document: &Document,
        passages: Vec<Passage>,
        vectors: Option<Vec<Vec<f32>>>,
    ) -> Result<(), IndexError> {
        let (number, title) = (document.number, document.title.clone());
        let put = IndexedDocument { number, title, passages: passages.into(), vectors: vectors.map(Arc::from) };
        self.index.put(&document.partition, put).await
    }

    /// New vectors of a document, which are stored then.
    async fn make_vectors(&self, document: &Document, until: Instant) -> Result<Option<Vec<Vec<f32>>>, StoreError> {
        let Some(passages) = self.kept.passages(document).await? else { return Ok(None) };
        let made = embed::vectors(self.embedding.as_deref(), &document.title, &passages);
        let Ok(made) = timeout_at(until, made).await else {
            tracing::warn!("vectors take too long: documents are searched by their words alone");
            return Ok(None);
        };
        let Some(made) = made else { return Ok(None) };
        let values = made.values.clone();
        if let Err(error) = self.kept.put_vectors(document, made).await {
            // They are there for now all the same.
            tracing::warn!(%error, "the vectors of a document were not stored");
        }
        Ok(Some(values))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use tokio::sync::Semaphore;

    use super::{Documents, Partition};
    use crate::{
        assistant::documents::{DocumentParts, fakes::FakeIndex},
        document::{Passage, Place},
        inference::{EmbeddingError, EmbeddingLimits, EmbeddingModel, TextKind},
        store::{Change, NewDocument, Store},
    };

    /// Embeds once it may.
    struct Slow {
        begun: Semaphore,
        gate: Semaphore,
    }

    #[async_trait]
    impl EmbeddingModel for Slow {
        fn name(&self) -> &'static str {
            "slow"
        }

        fn limits(&self) -> EmbeddingLimits {
            EmbeddingLimits { dimension: 1, context_length: 100, max_batch: 8 }
        }

        async fn embed(&self, _: TextKind, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
            self.begun.add_permits(1);
            self.gate.acquire().await.expect("open").forget();
            Ok(vec![vec![1.0]; texts.len()])
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_goes_while_vectors_are_made_is_taken_out_at_once_and_not_put_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let passage =
            Passage { ordinal: 0, place: Place::Whole, headings: Vec::new(), text: "Le budget est voté.".to_owned() };
        let new = NewDocument {
            partition: Partition::Catalogue,
            title: "Guide.pdf".to_owned(),
            format: "pdf".to_owned(),
            pages: None,
            origin: None,
            link: None,
            passages: vec![passage],
            vectors: None,
        };
        let document = store.put_document(new, 1).await.expect("stored");
        let slow = Arc::new(Slow { begun: Semaphore::new(0), gate: Semaphore::new(0) });
        let embedding: Arc<dyn EmbeddingModel> = slow.clone();
        let parts = DocumentParts { embedding: Some(embedding), ..FakeIndex::parts() };
        let documents = Arc::new(Documents::new(Arc::new(store.clone()), parts));
        let (loading, all) = (Arc::clone(&documents), vec![document.clone()]);
        let load = tokio::spawn(async move { loading.load(&Partition::Catalogue, &all).await });
        slow.begun.acquire().await.expect("open").forget();
        let gone = [Change::RemoveDocument(Partition::Catalogue, document.number)];
        store.apply(&gone, 2).await.expect("removed");
        documents.drop_gone().await.expect("dropped");
        assert!(!load.is_finished(), "nobody waits for the model");
        slow.gate.add_permits(1);
        load.await.expect("no panic").expect("loaded");
        assert!(!documents.index.holds(&Partition::Catalogue).await.expect("known"));
    }
}
