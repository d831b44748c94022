//! Brings collections into the index when a question searches them, and what has changed in them since.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use super::{
    blocking::{blocking, load},
    shared::SharedIndex,
};
use crate::{
    collections::{CollectionError, Collections, Config, Engine, Loaded, Stamp},
    compagnon::Compagnon,
    document::{Document, Partition, Passage},
    index::{Index, IndexError, IndexedDocument, PostgresIndex},
    inference::EmbeddingModel,
    secret::SealingKey,
};

/// How often it is looked whether a collection has changed.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The collections that questions search.
pub struct Searchable {
    collections: Collections,
    index: Arc<dyn Index>,
    /// The name of the model of the queries: vectors of another cannot be compared with them.
    model: Option<String>,
    pub(super) shared: Option<Arc<dyn SharedIndex>>,
    /// What was put into the index. Held while a collection is brought up to date, so that it is put once.
    indexed: HashMap<String, Mutex<Indexed>>,
    /// The documents of each, by number, for their links.
    documents: RwLock<HashMap<String, Arc<HashMap<u64, Document>>>>,
}

/// What the index has of a collection.
#[derive(Default)]
struct Indexed {
    looked: Option<Instant>,
    stamp: Option<Stamp>,
    versions: HashMap<u64, [u8; 32]>,
}

/// Why a collection is not in the index.
#[derive(Debug, thiserror::Error)]
pub enum SearchableError {
    /// What is kept of it cannot be read.
    #[error(transparent)]
    Collection(#[from] CollectionError),
    /// The index refuses it.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl Searchable {
    /// Collections that are put into `index`; those that several bots share are already in `shared`.
    pub fn new(
        collections: Collections,
        index: Arc<dyn Index>,
        embedding: Option<&dyn EmbeddingModel>,
        shared: Option<Arc<PostgresIndex>>,
    ) -> Self {
        let indexed = collections.iter().map(|(name, _)| (name.to_owned(), Mutex::default())).collect();
        let model = embedding.map(|model| model.name().to_owned());
        if let Some(shared) = &shared {
            shared.compares(model.as_deref());
        }
        let shared = shared.map(|shared| shared as Arc<dyn SharedIndex>);
        Self { collections, index, model, shared, indexed, documents: RwLock::default() }
    }

    /// None at all: nothing is sealed or opened.
    pub fn none(index: Arc<dyn Index>) -> Self {
        Self::new(Collections::new(Config::default(), "".as_ref(), SealingKey::new(&[0; 32])), index, None, None)
    }

    /// The names of those that a compagnon searches; see [`Collections::of`].
    pub fn of(&self, compagnon: &Compagnon, from_library: bool) -> Vec<String> {
        self.collections.of(compagnon, from_library)
    }

    /// Brings collections into the index before a search. One that cannot be read is left out, and logged.
    pub async fn load(&self, names: &[String]) {
        for name in names {
            if let Err(error) = self.try_load(name).await {
                tracing::error!(collection = name, %error, "a collection is not searched as it is kept");
            }
        }
    }

    /// A document that was found in a collection.
    pub async fn document(&self, name: &str, number: u64) -> Option<Document> {
        if self.collections.get(name).ok()?.index == Engine::Postgres {
            return self.shared.as_ref()?.document(name, number).await.ok()?;
        }
        let documents = self.documents.read().unwrap_or_else(PoisonError::into_inner);
        documents.get(name)?.get(&number).cloned()
    }

    /// A document of a collection with its passages, as it is kept now.
    pub async fn passages(&self, name: &str, number: u64) -> Option<(Document, Vec<Passage>)> {
        if self.collections.get(name).ok()?.index == Engine::Postgres {
            // Another bot may have read it: here nothing of it is kept then.
            return self.shared.as_ref()?.passages(name, number).await.unwrap_or_else(|error| {
                tracing::warn!(%error, collection = name, "a document of a collection cannot be read");
                None
            });
        }
        let (collections, of) = (self.collections.clone(), name.to_owned());
        match blocking(move || collections.kept(&of)?.document(number)).await {
            Ok(loaded) => loaded.map(|loaded| (loaded.document, loaded.passages)),
            Err(error) => {
                tracing::warn!(%error, collection = name, "what is kept of a collection cannot be read");
                None
            }
        }
    }

    /// Looks at the next search, whenever it was last looked.
    #[cfg(test)]
    pub async fn look_again(&self) {
        for indexed in self.indexed.values() {
            indexed.lock().await.looked = None;
        }
    }

    /// Brings one collection into the index.
    pub async fn try_load(&self, name: &str) -> Result<(), SearchableError> {
        let (collection, Some(indexed)) = (self.collections.get(name)?, self.indexed.get(name)) else { return Ok(()) };
        if collection.index == Engine::Postgres {
            return Ok(());
        }
        let mut indexed = indexed.lock().await;
        let partition = Partition::Collection(name.to_owned());
        let held = self.index.holds(&partition).await?;
        if held && indexed.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        let stamp = self.stamp(name).await?;
        if !held || stamp != indexed.stamp {
            if !held {
                indexed.versions.clear();
            }
            let lacking = self.bring(name, &partition, &mut indexed).await?;
            // Otherwise it has changed meanwhile, and is looked at again.
            if self.stamp(name).await? == stamp {
                indexed.stamp = stamp;
                if lacking > 0 {
                    tracing::error!(
                        collection = name,
                        documents = lacking,
                        "documents of a collection are damaged, and are not searched until it is read again (compagnon collection index)"
                    );
                }
            }
        }
        indexed.looked = Some(Instant::now());
        Ok(())
    }

    async fn stamp(&self, name: &str) -> Result<Option<Stamp>, CollectionError> {
        let folder = self.collections.folder(name);
        blocking(move || Ok(folder.stamp())).await
    }

    /// Puts what is new or changed, and removes what is gone. Returns how many documents were not there, or damaged: they stop no other.
    async fn bring(&self, name: &str, partition: &Partition, indexed: &mut Indexed) -> Result<usize, SearchableError> {
        let (collections, of) = (self.collections.clone(), name.to_owned());
        let kept = Arc::new(blocking(move || collections.kept(&of)).await?);
        let documents: Vec<_> = kept.documents().collect();
        let mut by_number = HashMap::with_capacity(documents.len());
        let mut lacking = 0;
        for (document, version) in documents {
            let number = document.number;
            by_number.insert(number, document);
            if indexed.versions.get(&number) == Some(&version) {
                continue;
            }
            let Ok(Some(loaded)) = load(&kept, number).await else {
                lacking += 1;
                continue;
            };
            self.index.put(partition, self.indexed(loaded)).await?;
            indexed.versions.insert(number, version);
        }
        let gone: Vec<u64> =
            indexed.versions.keys().filter(|number| !by_number.contains_key(number)).copied().collect();
        for number in gone {
            self.index.remove(partition, Some(number)).await?;
            indexed.versions.remove(&number);
        }
        self.documents.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::new(by_number));
        Ok(lacking)
    }

    fn indexed(&self, loaded: Loaded) -> IndexedDocument {
        let comparable = loaded.model.is_some() && loaded.model == self.model;
        IndexedDocument {
            number: loaded.document.number,
            title: loaded.document.title,
            passages: loaded.passages.into(),
            vectors: loaded.vectors.filter(|_| comparable).map(Into::into),
        }
    }
}
