//! The requests that have not ended, known on both sides of the queue: which of them an invalidation of the cache concerns, and who
//! must be told when the engine stops.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::task::Reader;
use crate::inference::{CacheScope, InferenceError};

/// How many invalidations may wait for the engine's thread; beyond, all conversations are invalidated.
pub(super) const MAX_INVALIDATIONS: usize = 1024;

/// The requests between their submission and their end.
#[derive(Default)]
pub(super) struct OpenRequests(Mutex<Requests>);

/// What the lock guards.
#[derive(Default)]
pub(super) struct Requests {
    /// The number of the next request: those submitted before have lower ones.
    pub next: u64,
    /// Requests that are queued, waiting for memory, or running.
    pub open: BTreeMap<u64, OpenRequest>,
    /// How many of them are in the queue.
    pub queued: usize,
    /// Whether a wake-up is in the queue.
    pub woken: bool,
    /// Scopes to remove from the cache, each with the number of the first request that is not concerned any more.
    pub invalidations: BTreeMap<CacheScope, u64>,
}

/// A request that has not ended.
pub(super) struct OpenRequest {
    pub cache_key: u64,
    pub reader: Reader,
}

impl OpenRequests {
    pub(super) fn lock(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all open requests with an error, wherever they are.
    pub(super) fn fail_all(&self, error: impl Fn() -> InferenceError) {
        for request in std::mem::take(&mut self.lock().open).into_values() {
            request.reader.fail(error());
        }
    }
}

impl Requests {
    /// Notes a scope to invalidate for all requests submitted so far.
    pub(super) fn invalidate(&mut self, mut scope: CacheScope) {
        if self.invalidations.len() >= MAX_INVALIDATIONS && !self.invalidations.contains_key(&scope) {
            let all = scope == CacheScope::All || self.invalidations.contains_key(&CacheScope::All);
            scope = if all { CacheScope::All } else { CacheScope::Conversations };
            self.invalidations.clear();
        }
        self.invalidations.insert(scope, self.next);
    }

    /// Whether a request submitted before `number` is open that the scope covers.
    pub(super) fn concerns(&self, scope: CacheScope, number: u64) -> bool {
        self.open.range(..number).any(|(_, request)| scope.covers(request.cache_key))
    }
}
