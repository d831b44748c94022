//! The bot's cross-signing identity: it signs the bot's device, and a recovery key lets a replacement device read old messages.
//!
//! Clients that exclude insecure devices do not encrypt to a bot whose device is not signed by its own account.

use std::time::Duration;

use matrix_sdk::{
    Client,
    encryption::recovery::RecoveryState,
    ruma::api::client::uiaa::{AuthData, MatrixUserIdentifier, Password, UserIdentifier},
};
use tokio::time::timeout;
use tracing::{info, warn};

use super::vault::Vault;
use crate::secret::Secret;

/// The time limit of the SDK's setup, which makes several requests: a hanging server must not block the start for ever.
const SETUP_LIMIT: Duration = Duration::from_secs(90);
const QUERY_LIMIT: Duration = Duration::from_secs(30);

/// Completes the setup; nothing is left to do on most starts. Failures are only logged, because the bot works without a signature, except
/// for clients that exclude unsigned devices.
pub(super) async fn establish(client: &Client, vault: &Vault, password: Option<&Secret>) {
    let done = timeout(SETUP_LIMIT, async {
        client.encryption().wait_for_e2ee_initialization_tasks().await;
        recover(client, vault).await;
        sign(client, password).await;
        keep_recovery_key(client, vault).await;
    });
    if done.await.is_err() {
        warn!("the bot's cryptographic identity could not be set up in time");
    }
    if !is_verified(client).await {
        see_own_signature(client).await;
    }
    if !holds_keys(client).await {
        warn!(
            "this device is not signed by the bot's account: put the account's recovery key in recovery.key, \
             in the data folder, then restart"
        );
    }
}

/// Fetches the own identity. The SDK takes a signature into account only as the server returns it, and requests it after the first sync.
async fn see_own_signature(client: &Client) {
    let Some(user_id) = client.user_id() else { return };
    match timeout(QUERY_LIMIT, client.encryption().request_user_identity(user_id)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => warn!(%error, "the bot's own devices could not be looked up"),
        Err(_) => warn!("the bot's own devices could not be looked up in time"),
    }
}

/// Signs a device that has recovered the identity. Its own keys are uploaded with the first sync, and can be signed only then.
pub(super) async fn after_first_sync(client: Client) {
    if !holds_keys(&client).await || is_verified(&client).await {
        return;
    }
    see_own_signature(&client).await;
    let device = client.encryption().get_own_device().await.ok().flatten();
    let Some(device) = device.filter(|device| !device.is_cross_signed_by_owner()) else { return };
    match device.verify().await {
        Ok(()) => info!("this device is now signed by the bot's account"),
        Err(error) => warn!(%error, "this device could not be signed"),
    }
    see_own_signature(&client).await;
}

/// Whether the account has signed this device.
pub(super) async fn is_verified(client: &Client) -> bool {
    let device = client.encryption().get_own_device().await;
    device.ok().flatten().is_some_and(|device| device.is_cross_signed_by_owner())
}

/// Whether this device holds the account's private signing keys.
async fn holds_keys(client: &Client) -> bool {
    client.encryption().cross_signing_status().await.is_some_and(|status| status.is_complete())
}

/// Recovers an existing identity on a new device with the recovery key.
async fn recover(client: &Client, vault: &Vault) {
    if holds_keys(client).await {
        return;
    }
    let Ok(Some(key)) = vault.recovery_key() else { return };
    match client.encryption().recovery().recover(key.expose()).await {
        Ok(()) => info!("the bot's identity was recovered with the recovery key"),
        Err(error) => warn!(%error, "the recovery key did not open the account's secrets"),
    }
}

/// Creates the identity on the first device of an account. The SDK tries it by itself, but without the password on a restored session.
async fn sign(client: &Client, password: Option<&Secret>) {
    if holds_keys(client).await {
        return;
    }
    let auth = password.zip(client.user_id()).map(|(password, user_id)| {
        let user = UserIdentifier::Matrix(MatrixUserIdentifier::new(user_id.to_string()));
        AuthData::Password(Password::new(user, password.expose().to_owned()))
    });
    if let Err(error) = client.encryption().bootstrap_cross_signing_if_needed(auth).await {
        warn!(%error, "the bot's device could not be signed");
    }
}

/// Creates the recovery key, or replaces one on the server that is not stored here.
async fn keep_recovery_key(client: &Client, vault: &Vault) {
    if !holds_keys(client).await || !matches!(vault.recovery_key(), Ok(None)) {
        return;
    }
    let recovery = client.encryption().recovery();
    let made = match recovery.state() {
        RecoveryState::Enabled | RecoveryState::Incomplete => recovery.reset_key().await,
        RecoveryState::Disabled | RecoveryState::Unknown => recovery.enable().await,
    };
    match made {
        Ok(key) => match vault.save_recovery_key(&Secret::from(key)) {
            Ok(()) => info!("a recovery key was made and kept in recovery.key"),
            Err(error) => warn!(%error, "the recovery key could not be written: another is made at the next start"),
        },
        Err(error) => warn!(%error, "recovery could not be enabled"),
    }
}
