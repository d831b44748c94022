//! The `privacy` section of the configuration: what only ops know of the service, for the notice that people read.

use jiff::{SignedDuration, civil::Date};
use serde::Deserialize;

use crate::setting::{
    self, Refused, duration, lasts, require,
    spoken::{SpokenList, SpokenText},
    within,
};

/// The longest text, in characters.
const LONGEST: usize = 500;

/// The most texts of a list.
const MOST: usize = 30;

/// What ops say of the service. Each text may be given once for all languages or once for each.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who decides why and how data is processed (GDPR, art. 4.7).
    pub controller: Option<SpokenText>,
    /// The data protection officer, or how to reach them.
    pub dpo: Option<SpokenText>,
    /// Where people may write about the assistant: it is named where something goes wrong.
    pub contact: Option<SpokenText>,
    /// Who is served.
    pub audience: Option<SpokenText>,
    /// What for.
    pub purposes: Option<SpokenText>,
    /// The legal basis.
    pub legal_basis: Option<SpokenText>,
    /// Where the program runs, and so the model and what is kept.
    pub hosting: Option<SpokenText>,
    /// Who runs the homeserver, where the messages are.
    pub homeserver_operator: Option<SpokenText>,
    /// Who processes data for the controller.
    pub processors: Option<SpokenList>,
    /// Who else receives data.
    pub recipients: Option<SpokenList>,
    /// Transfers out of the Union.
    pub transfers: Option<SpokenText>,
    /// How long backups are kept.
    #[serde(deserialize_with = "duration::read_some")]
    pub backups: Option<SignedDuration>,
    /// How long logs are kept.
    #[serde(deserialize_with = "duration::read_some")]
    pub logs: Option<SignedDuration>,
    /// What must not be entered, beside what is said of itself.
    pub forbidden: Option<SpokenList>,
    /// What the assistant must not be used for.
    pub forbidden_uses: Option<SpokenList>,
    /// The number in the record of processing.
    pub register: Option<SpokenText>,
    /// The impact assessment: its date, or why there is none.
    pub dpia: Option<SpokenText>,
    /// The security accreditation.
    pub security: Option<SpokenText>,
    /// The address of the charter of use.
    pub charter: Option<SpokenText>,
    /// The address of the long notice.
    pub notice: Option<SpokenText>,
    /// The address of the declaration of accessibility.
    pub accessibility: Option<SpokenText>,
    /// When all this was last looked at, as `2026-11-28`.
    pub updated: Option<String>,
}

impl Config {
    /// Checks what the types cannot.
    pub fn validate(&self) -> Result<(), Refused> {
        for (key, text) in self.texts() {
            let Some(text) = text else { continue };
            let key = format!("privacy.{key}");
            text.each().try_for_each(|text| readable(&key, text))?;
        }
        for (key, address) in
            [("charter", &self.charter), ("notice", &self.notice), ("accessibility", &self.accessibility)]
        {
            let each = address.iter().flat_map(SpokenText::each);
            let web = each.fold(true, |all, address| {
                all && setting::is_web(address) && !address.contains([' ', '`', '<', '>', '"'])
            });
            require(web, &format!("privacy.{key}"), "it must be an http or https address: people are sent there")?;
        }
        for (key, list) in [
            ("processors", &self.processors),
            ("recipients", &self.recipients),
            ("forbidden", &self.forbidden),
            ("forbidden_uses", &self.forbidden_uses),
        ] {
            let key = format!("privacy.{key}");
            for list in list.iter().flat_map(SpokenList::each) {
                within(&key, list.len(), 0..=MOST)?;
                list.iter().try_for_each(|text| readable(&key, text))?;
            }
        }
        for (key, time) in [("backups", self.backups), ("logs", self.logs)] {
            let Some(time) = time else { continue };
            lasts(
                &format!("privacy.{key}"),
                time,
                SignedDuration::from_mins(1)..=SignedDuration::from_hours(24 * 3650),
            )?;
        }
        let dated = self.updated.as_ref().is_none_or(|date| date.parse::<Date>().is_ok());
        require(dated, "privacy.updated", "it is no date such as 2026-11-28")
    }

