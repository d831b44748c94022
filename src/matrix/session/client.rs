//! The SDK's client on the stores of this device.

use std::{io, path::Path, time::Duration};

use matrix_sdk::{
    Client, ClientBuildError, SqliteStoreConfig,
    config::RequestConfig,
    cross_process_lock::CrossProcessLockConfig,
    encryption::{BackupDownloadStrategy, EncryptionSettings},
    store::StateStoreDataKey,
};
use matrix_sdk_base::crypto::{CollectStrategy, DecryptionSettings, TrustRequirement};
use url::Url;

use super::error::SessionError;
use crate::matrix::{
    config::Config,
    fault::Fault,
    vault::{StoredSession, Vault},
    web,
};

/// Builds a client on the stores, and says whether they have never seen a sync.
///
/// The SDK stores a sync token before we store the questions of that sync, and it drops a response that ends at its token as a duplicate.
/// The token is therefore removed before anything reads it: only the cursor of our own store counts.
pub(super) async fn build(config: &Config, base: &Url, vault: &Vault) -> Result<(Client, bool), SessionError> {
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

/// How `SQLite` and the SDK report damaged files. A full disk or a refused permission is reported differently, and may pass.
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

/// Stores the session's tokens. Called after a login and whenever the SDK refreshes them.
pub(super) fn save(client: &Client, vault: &Vault) -> io::Result<()> {
    let session = client.matrix_auth().session().ok_or_else(|| io::Error::other("there is no session to save"))?;
    vault.save_session(&StoredSession {
        device_id: session.meta.device_id,
        user_id: Some(session.meta.user_id),
        tokens: Some(session.tokens),
        ed25519: vault.session()?.and_then(|stored| stored.ed25519),
    })
}
