//! Bringing the index to what the store says, and taking out of it what is forgotten.

use super::Documents;
use crate::document::Partition;

impl Documents {
    /// Takes partitions out of the index. What of them the store still has is put there again when it is searched.
    pub async fn forget(&self, partitions: &[Partition]) {
        let mut indexed = self.indexed.lock().await;
        for partition in partitions {
            indexed.remove(partition);
            if let Err(error) = self.index.remove(partition, None).await {
                tracing::warn!(%error, "the index did not remove what is forgotten");
            }
        }
    }
}
