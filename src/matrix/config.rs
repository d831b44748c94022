//! The `matrix` section of the configuration: the homeserver, the account and its secret, and who may use the bot.

use std::path::{Path, PathBuf};

use ruma::{ServerName, UserId};
use serde::Deserialize;

use super::markdown::Tables;
use crate::{
    secret::Secret,
    setting::{self, Refused, require, within},
};

/// The longest file with a secret that is read.
const LONGEST_SECRET: u64 = 64 << 10;

/// The most entries of a list of servers or users, because each list is searched for every message.
const MOST_NAMES: usize = 10_000;

/// The homeserver, the account and the access rules.
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
    /// How tables are sent.
    #[serde(default)]
    pub tables: Tables,
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
            unencrypted: false,
            externals_servers: vec!["agent.externe.tchap.gouv.fr".to_owned()],
        }
    }
}

fn device_name() -> String {
    "compagnon".to_owned()
}

/// How the bot logs in, after the secret files were read.
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
    /// Checks the values beyond their types.
    pub fn validate(&self) -> Result<(), Refused> {
        self.validate_homeserver()?;
        let ways = [
            self.password.is_some(),
            self.password_file.is_some(),
            self.access_token.is_some(),
            self.access_token_file.is_some(),
        ];
        let one = ways.into_iter().filter(|given| *given).count() == 1;
        require(one, "matrix", "give exactly one of password, password_file, access_token, access_token_file")?;
        self.validate_user()?;
        let name = self.device_name.trim();
        require(!name.is_empty(), "matrix.device_name", "it is empty: people see it when they verify the device")?;
        within("matrix.device_name", self.device_name.chars().count(), 1..=100)
            .map_err(|_| Refused::new("matrix.device_name", "it has more than 100 characters"))?;
        self.access.validate()
    }

    fn validate_homeserver(&self) -> Result<(), Refused> {
        const KEY: &str = "matrix.homeserver";
        let homeserver = self.homeserver.trim();
        let example = "write a server name such as agent.example.tchap.gouv.fr, or its base URL https://matrix.agent.example.tchap.gouv.fr";
        require(!homeserver.is_empty(), KEY, &format!("it is empty: {example}"))?;
        if !homeserver.contains("://") {
            return require(
                ServerName::parse(homeserver).is_ok(),
                KEY,
                &format!("it is not the name of a server: {example}"),
            );
        }
        require(setting::is_web(homeserver), KEY, &format!("it is not an http or https URL: {example}"))?;
        let url = url::Url::parse(homeserver).map_err(|error| Refused::new(KEY, error.to_string()))?;
        let bare =
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        require(bare, KEY, "it must be the base URL alone, without an account, `?` or `#`")?;
        let above = !url.path().contains("/_matrix");
        require(above, KEY, "it must be the base URL, without `/_matrix` and what follows")
    }

    fn validate_user(&self) -> Result<(), Refused> {
        const KEY: &str = "matrix.user";
        let token = self.access_token.is_some() || self.access_token_file.is_some();
        let user = self.user.as_str();
        let full = user.starts_with('@');
        if let Some((name, server)) = user.split_once('@').filter(|(name, _)| !name.is_empty()) {
            let reason =
                format!("`{user}` looks like a mail address; an id is @{name}:{server}, and its local part {name}");
            return Err(Refused::new(KEY, reason));
        }
        if full {
            let parsed = UserId::parse(user).is_ok() && !user.starts_with("@:");
            require(parsed, KEY, "it is not a full id: one looks like @compagnon:agent.example.tchap.gouv.fr")?;
        } else {
            let local = !user.is_empty() && user.chars().all(|letter| letter.is_ascii_graphic() && letter != ':');
            require(
                local,
                KEY,
                "it is neither a local part (compagnon) nor a full id (@compagnon:agent.example.tchap.gouv.fr)",
            )?;
        }
        require(full || !token, KEY, "it must be a full id (@name:server) when an access token is given")?;
        match (token, &self.device_id) {
            (true, None) => {
                Err(Refused::new("matrix.device_id", "it is needed with an access token: the device it was issued for"))
            }
            (false, Some(_)) => {
                Err(Refused::new("matrix.device_id", "it goes with an access token, not with a password"))
            }
            (true, Some(device)) if device.trim().is_empty() => Err(Refused::new("matrix.device_id", "it is empty")),
            _ => Ok(()),
        }
    }

    /// The way to log in, reading the secret's file when it is in one.
    pub fn login(&self) -> Result<Login, Refused> {
        if let Some(password) = read(self.password.as_ref(), self.password_file.as_ref(), "matrix.password_file")? {
            return Ok(Login::Password(password));
        }
        let token = read(self.access_token.as_ref(), self.access_token_file.as_ref(), "matrix.access_token_file")?;
        let token = token.ok_or_else(|| Refused::new("matrix", "neither a password nor an access token is given"))?;
        let device_id = self.device_id.clone();
        let device_id =
            device_id.ok_or_else(|| Refused::new("matrix.device_id", "it is needed with an access token"))?;
        Ok(Login::Token { token, device_id })
    }

    /// The key that holds the secret, as sentences name it.
    pub(super) fn secret_key(&self) -> &'static str {
        match (&self.password, &self.password_file, &self.access_token) {
            (Some(_), ..) => "matrix.password",
            (_, Some(_), _) => "matrix.password_file",
            (_, _, Some(_)) => "matrix.access_token",
            _ => "matrix.access_token_file",
        }
    }

    /// Warnings about valid but risky values, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (key, path) in [("password_file", &self.password_file), ("access_token_file", &self.access_token_file)] {
            let Some(path) = path.as_deref().filter(|path| setting::file::is_open(path)) else { continue };
            let path = path.display();
            warnings.push(format!("matrix.{key}: every account of this machine can read {path}: chmod o= {path}"));
        }
        if self.homeserver.starts_with("http://") && !setting::is_local(&self.homeserver) {
            warnings.push(
                "matrix.homeserver: http:// sends the password and the token readable over the network; use https://"
                    .to_owned(),
            );
        }
        warnings
    }
}

