//! Follows the prompts folder while the bot runs.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::compagnon::{FolderError, LibraryWatcher};

/// How often the folder's files are looked at. Their modification times also work on network and overlay file systems, where change
/// notifications do not.
const PERIOD: Duration = Duration::from_secs(2);

/// Rereads changed files until `stop`.
pub(super) async fn follow(watcher: Arc<LibraryWatcher>, stop: CancellationToken) {
    while timeout(PERIOD, stop.cancelled()).await.is_err() {
        let refreshed = tokio::task::block_in_place(|| {
            fail::fail_point!("prompts-hang", |_| super::stall::hang());
            watcher.refresh()
        });
        let Some(problems) = refreshed else { continue };
        log_problems(&problems);
        tracing::info!(problems = problems.len(), "the compagnons were read again");
    }
}

/// Logs the compagnons that cannot be read.
pub(super) fn log_problems(problems: &[FolderError]) {
    for problem in problems {
        tracing::error!(%problem, "a compagnon cannot be read; its last valid version stays in use");
    }
}
