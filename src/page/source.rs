//! Where the page has its figures from.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::statistics::{Day, Statistics};

/// All that a page is made of.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What is counted.
    pub statistics: Statistics,
    /// The day, in the time zone in which the days are counted.
    pub today: Day,
    /// What the compagnons of the library are called, by identifier.
    pub names: BTreeMap<String, String>,
}

/// The figures cannot be read now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the statistics cannot be read: {0}")]
pub struct Unavailable(pub String);

/// What gives the figures.
#[async_trait]
pub trait Source: Send + Sync {
    /// The day. Cheap: it is asked at every request.
    fn today(&self) -> Day;

    /// Everything, now.
    async fn snapshot(&self) -> Result<Snapshot, Unavailable>;
}
