//! Wiring only: builds everything, supervises it, shuts it down in order.

pub mod control;
pub mod folder;
mod late;
mod orders;
pub mod signals;

use std::{
    fs::File,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    assistant::{self, Assistant, prompt, texts},
    compagnon::{Compagnon, Shelf},
    config::{Config, ConfigError},
    http::{self, LastSync, Status},
    inference::{ChatModel, local::LocalModel},
    matrix::{Access, Batch, CatchUp, Condition, MatrixGateway, Session, SessionError, sync_loop, unread},
    setting,
    store::{Retention, Store, StoreError},
};

use signals::Signals;

pub use folder::{InUse, Unfit};

/// How long answers being written may go on after SIGTERM. What follows them takes [`WIND_UP`] at most, and both are within
/// [`signals::STOP_WITHIN`].
const GRACE: Duration = Duration::from_secs(17);

/// How long, after that, the tasks beside the answers may take to end.
const WIND_UP: Duration = Duration::from_secs(2);

/// How often the prompts folder is looked at. By its files' times: that works on network and overlay file systems too, where
/// notifications do not.
const LOOK_AT_PROMPTS_EVERY: Duration = Duration::from_secs(2);

/// How often what is too old is removed.
const PURGE_EVERY: Duration = Duration::from_hours(1);

/// How long answered questions are remembered, so that no homeserver's repetition makes them new: longer than any of them keeps a
/// transaction or a sync token alive.
const REMEMBER_DONE: Duration = Duration::from_hours(90 * 24);

/// The longest wait between two tries at a homeserver that is out of reach at start.
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

/// The task that serves health and readiness.
type Endpoint = JoinHandle<std::io::Result<()>>;

/// The whole bot, ready to run.
pub struct App {
    assistant: Arc<Assistant>,
    store: Store,
    shelf: Arc<Shelf>,
    session: Session,
    access: Access,
    status: Status,
    endpoint: Option<Endpoint>,
    control: Option<JoinHandle<()>>,
    /// Cancelled when all is written down: until then health, readiness and the control socket are served.
    over: CancellationToken,
    config: Config,
    /// Where the configuration was read; `None` for the environment alone.
    file: Option<PathBuf>,
    begun: Instant,
    /// Held until the end: one process per data folder.
    _lock: File,
}

/// The model that the configuration names. Nothing is kept for the next start where the data folder is another account's: the bot
/// could not read it there.
pub fn open_model(config: &Config) -> anyhow::Result<Arc<dyn ChatModel>> {
    let mut model = config.model.clone();
    model.packed_cache &= folder::is_ours(config.data());
    Ok(Arc::new(LocalModel::open(&model, config.data())?))
}

impl App {
    /// Builds everything. Waits for a homeserver that is out of reach; `None` when stopped meanwhile.
    pub async fn build(config: Config, file: Option<&Path>, stop: &CancellationToken) -> anyhow::Result<Option<Self>> {
        let begun = Instant::now();
        let matrix = config.matrix()?.clone();
        let folder = config.data().to_owned();
        let lock = folder::hold(&folder)?;
        let store = Store::open(&folder)?;
        let over = CancellationToken::new();
        let control = control::listen(&folder, &store, over.clone());
        let (shelf, problems) = Shelf::open(config.prompts.as_deref())?;
        for problem in problems {
            tracing::error!(%problem, "a compagnon is left out");
        }
        shelf.library().get(&config.assistant.compagnon)?;
        let model = open_model(&config)?;
        tracing::info!(model = model.name(), "the model is ready");
        fits(&config, &*model, &shelf)?;
        // Before the homeserver is asked: a bot that waits for it is healthy, and must not be restarted for that.
        let (synced, account, stop_too) = (LastSync::default(), Condition::default(), stop.clone());
        let status = Status {
            model: Arc::clone(&model),
            store: store.clone(),
            synced,
            account: account.clone(),
            stop: stop_too,
        };
        let endpoint = serve(&config.http, &status, &over).await?;
        let Some(session) = connect(|| Session::connect(&matrix, &folder), stop).await? else { return Ok(None) };
        let session = session.reporting_to(account);
        if let Some(at) = session.another_bot_until() {
            store.note_another_bot(at)?;
        }
        let access =
            Access::new(&matrix.access, session.user_id().server_name(), texts::refusal(config.assistant.language));
        let gateway = Arc::new(MatrixGateway::new(session.clone()));
        let shelf = Arc::new(shelf);
        let assistant = Assistant::new(assistant::Parts {
            store: store.clone(),
            model,
            gateway,
            shelf: Arc::clone(&shelf),
            config: config.assistant.clone(),
            sampling: config.model.sampling.clone(),
            access: access.clone(),
            externals: matrix.access.externals,
            unverified_commands: matrix.encryption.commands_from_unverified_devices,
        });
        Ok(Some(Self {
            assistant,
            store,
            shelf,
            session,
            access,
            status,
            endpoint,
            control,
            over,
            config,
            file: file.map(Path::to_owned),
            begun,
            _lock: lock,
        }))
    }

