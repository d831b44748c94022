//! The settings of a room. Stored under the room's key, changed only by commands.

use std::fmt;

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
}
