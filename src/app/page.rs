//! The public page at work: its listener, and where its figures are from.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{Timestamp, tz::TimeZone};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    compagnon::LibraryWatcher,
    config::{Config, ConfigError},
    page::{self, Snapshot, Source, Unavailable},
    setting,
    statistics::Day,
    store::Store,
};

/// The store's figures, with the names of the library's compagnons.
struct Figures {
    store: Store,
    watcher: Arc<LibraryWatcher>,
    zone: TimeZone,
}

#[async_trait]
impl Source for Figures {
    fn today(&self) -> Day {
        Timestamp::now().to_zoned(self.zone.clone()).date().into()
    }

    async fn snapshot(&self) -> Result<Snapshot, Unavailable> {
        let counted = self.store.statistics().await;
        let statistics = counted.map_err(|error| Unavailable(error.to_string()))?;
        let library = self.watcher.library();
        let names = library.iter().map(|compagnon| (compagnon.id.clone(), compagnon.title().to_owned()));
        Ok(Snapshot { statistics, today: self.today(), names: names.collect() })
    }
}

/// Serves the public page, if the configuration says where.
pub(super) async fn serve(
    config: &Config,
    store: &Store,
    watcher: &Arc<LibraryWatcher>,
    over: &CancellationToken,
) -> anyhow::Result<Option<JoinHandle<std::io::Result<()>>>> {
    let Some(address) = config.statistics.listen else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        ConfigError::from(setting::Refused::new("statistics.listen", format!("{address} cannot be used: {error}")))
    })?;
    let zone = TimeZone::get(&config.assistant.time_zone).unwrap_or(TimeZone::UTC);
    let figures = Arc::new(Figures { store: store.clone(), watcher: Arc::clone(watcher), zone });
    let over = over.clone().cancelled_owned();
    Ok(Some(tokio::spawn(page::serve(listener, config.statistics.clone(), figures, over))))
}
