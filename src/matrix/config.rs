//! The `matrix` section of the configuration: the account, how it logs in, and whom the bot accepts to work for.

use std::{fs, path::PathBuf};

use ruma::{ServerName, UserId};
use serde::Deserialize;

use crate::secret::Secret;

/// The account, the homeserver and the doors that are open.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The homeserver's base URL (`https://matrix.agent.x.tchap.gouv.fr`), or the server name to discover it from.
    pub homeserver: String,
    /// The bot's account: its full id, or with a password its localpart.
    pub user: String,
    /// The password. Exactly one of the four secrets is given.
    #[serde(default)]
    pub password: Option<Secret>,
    /// A file whose first line is the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// An access token issued by an administrator (Matrix Authentication Service); needs `device_id` and a full `user`.
    #[serde(default)]
    pub access_token: Option<Secret>,
    /// A file whose first line is the access token.
    #[serde(default)]
    pub access_token_file: Option<PathBuf>,
    /// The device for which the access token was issued.
    #[serde(default)]
    pub device_id: Option<String>,
    /// The name other people see for the bot's device.
    #[serde(default = "device_name")]
    pub device_name: String,
    /// How strictly devices are trusted.
    #[serde(default)]
    pub encryption: Encryption,
    /// Who may invite the bot and ask it questions.
    #[serde(default)]
    pub access: AccessConfig,
}

/// How strictly devices are trusted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Encryption {
    /// Encrypt to, and read from, only devices that their owner has cross-signed. Off by default, because many agents never
    /// verified theirs.
    pub strict: bool,
    /// Whether administration commands are taken from devices that their owner has not cross-signed. Off by default: a homeserver can add
    /// a device to anybody's account, but it cannot sign it.
    pub commands_from_unverified_devices: bool,
}

/// Who may invite the bot and ask it questions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// The homeservers whose users are accepted. Empty: only the bot's own.
    pub servers: Vec<String>,
    /// Single users accepted wherever they come from.
    pub users: Vec<String>,
    /// Whether people outside the State, and rooms open to them, are accepted.
    pub externals: bool,
    /// Whether the bot works in rooms without encryption.
    pub unencrypted: bool,
    /// The homeservers that hold people outside the State.
    pub externals_servers: Vec<String>,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            users: Vec::new(),
            externals: false,
            unencrypted: true,
            externals_servers: vec!["agent.externe.tchap.gouv.fr".to_owned()],
        }
    }
}

fn device_name() -> String {
    "compagnon".to_owned()
}

/// How the bot proves who it is, once the files are read.
#[derive(Clone, Debug)]
pub enum Login {
    /// `m.login.password`.
    Password(Secret),
    /// A token issued beforehand, with the device it belongs to.
    Token {
        /// The access token.
        token: Secret,
        /// The device it was issued for.
        device_id: String,
    },
}

impl Config {
    /// Checks what serde cannot. The sentence names the key to change.
    pub fn validate(&self) -> Result<(), String> {
        if self.homeserver.trim().is_empty() {
            return Err("matrix.homeserver is empty".to_owned());
        }
        let ways = [
            self.password.is_some(),
            self.password_file.is_some(),
            self.access_token.is_some(),
            self.access_token_file.is_some(),
        ];
        if ways.into_iter().filter(|given| *given).count() != 1 {
            return Err(
                "matrix: give exactly one of password, password_file, access_token, access_token_file".to_owned()
            );
        }
        self.validate_user()?;
        for server in self.access.servers.iter().chain(&self.access.externals_servers) {
            ServerName::parse(server)
                .map_err(|_| format!("matrix.access: \"{server}\" is not the name of a homeserver"))?;
        }
        for user in &self.access.users {
            UserId::parse(user)
                .map_err(|_| format!("matrix.access.users: \"{user}\" is not a user id (@name:server)"))?;
        }
        Ok(())
    }

    fn validate_user(&self) -> Result<(), String> {
        let token = self.access_token.is_some() || self.access_token_file.is_some();
        let full = self.user.starts_with('@');
        if self.user.trim().is_empty() || (full && UserId::parse(&self.user).is_err()) {
            return Err("matrix.user is neither a localpart nor a full user id (@name:server)".to_owned());
        }
        if token && !full {
            return Err("matrix.user must be a full id (@name:server) when an access token is given".to_owned());
        }
        match (token, &self.device_id) {
            (true, None) => Err("matrix.device_id is needed with an access token".to_owned()),
            (false, Some(_)) => Err("matrix.device_id goes with an access token, not with a password".to_owned()),
            _ => Ok(()),
        }
    }

    /// The way to log in, reading the secret's file when it is in one.
    pub fn login(&self) -> Result<Login, String> {
        if let Some(password) = read(self.password.as_ref(), self.password_file.as_ref(), "password_file")? {
            return Ok(Login::Password(password));
        }
        let token = read(self.access_token.as_ref(), self.access_token_file.as_ref(), "access_token_file")?
            .ok_or("matrix: neither a password nor an access token is given")?;
        let device_id = self.device_id.clone().ok_or("matrix.device_id is needed with an access token")?;
        Ok(Login::Token { token, device_id })
    }
}

fn read(value: Option<&Secret>, file: Option<&PathBuf>, key: &str) -> Result<Option<Secret>, String> {
    let Some(path) = file else { return Ok(value.cloned()) };
    let text = fs::read_to_string(path).map_err(|error| format!("matrix.{key} ({}): {error}", path.display()))?;
    let text = zeroize::Zeroizing::new(text);
    match text.lines().next().map(str::trim_end) {
        Some(line) if !line.is_empty() => Ok(Some(Secret::from(line.to_owned()))),
        _ => Err(format!("matrix.{key} ({}) is empty", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{Config, Login};

    fn parse(yaml: &str) -> Result<Config, String> {
        let config: Config = serde_yaml::from_str(yaml).map_err(|error| error.to_string())?;
        config.validate().map(|()| config)
    }

    #[test]
    fn one_way_to_log_in() {
        let base = "homeserver: https://hs\nuser: compagnon\n";
        assert!(parse(&format!("{base}password: x")).is_ok());
        assert!(parse(base).unwrap_err().contains("exactly one"));
        assert!(
            parse(&format!("{base}password: x\naccess_token: y\ndevice_id: D")).unwrap_err().contains("exactly one")
        );
        assert!(parse(&format!("{base}access_token: y\ndevice_id: D")).unwrap_err().contains("matrix.user"));
        let full = "homeserver: https://hs\nuser: '@compagnon:hs'\naccess_token: y\n";
        assert!(parse(full).unwrap_err().contains("device_id"));
        assert!(parse(&format!("{full}device_id: D")).is_ok());
    }

    #[test]
    fn unknown_keys_and_bad_names_are_refused() {
        let base = "homeserver: https://hs\nuser: compagnon\npassword: x\n";
        assert!(parse(&format!("{base}passwrod: x")).is_err());
        assert!(parse(&format!("{base}access: {{users: [bob]}}")).unwrap_err().contains("access.users"));
        assert!(parse(&format!("{base}access: {{servers: ['a b']}}")).unwrap_err().contains("homeserver"));
    }

    #[test]
    fn a_secret_file_gives_its_first_line() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "hunter2").unwrap();
        let yaml = format!("homeserver: hs\nuser: c\npassword_file: {}", file.path().display());
        let Login::Password(password) = parse(&yaml).unwrap().login().unwrap() else { panic!("a password was given") };
        assert_eq!(password.expose(), "hunter2");
    }
}
