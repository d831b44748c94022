//! Waiting for a disk on threads that may wait, so that rooms do not.

use std::sync::Arc;

use crate::collections::{CollectionError, Kept, Loaded};

/// Runs `work` there.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CollectionError> + Send + 'static,
) -> Result<T, CollectionError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| CollectionError::Files(std::io::Error::other(error)))?
}

/// A document of a collection with its passages.
pub(super) async fn load(kept: &Arc<Kept>, number: u64) -> Result<Option<Loaded>, CollectionError> {
    let kept = Arc::clone(kept);
    blocking(move || kept.document(number)).await
}
