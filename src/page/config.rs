//! The `statistics` section of the configuration.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::setting::{Refused, is_web, require, within};

/// The longest text of the section.
const LONGEST: usize = 200;

/// Whether and how the public page is served.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port, such as `127.0.0.1:8081`. Without it nothing is served.
    pub listen: Option<SocketAddr>,
    /// What the service is called on the page.
    pub name: String,
    /// Who answers for the service, as the declaration of accessibility names them.
    pub publisher: String,
    /// An e-mail address or a web page where people may write.
    pub contact: Option<String>,
    /// What a kilowatt hour emits, in grams of CO₂ equivalent.
    pub co2_grams_per_kwh: f64,
    /// Where that figure is from, as the page says it.
    pub co2_source: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: None,
            name: "compagnon".to_owned(),
            publisher: "l’État".to_owned(),
            contact: None,
            co2_grams_per_kwh: 21.7,
            co2_source: "RTE, Bilan électrique 2024".to_owned(),
        }
    }
}

impl Config {
    /// Checks what the types cannot.
    pub fn validate(&self) -> Result<(), Refused> {
        for (key, text) in [
            ("statistics.name", &self.name),
            ("statistics.publisher", &self.publisher),
            ("statistics.co2_source", &self.co2_source),
        ] {
            let fits = !text.trim().is_empty() && text.chars().count() <= LONGEST;
            require(fits, key, "it is empty, or longer than 200 characters")?;
        }
        if !self.co2_grams_per_kwh.is_finite() {
            return Err(Refused::new("statistics.co2_grams_per_kwh", "it is not a number"));
        }
        within("statistics.co2_grams_per_kwh", self.co2_grams_per_kwh, 0.0..=2_000.0)?;
        let contact = self.contact.as_deref();
        let reason = "it is neither an e-mail address nor the address of a web page";
        require(contact.is_none_or(|contact| Contact::parse(contact).is_some()), "statistics.contact", reason)?;
        let reason =
            "the declaration of accessibility must say where people may write: give an e-mail address or a web page";
        require(self.listen.is_none() || contact.is_some(), "statistics.contact", reason)
    }

    /// Where people may write.
    pub(super) fn contact(&self) -> Option<Contact> {
        self.contact.as_deref().and_then(Contact::parse)
    }
}

/// Where people may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contact {
    /// What a link to it leads to.
    pub(super) href: String,
    /// What it reads as.
    pub(super) text: String,
}

impl Contact {
    fn parse(text: &str) -> Option<Self> {
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_graphic() && !"<>\"'`&%?#,;:()[]\\".contains(c));
        if text.len() > LONGEST {
            return None;
        }
        if is_web(text) && !text.contains(char::is_whitespace) {
            return Some(Self { href: text.to_owned(), text: text.to_owned() });
        }
        let (user, server) = text.split_once('@')?;
        let whole = !user.is_empty() && server.contains('.') && !server.contains('@') && plain(user) && plain(server);
        whole.then(|| Self { href: format!("mailto:{text}"), text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn who_publishes_says_where_to_write() {
        let listening = Config { listen: Some(([127, 0, 0, 1], 1).into()), ..Config::default() };
        assert_eq!(Config::default().validate(), Ok(()));
        assert!(listening.validate().unwrap_err().reason.contains("must say where"));
        for (contact, good) in [
            ("contact@example.gouv.fr", true),
            ("https://example.gouv.fr/contact", true),
            ("javascript:alert(1)", false),
            ("a@b.fr?subject=x", false),
            ("a b@c.fr", false),
            ("\"><script>@c.fr", false),
            ("@c.fr", false),
            ("nowhere", false),
        ] {
            let config = Config { contact: Some(contact.to_owned()), ..listening.clone() };
            assert_eq!(config.validate().is_ok(), good, "{contact}");
        }
        for factor in [-1.0, 2_000.1, f64::NAN, f64::INFINITY] {
            assert!(Config { co2_grams_per_kwh: factor, ..Config::default() }.validate().is_err(), "{factor}");
        }
        assert!(Config { name: " ".to_owned(), ..Config::default() }.validate().is_err());
    }
}
