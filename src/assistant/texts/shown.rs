//! What the longer sentences show.

use std::time::Duration;

use super::privacy::{Topic, View, answer};
use crate::{
    compagnon::Language,
    privacy::{Facts, Here},
};

/// What a command would destroy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Destroys<'a> {
    /// A conversation in which others have spoken.
    Conversation,
    /// All that was said in a room.
    Room {
        /// Whether it is a direct conversation.
        direct: bool,
    },
    /// What is older than a room is to keep from now on.
    Retention {
        /// How long that is.
        retention: Duration,
    },
    /// All that is remembered for a room, or for the person who asks.
    Facts {
        /// Whether for the room.
        of_room: bool,
    },
    /// A compagnon with all its versions.
    Compagnon {
        /// Its title.
        title: &'a str,
    },
}

/// What the first message in a room tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Welcome<'a> {
    /// The body that runs the bot.
    pub organisation: &'a str,
    /// The compagnon's title.
    pub title: &'a str,
    /// What it does.
    pub description: &'a str,
    /// What is true of the service.
    pub facts: &'a Facts,
    /// What is true of the room.
    pub here: &'a Here,
}

/// What the first message to a person tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact<'a> {
    /// What is true of the service.
    pub facts: &'a Facts,
    /// What is true of the room.
    pub here: &'a Here,
}

/// What is asked about privacy.
#[derive(Clone, Debug, PartialEq)]
pub struct AboutPrivacy<'a> {
    /// On which subject; nothing for all in short.
    pub topic: Option<Topic>,
    /// What is true of the service.
    pub facts: &'a Facts,
    /// What is true of the room.
    pub here: &'a Here,
}

impl AboutPrivacy<'_> {
    /// The answer.
    pub(super) fn say(&self, language: Language) -> String {
        answer(self.topic, &View { facts: self.facts, here: Some(self.here), language })
    }
}
