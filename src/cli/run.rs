//! `compagnon run`: the bot itself.

use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{app::App, config::Config, telemetry};

/// Runs until SIGTERM or SIGINT, then drains; a second signal does not wait.
pub(super) fn run(config: Config) -> anyhow::Result<()> {
    telemetry::start(&config.log);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    super::descriptors::raise();
    Runtime::new()?.block_on(async {
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if stopping.is_cancelled() {
                    std::process::exit(1);
                }
                tracing::info!("stopping: answers being written are finished first");
                stopping.cancel();
            }
        });
        match App::build(config, &stop).await? {
            Some(app) => app.run_until_stopped(stop).await,
            // Stopped while the homeserver was still out of reach.
            None => Ok(()),
        }
    })
}
