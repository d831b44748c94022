//! The session: one account, one device, one set of encryption keys, kept from start to start.
//!
//! The session and the encryption store are one unit. A device whose store is lost must never be used again (its one-time keys are
//! on the server), so a missing store is an error for a person to decide on, and nothing here wipes anything.

use std::{io, path::Path, sync::Arc, time::Duration};

use matrix_sdk::{
    Client, ClientBuildError, SessionMeta, SessionTokens, SqliteStoreConfig,
    authentication::matrix::MatrixSession,
    config::RequestConfig,
    cross_process_lock::CrossProcessLockConfig,
    encryption::{BackupDownloadStrategy, EncryptionSettings},
    ruma::{DeviceId, OwnedDeviceId, RoomId, UserId},
    store::{RoomLoadSettings, StateStoreDataKey},
};
use matrix_sdk_base::crypto::{CollectStrategy, DecryptionSettings, TrustRequirement};
use tokio::time::timeout;
use tracing::{info, warn};
use url::Url;

use super::{
    condition::Condition,
    config::{Config, Login},
    encrypted::EncryptedRooms,
    fault::Fault,
    lease::{self, Holder},
    retired,
    rooms::{self, Directs, RoomKind},
    trust,
    vault::{Stored, Vault},
    web,
};
use crate::{secret::Secret, setting::Refused};

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The homeserver could not be reached, or asks to wait: try again later.
    #[error("the homeserver did not answer: {0}")]
    Unreachable(String),
    /// The homeserver refuses the account: wrong password, deactivated, wrong token.
    #[error("the homeserver refuses the login: {0}")]
    Refused(String),
    /// The device was logged out on the server. A person must decide: the device's keys are of no use any more.
    #[error(
        "this device was logged out by the homeserver: move matrix/, matrix.key and session.json away to start as a new device"
    )]
    LoggedOut,
    /// The token has expired but the device lives on; without a password the bot cannot log in again by itself.
    #[error("the access token has expired: give a new one for the same device")]
    SoftLogout,
    /// The account has expired (Tchap asks its owner to renew it by e-mail).
    #[error("the account has expired: renew it from its mailbox")]
    Expired,
    /// There is a session, but the encryption store or its key is gone: this device must not be used again.
    #[error(
        "the encryption store of this device is lost (matrix/ or matrix.key): put both back as they were when it ended, or move matrix/, \
         matrix.key and session.json away to start as a new device"
    )]
    CryptoStoreLost,
    /// `session.json` is there and cannot be read: which device this is, is not known.
    #[error(
        "session.json is damaged: put it back as it was, or move matrix/, matrix.key and session.json away to start as a new device"
    )]
    SessionDamaged,
    /// The encryption store is there and does not open: its files are damaged, or `matrix.key` is not theirs.
    #[error(
        "the encryption store of this device does not open ({0}): put matrix/ and matrix.key back as they were when it ended, or move \
         matrix/, matrix.key and session.json away to start as a new device"
    )]
    CryptoStoreDamaged(String),
    /// Another bot has the account.
    #[error(
        "another bot answers for this account, on the device {device_id}{of_copy}: stop it first; should it be gone already, its hold \
         on the account ends within {left} s"
    )]
    AnotherBot {
        /// Its device.
        device_id: OwnedDeviceId,
        /// Said after it, when it is a copy of this folder.
        of_copy: &'static str,
        /// Its lease, in seconds, unless it is renewed.
        left: u64,
    },
    /// Another bot has taken the account while this one ran.
    #[error("{0}")]
    TakenOver(String),
    /// The folder's keys are of an earlier time than what its device has sent since.
    #[error(
        "the keys of this device ({device_id}) are older than its last messages ({known} of {written}): a copy or an old backup of the \
         data folder was put back, and with it new messages would be encrypted as old ones were; put the newest one back, or move \
         matrix/, matrix.key and session.json away to start as a new device"
    )]
    RolledBack {
        /// The device.
        device_id: OwnedDeviceId,
        /// How often this folder has written the lease.
        known: u64,
        /// How often the device has.
        written: u64,
    },
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(String),
    /// The data folder or the SDK's stores cannot be read or written.
    #[error("the session's files: {0}")]
    Storage(String),
}

