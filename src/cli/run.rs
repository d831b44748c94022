//! `compagnon run`: the bot itself.

use std::{path::Path, time::Duration};

use tokio::runtime::Runtime;

use crate::{
    app::{App, signals::Signals},
    config::Config,
    telemetry,
};

/// How long blocked threads are waited for after the bot has ended.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// Runs until SIGTERM or SIGINT, then drains; a second signal does not wait. `file` is where the configuration was read, for SIGHUP.
pub(super) fn run(config: Config, file: Option<&Path>) -> anyhow::Result<()> {
    telemetry::start(&config.log);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    super::descriptors::raise();
    let signals = Signals::listen()?;
    let runtime = Runtime::new()?;
    let outcome = runtime.block_on(async {
        match App::build(config, file, &signals.stop).await? {
            Some(app) => Box::pin(app.run_until_stopped(signals)).await,
            // Stopped before the homeserver could be reached.
            None => Ok(()),
        }
    });
    runtime.shutdown_timeout(LAST_WAIT);
    outcome
}
