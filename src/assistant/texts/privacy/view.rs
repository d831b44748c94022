//! What the sentences on privacy are said of, and how values stand in them.

use std::time::Duration;

use crate::{
    compagnon::Language,
    privacy::{Facts, Here},
    setting::spoken::{SpokenList, SpokenText},
    typography,
};

const DAY: u64 = 24 * 3600;

/// What is true, where it is read, and in which language.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What is true of the service.
    pub facts: &'a Facts,
    /// The room in which it is asked; nothing in the notice for all.
    pub here: Option<&'a Here>,
    /// The language.
    pub language: Language,
}

impl View<'_> {
    /// The sentence of the language, with its typography.
    pub(in crate::assistant::texts) fn say(&self, fr: impl Into<String>, en: impl Into<String>) -> String {
        match self.language {
            Language::Fr => typography::french(&fr.into()).into_owned(),
            Language::En => en.into(),
        }
    }

    /// What ops say, to stand before a full stop.
    pub(in crate::assistant::texts) fn stated<'t>(&self, text: Option<&'t SpokenText>) -> Option<&'t str> {
        let text = text?;
        let text = match self.language {
            Language::Fr => text.fr(),
            Language::En => text.en(),
        };
        Some(text.trim().trim_end_matches('.'))
    }

    /// What ops list, on one line.
    pub(super) fn listed(&self, list: Option<&SpokenList>) -> Option<String> {
        let list = list?;
        let list = match self.language {
            Language::Fr => list.fr(),
            Language::En => list.en(),
        };
        (!list.is_empty()).then(|| list.join(self.say(" ; ", "; ").as_str()))
    }

    /// How long something is kept.
    pub(in crate::assistant::texts) fn lasting(&self, time: Duration) -> String {
        let (hours, days) = (time.as_secs() / 3600, time.as_secs() / DAY);
        let count = |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
        match (days, hours % 24) {
            (0, 0) => count(time.as_secs() / 60, "minute", "minutes"),
            (days, 0) if days > 0 && days % 365 == 0 => {
                count(days / 365, &self.say("an", "year"), &self.say("ans", "years"))
            }
            (days, 0) if days > 1 => count(days, &self.say("jour", "day"), &self.say("jours", "days")),
            _ => count(hours, &self.say("heure", "hour"), &self.say("heures", "hours")),
        }
    }
}