impl AccessConfig {
    fn validate(&self) -> Result<(), Refused> {
        for (key, servers) in [("servers", &self.servers), ("externals_servers", &self.externals_servers)] {
            within(&format!("matrix.access.{key}"), servers.len(), 0..=MOST_NAMES)?;
            for (index, server) in servers.iter().enumerate() {
                let named = ServerName::parse(server).is_ok();
                require(named, &format!("matrix.access.{key}.{index}"), "it is not the name of a homeserver")?;
            }
        }
        within("matrix.access.users", self.users.len(), 0..=MOST_NAMES)?;
        for (index, user) in self.users.iter().enumerate() {
            let parsed = UserId::parse(user).is_ok();
            require(parsed, &format!("matrix.access.users.{index}"), "it is not a user id (@name:server)")?;
        }
        Ok(())
    }
}

/// The first line of the secret's file, or the secret itself.
fn read(value: Option<&Secret>, file: Option<&PathBuf>, key: &str) -> Result<Option<Secret>, Refused> {
    let Some(path) = file else { return Ok(value.cloned()) };
    let refused = |reason: &str| Refused::new(key, format!("{}: {reason}", path.display()));
    let text = setting::file::read(Path::new(path), LONGEST_SECRET).map_err(|reason| refused(&reason))?;
    match text.lines().next().map(str::trim_end) {
        Some(line) if !line.is_empty() => Ok(Some(Secret::from(line.to_owned()))),
        _ => Err(refused("its first line is empty")),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, io::Write as _, os::unix::fs::PermissionsExt as _};

    use super::{Config, Login};

    fn parse(yaml: &str) -> Result<Config, String> {
        let config: Config = serde_yaml::from_str(yaml).map_err(|error| error.to_string())?;
        config.validate().map(|()| config).map_err(|refused| refused.to_string())
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
    fn an_account_that_is_none_is_answered_with_how_one_looks() {
        for (user, expected) in [
            ("bot@x.fr", "an id is @bot:x.fr, and its local part bot"),
            ("'@bot'", "it is not a full id"),
            ("'@:x.fr'", "it is not a full id"),
            ("'bot:x.fr'", "neither a local part"),
            ("'a bot'", "neither a local part"),
            ("''", "neither a local part"),
        ] {
            let sentence = parse(&format!("homeserver: https://hs\nuser: {user}\npassword: x\n")).unwrap_err();
            assert!(sentence.starts_with("matrix.user: ") && sentence.contains(expected), "{user}: {sentence}");
        }
        for (homeserver, expected) in [
            ("''", "empty"),
            ("ftp://x.fr", "http or https"),
            ("'https://'", "http or https"),
            ("'a server'", "not the name of a server"),
            ("https://u:p@x.fr", "without an account"),
            ("https://x.fr/_matrix/client", "without `/_matrix`"),
        ] {
            let sentence = parse(&format!("homeserver: {homeserver}\nuser: u\npassword: x\n")).unwrap_err();
            assert!(
                sentence.starts_with("matrix.homeserver: ") && sentence.contains(expected),
                "{homeserver}: {sentence}"
            );
        }
        for homeserver in
            ["x.fr", "x.fr:8448", "http://127.0.0.1:8008", "https://x.fr/", "https://x.fr/base", "'[::1]:80'"]
        {
            parse(&format!("homeserver: {homeserver}\nuser: u\npassword: x\n")).expect(homeserver);
        }
    }

    #[test]
    fn secrets_that_anybody_may_read_are_said() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let config = |homeserver: &str| {
            let yaml = format!("homeserver: {homeserver}\nuser: c\npassword_file: {}", file.path().display());
            parse(&yaml).unwrap()
        };
        for (mode, said) in [(0o600, 0), (0o640, 0), (0o644, 1), (0o666, 1)] {
            file.as_file().set_permissions(Permissions::from_mode(mode)).unwrap();
            let warnings = config("https://hs.fr").warnings();
            assert_eq!(warnings.len(), said, "{mode:o}: {warnings:?}");
        }
        file.as_file().set_permissions(Permissions::from_mode(0o600)).unwrap();
        for (homeserver, said) in
            [("http://hs.fr", 1), ("http://127.0.0.1", 0), ("http://synapse:8008", 0), ("hs.fr", 0)]
        {
            assert_eq!(config(homeserver).warnings().len(), said, "{homeserver}");
        }
    }

    #[test]
    fn a_secret_file_gives_its_first_line() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "hunter2").unwrap();
        let yaml = format!("homeserver: hs\nuser: c\npassword_file: {}", file.path().display());
        let Login::Password(password) = parse(&yaml).unwrap().login().unwrap() else { panic!("a password was given") };
        assert_eq!(password.expose(), "hunter2");
        for (content, expected) in
            [("\u{feff}hunter3\r\n", Ok("hunter3")), ("\nx", Err("first line is empty")), ("", Err("empty"))]
        {
            std::fs::write(file.path(), content).unwrap();
            match (parse(&yaml).unwrap().login(), expected) {
                (Ok(Login::Password(password)), Ok(expected)) => assert_eq!(password.expose(), expected),
                (Err(refused), Err(expected)) => {
                    let sentence = refused.to_string();
                    assert!(
                        sentence.starts_with("matrix.password_file: ") && sentence.contains(expected),
                        "{sentence}"
                    );
                }
                (found, _) => panic!("{content:?}: {found:?}"),
            }
        }
        std::fs::write(file.path(), "x".repeat(100_000)).unwrap();
        assert!(parse(&yaml).unwrap().login().unwrap_err().to_string().contains("longer than"));
    }
}
