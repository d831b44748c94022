//! The `docs` section of `assistant`: whether and how notes become documents of La Suite Docs.

use std::path::PathBuf;

use ruma::UserId;
use serde::Deserialize;

use crate::setting::{self, Refused, require, within};

/// The largest file of addresses, in bytes.
const LARGEST_FILE: u64 = 4 << 20;
/// The most domains.
const MOST_DOMAINS: usize = 100;
/// The longest address, in bytes: Docs takes no longer one.
const LONGEST_ADDRESS: usize = 254;

/// La Suite Docs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docs {
    /// The service that makes documents, by its name in `services`.
    #[serde(default = "service")]
    pub service: String,
    /// The address of the site, under which the documents are.
    pub site: String,
    /// A file that says which address each person has: on each line a full Matrix id, white space, an e-mail address.
    #[serde(default)]
    pub addresses: Option<PathBuf>,
    /// The domains of the addresses that a person may give; with their subdomains. Empty: all.
    #[serde(default)]
    pub domains: Vec<String>,
}

fn service() -> String {
    "docs".to_owned()
}

impl Docs {
    /// Checks what serde cannot.
    pub fn validate(&self) -> Result<(), Refused> {
        let web = setting::is_web(&self.site) && !self.site.contains(['?', '#', '(', ')', ' ']);
        require(web, "assistant.docs.site", "it must be an http or https address, without `?` and `#`")?;
        // A link of another kind is none in a message.
        let secure = self.site.starts_with("https://") || setting::is_local(&self.site);
        require(secure, "assistant.docs.site", "it must begin with https://: people are sent there")?;
        require(setting::is_name(&self.service), "assistant.docs.service", "it is no name of a service")?;
        within("assistant.docs.domains", self.domains.len(), 0..=MOST_DOMAINS)?;
        let plain = self.domains.iter().all(|domain| is_domain(domain));
        require(plain, "assistant.docs.domains", "each is a domain such as gouv.fr")?;
        self.read().map(drop)
    }

    /// What is no error and should still be said, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let all = self.domains.is_empty();
        let warning = "assistant.docs.domains: none is named, so a note can be sent to any e-mail address; name yours, such as gouv.fr";
        all.then(|| warning.to_owned()).into_iter().collect()
    }

    /// The host, as people know it.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.site.split_once("://").map_or(&*self.site, |(_, rest)| rest);
        rest.split(['/', ':']).next().unwrap_or(rest)
    }

    /// Whether a person may give this address.
    #[must_use]
    pub fn takes(&self, address: &str) -> bool {
        let Some((_, domain)) = address.rsplit_once('@').filter(|_| is_address(address)) else { return false };
        let domain = domain.to_ascii_lowercase();
        let under =
            |of: &String| domain == *of || domain.strip_suffix(of.as_str()).is_some_and(|rest| rest.ends_with('.'));
        self.domains.is_empty() || self.domains.iter().map(|of| of.to_ascii_lowercase()).any(|of| under(&of))
    }

    /// The address that the file gives a person. The file is read each time: it may change while the program runs.
    pub fn address_of(&self, person: &UserId) -> Result<Option<String>, Refused> {
        let lines = self.read()?;
        let named = lines.lines().filter_map(parts).find(|(id, _)| *id == person.as_str());
        Ok(named.map(|(_, address)| address.to_owned()))
    }

    /// The file of addresses, checked.
    fn read(&self) -> Result<String, Refused> {
        let Some(path) = &self.addresses else { return Ok(String::new()) };
        let refused = |reason: &str| Refused::new("assistant.docs.addresses", format!("{}: {reason}", path.display()));
        let text = setting::file::read(path, LARGEST_FILE).map_err(|error| refused(&error))?;
        for (index, line) in text.lines().enumerate() {
            let empty = line.trim().is_empty() || line.trim_start().starts_with('#');
            if !empty && parts(line).is_none() {
                let reason =
                    format!("line {} is no Matrix id and e-mail address, with white space between them", index + 1);
                return Err(refused(&reason));
            }
        }
        Ok(text.to_string())
    }
}

/// The id and the address of a line.
fn parts(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    let (id, address) = (words.next()?, words.next()?);
    let sound = words.next().is_none() && <&UserId>::try_from(id).is_ok() && is_address(address);
    sound.then_some((id, address))
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && label.len() < 64
    };
    text.split('.').count() >= 2 && text.split('.').all(label)
}

/// Whether a text is an e-mail address of the plain kind that everybody has.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    text.len() <= LONGEST_ADDRESS && !local.is_empty() && local.bytes().all(plain) && is_domain(domain)
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::{Docs, is_address};

    fn docs(domains: &[&str]) -> Docs {
        let domains = domains.iter().map(|&domain| domain.to_owned()).collect();
        let (service, site) = ("docs".to_owned(), "https://docs.numerique.gouv.fr/".to_owned());
        Docs { service, site, addresses: None, domains }
    }

    #[test]
    fn addresses_are_plain_and_of_the_domains_that_are_named() {
        for address in ["awa.diallo@interieur.gouv.fr", "a+b@x.fr", "o'neil@x-y.example"] {
            assert!(is_address(address), "{address}");
        }
        for text in ["", "awa", "awa@", "@x.fr", "awa@x", "a b@x.fr", "awa@x..fr", "a\n@x.fr", "é@x.fr", "a@b@x.fr"] {
            assert!(!is_address(text), "{text}");
        }
        let state = docs(&["gouv.fr"]);
        assert!(state.takes("a@gouv.fr") && state.takes("a@interieur.GOUV.fr"));
        assert!(!state.takes("a@gouv.fr.example") && !state.takes("a@pasgouv.fr") && !state.takes("a@x.fr"));
        assert!(docs(&[]).takes("a@x.fr") && docs(&[]).warnings().len() == 1 && state.warnings().is_empty());
        assert_eq!(state.host(), "docs.numerique.gouv.fr");
    }

    #[test]
    fn the_file_of_addresses_is_read_each_time_and_checked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("addresses");
        let docs = Docs { addresses: Some(path.clone()), ..docs(&[]) };
        assert_eq!(docs.validate().expect_err("no file").key, "assistant.docs.addresses");
        std::fs::write(&path, "# id address\n@awa:h  awa@x.fr\n\n@ben:h\tben@x.fr\n").expect("written");
        docs.validate().expect("sound");
        assert_eq!(docs.address_of(user_id!("@ben:h")).expect("read").as_deref(), Some("ben@x.fr"));
        assert_eq!(docs.address_of(user_id!("@chloe:h")).expect("read"), None);
        std::fs::write(&path, "@awa:h awa@x.fr\nawa secret@x.fr\n").expect("written");
        let refused = docs.validate().expect_err("no id").to_string();
        assert!(refused.contains("line 2") && !refused.contains("secret"), "{refused}");
        for site in ["", "docs.h", "ftp://docs.h", "http://docs.example/", "https://docs.h/?a", "https://docs.h/(x)"] {
            let odd = Docs { site: site.to_owned(), addresses: None, ..docs.clone() };
            assert_eq!(odd.validate().expect_err(site).key, "assistant.docs.site");
        }
    }
}
