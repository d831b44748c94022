//! The store as it is at one moment, read in slices while others go on writing.
//!
//! sled gives no view of a past moment. So while a snapshot is read, a batch that writes over a record which it has not come to keeps the
//! record as it was for it. What is kept is as much as was written meanwhile, and goes with the snapshot.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use sled::{Batch, IVec};

use super::database::Database;
use super::error::StoreError;
use super::state::{SnapshotToken, SnapshotWalk};

/// How many records are read before others get their turn.
const SLICE: usize = if cfg!(test) { 100 } else { 1000 };

/// Bytes of records after which they get it, too: those of documents are large.
pub(super) const SLICE_BYTES: usize = 4 << 20;

impl Database {
    /// Begins a snapshot of this moment.
    pub(super) fn begin_snapshot(&self) -> SnapshotToken {
        let token = Arc::new(());
        let walk = SnapshotWalk { reader: Arc::downgrade(&token), next: Vec::new(), kept: BTreeMap::new() };
        self.snapshots.borrow_mut().push(walk);
        token
    }

    /// The next records of a snapshot, in the order of their keys; none at its end.
    pub(super) fn snapshot_slice(&self, token: &SnapshotToken) -> Result<Vec<(IVec, IVec)>, StoreError> {
        let mut snapshots = self.snapshots.borrow_mut();
        let Some(walk) = snapshots.iter_mut().find(|walk| walk.is_of(token)) else { return Ok(Vec::new()) };
        loop {
            let mut slice: BTreeMap<IVec, IVec> = BTreeMap::new();
            let (mut end, mut bytes) = (None, 0);
            for (count, record) in self.db.range(walk.next.as_slice()..).enumerate() {
                let (key, value) = record?;
                if count == SLICE || bytes >= SLICE_BYTES {
                    end = Some(key);
                    break;
                }
                bytes += key.len() + value.len();
                slice.insert(key, value);
            }
            self.touch(slice.len());
            let upper = end.clone().map_or(Bound::Unbounded, Bound::Excluded);
            let kept: Vec<IVec> = walk.kept.range((Bound::Unbounded, upper)).map(|(key, _)| key.clone()).collect();
            for key in kept {
                match walk.kept.remove(&key).flatten() {
                    Some(value) => slice.insert(key, value),
                    None => slice.remove(&key),
                };
            }
            let Some(end) = end else {
                snapshots.retain(|walk| !walk.is_of(token));
                return Ok(slice.into_iter().collect());
            };
            walk.next = end.to_vec();
            // All of it may have been written since: an empty slice would be taken for the end.
            if !slice.is_empty() {
                return Ok(slice.into_iter().collect());
            }
        }
    }

    /// Writes to sled, all or none. Snapshots keep what they have not read.
    pub(super) fn apply_batch(&self, writes: BTreeMap<IVec, Option<IVec>>) -> Result<(), StoreError> {
        let mut snapshots = self.snapshots.borrow_mut();
        snapshots.retain(|walk| walk.reader.strong_count() > 0);
        for walk in snapshots.iter_mut() {
            for key in writes.keys().filter(|key| key.as_ref() >= walk.next.as_slice()) {
                if !walk.kept.contains_key(key) {
                    walk.kept.insert(key.clone(), self.db.get(key)?);
                }
            }
        }
        let mut batch = Batch::default();
        for (key, written) in writes {
            match written {
                Some(sealed) => batch.insert(key, sealed),
                None => batch.remove(key),
            }
        }
        Ok(self.db.apply_batch(batch)?)
    }
}