    /// Answers until SIGTERM, then drains: no message is read any more, answers being written are finished, the rest waits in the store.
    pub async fn run_until_stopped(self, mut signals: Signals) -> anyhow::Result<()> {
        let stop = signals.stop.clone();
        signals.serving();
        let purge = tokio::spawn(purge(Arc::clone(&self.assistant), keep(&self.config.assistant), stop.clone()));
        let follow = tokio::spawn(follow(Arc::clone(&self.shelf), stop.clone()));
        if !self.session.is_fresh() {
            self.assistant.resume()?;
        }
        let stored = late::Stored::default();
        let (outcome, grace) = tokio::select! {
            outcome = self.read(&stored, &stop) => (outcome, GRACE),
            outcome = late::read(&self.session, &self.store, &self.assistant, &stored, &stop) => (outcome, GRACE),
            reason = self.assistant.broken() => (Err(anyhow::Error::msg(reason)), GRACE),
            reason = self.status.model.hangs() => (Err(anyhow::Error::msg(reason)), GRACE),
            // What is being written is the other's to answer now.
            taken = self.session.taken_over() => (Err(taken.into()), Duration::ZERO),
            never = self.heed(&mut signals) => match never {},
        };
        stop.cancel();
        self.assistant.shut_down(grace).await;
        let wind_up = async {
            self.session.give_back().await;
            purge.await?;
            follow.await?;
            self.over.cancel();
            if let Some(control) = self.control {
                control.await?;
            }
            if let Some(endpoint) = self.endpoint {
                endpoint.await??;
            }
            anyhow::Ok(())
        };
        // A connection that is never closed, a folder on a server that has gone: nothing of that is worth waiting for.
        if let Ok(ended) = timeout(WIND_UP, wind_up).await {
            ended?;
        } else {
            tracing::warn!("what runs beside the answers did not end in time, and is not waited for");
        }
        tracing::info!("stopped");
        outcome
    }

    /// Reads messages until `stop`, or until the homeserver refuses the account.
    async fn read(&self, stored: &late::Stored, stop: &CancellationToken) -> anyhow::Result<()> {
        // A device without state knows no room before its first sync: what waits would be refused as of rooms the bot is not in.
        let mut waits = self.session.is_fresh();
        let accept = move |batch: Batch| {
            let (assistant, synced, stored) = (Arc::clone(&self.assistant), self.status.synced.clone(), stored.clone());
            let resumes = std::mem::take(&mut waits);
            async move {
                let undecrypted = batch.undecrypted.clone();
                if resumes {
                    // Before what is new, which comes after it.
                    assistant.resume()?;
                }
                tokio::task::block_in_place(|| assistant.accept(batch))?;
                stored.note(&undecrypted);
                assistant.expect_keys(unread(&undecrypted));
                if synced.note() {
                    // Rooms that were not known at the start may be known now.
                    stored.note_all();
                    tracing::info!("ready");
                }
                Ok::<_, StoreError>(())
            }
        };
        let max_age = self.config.assistant.max_age.unsigned_abs();
        let catch_up = CatchUp { cursor: self.store.cursor()?, gaps: self.store.gaps()?, max_age };
        Ok(sync_loop(&self.session, &self.access, catch_up, accept, stop.clone()).await?)
    }
}

