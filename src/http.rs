//! `GET /health` and `GET /ready`: what a container engine asks.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::inference::ChatModel;

/// Where health and readiness are served.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port, such as `127.0.0.1:8080`. Without it nothing is served.
    pub listen: Option<SocketAddr>,
}

/// What the two endpoints report, read at every request so that they tell the truth of that moment.
#[derive(Clone)]
pub struct Status {
    /// The model, whose engine must be alive for the process to be healthy.
    pub model: Arc<dyn ChatModel>,
    /// Whether the homeserver answered the latest sync, so that messages are being read.
    pub synced: Arc<AtomicBool>,
}

impl Status {
    async fn health(&self) -> Result<(), String> {
        self.model.health().await.map_err(|error| error.to_string())
    }

    async fn ready(&self) -> Result<(), String> {
        self.health().await?;
        if self.synced.load(Ordering::Relaxed) { Ok(()) } else { Err("the homeserver has not answered yet".to_owned()) }
    }
}

/// Serves until `stop` completes.
pub async fn serve(
    listener: TcpListener,
    status: Status,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/health", get(async |State(status): State<Status>| answer(status.health().await)))
        .route("/ready", get(async |State(status): State<Status>| answer(status.ready().await)))
        .with_state(status);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

fn answer(state: Result<(), String>) -> (StatusCode, String) {
    match state {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason + "\n"),
    }
}
