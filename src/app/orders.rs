//! What SIGHUP and SIGUSR1 ask of the running bot: to take up a changed configuration, and to say how things stand.

use std::convert::Infallible;

use super::{
    App,
    signals::{Order, Signals},
};
use crate::{compagnon::FolderError, config::Config, telemetry};

impl App {
    /// Carries out what comes, for as long as the bot answers.
    pub(super) async fn heed(&self, signals: &mut Signals) -> Infallible {
        loop {
            match signals.order().await {
                Order::Reload => tokio::task::block_in_place(|| self.reload()),
                Order::Report => self.report().await,
            }
        }
    }

    /// Takes up what can change while the bot runs, and names what cannot.
    fn reload(&self) {
        let fresh = match Config::load(self.file.as_deref()) {
            Ok(fresh) => fresh,
            Err(error) => {
                return tracing::error!(%error, "SIGHUP: the configuration is refused, and nothing was changed");
            }
        };
        telemetry::set_level(fresh.log.level);
        say_problems(&self.shelf.reload());
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

    /// Says in one line of the log what an operator asks first.
    async fn report(&self) {
        fail::fail_point!("report-hangs", |_| {
            super::hang::<()>();
        });
        let (health, ready) = (self.status.health().await, self.status.ready().await);
        let state = |state: Result<(), String>| state.err().unwrap_or_else(|| "ok".to_owned());
        let (questions, deliveries, undecrypted) = tokio::task::block_in_place(|| {
            let store = &self.store;
            (
                store.queued().map_or(0, |queued| queued.len()),
                store.undelivered().map_or(0, |deliveries| deliveries.len()),
                store.undecrypted().map_or(0, |events| events.len()),
            )
        });
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            up_seconds = self.begun.elapsed().as_secs(),
            user_id = %self.session.user_id(),
            device_id = %self.session.device_id(),
            health = state(health),
            ready = state(ready),
            model = self.status.model.name(),
            compagnons = self.shelf.library().iter().count(),
            questions_waiting = questions,
            answers_to_send = deliveries,
            undecrypted,
            "SIGUSR1: the state of the bot"
        );
    }
}

/// Says which compagnons cannot be read.
pub(super) fn say_problems(problems: &[FolderError]) {
    for problem in problems {
        tracing::error!(%problem, "a compagnon cannot be read; the last good one goes on");
    }
}

/// The sections that differ in what only a start reads. Their debug output is compared: it is there for every section, and a secret is
/// redacted in it; one given in the file itself is read at each start anyway.
fn needs_restart(running: &Config, fresh: &Config) -> Vec<&'static str> {
    let differ = |one: &dyn std::fmt::Debug, other: &dyn std::fmt::Debug| format!("{one:?}") != format!("{other:?}");
    let sections = [
        ("data", differ(&running.data, &fresh.data)),
        ("prompts", differ(&running.prompts, &fresh.prompts)),
        ("matrix", differ(&running.matrix, &fresh.matrix)),
        ("model", differ(&running.model, &fresh.model)),
        ("assistant", differ(&running.assistant, &fresh.assistant)),
        ("http", differ(&running.http, &fresh.http)),
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
