//! Removes what is older than its retention period, at start and then every hour.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    assistant::{self, Assistant},
    store::Retention,
};

/// How often the store is purged.
const PERIOD: Duration = Duration::from_hours(1);

/// How long the dedup records of answered questions are kept: longer than any homeserver repeats a transaction or accepts an old sync
/// token, so that no question is answered twice.
pub(super) const DEDUP_RETENTION: Duration = Duration::from_hours(90 * 24);

/// Purges until `stop`.
pub(super) async fn run(assistant: Arc<Assistant>, retention: Retention, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = assistant.purge(assistant::now(), &retention).await {
            tracing::error!(%error, "the store could not be purged");
        }
        let _ = timeout(PERIOD, stop.cancelled()).await;
    }
}

/// The retention periods of the configuration.
pub(super) fn retention(config: &assistant::Config) -> Retention {
    let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let turns = milliseconds(config.retention.unsigned_abs());
    Retention {
        dedup: milliseconds(DEDUP_RETENTION),
        turns,
        turns_at_most: milliseconds(config.retention_limit.unsigned_abs()),
        audit: milliseconds(config.audit.unsigned_abs()),
        undecrypted: turns,
        memory: milliseconds(config.memory.unsigned_abs()),
        withdrawable: milliseconds(config.withdrawable.unsigned_abs()),
        compagnons: milliseconds(config.compagnons.unsigned_abs()),
    }
}