/// Makes sure that the model can read the compagnons: the usual one must be usable, of the others it is said which are not.
fn fits(config: &Config, model: &dyn ChatModel, shelf: &Shelf) -> anyhow::Result<()> {
    let library = shelf.library();
    let fits =
        |compagnon: &Compagnon| prompt::fits(model, &config.model.sampling, &config.assistant, compagnon).is_ok();
    let too_long: Vec<&str> = library.iter().filter(|one| !fits(one)).map(|one| one.id.as_str()).collect();
    let (usual, context) = (config.assistant.compagnon.as_str(), model.context_length());
    ensure_fits(library.get(usual)?, !too_long.contains(&usual), Some(model))?;
    if !too_long.is_empty() {
        tracing::warn!(
            ?too_long,
            context,
            "some compagnons do not leave room for a question in the model: nobody can choose them"
        );
    }
    Ok(())
}

/// Makes sure that the usual compagnon leaves room for a question.
pub fn ensure_fits(usual: &Compagnon, fits: bool, model: Option<&dyn ChatModel>) -> Result<(), ConfigError> {
    if fits {
        return Ok(());
    }
    let context = model.map_or(0, ChatModel::context_length);
    let reason = format!(
        "the prompt of `{}` does not leave room for a question in the model's {context} tokens; choose a shorter one, or a model with a \
         longer context",
        usual.id
    );
    Err(setting::Refused::new("assistant.compagnon", reason).into())
}

/// Serves health and readiness, if the configuration says where.
async fn serve(config: &http::Config, status: &Status, over: &CancellationToken) -> anyhow::Result<Option<Endpoint>> {
    let Some(address) = config.listen else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        ConfigError::from(setting::Refused::new("http.listen", format!("{address} cannot be used: {error}")))
    })?;
    Ok(Some(tokio::spawn(http::serve(listener, status.clone(), over.clone().cancelled_owned()))))
}

/// Connects, however long the homeserver is out of reach.
async fn connect<F: Future<Output = Result<Session, SessionError>>>(
    mut attempt: impl FnMut() -> F,
    stop: &CancellationToken,
) -> Result<Option<Session>, SessionError> {
    let mut backoff = Duration::from_secs(1);
    loop {
        let reason = tokio::select! {
            () = stop.cancelled() => return Ok(None),
            outcome = attempt() => match outcome {
                Err(SessionError::Unreachable(reason)) => reason,
                other => return other.map(Some),
            },
        };
        tracing::warn!(reason, "the homeserver is out of reach; trying again in {backoff:?}");
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(backoff) => {}
        }
        backoff = (backoff * 2).min(LONGEST_BACKOFF);
    }
}

/// How long the store keeps what.
fn keep(config: &assistant::Config) -> Retention {
    let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let retention = milliseconds(config.retention.unsigned_abs());
    Retention {
        marks: milliseconds(REMEMBER_DONE),
        turns: retention,
        turns_at_most: milliseconds(config.retention_limit.unsigned_abs()),
        audit: milliseconds(config.audit.unsigned_abs()),
        undecrypted: retention,
    }
}

/// Follows the prompts folder: a change is taken up, a broken file named.
async fn follow(shelf: Arc<Shelf>, stop: CancellationToken) {
    while tokio::time::timeout(LOOK_AT_PROMPTS_EVERY, stop.cancelled()).await.is_err() {
        let refreshed = tokio::task::block_in_place(|| {
            fail::fail_point!("prompts-hang", |_| hang());
            shelf.refresh()
        });
        let Some(problems) = refreshed else { continue };
        orders::say_problems(&problems);
        tracing::info!(problems = problems.len(), "the compagnons were read again");
    }
}

/// For the tests: blocks the thread, as a folder on a server that has gone does.
#[allow(dead_code)] // Without the feature of kill points nothing calls it.
fn hang<T>() -> Option<T> {
    tracing::warn!("hanging, as a test has asked");
    std::thread::sleep(Duration::from_mins(10));
    None
}

/// Removes what is too old, at start and then every hour.
async fn purge(assistant: Arc<Assistant>, keep: Retention, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = tokio::task::block_in_place(|| assistant.purge(crate::assistant::now(), &keep)) {
            tracing::error!(%error, "what is too old could not be removed");
        }
        let _ = tokio::time::timeout(PURGE_EVERY, stop.cancelled()).await;
    }
}
