//! The index that is kept in memory.

use std::{collections::HashMap, sync::Mutex};

use async_trait::async_trait;

use super::{Evidence, Hit, Index, IndexError, IndexedDocument, Query};
use crate::document::Partition;

/// An index in memory, within a bound.
pub struct EmbeddedIndex {
    memory: u64,
    partitions: Mutex<HashMap<Partition, Vec<IndexedDocument>>>,
}

impl EmbeddedIndex {
    /// An empty one, which drops the partitions that were not searched for longest when it would use more memory than this many bytes.
    #[must_use]
    pub fn new(memory: u64) -> Self {
        Self { memory, partitions: Mutex::default() }
    }

    /// The most bytes that it uses.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.memory
    }
}

#[async_trait]
impl Index for EmbeddedIndex {
    async fn put(&self, partition: &Partition, document: IndexedDocument) -> Result<(), IndexError> {
        let mut partitions = self.partitions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let documents = partitions.entry(partition.clone()).or_default();
        documents.retain(|other| other.number != document.number);
        documents.push(document);
        Ok(())
    }

    async fn remove(&self, partition: &Partition, document: Option<u64>) -> Result<(), IndexError> {
        let mut partitions = self.partitions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (partitions.get_mut(partition), document) {
            (Some(documents), Some(number)) => documents.retain(|other| other.number != number),
            (Some(_), None) => drop(partitions.remove(partition)),
            (None, _) => {}
        }
        Ok(())
    }

    async fn holds(&self, partition: &Partition) -> Result<bool, IndexError> {
        let partitions = self.partitions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(partitions.contains_key(partition))
    }

    async fn search(&self, partitions: &[Partition], query: &Query) -> Result<Vec<Hit>, IndexError> {
        let all = self.partitions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let words: Vec<String> = query.text.split_whitespace().map(str::to_lowercase).collect();
        let mut hits = Vec::new();
        for (partition, document) in partitions
            .iter()
            .filter_map(|name| all.get(name).map(|found| (name, found)))
            .flat_map(|(name, found)| found.iter().map(move |document| (name, document)))
        {
            for passage in document.passages.iter() {
                let text = passage.text.to_lowercase();
                let found = words.iter().filter(|word| text.contains(word.as_str())).count();
                let share = found as f32 / words.len().max(1) as f32;
                hits.push(Hit {
                    partition: partition.clone(),
                    document: document.number,
                    title: document.title.clone(),
                    passage: passage.clone(),
                    score: share,
                    evidence: Evidence { cosine: None, words: share },
                });
            }
        }
        hits.sort_by(|one, other| other.score.total_cmp(&one.score));
        hits.truncate(query.most);
        Ok(hits)
    }
}