    /// When all this was last looked at.
    #[must_use]
    pub fn updated(&self) -> Option<Date> {
        self.updated.as_ref().and_then(|date| date.parse().ok())
    }

    /// What the notice of a public body must say and this section does not, by key.
    #[must_use]
    pub fn lacks(&self) -> Vec<&'static str> {
        let needed = [
            ("controller", self.controller.is_some()),
            ("dpo", self.dpo.is_some()),
            ("contact", self.contact.is_some()),
            ("audience", self.audience.is_some()),
            ("purposes", self.purposes.is_some()),
            ("legal_basis", self.legal_basis.is_some()),
            ("hosting", self.hosting.is_some()),
            ("homeserver_operator", self.homeserver_operator.is_some()),
            ("transfers", self.transfers.is_some()),
            ("backups", self.backups.is_some()),
            ("logs", self.logs.is_some()),
            ("register", self.register.is_some()),
            ("dpia", self.dpia.is_some()),
            ("security", self.security.is_some()),
            ("updated", self.updated.is_some()),
        ];
        needed.into_iter().filter(|(_, given)| !given).map(|(key, _)| key).collect()
    }

    fn texts(&self) -> [(&'static str, &Option<SpokenText>); 15] {
        [
            ("controller", &self.controller),
            ("dpo", &self.dpo),
            ("contact", &self.contact),
            ("audience", &self.audience),
            ("purposes", &self.purposes),
            ("legal_basis", &self.legal_basis),
            ("hosting", &self.hosting),
            ("homeserver_operator", &self.homeserver_operator),
            ("transfers", &self.transfers),
            ("register", &self.register),
            ("dpia", &self.dpia),
            ("security", &self.security),
            ("charter", &self.charter),
            ("notice", &self.notice),
            ("accessibility", &self.accessibility),
        ]
    }
}

/// A text that stands in a sentence.
fn readable(key: &str, text: &str) -> Result<(), Refused> {
    let fits = !text.trim().is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
    require(fits, key, "it is empty, longer than 500 characters, or of several lines: people read it in a sentence")
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn check(yaml: &str) -> Result<Config, String> {
        let config: Config = serde_yaml::from_str(yaml).map_err(|error| error.to_string())?;
        config.validate().map_err(|refused| refused.to_string()).map(|()| config)
    }

    #[test]
    fn what_people_cannot_read_is_refused_in_one_sentence() {
        for (yaml, expected) in [
            ("controller: ''", "privacy.controller: it is empty"),
            ("dpo: {fr: a, en: \"b\\nc\"}", "privacy.dpo: it is empty, longer"),
            ("charter: charte.pdf", "privacy.charter: it must be an http"),
            ("forbidden: ['']", "privacy.forbidden: it is empty"),
            ("updated: 28/11/2026", "privacy.updated: it is no date"),
            ("backups: 20000d", "privacy.backups: 20000d is not between"),
        ] {
            assert!(check(yaml).expect_err(yaml).contains(expected), "{yaml}: {:?}", check(yaml));
        }
        let long = format!("hosting: {}", "a".repeat(501));
        assert!(check(&long).expect_err("too long").contains("privacy.hosting"));
    }

    #[test]
    fn what_is_missing_is_named_until_it_is_there() {
        let all = Config::default().lacks();
        assert!(all.contains(&"controller") && all.contains(&"backups"));
        let config = check("{controller: le ministère, backups: 30d, updated: '2026-11-28'}").expect("good");
        let lacks = config.lacks();
        assert_eq!(lacks.len(), all.len() - 3);
        assert!(!lacks.contains(&"controller"));
        assert_eq!(config.updated(), Some(jiff::civil::date(2026, 11, 28)));
    }
}
