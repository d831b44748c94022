//! The `services` section of the configuration: which systems the bot may call, where they are, and the secret it shows them.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::SignedDuration;
use serde::Deserialize;
use url::Url;

use crate::setting::{self, Refused, duration, lasts, require, within};

/// More than any installation has; each is a secret in memory.
const MOST_SERVICES: usize = 32;

/// The services, by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Config(pub BTreeMap<String, Service>);

/// One service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The address that calls are posted to.
    pub url: String,
    /// A file whose first line is the token, shown as `Authorization: Bearer`. Without it, none is shown.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// How long one call may take. A call that takes longer is repeated under the same idempotency key.
    #[serde(default = "timeout", deserialize_with = "duration::read")]
    pub timeout: SignedDuration,
}

fn timeout() -> SignedDuration {
    SignedDuration::from_secs(30)
}

impl Config {
    /// Checks what serde cannot.
    pub fn validate(&self) -> Result<(), Refused> {
        within("services", self.0.len(), 0..=MOST_SERVICES)?;
        for (name, service) in &self.0 {
            let key = |field: &str| format!("services.{name}.{field}");
            let reason = "a service's name is made of a–z, 0–9, _ and -, 40 at most";
            require(setting::is_name(name), &format!("services.{name}"), reason)?;
            lasts(&key("timeout"), service.timeout, SignedDuration::from_secs(1)..=SignedDuration::from_mins(5))?;
            let parsed = Url::parse(&service.url).ok().filter(|_| setting::is_web(&service.url));
            let url = parsed.ok_or_else(|| Refused::new(key("url"), "it is not an http or https URL"))?;
            let bare = url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
                && url.query().is_none();
            require(
                bare,
                &key("url"),
                "it must be an address without an account, `?` and `#`; a secret goes into token_file",
            )?;
        }
        Ok(())
    }

    /// What is no error and should still be said, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (name, service) in &self.0 {
            if let Some(path) = service.token_file.as_deref().filter(|path| setting::file::is_open(path)) {
                let path = path.display();
                warnings.push(format!(
                    "services.{name}.token_file: every account of this machine can read {path}: chmod o= {path}"
                ));
            }
            if service.url.starts_with("http://") && !setting::is_local(&service.url) {
                warnings.push(format!(
                    "services.{name}.url: http:// sends the token and the content readable over the network; use https://"
                ));
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn refusal(yaml: &str) -> Option<String> {
        let config: Config = serde_yaml::from_str(yaml).expect("of the right form");
        config.validate().err().map(|refused| refused.to_string())
    }

    #[test]
    fn each_service_has_a_plain_name_a_bare_address_and_a_bounded_timeout() {
        assert_eq!(refusal("{}"), None);
        assert_eq!(
            refusal("docs: {url: 'https://docs.example/api'}\nb-1_x: {url: 'http://[::1]:1/', timeout: 5m}"),
            None
        );
        for (yaml, key) in [
            ("'': {url: 'https://h/'}", "services."),
            ("Docs: {url: 'https://h/'}", "services.Docs"),
            ("'a b': {url: 'https://h/'}", "services.a b"),
            ("docs: {url: 'ftp://h/'}", "services.docs.url"),
            ("docs: {url: ''}", "services.docs.url"),
            ("docs: {url: 'https://u:p@h/'}", "services.docs.url"),
            ("docs: {url: 'https://h/#x'}", "services.docs.url"),
            ("docs: {url: 'https://h/', timeout: 0s}", "services.docs.timeout"),
            ("docs: {url: 'https://h/', timeout: 1h}", "services.docs.timeout"),
        ] {
            let refusal = refusal(yaml).expect(yaml);
            assert!(refusal.starts_with(key) && !refusal.contains("u:p"), "{yaml}: {refusal}");
        }
    }

    #[test]
    fn a_secret_in_clear_is_warned_about() {
        let warnings = |yaml: &str| serde_yaml::from_str::<Config>(yaml).expect("of the right form").warnings();
        assert_eq!(warnings("a: {url: 'http://localhost:1/'}\nb: {url: 'https://h.example/'}"), [""; 0]);
        assert!(warnings("a: {url: 'http://h.example/'}")[0].contains("services.a.url"));
    }
}