impl SessionError {
    /// Whether the account is what is refused: only new credentials help.
    #[must_use]
    pub fn is_account(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::LoggedOut | Self::SoftLogout | Self::Expired)
    }

    /// The homeserver does not know the token of the configuration.
    pub(super) fn unknown_token(config: &Config) -> Self {
        let device = config.device_id.as_deref().unwrap_or_default();
        Self::Refused(format!(
            "it does not know the token in {}: give the one that was issued for the device {device}; where that device was removed, \
             move matrix/, matrix.key and session.json away and give the token of a new one with its matrix.device_id",
            config.secret_key()
        ))
    }

    /// The token is good, and somebody else's.
    pub(super) fn foreign_token(config: &Config, user_id: &str, device_id: Option<&str>) -> Self {
        let of = device_id.map(|device_id| format!(", device {device_id}")).unwrap_or_default();
        let wanted = config.device_id.as_deref().map(|device_id| format!(", device {device_id}")).unwrap_or_default();
        Self::Config(format!(
            "{}: the token belongs to {user_id}{of}, and not to matrix.user {}{wanted}",
            config.secret_key(),
            config.user
        ))
    }
}

impl From<Refused> for SessionError {
    fn from(refused: Refused) -> Self {
        Self::Config(refused.to_string())
    }
}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<Fault> for SessionError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Limited(wait) => Self::Unreachable(format!("it asks to wait {wait:?}")),
            Fault::Unreachable(why) | Fault::Account(why) => Self::Unreachable(why),
            Fault::LoggedOut { soft: true } => Self::SoftLogout,
            Fault::LoggedOut { soft: false } => Self::LoggedOut,
            Fault::Expired => Self::Expired,
            Fault::Refused(why) | Fault::Missing(why) | Fault::Deactivated(why) => Self::Refused(why),
            Fault::Local(why) | Fault::Storage(why) => Self::Storage(why),
        }
    }
}

impl From<matrix_sdk::Error> for SessionError {
    fn from(error: matrix_sdk::Error) -> Self {
        Fault::from(&error).into()
    }
}

/// A logged-in bot. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    client: Client,
    meta: SessionMeta,
    names: Arc<[String]>,
    fresh: bool,
    holder: Arc<Holder>,
    pub(super) encrypted: Arc<EncryptedRooms>,
    pub(super) directs: Arc<Directs>,
    pub(super) condition: Condition,
}

impl Session {
    /// Logs in at the first start, and restores the same device at each later one.
    ///
    /// The data folder must be locked by the caller: two processes on one device destroy its encryption.
    pub async fn connect(config: &Config, folder: &Path) -> Result<Self, SessionError> {
        let login = config.login()?;
        let vault = Vault::open(folder)?;
        let stored = stored(&vault)?;
        stored.as_ref().map_or(Ok(()), |stored| same_account(config, stored))?;
        complete(&vault, stored.as_ref())?;
        let base = web::discover(config).await?;
        // What redirects is named here: the SDK would send a login's GET after it, and not understand the answer.
        web::versions(&web::client()?, &base).await?;
        let (client, fresh) = match &login {
            Login::Password(password) => with_password(config, &base, &vault, stored, password).await?,
            Login::Token { token, device_id } => with_token(config, &base, &vault, stored, token, device_id).await?,
        };
        // Before anything is encrypted or uploaded: two processes on copies of one device destroy its encryption as well.
        let claim = lease::claim(&client, &vault).await?;
        same_device(&client, &vault).await?;
        let holder = claim.hold().await?;
        let password = if let Login::Password(password) = &login { Some(password) } else { None };
        trust::establish(&client, &vault, password).await;
        retired::log_out(&client, &vault, password).await;
        Self::new(client, fresh, holder).await
    }

    /// Waits until another bot has taken the account over.
    pub async fn taken_over(&self) -> SessionError {
        SessionError::TakenOver(self.holder.lost().await)
    }

    /// Until when another bot may have answered for this account, in milliseconds since the epoch.
    #[must_use]
    pub fn another_bot_until(&self) -> Option<u64> {
        self.holder.another_until()
    }

