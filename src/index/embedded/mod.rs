//! The index that is kept in memory, within a bound.
//!
//! Each partition is an index of its own: what is in one has no influence on what is found in another, how it is ordered, or how long that
//! takes. Work is done off the threads that serve rooms.

mod meaning;
mod partition;
mod search;
#[cfg(test)]
mod tests;
mod vectors;
mod words;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
};

use async_trait::async_trait;
use tokio::{sync::Semaphore, task::spawn_blocking};

use self::partition::{PartitionIndex, Prepared};
use super::{Hit, Index, IndexError, IndexedDocument, Query};
use crate::document::Partition;

/// The most searches and additions that are worked on at a time; others wait for their turn.
const AT_A_TIME: usize = 4;

/// An index in memory.
pub struct EmbeddedIndex {
    memory: u64,
    partitions: Arc<Mutex<Partitions>>,
    turns: Semaphore,
}

#[derive(Default)]
struct Partitions {
    held: HashMap<Partition, Held>,
    /// What was dropped and is not known to be gone yet: whoever put it believes that it is there, and goes on with the rest.
    dropped: HashSet<Partition>,
    /// Counts each use of a partition, so that the longest unused is known.
    uses: u64,
}

struct Held {
    index: Arc<RwLock<PartitionIndex>>,
    used: u64,
    bytes: u64,
}

impl EmbeddedIndex {
    /// An empty one, which drops the partitions that were used the longest ago when it would take more memory than this many bytes.
    #[must_use]
    pub fn new(memory: u64) -> Self {
        Self { memory, partitions: Arc::default(), turns: Semaphore::new(AT_A_TIME) }
    }

    /// How many bytes it takes, about.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.lock().held.values().map(|held| held.bytes).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Partitions> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does work that takes long, off the threads that serve rooms.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, IndexError> {
        let _turn = self.turns.acquire().await;
        spawn_blocking(work).await.map_err(|_| IndexError::Unreachable("its work was ended".to_owned()))
    }

    /// Notes what a partition takes, and drops others if it is too much.
    fn account(&self, partition: &Partition, bytes: usize) {
        let mut partitions = self.lock();
        if let Some(held) = partitions.held.get_mut(partition) {
            held.bytes = bytes as u64;
        }
        let dropped = partitions.drop_longest_unused(self.memory, partition);
        drop(partitions);
        // Freed outside of the lock: a large one takes a while.
        drop(dropped);
    }
}

impl Partitions {
    /// The index of a partition, which is in use now.
    fn used(&mut self, partition: &Partition) -> Option<Arc<RwLock<PartitionIndex>>> {
        self.uses += 1;
        let held = self.held.get_mut(partition)?;
        held.used = self.uses;
        Some(held.index.clone())
    }

    /// The index of a partition, made where there is none. `None` for one that was dropped: a part of it would be taken for all of it.
    fn made(&mut self, partition: &Partition) -> Option<Arc<RwLock<PartitionIndex>>> {
        if self.dropped.contains(partition) {
            return None;
        }
        let make = || Held { index: Arc::default(), used: 0, bytes: 0 };
        self.held.entry(partition.clone()).or_insert_with(make);
        self.used(partition)
    }

    /// Takes out what was not used for longest until the others fit. The one that is in use stays, however large it is.
    fn drop_longest_unused(&mut self, memory: u64, in_use: &Partition) -> Vec<Held> {
        let mut dropped = Vec::new();
        while self.held.values().map(|held| held.bytes).sum::<u64>() > memory {
            let others = self.held.iter().filter(|(partition, _)| *partition != in_use);
            let Some(longest) = others.min_by_key(|(_, held)| held.used).map(|(partition, _)| partition.clone()) else {
                break;
            };
            dropped.extend(self.held.remove(&longest));
            self.dropped.insert(longest);
        }
        dropped
    }
}

/// Locks indexes for reading, all of them in one order: two searches and two additions could otherwise wait for one another for ever.
fn read_all(searched: &[(Partition, Arc<RwLock<PartitionIndex>>)]) -> Vec<RwLockReadGuard<'_, PartitionIndex>> {
    let mut order: Vec<_> = searched.iter().map(|(_, index)| index).enumerate().collect();
    order.sort_by_key(|(_, index)| Arc::as_ptr(index));
    let mut guards: Vec<_> = order.into_iter().map(|(place, index)| (place, index.read())).collect();
    guards.sort_by_key(|(place, _)| *place);
    guards.into_iter().map(|(_, guard)| guard.unwrap_or_else(PoisonError::into_inner)).collect()
}

#[async_trait]
impl Index for EmbeddedIndex {
    async fn put(&self, partition: &Partition, document: IndexedDocument) -> Result<(), IndexError> {
        let Some(index) = self.lock().made(partition) else { return Ok(()) };
        let put = move || {
            let prepared = Prepared::new(document);
            let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
            index.put(prepared).map(|()| index.bytes())
        };
        let bytes = self.work(put).await??;
        self.account(partition, bytes);
        Ok(())
    }

    async fn remove(&self, partition: &Partition, document: Option<u64>) -> Result<(), IndexError> {
        let Some(number) = document else {
            let removed = {
                let mut partitions = self.lock();
                partitions.dropped.remove(partition);
                partitions.held.remove(partition)
            };
            return self.work(move || drop(removed)).await;
        };
        let Some(index) = self.lock().used(partition) else { return Ok(()) };
        let remove = move || {
            let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
            index.remove(number);
            index.bytes()
        };
        let bytes = self.work(remove).await?;
        self.account(partition, bytes);
        Ok(())
    }

    async fn holds(&self, partition: &Partition) -> Result<bool, IndexError> {
        // Also a use: what is asked for is about to be searched.
        let mut partitions = self.lock();
        partitions.dropped.remove(partition);
        Ok(partitions.used(partition).is_some())
    }

    async fn search(&self, partitions: &[Partition], query: &Query) -> Result<Vec<Hit>, IndexError> {
        let mut searched: Vec<(Partition, Arc<RwLock<PartitionIndex>>)> = Vec::new();
        {
            let mut held = self.lock();
            for partition in partitions {
                if !searched.iter().any(|(other, _)| other == partition) {
                    searched.extend(held.used(partition).map(|index| (partition.clone(), index)));
                }
            }
        }
        let query = query.clone();
        let find = move || {
            let guards = read_all(&searched);
            let searched: Vec<_> = searched.iter().zip(&guards).map(|((name, _), index)| (name, &**index)).collect();
            search::search(&searched, &query)
        };
        self.work(find).await?
    }
}
