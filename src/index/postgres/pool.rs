//! Connections to the server: a few, made when they are needed, each with the settings that its statements rely on.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};
use tokio_postgres::{Client, NoTls, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::Config;
use crate::{
    index::{IndexError, fusion::COMPARED},
    setting,
};

/// The wait after the first connection that failed; it doubles. Until it is over, searches fail at once.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How many passages the index of vectors looks at: as many as are compared.
const EF_SEARCH: usize = COMPARED;
/// How much longer a change of a collection may take than a search: all of its passages are in one statement.
const CHANGES: u32 = 60;
/// How long a connection says nothing before it is asked whether the server is still there.
const SILENCE: Duration = Duration::from_secs(30);

/// The connections.
pub(super) struct Pool {
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
    timeout: Duration,
    places: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<Client>,
    failures: u32,
    /// When a connection may be tried again.
    again_at: Option<Instant>,
}

/// A connection. It is used again where it is given back: on one that is dropped, something may still be going on.
pub(super) struct Lent<'a> {
    client: Option<Client>,
    pool: &'a Pool,
    _place: SemaphorePermit<'a>,
}

impl std::ops::Deref for Lent<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        // It is there until it is dropped.
        self.client.as_ref().unwrap_or_else(|| unreachable!())
    }
}

impl Lent<'_> {
    pub(super) fn client(&mut self) -> &mut Client {
        self.client.as_mut().unwrap_or_else(|| unreachable!())
    }
}

impl Lent<'_> {
    /// What was begun on it has ended.
    pub(super) fn give_back(mut self) {
        if let Some(client) = self.client.take().filter(|client| !client.is_closed()) {
            self.pool.state().idle.push(client);
        }
    }
}

impl Pool {
    pub(super) fn new(config: &Config, database: tokio_postgres::Config, tls: Option<MakeRustlsConnect>) -> Self {
        Self {
            config: database,
            tls,
            timeout: config.timeout.unsigned_abs(),
            places: Semaphore::new(config.connections),
            state: Mutex::default(),
        }
    }

    /// How long a whole search may take.
    pub(super) fn limit(&self) -> Duration {
        self.timeout
    }

    /// How long a change of a whole collection may take.
    pub(super) fn limit_of_changes(&self) -> Duration {
        self.timeout * CHANGES
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection, within the time limit.
    pub(super) async fn get(&self) -> Result<Lent<'_>, IndexError> {
        let late = || IndexError::Unreachable(format!("no connection within {} s", self.timeout.as_secs()));
        let place = timeout(self.timeout, self.places.acquire()).await.map_err(|_| late())?;
        let place = place.map_err(|_| IndexError::Unreachable("closed".to_owned()))?;
        let idle = {
            let mut state = self.state();
            state.idle.retain(|client| !client.is_closed());
            state.idle.pop()
        };
        let client = if let Some(client) = idle {
            client
        } else {
            if self.state().again_at.is_some_and(|at| Instant::now() < at) {
                return Err(IndexError::Unreachable("the server was not reached a moment ago".to_owned()));
            }
            let connected = timeout(self.timeout, self.connect()).await.unwrap_or_else(|_| Err(late()));
            self.note(connected.is_ok());
            connected?
        };
        Ok(Lent { client: Some(client), pool: self, _place: place })
    }

    fn note(&self, connected: bool) {
        let mut state = self.state();
        if connected {
            (state.failures, state.again_at) = (0, None);
        } else {
            let wait = FIRST_WAIT.saturating_mul(1 << state.failures.min(10)).min(LONGEST_WAIT);
            state.failures = state.failures.saturating_add(1);
            state.again_at = Some(Instant::now() + wait);
        }
    }

    async fn connect(&self) -> Result<Client, IndexError> {
        let client = if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await.map_err(|error| failed(&error))?;
            tokio::spawn(connection);
            client
        } else {
            let (client, connection) = self.config.connect(NoTls).await.map_err(|error| failed(&error))?;
            tokio::spawn(connection);
            client
        };
        // Numbers of ours only; statements of several parts are ended by us as well. Plans are made for the collection that is searched: its index of vectors is a partial one.
        let settings = format!(
            "SET statement_timeout = {}; SET plan_cache_mode = force_custom_plan; SET hnsw.ef_search = {EF_SEARCH}; \
             SET idle_in_transaction_session_timeout = 60000",
            self.timeout.as_millis()
        );
        client.batch_execute(&settings).await.map_err(|error| failed(&error))?;
        Ok(client)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").finish_non_exhaustive()
    }
}

/// What the program reaches the server with: the password of its file, and TLS with the authorities of the system.
pub(super) fn reached(
    config: &Config,
) -> Result<(tokio_postgres::Config, Option<MakeRustlsConnect>), setting::Refused> {
    let mut database = config.parsed()?;
    let timeout = config.timeout.unsigned_abs();
    database.application_name("compagnon").connect_timeout(timeout).tcp_user_timeout(timeout);
    database.keepalives(true).keepalives_idle(SILENCE).keepalives_interval(SILENCE).keepalives_retries(2);
    if let Some(path) = &config.password_file {
        let text = setting::file::read(path, 64 * 1024).map_err(|reason| {
            setting::Refused::new("postgres.password_file", format!("{}: {reason}", path.display()))
        })?;
        database.password(text.lines().next().unwrap_or_default());
    }
    if !config.uses_tls(&database) {
        database.ssl_mode(tokio_postgres::config::SslMode::Disable);
        return Ok((database, None));
    }
    database.ssl_mode(tokio_postgres::config::SslMode::Require);
    let tls = tls().map_err(|error| setting::Refused::new("postgres.url", format!("TLS cannot be used: {error}")))?;
    Ok((database, Some(MakeRustlsConnect::new(tls))))
}

fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_platform_verifier()?.with_no_client_auth())
}

/// What is done within a time limit: a server that does not answer is waited for no longer.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, IndexError>>,
) -> Result<T, IndexError> {
    let late = |_| Err(IndexError::Unreachable(format!("it took longer than {} s", limit.as_secs())));
    timeout(limit, work).await.unwrap_or_else(late)
}

/// The error of a statement, without the values that were in it: a server's message may repeat them.
pub(super) fn failed(error: &tokio_postgres::Error) -> IndexError {
    let text = match error.code() {
        Some(code) if *code == SqlState::QUERY_CANCELED => "the statement took too long".to_owned(),
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => "the account may not do this (42501)".to_owned(),
        Some(code) if *code == SqlState::INVALID_PASSWORD => "the password is refused".to_owned(),
        Some(code) if *code == SqlState::UNDEFINED_FILE || *code == SqlState::FEATURE_NOT_SUPPORTED => {
            format!("the server has no pgvector ({})", code.code())
        }
        Some(code) => format!("the server refuses the statement ({})", code.code()),
        // Of the connection, not of the server: it holds no values.
        None => error.to_string(),
    };
    IndexError::Unreachable(text)
}
