//! Logs and metrics, which never contain the content of messages.
//!
//! The libraries may log bodies and keys at their finer levels, so they are limited to `warn` at every configured level. The finer levels
//! apply only to our own targets, which never log content.

use std::{
    panic::{self, PanicHookInfo},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Deserialize;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Registry,
    filter::Targets,
    layer::SubscriberExt as _,
    reload::{self, Handle},
    util::SubscriberInitExt as _,
};

use crate::metric::{self, Kind, Metric};

/// Changes the level of the running program.
static LEVELS: OnceLock<Handle<Targets, Registry>> = OnceLock::new();

/// Whether the log is JSON.
static JSON: AtomicBool = AtomicBool::new(false);

/// What is logged, and how.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The finest level shown: `error`, `warn`, `info` (default), `debug` or `trace`.
    pub level: Level,
    /// One JSON object per line, for a log collector.
    pub json: bool,
}

/// A log level.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What the operator must act on.
    Error,
    /// What the operator may have to act on.
    Warn,
    /// Normal events.
    #[default]
    Info,
    /// Details.
    Debug,
    /// All details of our own targets.
    Trace,
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}

/// What is recorded for Prometheus.
static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The upper bounds of the steps of durations, in seconds: an engine's step takes milliseconds, an answer up to minutes.
const STEPS: [f64; 18] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0];

/// Records metrics from now on, and gives what they are read by; nothing where something else records them in this process.
pub fn record_metrics() -> Option<PrometheusHandle> {
    let begin = || {
        let handle = PrometheusBuilder::new().set_buckets(&STEPS).ok()?.install_recorder().ok()?;
        for Metric { name, kind, help, .. } in metric::ALL {
            match kind {
                Kind::Counter => metrics::describe_counter!(*name, *help),
                Kind::Gauge => metrics::describe_gauge!(*name, *help),
                Kind::Histogram => metrics::describe_histogram!(*name, *help),
            }
        }
        Some(handle)
    };
    METRICS.get_or_init(begin).clone()
}

/// Starts logging to standard error. A second call changes nothing.
pub fn start(config: &Config) {
    let (targets, handle) = reload::Layer::new(targets(config.level));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(targets);
    let begun = if config.json {
        registry.with(layer.json()).try_init()
    } else {
        registry.with(layer.with_ansi(false)).try_init()
    };
    if begun.is_ok() {
        JSON.store(config.json, Ordering::Relaxed);
        panic::set_hook(Box::new(say_panic));
        let _ = LEVELS.set(handle);
    }
}

/// Changes the level of what is logged from now on.
pub fn set_level(level: Level) {
    if let Some(Err(error)) = LEVELS.get().map(|levels| levels.reload(targets(level))) {
        tracing::warn!(%error, "the level of the log could not be changed");
    }
}

fn targets(level: Level) -> Targets {
    let level = LevelFilter::from(level);
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        // These log whole answers of the homeserver at `error`; our own line has the failure.
        .with_target("matrix_sdk::http_client", LevelFilter::OFF)
        .with_target("matrix_sdk_base::response_processors", LevelFilter::OFF)
        // At the first start they warn about steps of the setup: a device that is not published yet, a backup without a key. If the device
        // is deleted later, the bot ends with its own sentence.
        .with_target("matrix_sdk_crypto::identities::manager", level.min(LevelFilter::ERROR))
        .with_target("matrix_sdk_crypto::backups", level.min(LevelFilter::ERROR))
        .with_target("compagnon", level)
}

/// Logs the program's last sentence if the log is JSON, so that standard error has one format. Returns whether it did.
pub fn last_words(sentence: &str) -> bool {
    let json = JSON.load(Ordering::Relaxed);
    if json {
        tracing::error!("{sentence}");
    }
    json
}

/// Logs the location of a panic. A formatted message is left out, because it may contain content: a failed slice of a text repeats the text.
fn say_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(left out)");
    tracing::error!(place, thread = thread.name().unwrap_or_default(), message, "a part of the program panicked");
}
