//! Connects to the homeserver, however long it is out of reach.

use std::{future::Future, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use tokio_util::sync::CancellationToken;

use crate::matrix::{Session, SessionError};

/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Retries until there is a session, a permanent error, or `stop`, which gives `None`.
pub(super) async fn connect<F: Future<Output = Result<Session, SessionError>>>(
    attempt: impl FnMut() -> F,
    stop: &CancellationToken,
) -> Result<Option<Session>, SessionError> {
    // The jitter, which at most doubles a wait, spreads the bots of one homeserver after its restart.
    let waits = ExponentialBuilder::new().with_max_delay(LONGEST_WAIT / 2).without_max_times().with_jitter();
    let connected = attempt.retry(waits).when(SessionError::is_transient).notify(|error, wait| {
        let said = match error {
            SessionError::Suspended(_) => "the homeserver refuses the account for now",
            _ => "the homeserver is out of reach",
        };
        tracing::warn!(reason = %error, "{said}; trying again in {wait:?}");
    });
    tokio::select! {
        () = stop.cancelled() => Ok(None),
        connected = connected => connected.map(Some),
    }
}
