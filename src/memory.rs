//! Facts that people have asked the bot to remember, as a model is given them.

mod fact;

use std::fmt;

pub use self::fact::{Fact, LONGEST_FACT, MOST_FACTS, same};

/// What is remembered for one question: nothing of another room, nothing of another person.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RememberedFacts {
    /// Of the room, for everybody who asks in it.
    pub room: Vec<String>,
    /// Of the person who asks, in this room only.
    pub person: Vec<String>,
}

impl RememberedFacts {
    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.room.is_empty() && self.person.is_empty()
    }
}

impl fmt::Debug for RememberedFacts {
    /// Leaves the facts out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (room, person) = (self.room.len(), self.person.len());
        formatter.debug_struct("RememberedFacts").field("room", &room).field("person", &person).finish()
    }
}