    /// Gives the account back at the bot's end, so that another need not wait for it.
    pub async fn give_back(&self) {
        self.holder.give_back().await;
    }

    async fn new(client: Client, fresh: bool, holder: Holder) -> Result<Self, SessionError> {
        let meta = client.session_meta().cloned().ok_or(SessionError::LoggedOut)?;
        let names = own_names(&client, &meta.user_id).await;
        info!(user_id = %meta.user_id, device_id = %meta.device_id, "connected to Matrix");
        Ok(Self {
            client,
            meta,
            names,
            fresh,
            holder: Arc::new(holder),
            encrypted: Arc::default(),
            directs: Arc::default(),
            condition: Condition::default(),
        })
    }

    /// The bot's own id.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.meta.user_id
    }

    /// The bot's own device.
    #[must_use]
    pub fn device_id(&self) -> &DeviceId {
        &self.meta.device_id
    }

    /// Has what the homeserver says against the account told there.
    #[must_use]
    pub fn reporting_to(mut self, condition: Condition) -> Self {
        self.condition = condition;
        self
    }

    /// Whether the bot's account has signed this device; clients that refuse insecure devices ignore it otherwise.
    pub async fn is_verified(&self) -> bool {
        trust::is_verified(&self.client).await
    }

    /// What kind of room this is; `None` when the bot does not know the room.
    pub async fn room_kind(&self, room_id: &RoomId) -> Option<RoomKind> {
        let room = self.client.get_room(room_id)?;
        Some(rooms::kind(self, &room).await)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The texts by which a message may begin to call the bot: its id, then its display name.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the SDK's state store has never seen a sync: a cursor alone would then leave it ignorant of every room.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }
}

/// The stored session, if there is one.
pub(super) fn stored(vault: &Vault) -> Result<Option<Stored>, SessionError> {
    vault.session().map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => SessionError::SessionDamaged,
        _ => SessionError::Storage(format!("session.json: {error}")),
    })
}

/// Makes sure that the folder is that of the configuration's account: its questions and conversations are another's otherwise.
pub(super) fn same_account(config: &Config, stored: &Stored) -> Result<(), SessionError> {
    let Some(known) = &stored.user_id else { return Ok(()) };
    let wanted = config.user.as_str();
    let same = wanted == known.as_str() || wanted.eq_ignore_ascii_case(known.localpart());
    if same {
        return Ok(());
    }
    Err(SessionError::Config(format!(
        "matrix.user is {wanted}, and the data folder belongs to {known}: change matrix.user back, or give the new account a data \
         folder of its own"
    )))
}

/// Makes sure that a device which was used still has its keys.
pub(super) fn complete(vault: &Vault, stored: Option<&Stored>) -> Result<(), SessionError> {
    let used = stored.is_some_and(|stored| stored.user_id.is_some());
    if vault.lost_key() || (used && !vault.holds_crypto()) { Err(SessionError::CryptoStoreLost) } else { Ok(()) }
}

/// Logs in with the stored tokens, or with the password when there are none or they have softly expired.
async fn with_password(
    config: &Config,
    base: &Url,
    vault: &Vault,
    stored: Option<Stored>,
    password: &Secret,
) -> Result<(Client, bool), SessionError> {
    let stored = match stored {
        Some(stored) => stored,
        None => first_session(vault)?,
    };
    if let (Some(user_id), Some(tokens)) = (stored.user_id.clone(), stored.tokens.clone()) {
        let (client, fresh) = build(config, base, vault).await?;
        let meta = SessionMeta { user_id, device_id: stored.device_id.clone() };
        restore(&client, meta, tokens).await?;
        match whoami(&client).await {
            Ok(_) => return Ok((client, fresh)),
            Err(Fault::LoggedOut { soft: true }) => warn!("the access token has expired: logging in again"),
            Err(fault) => return Err(fault.into()),
        }
    }
    // A client holds one session for its whole life: logging in again takes a new client on the same stores.
    let (client, fresh) = build(config, base, vault).await?;
    client
        .matrix_auth()
        .login_username(&config.user, password.expose())
        .device_id(stored.device_id.as_str())
        .initial_device_display_name(&config.device_name)
        .send()
        .await?;
    save(&client, vault)?;
    Ok((client, fresh))
}

