//! The application: builds the bot from its configuration, supervises its parts and shuts them down in order.

mod collections;
mod connect;
pub mod control;
mod documents;
pub mod folder;
mod model;
mod orders;
mod page;
pub mod privacy;
#[cfg(test)]
mod privacy_tests;
mod prompts;
mod purge;
mod redecryption;
pub mod signals;
mod stall;

use std::{
    fs::File,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    assistant::{self, Assistant, collections::Indexing, texts},
    compagnon::LibraryWatcher,
    config::{Config, ConfigError},
    http::{self, LastSync, Status},
    matrix::{Access, AccountHealth, Batch, CatchUp, MatrixGateway, Session, sync_loop, utd_messages},
    services::Services,
    setting,
    store::{Retention, Store, StoreError},
    telemetry,
};

use self::{connect::connect, model::check_prompts, orders::Orders, signals::Signals};

pub use collections::{collections, index, postgres};
pub use documents::open_local;
pub use folder::{InUse, Unfit};
pub use model::{Encoders, ensure_fits, open_encoders, open_entities, open_model, processors};

/// How long active generations may continue after SIGTERM. The rest takes at most [`WIND_UP`], and both together less than
/// [`signals::STOP_WITHIN`].
const GRACE: Duration = Duration::from_secs(17);

/// How long, after that, the other tasks may take to end.
const WIND_UP: Duration = Duration::from_secs(2);

/// A task that serves HTTP.
type Endpoint = JoinHandle<std::io::Result<()>>;

/// The whole bot, ready to run.
pub struct App {
    assistant: Arc<Assistant>,
    store: Store,
    watcher: Arc<LibraryWatcher>,
    session: Session,
    access: Access,
    status: Status,
    orders: Orders,
    retention: Retention,
    /// What reads the folders of collections.
    indexing: Indexing,
    /// The age from which a message is not answered any more.
    max_age: Duration,
    endpoint: Option<Endpoint>,
    /// The public page.
    page: Option<Endpoint>,
    control: Option<JoinHandle<()>>,
    /// Cancelled when everything is stored: until then health, readiness and the control socket are served.
    over: CancellationToken,
    /// Held until the end: one process per data folder.
    _lock: File,
}

impl App {
    /// Builds the bot. Waits for an unreachable homeserver; `None` when stopped meanwhile.
    pub async fn build(config: Config, file: Option<&Path>, stop: &CancellationToken) -> anyhow::Result<Option<Self>> {
        let begun = Instant::now();
        let matrix = config.matrix()?.clone();
        let folder = config.data().to_owned();
        let lock = folder::hold(&folder)?;
        let store = Store::open(&folder)?;
        let over = CancellationToken::new();
        let control = control::listen(&folder, &store, over.clone());
        let (watcher, problems) = LibraryWatcher::open(config.prompts.as_deref())?;
        for problem in problems {
            tracing::error!(%problem, "a compagnon is left out");
        }
        let watcher = Arc::new(watcher);
        // Before the model is opened, which takes seconds.
        watcher.library().get(&config.assistant.compagnon)?;
        // Before anything records.
        let metrics = config.http.listen.and_then(|_| telemetry::record_metrics());
        let processors = model::processors(&config)?;
        let model = open_model(&config, &processors)?;
        tracing::info!(model = model.name(), "the model is ready");
        check_prompts(&config, &*model, &watcher.library())?;
        let encoders = open_encoders(&config, &processors)?;
        let (documents, indexing) = documents::open(&config, &encoders)?;
        // What a file of the configuration says is checked before anybody is waited for.
        let services = Arc::new(Services::open(&config.services).map_err(ConfigError::from)?);
        let account = AccountHealth::default();
        let status = Status {
            model: Arc::clone(&model),
            store: store.clone(),
            synced: LastSync::default(),
            account: account.clone(),
            stop: stop.clone(),
            rate_budget: Arc::default(),
            metrics,
        };
        // Before connecting: a bot that waits for its homeserver is healthy, and must not be restarted.
        let endpoint = serve(&config.http, &status, &over).await?;
        let page = page::serve(&config, &store, &watcher, &over).await?;
        let Some(session) = connect(|| Session::connect(&matrix, &folder, &account), stop).await? else {
            return Ok(None);
        };
        if let Some(at) = session.another_bot_until() {
            store.note_another_bot(at).await?;
        }
        let access =
            Access::new(&matrix.access, session.user_id().server_name(), texts::refusal(config.assistant.language));
        let gateway =
            Arc::new(MatrixGateway::new(session.clone(), matrix.tables).behind_scanner(config.documents.scanner_url()));
        let mut privacy = privacy::facts(&config);
        privacy.models.name = Some(model.name().to_owned());
        privacy.models.remote = model.is_remote();
        let assistant = Assistant::new(assistant::Parts {
            store: store.clone(),
            model,
            entities: encoders.entities,
            gateway,
            services,
            documents,
            library: Arc::clone(&watcher),
            config: config.assistant.clone(),
            co2_grams_per_kwh: config.statistics.co2_grams_per_kwh,
            sampling: config.model.sampling.clone(),
            privacy,
            access: access.clone(),
            externals: matrix.access.externals,
            unverified_commands: matrix.encryption.commands_from_unverified_devices,
        });
        // Nothing is set before: this is the only place.
        let _ = status.rate_budget.set(Box::new(assistant.rate_budget()));
        Ok(Some(Self {
            assistant,
            indexing,
            retention: purge::retention(&config.assistant),
            max_age: config.assistant.max_age.unsigned_abs(),
            orders: Orders {
                config,
                file: file.map(Path::to_owned),
                watcher: Arc::clone(&watcher),
                store: store.clone(),
                session: session.clone(),
                status: status.clone(),
                begun,
            },
            store,
            watcher,
            session,
            access,
            status,
            endpoint,
            page,
            control,
            over,
            _lock: lock,
        }))
    }

