//! The site as it was drawn last. Drawn once a week, when another week is over, and tried once a minute at most while that fails.
//!
//! Between two weeks nothing changes, on purpose: ratings are changed and withdrawn later, and whoever compares the page of two days would see each.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Mutex, task::spawn_blocking};

use super::{config::Config, site::Site, source::Source};
use crate::statistics::published::last_week;

/// The least time between two drawings.
pub(super) const PAUSE: Duration = Duration::from_mins(1);

/// The site and when it was tried last.
pub(super) struct Cache {
    config: Arc<Config>,
    source: Arc<dyn Source>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    site: Option<Arc<Site>>,
    tried: Option<Instant>,
}

impl Cache {
    pub(super) fn new(config: Arc<Config>, source: Arc<dyn Source>) -> Self {
        Self { config, source, state: Mutex::default() }
    }

    /// The site; that of the week before where the next one cannot be drawn, and nothing before the first one could.
    pub(super) async fn site(&self, now: Instant) -> Option<Arc<Site>> {
        let mut state = self.state.lock().await;
        let current = state.site.as_ref().is_some_and(|site| site.last == last_week(self.source.today()));
        let soon = state.tried.is_some_and(|tried| now.saturating_duration_since(tried) < PAUSE);
        if !current && !soon {
            state.tried = Some(now);
            match self.draw().await {
                Ok(site) => state.site = Some(Arc::new(site)),
                Err(error) => tracing::error!(error, "the public page is not drawn"),
            }
        }
        state.site.clone()
    }

    async fn draw(&self) -> Result<Site, String> {
        let snapshot = self.source.snapshot().await.map_err(|error| error.to_string())?;
        let config = Arc::clone(&self.config);
        let begun = Instant::now();
        let drawn = spawn_blocking(move || Site::draw(&config, &snapshot)).await;
        let site = drawn.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        tracing::debug!(millis = begun.elapsed().as_millis(), "the public page is drawn");
        Ok(site)
    }
}
