//! The settings of a room. Stored under the room's key, changed only by commands.

use std::fmt;

use ruma::OwnedUserId;
use serde::{Deserialize, Serialize};

use super::language::Language;

/// The settings of one room or direct conversation. Those that were not set come from the configuration.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq)]
#[serde(default)]
pub struct Settings {
    /// The compagnon it has chosen.
    pub compagnon: Option<Choice>,
    /// The room's addition to the compagnon's system prompt.
    pub addition: Option<String>,
    /// Who wrote it; `None` in what an older program wrote.
    pub addition_by: Option<OwnedUserId>,
    /// Temperature of the answers.
    pub temperature: Option<f32>,
    /// The most tokens of an answer.
    pub max_tokens: Option<usize>,
    /// The language of the bot's own sentences.
    pub language: Option<Language>,
    /// Which messages are answered.
    pub answers: Answers,
    /// How long turns are kept, in milliseconds.
    pub retention: Option<u64>,
    /// Whether only what documents say is answered.
    pub sources: Option<Sourcing>,
    /// Whether the model is given placeholders for what identifies people.
    pub pseudonyms: Option<Pseudonyms>,
    /// When the room was told what the bot is, in milliseconds since the epoch.
    pub welcomed_at: Option<u64>,
}

impl Settings {
    /// Whether the room has chosen anything for itself.
    #[must_use]
    pub fn has_chosen(&self) -> bool {
        *self != Self { welcomed_at: self.welcomed_at, ..Self::default() }
    }
}

impl Settings {
    /// Changes one of them.
    pub fn apply(&mut self, patch: &SettingsPatch) {
        match patch.clone() {
            SettingsPatch::Compagnon(choice) => self.compagnon = choice,
            SettingsPatch::Addition(addition, by) => (self.addition, self.addition_by) = (addition, by),
            SettingsPatch::Temperature(temperature) => self.temperature = temperature,
            SettingsPatch::MaxTokens(tokens) => self.max_tokens = tokens,
            SettingsPatch::Language(language) => self.language = language,
            SettingsPatch::Answers(answers) => self.answers = answers,
            SettingsPatch::Retention(retention) => self.retention = retention,
            SettingsPatch::Sources(sources) => self.sources = sources,
            SettingsPatch::Pseudonyms(pseudonyms) => self.pseudonyms = pseudonyms,
            SettingsPatch::WelcomedAt(at) => self.welcomed_at = at,
        }
    }

    /// What leads from these settings to others: one patch for each that differs.
    #[must_use]
    pub fn patches_to(&self, other: &Self) -> Vec<SettingsPatch> {
        let written = |settings: &Self| (settings.addition.clone(), settings.addition_by.clone());
        let patches = [
            (self.compagnon != other.compagnon).then(|| SettingsPatch::Compagnon(other.compagnon.clone())),
            (written(self) != written(other))
                .then(|| SettingsPatch::Addition(other.addition.clone(), other.addition_by.clone())),
            (self.temperature != other.temperature).then_some(SettingsPatch::Temperature(other.temperature)),
            (self.max_tokens != other.max_tokens).then_some(SettingsPatch::MaxTokens(other.max_tokens)),
            (self.language != other.language).then_some(SettingsPatch::Language(other.language)),
            (self.answers != other.answers).then_some(SettingsPatch::Answers(other.answers)),
            (self.retention != other.retention).then_some(SettingsPatch::Retention(other.retention)),
            (self.sources != other.sources).then_some(SettingsPatch::Sources(other.sources)),
            (self.pseudonyms != other.pseudonyms).then_some(SettingsPatch::Pseudonyms(other.pseudonyms)),
            (self.welcomed_at != other.welcomed_at).then_some(SettingsPatch::WelcomedAt(other.welcomed_at)),
        ];
        patches.into_iter().flatten().collect()
    }
}

/// A change of one of a room's settings; `None` clears it. Two commands at once change two of them, and neither undoes the other.
#[derive(Clone, PartialEq)]
pub enum SettingsPatch {
    /// [`Settings::compagnon`].
    Compagnon(Option<Choice>),
    /// [`Settings::addition`], and [`Settings::addition_by`].
    Addition(Option<String>, Option<OwnedUserId>),
    /// [`Settings::temperature`].
    Temperature(Option<f32>),
    /// [`Settings::max_tokens`].
    MaxTokens(Option<usize>),
    /// [`Settings::language`].
    Language(Option<Language>),
    /// [`Settings::answers`].
    Answers(Answers),
    /// [`Settings::retention`].
    Retention(Option<u64>),
    /// [`Settings::sources`].
    Sources(Option<Sourcing>),
    /// [`Settings::pseudonyms`].
    Pseudonyms(Option<Pseudonyms>),
    /// [`Settings::welcomed_at`].
    WelcomedAt(Option<u64>),
}

