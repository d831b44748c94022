//! The `assistant` section of the configuration.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use jiff::SignedDuration;
use ruma::OwnedUserId;
use serde::Deserialize;

use super::{
    courier::{STOCK_BURST, STOCK_PER_SECOND},
    jobs::Docs,
};
use crate::{
    compagnon::{Language, Settings},
    setting::{self, Refused, lasts, require, within},
};

/// Answered questions are remembered for 90 days: an older one that a homeserver repeats would be new.
const MOST_DAYS_OF_AGE: i64 = 89;

/// The most glossaries of the configuration: each is read for each translation.
const MOST_GLOSSARIES: usize = 20;

/// How questions are answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The compagnon of a room that has chosen none.
    pub compagnon: String,
    /// The body that runs the bot, as prompts name it.
    pub organisation: String,
    /// The language of the bot's own sentences.
    pub language: Language,
    /// The time zone of the date that prompts give.
    pub time_zone: String,
    /// Whether an answer appears while it is written.
    pub streaming: Streaming,
    /// A question older than this is not answered any more, and the bot says so.
    #[serde(deserialize_with = "setting::duration::read")]
    pub max_age: SignedDuration,
    /// A message whose key has not come after this long: its author is told that it was not read.
    #[serde(deserialize_with = "setting::duration::read")]
    pub unread_after: SignedDuration,
    /// How long what is said is kept, in rooms that have not chosen otherwise.
    #[serde(deserialize_with = "setting::duration::read")]
    pub retention: SignedDuration,
    /// The longest that a room may choose.
    #[serde(deserialize_with = "setting::duration::read")]
    pub retention_limit: SignedDuration,
    /// How long what people have asked to be remembered is kept.
    #[serde(deserialize_with = "setting::duration::read")]
    pub memory: SignedDuration,
    /// For how long after an answer was forgotten it is still taken back with its question.
    #[serde(deserialize_with = "setting::duration::read")]
    pub withdrawable: SignedDuration,
    /// How long a compagnon made by command is kept that nobody uses.
    #[serde(deserialize_with = "setting::duration::read")]
    pub compagnons: SignedDuration,
    /// How long the audit trail of commands is kept.
    #[serde(deserialize_with = "setting::duration::read")]
    pub audit: SignedDuration,
    /// The administrators of the instance, by full id: they decide on the catalogue and read the audit trail.
    pub administrators: Vec<OwnedUserId>,
    /// Whether they are told each Monday, in private, of the week that is over.
    pub weekly_digest: bool,
    /// The power level from which a person administers the bot in a room.
    pub power_level: i64,
    /// The address of the guide, which the help names.
    pub guide: Option<String>,
    /// La Suite Docs, where notes become documents.
    pub docs: Option<Docs>,
    /// What one person, one room, one message may ask for.
    pub limits: Limits,
    /// The most questions that may wait, over all rooms.
    pub waiting: usize,
    /// The most questions that may wait in one conversation.
    pub waiting_per_conversation: usize,
    /// What translations keep to.
    pub translation: Translation,
    /// How people say whether answers are useful.
    pub ratings: Ratings,
}

/// How people say whether answers are useful: 👍 or 👎 on them, whatever stands here.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ratings {
    /// Whether who finds an answer not useful is asked why, once a week at most.
    pub ask_why: bool,
    /// Whether the bot puts 👍 and 👎 under its answers itself.
    pub offer: bool,
}

impl Default for Ratings {
    fn default() -> Self {
        Self { ask_why: true, offer: false }
    }
}

/// What translations keep to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Translation {
    /// The glossaries of the ministry, and of single compagnons; the first counts before those after it.
    pub glossaries: Vec<GlossaryFile>,
}

/// A glossary that ops give: a table of terms, read at each translation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlossaryFile {
    /// A line each term, its languages parted by tabs; the first line may name them.
    pub file: PathBuf,
    /// The identifiers of the compagnons that it is for; none: all of them.
    #[serde(default)]
    pub compagnons: Vec<String>,
}

/// How an answer appears while it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Streaming {
    /// Off: one message, once the answer is complete.
    pub enabled: bool,
    /// Messages per second that the homeserver allows the bot (Synapse's `rc_message.per_second`).
    pub per_second: f64,
    /// Messages in a row that it allows (Synapse's `rc_message.burst_count`).
    pub burst: f64,
}

/// What one person, one room, one message may ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Messages of one person, in all rooms.
    pub person: Rate,
    /// Messages of one room, by all its people.
    pub room: Rate,
    /// The most characters of a question.
    pub question: usize,
    /// The most characters of a prompt or addition written by command.
    pub prompt: usize,
    /// A message that comes within two seconds of the answer to the one before was not typed by a person: after so many in a row, the
    /// bot is silent there for an hour, so that no two programs talk for ever. Two more are enough at a steady pace within thirty seconds;
    /// where nothing but the pace tells a program, the silence lasts ten minutes.
    pub loop_after: u32,
    /// Other bots, by full id: never answered.
    pub bots: Vec<OwnedUserId>,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Messages in a row.
    pub burst: NonZeroU32,
    /// Messages an hour, after that.
    pub per_hour: NonZeroU32,
}

