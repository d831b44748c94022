//! What the longer sentences show.

use std::time::Duration;

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
    /// How long things are kept.
    pub retention: Duration,
    /// Whether this is a direct conversation.
    pub direct: bool,
    /// Whether people outside of the State may be in the room.
    pub open: bool,
}
