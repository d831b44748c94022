//! Logging in and restoring: from the secret of the configuration and the stored session to a client of the same device.

use std::io;

use matrix_sdk::{
    Client, SessionMeta, SessionTokens,
    authentication::matrix::MatrixSession,
    ruma::{DeviceId, OwnedDeviceId, UserId},
    store::RoomLoadSettings,
};
use tracing::warn;
use url::Url;

use super::{
    client::{build, save},
    error::SessionError,
};
use crate::{
    matrix::{
        config::Config,
        fault::Fault,
        vault::{StoredSession, Vault},
    },
    secret::Secret,
};

/// The stored session, if there is one.
pub(in crate::matrix) fn stored(vault: &Vault) -> Result<Option<StoredSession>, SessionError> {
    vault.session().map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => SessionError::SessionDamaged,
        _ => SessionError::Storage(format!("session.json: {error}")),
    })
}

/// Refuses a data folder of another account: its questions and conversations are that account's.
pub(in crate::matrix) fn same_account(config: &Config, stored: &StoredSession) -> Result<(), SessionError> {
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

/// Refuses a device that was used and has lost its keys.
pub(in crate::matrix) fn complete(vault: &Vault, stored: Option<&StoredSession>) -> Result<(), SessionError> {
    let used = stored.is_some_and(|stored| stored.user_id.is_some());
    if vault.lost_key() || (used && !vault.holds_crypto()) { Err(SessionError::CryptoStoreLost) } else { Ok(()) }
}

/// Logs in with the stored tokens, or with the password when there are none or they have softly expired.
pub(super) async fn with_password(
    config: &Config,
    base: &Url,
    vault: &Vault,
    stored: Option<StoredSession>,
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
    // A client has one session for its lifetime: logging in again needs a new client on the same stores.
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

/// Chooses the device id and stores it before it is used (see [`StoredSession`]).
fn first_session(vault: &Vault) -> Result<StoredSession, SessionError> {
    let stored = StoredSession { device_id: DeviceId::new(), user_id: None, tokens: None, ed25519: None };
    vault.save_session(&stored)?;
    Ok(stored)
}

/// Uses an access token of the configuration. Its device must not change, because the encryption store belongs to that device.
pub(super) async fn with_token(
    config: &Config,
    base: &Url,
    vault: &Vault,
    stored: Option<StoredSession>,
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
        // The homeserver does not say whether the token never existed or its device was removed.
        Fault::LoggedOut { soft: false } => SessionError::unknown_token(config),
        other => other.into(),
    })?;
    if known_user != user_id || known_device.as_ref() != Some(&device_id) {
        let device_id = known_device.as_ref().map(|device_id| device_id.as_str());
        return Err(SessionError::foreign_token(config, known_user.as_str(), device_id));
    }
    let ed25519 = stored.and_then(|stored| stored.ed25519);
    vault.save_session(&StoredSession { device_id, user_id: Some(user_id), tokens: None, ed25519 })?;
    Ok((client, fresh))
}

/// Refuses a device whose identity key has changed. A store that was emptied, or restored without its `-wal` file, creates new keys under
/// the old device id, and nobody could decrypt what it sends. To be called before any key is uploaded.
pub(super) async fn same_device(client: &Client, vault: &Vault) -> Result<(), SessionError> {
    let (Some(key), Some(stored)) = (client.encryption().ed25519_key().await, vault.session()?) else { return Ok(()) };
    match &stored.ed25519 {
        Some(known) if *known != key => Err(SessionError::CryptoStoreLost),
        Some(_) => Ok(()),
        None => Ok(vault.save_session(&StoredSession { ed25519: Some(key), ..stored })?),
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