impl Rate {
    /// A bucket of these.
    pub(super) const fn of(burst: u32, per_hour: u32) -> Self {
        const fn at_least_one(count: u32) -> NonZeroU32 {
            match NonZeroU32::new(count) {
                Some(count) => count,
                None => NonZeroU32::MIN,
            }
        }
        Self { burst: at_least_one(burst), per_hour: at_least_one(per_hour) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            person: Rate::of(20, 120),
            room: Rate::of(60, 600),
            question: 16_000,
            prompt: 8_000,
            loop_after: 8,
            bots: Vec::new(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            compagnon: "generaliste".to_owned(),
            organisation: "l'État".to_owned(),
            language: Language::Fr,
            time_zone: "Europe/Paris".to_owned(),
            streaming: Streaming::default(),
            max_age: SignedDuration::from_hours(12),
            unread_after: SignedDuration::from_mins(1),
            retention: SignedDuration::from_hours(7 * 24),
            retention_limit: SignedDuration::from_hours(30 * 24),
            memory: SignedDuration::from_hours(365 * 24),
            withdrawable: SignedDuration::from_hours(30 * 24),
            compagnons: SignedDuration::from_hours(730 * 24),
            audit: SignedDuration::from_hours(365 * 24),
            administrators: Vec::new(),
            weekly_digest: false,
            power_level: 50,
            guide: None,
            docs: None,
            limits: Limits::default(),
            waiting: 500,
            waiting_per_conversation: 100,
            translation: Translation::default(),
            ratings: Ratings::default(),
        }
    }
}

impl Default for Streaming {
    fn default() -> Self {
        Self { enabled: true, per_second: STOCK_PER_SECOND, burst: STOCK_BURST }
    }
}

impl Config {
    /// How long what is said is kept in a room with these settings.
    pub(super) fn retention_in(&self, settings: &Settings) -> Duration {
        let usual = self.retention.unsigned_abs();
        settings.retention.map_or(usual, Duration::from_millis).min(self.retention_limit.unsigned_abs())
    }

    /// The language of the bot's own sentences in a room with these settings.
    pub(super) fn language_in(&self, settings: &Settings) -> Language {
        settings.language.unwrap_or(self.language)
    }

    /// What is no error and should still be said, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.docs.iter().flat_map(Docs::warnings).collect()
    }

    /// Checks what the types cannot.
    pub fn validate(&self) -> Result<(), Refused> {
        let (second, minute) = (SignedDuration::from_secs(1), SignedDuration::from_mins(1));
        let days = |count: i64| SignedDuration::from_hours(24 * count);
        require(!self.compagnon.trim().is_empty(), "assistant.compagnon", "it is empty: name the file of a compagnon")?;
        lasts("assistant.max_age", self.max_age, minute..=days(MOST_DAYS_OF_AGE))?;
        lasts("assistant.unread_after", self.unread_after, second..=days(1))?;
        lasts("assistant.retention_limit", self.retention_limit, second..=days(3650))?;
        lasts("assistant.retention", self.retention, second..=self.retention_limit)?;
        lasts("assistant.memory", self.memory, minute..=days(3650))?;
        lasts("assistant.withdrawable", self.withdrawable, minute..=days(3650))?;
        lasts("assistant.compagnons", self.compagnons, days(1)..=days(3650))?;
        lasts("assistant.audit", self.audit, minute..=days(3650))?;
        within("assistant.power_level", self.power_level, 0..=100)?;
        within("assistant.waiting", self.waiting, 1..=100_000)?;
        within("assistant.waiting_per_conversation", self.waiting_per_conversation, 1..=100_000)?;
        within("assistant.translation.glossaries", self.translation.glossaries.len(), 0..=MOST_GLOSSARIES)?;
        self.streaming.validate()?;
        self.limits.validate()?;
        self.docs.as_ref().map_or(Ok(()), Docs::validate)?;
        let guide = self.guide.as_deref().is_none_or(setting::is_web);
        require(guide, "assistant.guide", "it must be an http or https address: people are sent there")?;
        jiff::tz::TimeZone::get(&self.time_zone).map(drop).map_err(|_| {
            Refused::new("assistant.time_zone", "there is no such time zone; write one such as Europe/Paris")
        })
    }
}

impl Streaming {
    fn validate(&self) -> Result<(), Refused> {
        within("assistant.streaming.per_second", self.per_second, 0.001..=1000.0)?;
        within("assistant.streaming.burst", self.burst, 1.0..=100_000.0)
    }
}

impl Limits {
    fn validate(&self) -> Result<(), Refused> {
        for (name, rate) in [("person", self.person), ("room", self.room)] {
            within(&format!("assistant.limits.{name}.burst"), rate.burst.get(), 1..=1_000_000)?;
            within(&format!("assistant.limits.{name}.per_hour"), rate.per_hour.get(), 1..=1_000_000)?;
        }
        // An event holds 64 KiB.
        within("assistant.limits.question", self.question, 1..=65_536)?;
        within("assistant.limits.prompt", self.prompt, 1..=65_536)?;
        within("assistant.limits.loop_after", self.loop_after, 1..=1_000_000)
    }
}
