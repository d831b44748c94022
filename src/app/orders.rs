//! What SIGHUP and SIGUSR1 ask of the running bot: to apply a changed configuration, and to log its state.

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Instant};

use super::{
    prompts,
    signals::{Order, Signals},
};
use crate::{compagnon::LibraryWatcher, config::Config, http::Status, matrix::Session, store::Store, telemetry};

/// The parts of the bot that orders change or report on.
pub(super) struct Orders {
    pub(super) config: Config,
    /// Where the configuration was read; `None` for the environment alone.
    pub(super) file: Option<PathBuf>,
    pub(super) watcher: Arc<LibraryWatcher>,
    pub(super) store: Store,
    pub(super) session: Session,
    pub(super) status: Status,
    pub(super) begun: Instant,
}

impl Orders {
    /// Carries out each order, for as long as the bot answers.
    pub(super) async fn carry_out(&self, signals: &mut Signals) -> Infallible {
        loop {
            match signals.order().await {
                Order::Reload => tokio::task::block_in_place(|| self.reload()),
                Order::Report => self.report().await,
            }
        }
    }

    /// Applies what can change while the bot runs, and names the sections that cannot.
    fn reload(&self) {
        let fresh = match Config::load(self.file.as_deref()) {
            Ok(fresh) => fresh,
            Err(error) => {
                return tracing::error!(%error, "SIGHUP: the configuration is refused, and nothing was changed");
            }
        };
        telemetry::set_level(fresh.log.level);
        prompts::log_problems(&self.watcher.reload());
        let waiting = needs_restart(&self.config, &fresh);
        if waiting.is_empty() {
            tracing::info!(level = ?fresh.log.level, "SIGHUP: the log's level and the compagnons were taken up");
        } else {
            tracing::warn!(
                level = ?fresh.log.level,
                restart_for = waiting.join(", "),
                "SIGHUP: the log's level and the compagnons were taken up; these sections have changed, and a restart takes them up"
            );
        }
    }

    /// Logs in one line what an operator asks first.
    async fn report(&self) {
        fail::fail_point!("report-hangs", |_| {
            super::stall::hang::<()>();
        });
        let (health, ready) = (self.status.health(), self.status.ready());
        let state = |state: Result<(), String>| state.err().unwrap_or_else(|| "ok".to_owned());
        let questions = self.store.queued().await.map_or(0, |queued| queued.len());
        let deliveries = self.store.undelivered().await.map_or(0, |deliveries| deliveries.len());
        let undecrypted = self.store.undecrypted().await.map_or(0, |events| events.len());
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            up_seconds = self.begun.elapsed().as_secs(),
            user_id = %self.session.user_id(),
            device_id = %self.session.device_id(),
            health = state(health),
            ready = state(ready),
            model = self.status.model.name(),
            compagnons = self.watcher.library().iter().count(),
            questions_waiting = questions,
            answers_to_send = deliveries,
            undecrypted,
            "SIGUSR1: the state of the bot"
        );
    }
}

/// The changed sections that need a restart. Their debug output is compared, because every section has one. It redacts secrets, whose change
/// takes effect at the next start anyway.
fn needs_restart(running: &Config, fresh: &Config) -> Vec<&'static str> {
    let differ = |one: &dyn std::fmt::Debug, other: &dyn std::fmt::Debug| format!("{one:?}") != format!("{other:?}");
    let sections = [
        ("data", differ(&running.data, &fresh.data)),
        ("prompts", differ(&running.prompts, &fresh.prompts)),
        ("matrix", differ(&running.matrix, &fresh.matrix)),
        ("model", differ(&running.model, &fresh.model)),
        ("assistant", differ(&running.assistant, &fresh.assistant)),
        ("http", differ(&running.http, &fresh.http)),
        ("statistics", differ(&running.statistics, &fresh.statistics)),
        ("log.json", running.log.json != fresh.log.json),
    ];
    sections.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::needs_restart;
    use crate::config::Config;

    #[test]
    fn what_a_restart_would_change_is_named() {
        let config = |text: &str| Config::parse(text, Vec::new()).unwrap();
        let running = config("log: {level: info}\nassistant: {compagnon: temoin}\n");
        assert!(needs_restart(&running, &config("log: {level: debug}\nassistant: {compagnon: temoin}\n")).is_empty());
        let fresh = config("log: {json: true}\nassistant: {compagnon: generaliste}\nmodel: {context: 2048}\n");
        assert_eq!(needs_restart(&running, &fresh), ["model", "assistant", "log.json"]);
    }
}
