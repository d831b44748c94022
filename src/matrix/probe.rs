//! The requests by which `compagnon check` checks the account, without a login: no device is created, and nothing is changed.
//!
//! Each step is reported before it starts, and has a time limit. The steps are those of a start: they fail for the same reasons, with the
//! same sentence and exit status.

use std::path::Path;

use jiff::SignedDuration;
use matrix_sdk::reqwest::{Client, RequestBuilder};
use serde_json::json;
use url::Url;

use super::{
    config::{Config, Login},
    session::{SessionError, complete, same_account, stored},
    vault::{StoredSession, Vault},
    web::{self, Answer},
};
use crate::secret::Secret;

/// A clock that is off by more makes certificates and the ages of messages wrong.
const MOST_SKEW: SignedDuration = SignedDuration::from_secs(30);

/// A homeserver with a lower upload limit refuses some exports of personal data.
const LEAST_UPLOAD: u64 = 1 << 20;

/// The result of a step.
#[derive(Debug)]
pub enum ProbeOutcome {
    /// The step starts: what is requested.
    Begun(String),
    /// All is well.
    Good(String),
    /// The bot works, but the operator should look at it.
    Doubtful(String),
    /// A start would end here.
    Wrong(SessionError),
}

/// Receives each outcome with the step's name.
pub type Tell<'a> = &'a mut (dyn FnMut(&str, ProbeOutcome) + Send);

/// What is known of the account before the homeserver is asked.
struct Account {
    login: Login,
    stored: Option<StoredSession>,
}

/// Checks the secret and the stored session, without the network.
pub fn probe_offline(config: &Config, data: &Path, tell: Tell<'_>) -> bool {
    account(config, data, tell).is_some()
}

/// Runs all steps; the first that fails is the last.
pub async fn probe(config: &Config, data: &Path, tell: Tell<'_>) {
    let Some(account) = account(config, data, tell) else { return };
    if let Err((step, error)) = ask(config, &account, tell).await {
        tell(step, ProbeOutcome::Wrong(error));
    }
}

fn account(config: &Config, data: &Path, tell: Tell<'_>) -> Option<Account> {
    let login = match config.login() {
        Ok(login) => login,
        Err(refused) => {
            tell("secret", ProbeOutcome::Wrong(SessionError::Config(refused.to_string())));
            return None;
        }
    };
    tell("secret", ProbeOutcome::Good(format!("{} is read", config.secret_key())));
    let vault = Vault::at(data);
    let session = stored(&vault).and_then(|stored| {
        stored.as_ref().map_or(Ok(()), |stored| same_account(config, stored))?;
        complete(&vault, stored.as_ref())?;
        Ok(stored)
    });
    match session {
        Ok(stored) => {
            let known = stored.as_ref().and_then(|stored| Some((stored.user_id.as_ref()?, &stored.device_id)));
            let said = match known {
                Some((user_id, device_id)) => format!("{user_id}, device {device_id}"),
                None => "none yet: the first start creates one".to_owned(),
            };
            tell("session", ProbeOutcome::Good(said));
            Some(Account { login, stored })
        }
        Err(error) => {
            tell("session", ProbeOutcome::Wrong(error));
            None
        }
    }
}

