//! The session: one account, one device and its encryption keys, kept across restarts.
//!
//! The session and the encryption store belong together. A device whose store is lost must never be used again, because its one-time keys
//! are on the server. A missing store is therefore an error for the operator to decide on, and no code here deletes anything.

mod client;
mod error;
mod login;

use std::{path::Path, sync::Arc, time::Duration};

use matrix_sdk::{
    Client, SessionMeta,
    ruma::{DeviceId, UserId},
};
use tokio::time::timeout;
use tracing::{info, warn};

use super::{
    account_health::AccountHealth,
    config::{Config, Login},
    directs::DirectRooms,
    encrypted::EncryptedRooms,
    fault::Fault,
    lease::{self, HeldLease},
    retired, trust,
    vault::Vault,
    verification::grouped,
    web,
};

pub use error::SessionError;
pub(super) use login::{complete, same_account, stored};

/// A logged-in bot. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    client: Client,
    meta: SessionMeta,
    names: Arc<[String]>,
    fresh: bool,
    holder: Arc<HeldLease>,
    pub(super) encrypted: Arc<EncryptedRooms>,
    pub(super) directs: Arc<DirectRooms>,
    pub(super) condition: AccountHealth,
}

impl Session {
    /// Logs in at the first start, and restores the same device at each later one.
    ///
    /// The data folder must be locked by the caller: two processes on one device destroy its encryption. `condition` is told, now and as
    /// long as the session lives, when the homeserver refuses the account.
    pub async fn connect(config: &Config, folder: &Path, condition: &AccountHealth) -> Result<Self, SessionError> {
        Self::log_in(config, folder, condition).await.inspect_err(|error| {
            if let SessionError::Suspended(reason) = error {
                condition.note(Err(&Fault::Account(reason.clone())), true);
            }
        })
    }

    async fn log_in(config: &Config, folder: &Path, condition: &AccountHealth) -> Result<Self, SessionError> {
        let login = config.login()?;
        let vault = Vault::open(folder)?;
        let stored = stored(&vault)?;
        stored.as_ref().map_or(Ok(()), |stored| same_account(config, stored))?;
        complete(&vault, stored.as_ref())?;
        let base = web::discover(config).await?;
        // A redirect is reported here: the SDK would follow it with a GET, and misread the answer.
        web::versions(&web::client()?, &base).await?;
        let (client, fresh) = match &login {
            Login::Password(password) => login::with_password(config, &base, &vault, stored, password).await?,
            Login::Token { token, device_id } => {
                login::with_token(config, &base, &vault, stored, token, device_id).await?
            }
        };
        // Before anything is encrypted or uploaded: two processes on copies of one device destroy its encryption too.
        let claim = lease::claim(&client, &vault).await?;
        login::same_device(&client, &vault).await?;
        let holder = claim.hold().await?;
        let password = if let Login::Password(password) = &login { Some(password) } else { None };
        trust::establish(&client, &vault, password).await;
        retired::log_out(&client, &vault, password).await;
        Self::new(client, fresh, holder, condition.clone()).await
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

    /// Gives the lease on the account back when the bot stops, so that another bot need not wait for its end.
    pub async fn give_back(&self) {
        self.holder.give_back().await;
    }

    async fn new(
        client: Client,
        fresh: bool,
        holder: HeldLease,
        condition: AccountHealth,
    ) -> Result<Self, SessionError> {
        let meta = client.session_meta().cloned().ok_or(SessionError::LoggedOut)?;
        let names = own_names(&client, &meta.user_id).await;
        let fingerprint = client.encryption().ed25519_key().await.map(|key| grouped(&key)).unwrap_or_default();
        info!(user_id = %meta.user_id, device_id = %meta.device_id, fingerprint, "connected to Matrix");
        Ok(Self {
            client,
            meta,
            names,
            fresh,
            holder: Arc::new(holder),
            encrypted: Arc::default(),
            directs: Arc::default(),
            condition,
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

    /// Whether the bot's account has signed this device; clients that refuse insecure devices ignore it otherwise.
    pub async fn is_verified(&self) -> bool {
        trust::is_verified(&self.client).await
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The texts by which the beginning of a message may address the bot: its id, its display name, its localpart.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the SDK's state store has never seen a sync. It then knows no room, and needs a sync with full state.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }
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
