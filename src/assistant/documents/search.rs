//! From a question to the passages that answer it, perhaps.

use super::Documents;
use crate::document::{Partition, Source};

impl Documents {
    /// The passages of these partitions that answer a question best.
    #[allow(clippy::unused_async)] // The search is to come.
    pub async fn search(&self, _: &[Partition]) -> Vec<Source> {
        Vec::new()
    }
}