    /// Answers until SIGTERM, then drains: stops syncing, finishes active answers, and leaves the rest in the store.
    pub async fn run_until_stopped(self, mut signals: Signals) -> anyhow::Result<()> {
        let stop = signals.stop.clone();
        signals.serving();
        let purge = tokio::spawn(purge::run(Arc::clone(&self.assistant), self.retention, stop.clone()));
        let follow = tokio::spawn(prompts::follow(Arc::clone(&self.watcher), stop.clone()));
        let refresh = tokio::spawn(collections::refresh(self.indexing.clone(), stop.clone()));
        if !self.session.is_fresh() {
            self.assistant.resume().await?;
        }
        let stored = redecryption::StoredUtds::default();
        let (outcome, grace) = tokio::select! {
            outcome = self.read(&stored, &stop) => (outcome, GRACE),
            outcome = redecryption::run(&self.session, &self.store, &self.assistant, &stored, &stop) => (outcome, GRACE),
            reason = self.assistant.broken() => (Err(anyhow::Error::msg(reason)), GRACE),
            reason = self.status.model.dead() => (Err(anyhow::Error::msg(reason)), GRACE),
            // The other bot answers the active questions.
            taken = self.session.taken_over() => (Err(taken.into()), Duration::ZERO),
            never = self.orders.carry_out(&mut signals) => match never {},
        };
        stop.cancel();
        self.assistant.shut_down(grace).await;
        let wind_up = async {
            self.session.give_back().await;
            purge.await?;
            follow.await?;
            refresh.await?;
            self.over.cancel();
            // Nothing is lost with a reader's connection, which may last.
            if let Some(page) = self.page {
                page.abort();
            }
            if let Some(control) = self.control {
                control.await?;
            }
            if let Some(endpoint) = self.endpoint {
                endpoint.await??;
            }
            anyhow::Ok(())
        };
        // Limited, because a connection may never close and a file server may hang.
        if let Ok(ended) = timeout(WIND_UP, wind_up).await {
            ended?;
        } else {
            tracing::warn!("some tasks did not end in time, and are not waited for");
        }
        tracing::info!("stopped");
        outcome
    }

    /// Reads messages until `stop`, or until the homeserver refuses the account.
    async fn read(&self, stored: &redecryption::StoredUtds, stop: &CancellationToken) -> anyhow::Result<()> {
        // A device without state knows no room before its first sync, so waiting questions would be refused.
        let mut waits = self.session.is_fresh();
        let accept = move |batch: Batch| {
            let (assistant, synced, stored) = (Arc::clone(&self.assistant), self.status.synced.clone(), stored.clone());
            let resumes = std::mem::take(&mut waits);
            async move {
                let undecrypted = batch.undecrypted.clone();
                if resumes {
                    // Before the new messages, to keep the order.
                    assistant.resume().await?;
                }
                assistant.accept(batch).await?;
                stored.note(&undecrypted);
                assistant.expect_keys(utd_messages(&undecrypted));
                if synced.note() {
                    // Rooms that were unknown at the start may be known now.
                    stored.note_all();
                    tracing::info!("ready");
                }
                Ok::<_, StoreError>(())
            }
        };
        let catch_up =
            CatchUp { cursor: self.store.cursor().await?, gaps: self.store.gaps().await?, max_age: self.max_age };
        Ok(sync_loop(&self.session, &self.access, catch_up, accept, stop.clone()).await?)
    }
}

/// Serves health and readiness, if the configuration says where.
async fn serve(config: &http::Config, status: &Status, over: &CancellationToken) -> anyhow::Result<Option<Endpoint>> {
    let Some(address) = config.listen else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        ConfigError::from(setting::Refused::new("http.listen", format!("{address} cannot be used: {error}")))
    })?;
    Ok(Some(tokio::spawn(http::serve(listener, status.clone(), over.clone().cancelled_owned()))))
}
