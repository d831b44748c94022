//! `GET /health` and `GET /ready` for container engines, and `GET /metrics` for Prometheus: for ops, and nobody else.
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
    future::{Future, IntoFuture as _},
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    inference::{ChatModel, Health},
    matrix::AccountHealth,
    metric::{
        ANSWERS_TO_SEND, DAMAGED, INFO, PEOPLE, QUESTIONS_WAITING, RATE_BUDGET, READY, STORE_BYTES, SYNC_AGE,
        UNDECRYPTED,
    },
    store::{Gauges, Store},
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

    /// How long ago it was; nothing before the first one.
    fn age(&self, now: Instant) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|last| now.saturating_duration_since(last))
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

/// Reads what is left of the homeserver's rate.
pub type RateBudget = Box<dyn Fn() -> f64 + Send + Sync>;

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
    /// How many messages in a row the homeserver would take now: known once the bot talks to it.
    pub rate_budget: Arc<OnceLock<RateBudget>>,
    /// What was recorded for Prometheus; `None` where this process records nothing.
    pub metrics: Option<PrometheusHandle>,
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

/// How often what was recorded is put together where nobody asks for it: it would grow otherwise.
const UPKEEP: Duration = Duration::from_secs(10);

/// Serves until `over` completes.
pub async fn serve(
    listener: TcpListener,
    status: Status,
    over: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let metrics = status.metrics.clone();
    let upkeep = async move {
        let Some(metrics) = metrics else { return std::future::pending().await };
        loop {
            tokio::time::sleep(UPKEEP).await;
            metrics.run_upkeep();
        }
    };
    let router = Router::new()
        .route("/metrics", get(async |State(status): State<Status>| scrape(&status).await))
        .route("/health", get(async |State(status): State<Status>| answer(status.health())))
        .route("/ready", get(async |State(status): State<Status>| answer(status.ready())))
        .with_state(status);
    let served = axum::serve(listener, router).with_graceful_shutdown(over).into_future();
    tokio::select! {
        served = served => served,
        () = upkeep => Ok(()),
    }
}

/// What Prometheus reads: what was recorded, and what is asked for now.
async fn scrape(status: &Status) -> Response {
    let Some(metrics) = &status.metrics else {
        return (StatusCode::NOT_FOUND, "no metrics are recorded\n").into_response();
    };
    if let Some(left) = status.rate_budget.get() {
        gauge!(RATE_BUDGET).set(left());
    }
    let model = status.model.name().to_owned();
    gauge!(INFO, "version" => env!("CARGO_PKG_VERSION"), "model" => model).set(1.0);
    gauge!(READY).set(if status.ready().is_ok() { 1.0 } else { 0.0 });
    if let Some(age) = status.synced.age(Instant::now()) {
        gauge!(SYNC_AGE).set(age.as_secs_f64());
    }
    // A store that does not answer leaves the figures of the time before; that it does not is in `READY`.
    if let Ok(Gauges { questions, answers, undecrypted, damaged, bytes, people }) = status.store.gauges().await {
        for (name, count) in [
            (QUESTIONS_WAITING, questions),
            (ANSWERS_TO_SEND, answers),
            (UNDECRYPTED, undecrypted),
            (DAMAGED, damaged),
            (STORE_BYTES, bytes),
            (PEOPLE, people),
        ] {
            gauge!(name).set(count as f64);
        }
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()).into_response()
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
