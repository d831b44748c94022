//! `GET /health` and `GET /ready` for container engines.
//!
//! | | `/health` | `/ready` |
//! |---|---|---|
//! | all is well | 200 | 200 |
//! | the engine is degraded or dead | 503 | 503 |
//! | the homeserver has not answered yet, or not for [`MOST_SILENCE`] | 200 | 503 |
//! | the homeserver refuses the account: suspended, locked, a limit of its own | 200 | 503 |
//! | the disk is almost full: questions are refused, the rest goes on | 200 | 503 |
//! | stopping: answers being written are finished | 200 | 503 |
//!
//! A restart helps a bot that is not healthy. One that is healthy and not ready needs time. The body is `ok` or the reason, in one line.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    inference::{ChatModel, Health},
    matrix::AccountHealth,
    store::Store,
};

/// How long the homeserver may be silent. It answers each sync within 30 s; a request may take another 30 s.
pub const MOST_SILENCE: Duration = Duration::from_secs(90);

/// Where health and readiness are served.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port, such as `127.0.0.1:8080`. Without it nothing is served.
    pub listen: Option<SocketAddr>,
}

/// The time of the last sync whose messages were stored.
#[derive(Clone, Debug, Default)]
pub struct LastSync(Arc<Mutex<Option<Instant>>>);

impl LastSync {
    /// Records a sync, just now. Returns whether it was the first.
    pub fn note(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(Instant::now()).is_none()
    }

    fn fresh(&self, now: Instant) -> Result<(), String> {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Err("the homeserver has not answered yet".to_owned()),
            Some(last) if now.saturating_duration_since(last) > MOST_SILENCE => {
                Err(format!("the homeserver has not answered for {} s", now.duration_since(last).as_secs()))
            }
            Some(_) => Ok(()),
        }
    }
}

/// The sources of both endpoints, read at every request.
#[derive(Clone)]
pub struct Status {
    /// The model, whose engine must be alive for the process to be healthy.
    pub model: Arc<dyn ChatModel>,
    /// The store, which must have room for new questions.
    pub store: Store,
    /// Whether messages are being read.
    pub synced: LastSync,
    /// Whether the homeserver accepts requests of the account.
    pub account: AccountHealth,
    /// Cancelled when the program stops.
    pub stop: CancellationToken,
}

impl Status {
    /// Why the process is not healthy.
    pub(crate) fn health(&self) -> Result<(), String> {
        match self.model.health() {
            Health::Ok => Ok(()),
            Health::Degraded(reason) | Health::Dead(reason) => Err(reason),
        }
    }

    /// Why the bot is not ready.
    pub(crate) fn ready(&self) -> Result<(), String> {
        self.health()?;
        if self.stop.is_cancelled() {
            return Err("the bot is stopping".to_owned());
        }
        if let Some(reason) = self.account.trouble() {
            return Err(format!("the homeserver refuses the bot's account: {reason}"));
        }
        self.synced.fresh(Instant::now())?;
        if tokio::task::block_in_place(|| self.store.has_room()) {
            Ok(())
        } else {
            Err("the disk of the data folder is almost full: questions are refused".to_owned())
        }
    }
}

/// Serves until `over` completes.
pub async fn serve(
    listener: TcpListener,
    status: Status,
    over: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/health", get(async |State(status): State<Status>| answer(status.health())))
        .route("/ready", get(async |State(status): State<Status>| answer(status.ready())))
        .with_state(status);
    axum::serve(listener, router).with_graceful_shutdown(over).await
}

fn answer(state: Result<(), String>) -> (StatusCode, String) {
    match state {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason + "\n"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{LastSync, MOST_SILENCE};

    #[test]
    fn silence_is_told_from_news() {
        let (synced, now) = (LastSync::default(), Instant::now());
        assert!(synced.fresh(now).unwrap_err().contains("yet"));
        assert!(synced.note() && !synced.note());
        let last = Instant::now();
        assert!(synced.fresh(now + MOST_SILENCE).is_ok());
        assert!(synced.fresh(last + MOST_SILENCE + Duration::from_secs(1)).unwrap_err().contains("91 s"));
    }
}
