//! Opens collections, the index that they are searched in, and reads their folders while the bot runs.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    assistant::collections::{Indexing, Options},
    collections::{CollectionError, Collections, Engine},
    config::{Config, ConfigError},
    index::{Index, PostgresIndex, RoutedIndex, embedded::EmbeddedIndex},
    store,
};

/// The memory of the index, in bytes. What was not searched for longest gives way, and is read again.
const INDEX_MEMORY: u64 = 1 << 30;

/// The collections of the configuration.
pub fn collections(config: &Config) -> anyhow::Result<Collections> {
    let key = store::collections_key(config.data())?;
    Ok(Collections::new(config.collections.clone(), config.data(), key))
}

/// The server in which several bots share collections, if there is one. Nothing is asked of it yet.
pub fn postgres(config: &Config) -> anyhow::Result<Option<Arc<PostgresIndex>>> {
    let opened = config.postgres.as_ref().map(PostgresIndex::open).transpose();
    Ok(opened.map_err(ConfigError::from)?.map(Arc::new))
}

/// The index: in memory, and for what several bots share in `PostgreSQL`.
#[must_use]
pub fn index(config: &Config, shared: Option<Arc<PostgresIndex>>) -> Arc<dyn Index> {
    let embedded = in_memory();
    let Some(shared) = shared else { return embedded };
    let is_shared = config.collections.0.iter().filter(|(_, one)| one.index == Engine::Postgres);
    Arc::new(RoutedIndex::new(embedded, shared, is_shared.map(|(name, _)| name.clone()).collect()))
}

/// An index in memory.
pub(super) fn in_memory() -> Arc<dyn Index> {
    Arc::new(EmbeddedIndex::new(INDEX_MEMORY))
}

/// Reads the folders of collections again, each as often as the configuration says. What cannot be read is logged, and stops nothing.
pub(super) async fn refresh(indexing: Indexing, stop: CancellationToken) {
    let collections = indexing.collections().clone();
    let each = collections.iter().filter(|(_, one)| !one.refresh.is_zero());
    let each = each.map(|(name, one)| refresh_one(&indexing, name, one.refresh.unsigned_abs()));
    tokio::select! {
        _ = futures_util::future::join_all(each) => {}
        () = stop.cancelled() => {}
    }
}

async fn refresh_one(indexing: &Indexing, name: &str, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match indexing.index(name, Options::default(), &mut |_| {}).await {
            // Ops are reading it by hand.
            Ok(_) | Err(CollectionError::InUse) => {}
            Err(error) => tracing::error!(collection = name, %error, "a collection was not read"),
        }
    }
}
