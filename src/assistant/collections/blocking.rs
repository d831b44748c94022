//! Waiting for a disk on threads that may wait, so that rooms do not.

use crate::collections::CollectionError;

/// Runs `work` there.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CollectionError> + Send + 'static,
) -> Result<T, CollectionError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| CollectionError::Files(std::io::Error::other(error)))?
}
