//! A fact that a person has asked the bot to remember.

use std::fmt;

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};

/// The most facts of one person in one room, and of one room for everybody in it.
pub const MOST_FACTS: usize = 20;

/// The most characters of a fact.
pub const LONGEST_FACT: usize = 300;

/// A fact, and what is known of who told it.
#[derive(Clone, PartialEq, Eq)]
pub struct Fact {
    /// The room that it is remembered in. No other room is given it.
    pub room_id: OwnedRoomId,
    /// Whether it is for everybody who asks in the room. Otherwise it is for who told it.
    pub of_room: bool,
    /// Its number among those of the room, or of the person in the room.
    pub number: u32,
    /// The fact, on one line.
    pub text: String,
    /// Who told it. `None` for a room's, once that person has asked to be forgotten.
    pub by: Option<OwnedUserId>,
    /// How that person was called.
    pub name: Option<String>,
    /// The command that it was told with. Without that message, the fact goes.
    pub event_id: OwnedEventId,
    /// The room of that command, where it is another one: the room has taken its place.
    pub told_in: Option<OwnedRoomId>,
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// Whether it was told in a direct conversation. It is for that only: others may come into the room.
    pub direct: bool,
}

impl Fact {
    /// Whether it may be given, and shown, in a conversation that is one of two now, or not.
    #[must_use]
    pub fn is_for(&self, direct: bool) -> bool {
        direct || !self.direct
    }
}

impl fmt::Debug for Fact {
    /// Leaves the text out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fact")
            .field("number", &self.number)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// Whether two facts say the same, capitals, spaces and the last full stop aside.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        text.trim().trim_end_matches(['.', '!']).split_whitespace().map(str::to_lowercase).collect::<Vec<_>>()
    };
    plain(one) == plain(other)
}