type Step<T> = Result<T, (&'static str, SessionError)>;

async fn ask(config: &Config, account: &Account, tell: Tell<'_>) -> Step<()> {
    let client = web::client().map_err(|error| ("homeserver", error))?;
    let base = homeserver(config, &client, tell).await.map_err(|error| ("homeserver", error))?;
    let server = Server { client, base };
    login_flows(&server, account, tell).await.map_err(|error| ("login", error))?;
    let Some(session) = whoami(config, &server, account, tell).await.map_err(|error| ("account", error))? else {
        return Ok(());
    };
    device(&server, &session, tell).await.map_err(|error| ("device", error))?;
    cross_signing(&server, &session, tell).await.map_err(|error| ("cross-signing", error))?;
    uploads(&server, &session, tell).await.map_err(|error| ("files", error))
}

/// A homeserver that answered.
struct Server {
    client: Client,
    base: Url,
}

/// The account that the homeserver knows by the token.
struct Known {
    token: Secret,
    user_id: String,
    device_id: String,
}

impl Server {
    fn get(&self, path: &str, token: Option<&Secret>) -> Result<RequestBuilder, SessionError> {
        let request = self.client.get(web::join(&self.base, path)?);
        Ok(match token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, SessionError> {
        web::send(request).await.map_err(|reason| SessionError::Unreachable(format!("{}: {reason}", self.base)))
    }
}

async fn homeserver(config: &Config, client: &Client, tell: Tell<'_>) -> Result<Url, SessionError> {
    const STEP: &str = "homeserver";
    if !config.homeserver.contains("://") {
        let name = &config.homeserver;
        tell(STEP, ProbeOutcome::Begun(format!("asks {name} where its homeserver is (.well-known)")));
    }
    let base = web::discover(config).await?;
    tell(STEP, ProbeOutcome::Begun(format!("asks {base} for its versions")));
    let answer = web::versions(client, &base).await?;
    let versions = answer.body["versions"].as_array();
    let Some(newest) = versions.and_then(|versions| versions.last()).and_then(|newest| newest.as_str()) else {
        return Err(unexpected(&base, &answer));
    };
    tell(STEP, ProbeOutcome::Good(format!("{base} answers, Matrix {newest}")));
    match answer.ahead {
        Some(ahead) if ahead.abs() > MOST_SKEW => {
            let direction = if ahead.is_positive() { "ahead of" } else { "behind" };
            let off = ahead.abs().as_secs();
            tell(
                "clock",
                ProbeOutcome::Doubtful(format!("this machine's clock is {off} s {direction} the homeserver's: set it")),
            );
        }
        Some(_) => tell("clock", ProbeOutcome::Good("within 30 s of the homeserver's".to_owned())),
        None => tell("clock", ProbeOutcome::Doubtful("the homeserver does not send its time".to_owned())),
    }
    Ok(base)
}

async fn login_flows(server: &Server, account: &Account, tell: Tell<'_>) -> Result<(), SessionError> {
    const STEP: &str = "login";
    tell(STEP, ProbeOutcome::Begun("asks for the ways to log in".to_owned()));
    let answer = server.send(server.get("_matrix/client/v3/login", None)?).await?;
    let Some(flows) = answer.body["flows"].as_array() else { return Err(unexpected(&server.base, &answer)) };
    let with_password = flows.iter().any(|flow| flow["type"] == "m.login.password");
    match account.login {
        Login::Token { .. } => {
            tell(STEP, ProbeOutcome::Good("not needed: there is an access token".to_owned()));
            Ok(())
        }
        Login::Password(_) if with_password => {
            tell(STEP, ProbeOutcome::Good("with a password".to_owned()));
            Ok(())
        }
        Login::Password(_) => Err(SessionError::Refused(
            "it does not accept passwords: give an access token and its device_id".to_owned(),
        )),
    }
}

/// The owner of the token. `None` where there is no token yet: a password can only be tested by a login, which creates a device.
async fn whoami(
    config: &Config,
    server: &Server,
    account: &Account,
    tell: Tell<'_>,
) -> Result<Option<Known>, SessionError> {
    const STEP: &str = "account";
    let tokens = account.stored.as_ref().and_then(|stored| stored.tokens.as_ref());
    let token = match (&account.login, tokens) {
        (Login::Token { token, .. }, _) => token.clone(),
        (Login::Password(_), Some(tokens)) => Secret::from(tokens.access_token.clone()),
        (Login::Password(_), None) => {
            let untried = "the password is not tested, because that would create a device; the first start logs in";
            tell(STEP, ProbeOutcome::Doubtful(untried.to_owned()));
            return Ok(None);
        }
    };
    tell(STEP, ProbeOutcome::Begun("asks who the token belongs to (whoami)".to_owned()));
    let answer = server.send(server.get("_matrix/client/v3/account/whoami", Some(&token))?).await?;
    let (Some(user_id), device_id) = (answer.body["user_id"].as_str(), answer.body["device_id"].as_str()) else {
        return refused(config, server, account, &answer, tell).map(|()| None);
    };
    let known = Known { token, user_id: user_id.to_owned(), device_id: device_id.unwrap_or_default().to_owned() };
    let device = match &account.login {
        Login::Token { device_id, .. } => Some(device_id.as_str()),
        Login::Password(_) => account.stored.as_ref().map(|stored| stored.device_id.as_str()),
    };
    let stored = account.stored.as_ref().and_then(|stored| stored.user_id.as_ref()).map(|user_id| user_id.as_str());
    let wanted = stored.unwrap_or(&config.user);
    if wanted != known.user_id || device != Some(known.device_id.as_str()) {
        return Err(SessionError::foreign_token(config, &known.user_id, device_id));
    }
    tell(STEP, ProbeOutcome::Good(format!("{user_id}, device {}", known.device_id)));
    Ok(Some(known))
}

/// The error for an answer that does not name the token's account.
fn refused(
    config: &Config,
    server: &Server,
    account: &Account,
    answer: &Answer,
    tell: Tell<'_>,
) -> Result<(), SessionError> {
    let soft = answer.body["soft_logout"] == true;
    match (answer.errcode(), &account.login) {
        (Some("M_UNKNOWN_TOKEN"), Login::Password(_)) if soft => {
            let again = "the stored token has expired: the next start logs in again, as the same device";
            tell("account", ProbeOutcome::Doubtful(again.to_owned()));
            Ok(())
        }
        (Some("M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN"), Login::Password(_)) => Err(SessionError::LoggedOut),
        (Some("M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN"), Login::Token { .. }) => Err(SessionError::unknown_token(config)),
        (Some("ORG_MATRIX_EXPIRED_ACCOUNT"), _) => Err(SessionError::Expired),
        (Some(_), _) if answer.status < 500 && answer.status != 429 => Err(SessionError::Refused(answer.sentence())),
        _ => Err(unexpected(&server.base, answer)),
    }
}

async fn device(server: &Server, known: &Known, tell: Tell<'_>) -> Result<(), SessionError> {
    const STEP: &str = "device";
    tell(STEP, ProbeOutcome::Begun("asks for the bot's device".to_owned()));
    let mut address = web::join(&server.base, "_matrix/client/v3/devices")?;
    if let Ok(mut segments) = address.path_segments_mut() {
        segments.push(&known.device_id);
    }
    let answer = server.send(server.client.get(address).bearer_auth(known.token.expose())).await?;
    match answer.body["device_id"].as_str() {
        Some(id) => {
            let name = answer.body["display_name"].as_str().unwrap_or("without a name");
            tell(STEP, ProbeOutcome::Good(format!("{id}, {name}")));
        }
        None => tell(STEP, ProbeOutcome::Doubtful(answer.sentence())),
    }
    Ok(())
}

async fn cross_signing(server: &Server, known: &Known, tell: Tell<'_>) -> Result<(), SessionError> {
    const STEP: &str = "cross-signing";
    tell(STEP, ProbeOutcome::Begun("asks whether the account has signed the device".to_owned()));
    let request = server.client.post(web::join(&server.base, "_matrix/client/v3/keys/query")?);
    let request = request.bearer_auth(known.token.expose());
    let body = json!({"device_keys": {&known.user_id: []}}).to_string();
    let answer = server.send(request.header("content-type", "application/json").body(body)).await?;
    tell(STEP, signed(&answer, &known.user_id, &known.device_id));
    Ok(())
}

/// Whether the account has signed the device.
fn signed(answer: &Answer, user_id: &str, device_id: &str) -> ProbeOutcome {
    let Some(device_keys) = answer.body["device_keys"].as_object() else {
        return ProbeOutcome::Doubtful(answer.sentence());
    };
    let keys = answer.body["self_signing_keys"][user_id]["keys"].as_object();
    let Some(signer) = keys.and_then(|keys| keys.keys().next()) else {
        let none = "the account has no identity yet: the first start creates one, and recovery.key";
        return ProbeOutcome::Doubtful(none.to_owned());
    };
    let device = device_keys.get(user_id).map(|devices| &devices[device_id]);
    match device {
        Some(device) if device["signatures"][user_id][signer].is_string() => {
            ProbeOutcome::Good("the account has signed this device".to_owned())
        }
        Some(device) if device.is_object() => ProbeOutcome::Doubtful(
            "the account has not signed this device, so some clients do not write to it: put the account's recovery key in \
             recovery.key, in the data folder, and start again"
                .to_owned(),
        ),
        _ => ProbeOutcome::Doubtful("this device has not published its keys yet: the first start does".to_owned()),
    }
}

async fn uploads(server: &Server, known: &Known, tell: Tell<'_>) -> Result<(), SessionError> {
    const STEP: &str = "files";
    tell(STEP, ProbeOutcome::Begun("asks how large a file may be".to_owned()));
    let answer = server.send(server.get("_matrix/client/v1/media/config", Some(&known.token))?).await?;
    let outcome = match (answer.status, answer.body["m.upload.size"].as_u64()) {
        (200, Some(size)) if size < LEAST_UPLOAD => ProbeOutcome::Doubtful(format!(
            "the homeserver takes files of {size} bytes at most: a longer !export cannot be sent"
        )),
        (200, Some(size)) => ProbeOutcome::Good(format!("up to {} MiB", size >> 20)),
        (200, None) => ProbeOutcome::Good("the homeserver names no limit".to_owned()),
        _ => ProbeOutcome::Doubtful(format!("!export may not work: {}", answer.sentence())),
    };
    tell(STEP, outcome);
    Ok(())
}

/// The error for an answer that a start would retry.
fn unexpected(base: &Url, answer: &Answer) -> SessionError {
    SessionError::Unreachable(format!("{base}: {}", answer.sentence()))
}