/// Chooses the device's id and writes it down before it is used (see [`Stored`]).
fn first_session(vault: &Vault) -> Result<Stored, SessionError> {
    let stored = Stored { device_id: DeviceId::new(), user_id: None, tokens: None, ed25519: None };
    vault.save_session(&stored)?;
    Ok(stored)
}

/// Uses the administrator's token; the device it belongs to must not change, because the encryption store is that device's.
async fn with_token(
    config: &Config,
    base: &Url,
    vault: &Vault,
    stored: Option<Stored>,
    token: &Secret,
    device_id: &str,
) -> Result<(Client, bool), SessionError> {
    let device_id = OwnedDeviceId::from(device_id);
    if let Some(stored) = stored.as_ref().filter(|stored| stored.device_id != device_id) {
        return Err(SessionError::Config(format!(
            "matrix.device_id is {device_id}, but the data folder belongs to the device {}",
            stored.device_id
        )));
    }
    if vault.retired()?.contains(&device_id) {
        return Err(SessionError::Config(format!(
            "matrix.device_id: {device_id} is the device of the bot that was backed up, and no backup holds its keys: give the token of a new device"
        )));
    }
    let user_id = UserId::parse(&config.user).map_err(|error| SessionError::Config(error.to_string()))?;
    let (client, fresh) = build(config, base, vault).await?;
    let meta = SessionMeta { user_id: user_id.clone(), device_id: device_id.clone() };
    restore(&client, meta, SessionTokens { access_token: token.expose().to_owned(), refresh_token: None }).await?;
    let (known_user, known_device) = whoami(&client).await.map_err(|fault| match fault {
        // Of a token it cannot be told whether it never was one or its device has gone.
        Fault::LoggedOut { soft: false } => SessionError::unknown_token(config),
        other => other.into(),
    })?;
    if known_user != user_id || known_device.as_ref() != Some(&device_id) {
        let device_id = known_device.as_ref().map(|device_id| device_id.as_str());
        return Err(SessionError::foreign_token(config, known_user.as_str(), device_id));
    }
    let ed25519 = stored.and_then(|stored| stored.ed25519);
    vault.save_session(&Stored { device_id, user_id: Some(user_id), tokens: None, ed25519 })?;
    Ok((client, fresh))
}

/// Makes sure that the device has the key it had. A store that opens but has lost its account, an emptied file or one put back without its
/// `-wal`, makes a new account under the old device's name, which nobody could talk with. To be asked before any key is uploaded.
async fn same_device(client: &Client, vault: &Vault) -> Result<(), SessionError> {
    let (Some(key), Some(stored)) = (client.encryption().ed25519_key().await, vault.session()?) else { return Ok(()) };
    match &stored.ed25519 {
        Some(known) if *known != key => Err(SessionError::CryptoStoreLost),
        Some(_) => Ok(()),
        None => Ok(vault.save_session(&Stored { ed25519: Some(key), ..stored })?),
    }
}

async fn restore(client: &Client, meta: SessionMeta, tokens: SessionTokens) -> Result<(), SessionError> {
    let session = MatrixSession { meta, tokens };
    Ok(client.matrix_auth().restore_session(session, RoomLoadSettings::default()).await?)
}

async fn whoami(client: &Client) -> Result<(matrix_sdk::ruma::OwnedUserId, Option<OwnedDeviceId>), Fault> {
    let answer = client.whoami().await.map_err(|error| Fault::from(&error))?;
    Ok((answer.user_id, answer.device_id))
}

/// Writes the session's tokens down. Called after a login and each time the SDK refreshes them.
fn save(client: &Client, vault: &Vault) -> io::Result<()> {
    let session = client.matrix_auth().session().ok_or_else(|| io::Error::other("there is no session to save"))?;
    vault.save_session(&Stored {
        device_id: session.meta.device_id,
        user_id: Some(session.meta.user_id),
        tokens: Some(session.tokens),
        ed25519: vault.session()?.and_then(|stored| stored.ed25519),
    })
}