impl fmt::Debug for SettingsPatch {
    /// Leaves the addition out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SettingsPatch")
    }
}

impl fmt::Debug for Settings {
    /// Leaves the addition out: logs contain nothing that people write.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Settings").field("compagnon", &self.compagnon).finish_non_exhaustive()
    }
}

/// A room's compagnon.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// One of the library, by identifier.
    Library(String),
    /// One made by command, by number: the room's own, or one of the catalogue for as long as it is there.
    Made(u64),
    /// One made by command whose author chose it for another room: it needs no catalogue.
    Own(u64),
}

/// Which messages of a room are answered.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Answers {
    /// Those that mention the bot, reply to it, or stand in a thread it answers in.
    #[default]
    Mention,
    /// All of them.
    All,
    /// As [`Answers::Mention`]; a question outside of a thread is answered in a thread that is opened on it.
    Thread,
}

/// What an answer must rest on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Sourcing {
    /// On documents: without a passage that answers it, a question gets a fixed sentence.
    #[serde(alias = "exigées", alias = "exigees")]
    Required,
    /// On documents where there are some that answer it.
    #[serde(alias = "facultatives")]
    Optional,
}

/// Whether a model is given placeholders for what identifies people, from the least to the most.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Pseudonyms {
    /// It reads what people write.
    #[serde(alias = "non")]
    No,
    /// It is given placeholders, and its answers are shown with the names.
    #[serde(alias = "oui")]
    Yes,
    /// Its answers are shown with the placeholders.
    #[serde(alias = "sans retour", alias = "one way")]
    OneWay,
}

impl Pseudonyms {
    /// What holds where a compagnon and a room say this. A room can ask for more than its compagnon, and not for less. A model that is asked over
    /// a network is given placeholders, unless the compagnon says otherwise.
    #[must_use]
    pub fn of(compagnon: Option<Self>, room: Option<Self>, remote: bool) -> Self {
        let usual = if remote { Self::Yes } else { Self::No };
        compagnon.unwrap_or(usual).max(room.unwrap_or(Self::No))
    }
}

#[cfg(test)]
mod tests {
    use ruma::owned_user_id;

    use super::{Answers, Choice, Language, Pseudonyms, Settings, Sourcing};

    #[test]
    fn patches_lead_from_any_settings_to_any_others() {
        let one = Settings {
            compagnon: Some(Choice::Made(1)),
            addition: Some("brièvement".to_owned()),
            addition_by: Some(owned_user_id!("@awa:h")),
            temperature: Some(0.5),
            max_tokens: Some(100),
            language: Some(Language::En),
            answers: Answers::All,
            retention: Some(7),
            sources: Some(Sourcing::Required),
            pseudonyms: Some(Pseudonyms::Yes),
            welcomed_at: Some(1),
        };
        let none = Settings::default();
        for (from, to, count) in [(&one, &none, 10), (&none, &one, 10), (&one, &one, 0)] {
            let patches = from.patches_to(to);
            assert_eq!(patches.len(), count);
            let mut settings = from.clone();
            for patch in &patches {
                settings.apply(patch);
            }
            assert!(settings == *to);
        }
    }

    #[test]
    fn a_room_asks_for_more_pseudonyms_than_its_compagnon_and_not_for_less() {
        use Pseudonyms::{No, OneWay, Yes};
        for (compagnon, room, remote, expected) in [
            (None, None, false, No),
            (None, Some(Yes), false, Yes),
            (Some(Yes), Some(No), false, Yes),
            (Some(OneWay), Some(Yes), false, OneWay),
            (Some(No), Some(OneWay), false, OneWay),
            (None, None, true, Yes),
            (None, Some(No), true, Yes),
            (Some(No), None, true, No),
        ] {
            assert_eq!(Pseudonyms::of(compagnon, room, remote), expected, "{compagnon:?} {room:?} {remote}");
        }
    }
}
