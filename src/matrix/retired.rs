//! Logs out the devices that a restore has retired: once the restored bot has a device of its own, nobody may use them or encrypt to them.

use std::time::Duration;

use matrix_sdk::{
    Client,
    ruma::{
        OwnedDeviceId,
        api::client::uiaa::{AuthData, MatrixUserIdentifier, Password, UserIdentifier},
    },
};
use tokio::time::timeout;
use tracing::{info, warn};

use super::{fault::Fault, vault::Vault};
use crate::secret::Secret;

/// The time limit, because the bot works without.
const PATIENCE: Duration = Duration::from_secs(30);

/// Logs them out, which requires the password. To be called when this process holds the lease on the account, because a bot that still runs
/// must not lose its device.
pub(super) async fn log_out(client: &Client, vault: &Vault, password: Option<&Secret>) {
    let retired = match vault.retired() {
        Ok(retired) if retired.is_empty() => return,
        Ok(retired) => retired,
        Err(error) => return warn!(%error, "the devices that a restore has retired are not known"),
    };
    match timeout(PATIENCE, log_out_those(client, &retired, password)).await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => warn!(?fault, ?retired, "retired devices could not be logged out: log them out by hand"),
        Err(_) => warn!(?retired, "retired devices could not be logged out in time: the next start tries again"),
    }
}

async fn log_out_those(client: &Client, retired: &[OwnedDeviceId], password: Option<&Secret>) -> Result<(), Fault> {
    let devices = client.devices().await.map_err(|error| Fault::from(&error))?.devices;
    let own = client.device_id();
    let still_there: Vec<OwnedDeviceId> = devices
        .into_iter()
        .map(|device| device.device_id)
        .filter(|device| retired.contains(device) && own != Some(device))
        .collect();
    if still_there.is_empty() {
        return Ok(());
    }
    let (Some(password), Some(user_id)) = (password, client.user_id()) else {
        return Err(Fault::Refused("that takes the account's password".to_owned()));
    };
    let Err(asked) = client.delete_devices(&still_there, None).await else {
        info!(?still_there, "the devices of the bot that was backed up are logged out");
        return Ok(());
    };
    let Some(info) = asked.as_uiaa_response() else { return Err(Fault::from(&asked)) };
    let user = UserIdentifier::Matrix(MatrixUserIdentifier::new(user_id.to_string()));
    let mut proof = Password::new(user, password.expose().to_owned());
    proof.session.clone_from(&info.session);
    client.delete_devices(&still_there, Some(AuthData::Password(proof))).await.map_err(|error| Fault::from(&error))?;
    info!(?still_there, "the devices of the bot that was backed up are logged out");
    Ok(())
}
