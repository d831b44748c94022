//! The `assistant` section of the configuration.

use jiff::SignedDuration;
use serde::Deserialize;

use super::{pace, texts::Language};

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
    pub max_age: SignedDuration,
    /// How long a conversation's turns are kept.
    pub retention: SignedDuration,
    /// The most questions that may wait, over all rooms.
    pub waiting: usize,
    /// The most questions that may wait in one conversation.
    pub waiting_per_conversation: usize,
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

impl Default for Config {
    fn default() -> Self {
        Self {
            compagnon: "generaliste".to_owned(),
            organisation: "l'État".to_owned(),
            language: Language::Fr,
            time_zone: "Europe/Paris".to_owned(),
            streaming: Streaming::default(),
            max_age: SignedDuration::from_hours(12),
            retention: SignedDuration::from_hours(7 * 24),
            waiting: 500,
            waiting_per_conversation: 100,
        }
    }
}

impl Default for Streaming {
    fn default() -> Self {
        Self { enabled: true, per_second: pace::STOCK_PER_SECOND, burst: pace::STOCK_BURST }
    }
}

impl Config {
    /// Checks what the types cannot; the error is one sentence that names the key.
    pub fn validate(&self) -> Result<(), String> {
        let positive = |key: &str, value: f64| {
            if value.is_finite() && value > 0.0 {
                Ok(())
            } else {
                Err(format!("assistant.{key} must be greater than 0"))
            }
        };
        positive("streaming.per_second", self.streaming.per_second)?;
        positive("streaming.burst", self.streaming.burst)?;
        positive("max_age", self.max_age.as_secs_f64())?;
        positive("retention", self.retention.as_secs_f64())?;
        positive("waiting", self.waiting as f64)?;
        positive("waiting_per_conversation", self.waiting_per_conversation as f64)?;
        jiff::tz::TimeZone::get(&self.time_zone).map(drop).map_err(|_| {
            format!("assistant.time_zone: `{}` is not a time zone; write one such as Europe/Paris", self.time_zone)
        })
    }
}