/// Builds a client on the stores, and says whether they have never seen a sync.
///
/// The SDK keeps a sync token of its own, written before our questions are. A response that ends at that very token is dropped as
/// "the same sync response twice", so the token is removed while nothing has read it yet: our cursor alone decides.
async fn build(config: &Config, base: &Url, vault: &Vault) -> Result<(Client, bool), SessionError> {
    let key = vault.store_key()?;
    let store = SqliteStoreConfig::new(vault.stores()).key(Some(&key));
    let (collect, trust) = if config.encryption.strict {
        (CollectStrategy::IdentityBasedStrategy, TrustRequirement::CrossSigned)
    } else {
        (CollectStrategy::AllDevices, TrustRequirement::Untrusted)
    };
    let client = Client::builder()
        .homeserver_url(base)
        .http_client(web::client()?)
        .sqlite_store_with_config_and_cache_path(store, None::<&Path>)
        .respect_login_well_known(false)
        .handle_refresh_tokens()
        .request_config(RequestConfig::new().timeout(Duration::from_secs(30)).retry_limit(3))
        .with_encryption_settings(EncryptionSettings {
            auto_enable_cross_signing: true,
            auto_enable_backups: true,
            backup_download_strategy: BackupDownloadStrategy::AfterDecryptionFailure,
        })
        .with_room_key_recipient_strategy(collect)
        .with_decryption_settings(DecryptionSettings { sender_device_trust_requirement: trust })
        .with_enable_share_history_on_invite(false)
        .cross_process_store_config(CrossProcessLockConfig::SingleProcess)
        .build()
        .await
        .map_err(build_error)?;
    let fresh = forget_sync_token(&client).await?;
    keep_tokens(&client, vault)?;
    Ok((client, fresh))
}

async fn forget_sync_token(client: &Client) -> Result<bool, SessionError> {
    let storage = |error: matrix_sdk::StoreError| SessionError::Storage(error.to_string());
    let token = client.state_store().get_kv_data(StateStoreDataKey::SyncToken).await.map_err(storage)?;
    client.state_store().remove_kv_data(StateStoreDataKey::SyncToken).await.map_err(storage)?;
    Ok(token.is_none())
}

fn keep_tokens(client: &Client, vault: &Vault) -> Result<(), SessionError> {
    let (reading, writing) = (vault.clone(), vault.clone());
    let reload = move |_: Client| {
        let stored = reading.session()?.and_then(|stored| stored.tokens);
        stored.ok_or_else(|| "there are no stored tokens".into())
    };
    let save = move |client: Client| Ok(save(&client, &writing)?);
    Ok(client.set_session_callbacks(Box::new(reload), Box::new(save))?)
}

fn build_error(error: ClientBuildError) -> SessionError {
    match error {
        ClientBuildError::Http(error) => Fault::from(&error).into(),
        ClientBuildError::AutoDiscovery(error) => {
            SessionError::Unreachable(format!("no homeserver was found: {error}"))
        }
        ClientBuildError::SqliteStore(error) => store_error(error.to_string()),
        other => SessionError::Config(format!("matrix.homeserver: {other}")),
    }
}

/// What `SQLite` and the SDK say of files that are not theirs. A full disk or a refused permission says something else, and passes.
const DAMAGED: [&str; 5] = [
    "not a database",
    "malformed",
    "initialize the store cipher",
    "Missing database version",
    "Invalid database version",
];

fn store_error(reason: String) -> SessionError {
    if DAMAGED.iter().any(|sign| reason.contains(sign)) {
        return SessionError::CryptoStoreDamaged(reason);
    }
    SessionError::Storage(reason)
}

async fn own_names(client: &Client, user_id: &UserId) -> Arc<[String]> {
    let mut names = vec![user_id.to_string()];
    match timeout(Duration::from_secs(10), client.account().get_display_name()).await {
        Ok(Ok(name)) => names.extend(name.filter(|name| !name.trim().is_empty())),
        Ok(Err(error)) => warn!(%error, "the bot's display name is not known"),
        Err(_) => warn!("the bot's display name was not received in time"),
    }
    names.push(user_id.localpart().to_owned());
    names.into()
}
