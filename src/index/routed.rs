//! One index over two: what several bots share is searched in `PostgreSQL`, everything else in memory.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;

use super::{Hit, Index, IndexError, IndexedDocument, Query, postgres::PostgresIndex};
use crate::document::Partition;

/// An index that knows which engine has which partition.
pub struct RoutedIndex {
    embedded: Arc<dyn Index>,
    shared: Arc<PostgresIndex>,
    collections: BTreeSet<String>,
}

impl RoutedIndex {
    /// These collections are in `shared`, all other partitions in `embedded`.
    #[must_use]
    pub fn new(embedded: Arc<dyn Index>, shared: Arc<PostgresIndex>, collections: BTreeSet<String>) -> Self {
        Self { embedded, shared, collections }
    }

    fn is_shared(&self, partition: &Partition) -> bool {
        matches!(partition, Partition::Collection(name) if self.collections.contains(name))
    }

    fn of(&self, partition: &Partition) -> &dyn Index {
        if self.is_shared(partition) { &*self.shared } else { &*self.embedded }
    }
}

#[async_trait]
impl Index for RoutedIndex {
    async fn put(&self, partition: &Partition, document: IndexedDocument) -> Result<(), IndexError> {
        self.of(partition).put(partition, document).await
    }

    async fn remove(&self, partition: &Partition, document: Option<u64>) -> Result<(), IndexError> {
        self.of(partition).remove(partition, document).await
    }

    async fn holds(&self, partition: &Partition) -> Result<bool, IndexError> {
        self.of(partition).holds(partition).await
    }

    /// While the shared server does not answer, what is in memory is found; that some is missing is logged.
    async fn search(&self, partitions: &[Partition], query: &Query) -> Result<Vec<Hit>, IndexError> {
        let (shared, own): (Vec<_>, Vec<_>) =
            partitions.iter().cloned().partition(|partition| self.is_shared(partition));
        if shared.is_empty() {
            return self.embedded.search(&own, query).await;
        }
        let (found, own) =
            futures_util::future::join(self.shared.search(&shared, query), self.embedded.search(&own, query)).await;
        let own = own?;
        let found = match found {
            Err(error) if own.is_empty() => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "collections in PostgreSQL are not searched");
                Vec::new()
            }
            Ok(found) => found,
        };
        let mut hits = merged(own, found);
        hits.truncate(query.most);
        Ok(hits)
    }
}

/// One order of two. Scores of two engines are of no common scale: what is as far down in its own list counts alike, and of two in the same
/// place the one that more speaks for comes first.
fn merged(own: Vec<Hit>, found: Vec<Hit>) -> Vec<Hit> {
    let ranked = |hits: Vec<Hit>| {
        hits.into_iter().enumerate().map(|(rank, hit)| Hit { score: 1.0 / (1.0 + rank as f32), ..hit })
    };
    let mut hits: Vec<Hit> = ranked(own).chain(ranked(found)).collect();
    let speaks = |hit: &Hit| hit.evidence.words + hit.evidence.cosine.unwrap_or_default();
    hits.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| speaks(other).total_cmp(&speaks(one))));
    hits
}
