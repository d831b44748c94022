//! The `postgres` section of the configuration: the server that several bots share collections in.

use std::path::PathBuf;

use jiff::SignedDuration;
use serde::Deserialize;
use tokio_postgres::config::Host;

use crate::setting::{Refused, duration, lasts, require, within};

/// How the server is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its address, with the account and the database and without a password: `postgres://compagnon@db.example.gouv.fr/compagnon`.
    pub url: String,
    /// A file whose first line is the account's password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Whether the connection may be readable on the network. A server of this machine needs no TLS.
    #[serde(default)]
    pub plain: bool,
    /// How long a statement may take, and a connection to be made.
    #[serde(default = "timeout", deserialize_with = "duration::read")]
    pub timeout: SignedDuration,
    /// Connections at a time.
    #[serde(default = "connections")]
    pub connections: usize,
}

fn timeout() -> SignedDuration {
    SignedDuration::from_secs(5)
}

fn connections() -> usize {
    4
}

impl Config {
    /// Checks what serde cannot.
    pub fn validate(&self) -> Result<(), Refused> {
        let parsed = self.parsed()?;
        require(parsed.get_password().is_none(), "postgres.url", "it holds a password; put that into password_file")?;
        require(!parsed.get_hosts().is_empty(), "postgres.url", "it names no server")?;
        lasts("postgres.timeout", self.timeout, SignedDuration::from_secs(1)..=SignedDuration::from_mins(5))?;
        within("postgres.connections", self.connections, 1..=64)
    }

    /// The address, as the client reads it. The error does not repeat it.
    pub(super) fn parsed(&self) -> Result<tokio_postgres::Config, Refused> {
        let reason = "it is no address such as postgres://account@server/database";
        let web = self.url.starts_with("postgres://") || self.url.starts_with("postgresql://");
        self.url.parse().ok().filter(|_| web).ok_or_else(|| Refused::new("postgres.url", reason))
    }

    /// Whether the connection is made with TLS: to every machine but this one, unless it may be readable.
    pub(super) fn uses_tls(&self, parsed: &tokio_postgres::Config) -> bool {
        let here = |host: &Host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
            Host::Unix(_) => true,
        };
        !self.plain && !parsed.get_hosts().iter().all(here)
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn read(yaml: &str) -> Config {
        serde_yaml::from_str(yaml).expect("of the right form")
    }

    #[test]
    fn the_address_has_a_server_and_no_password() {
        for good in [
            "url: 'postgres://bot@db.example/compagnon'",
            "{url: 'postgresql:///compagnon?host=/run/postgresql', timeout: 10s, connections: 8}",
        ] {
            assert_eq!(read(good).validate(), Ok(()), "{good}");
        }
        for (bad, key) in [
            ("url: 'postgres://bot:hunter2@db.example/compagnon'", "postgres.url"),
            ("url: 'https://db.example/'", "postgres.url"),
            ("url: ''", "postgres.url"),
            ("url: 'host=db user=bot'", "postgres.url"),
            ("{url: 'postgres://db/x', timeout: 1ms}", "postgres.timeout"),
            ("{url: 'postgres://db/x', connections: 0}", "postgres.connections"),
        ] {
            let refused = read(bad).validate().expect_err(bad).to_string();
            assert!(refused.starts_with(key) && !refused.contains("hunter2"), "{bad}: {refused}");
        }
    }

    #[test]
    fn tls_is_used_to_every_other_machine() {
        let tls = |yaml: &str| {
            let config = read(yaml);
            config.uses_tls(&config.parsed().unwrap())
        };
        assert!(tls("url: 'postgres://bot@db.example/x'") && tls("url: 'postgres://bot@10.0.0.1,localhost/x'"));
        for plain in [
            "url: 'postgres://b@localhost/x'",
            "url: 'postgres://b@127.0.0.1/x'",
            "url: 'postgres:///x?host=/run'",
            "{url: 'postgres://b@db.example/x', plain: true}",
        ] {
            assert!(!tls(plain), "{plain}");
        }
    }
}
