//! Asking a homeserver who it is, without logging in: what `compagnon check` does.

use std::time::Duration;

use matrix_sdk::{Client, config::RequestConfig, ruma::api::client::session::get_login_types::v3::LoginType};

use super::{config::Config, session::SessionError};

/// A person waits for the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One line about the homeserver: its address, and whether the way to log in that the configuration chooses exists there.
pub async fn probe(config: &Config) -> Result<String, SessionError> {
    config.login().map_err(SessionError::Config)?;
    let builder = Client::builder().request_config(RequestConfig::new().timeout(PATIENCE).retry_limit(0));
    let builder = if config.homeserver.contains("://") {
        builder.homeserver_url(&config.homeserver)
    } else {
        builder.server_name_or_homeserver_url(&config.homeserver)
    };
    let unreachable = |error: &dyn std::error::Error| SessionError::Unreachable(error.to_string());
    let client = builder.build().await.map_err(|error| unreachable(&error))?;
    let flows = client.matrix_auth().get_login_types().await.map_err(|error| unreachable(&error))?.flows;
    let with_password = flows.iter().any(|flow| matches!(flow, LoginType::Password(_)));
    if !with_password && (config.password.is_some() || config.password_file.is_some()) {
        let reason = "it takes no password: give an access token and its device_id".to_owned();
        return Err(SessionError::Refused(reason));
    }
    Ok(format!("{} answers", client.homeserver()))
}
