//! What was said in a conversation, and how much of it a model is given. Pure: no clock, no store, no model.

use std::fmt;

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

/// A line of talk with its own history: a thread, or the main line of a room or direct conversation.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, Hash)]
pub struct ConversationId {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The thread's root; `None` for the room's main line.
    pub thread: Option<OwnedEventId>,
}

/// Who spoke.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The compagnon's instructions.
    System,
    /// A person.
    User,
    /// The bot.
    Assistant,
}

impl Role {
    /// The role's name, as chat templates know it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One message of a conversation.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Turn {
    /// Who spoke.
    pub role: Role,
    /// What was said.
    pub content: String,
    /// The question's event: the one that made this turn, or that this turn answers.
    pub event_id: OwnedEventId,
    /// When it was stored, in milliseconds since the epoch, by our clock.
    pub at: u64,
    /// Who asked: the author of a person's turn, and of the question that an answer's turn answers.
    #[serde(default)]
    pub asker: Option<OwnedUserId>,
    /// The display name of whoever spoke, for a person's turn.
    #[serde(default)]
    pub name: Option<String>,
}

impl fmt::Debug for Turn {
    /// Leaves the text out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Turn")
            .field("role", &self.role)
            .field("event_id", &self.event_id)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// The newest turns whose cost fits in `budget`, oldest first, starting with a person's turn.
///
/// `cost` gives the price of one turn in the model's own tokens, template included.
pub fn trimmed(turns: &[Turn], budget: usize, mut cost: impl FnMut(&Turn) -> usize) -> &[Turn] {
    let mut left = budget;
    let mut start = turns.len();
    while start > 0 {
        let price = cost(&turns[start - 1]);
        if price > left {
            break;
        }
        left -= price;
        start -= 1;
    }
    // An answer without its question would read as the bot talking to itself.
    while start < turns.len() && turns[start].role == Role::Assistant {
        start += 1;
    }
    &turns[start..]
}

/// A text with one kind of line break. Where each line of it is marked as a quotation, none can pass for a line that is not.
#[must_use]
pub fn plain_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace(['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'], "\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruma::owned_event_id;

    use super::{Role, Turn, trimmed};

    fn turn(index: usize, length: usize) -> Turn {
        let role = if index.is_multiple_of(2) { Role::User } else { Role::Assistant };
        Turn {
            role,
            content: "x".repeat(length),
            event_id: owned_event_id!("$q:h"),
            at: index as u64,
            asker: None,
            name: None,
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_fits_is_newest_and_starts_with_a_person(
            lengths in prop::collection::vec(0_usize..50, 0..20),
            budget in 0_usize..300,
        ) {
            let turns: Vec<Turn> = lengths.iter().enumerate().map(|(i, l)| turn(i, *l)).collect();
            let kept = trimmed(&turns, budget, |t| t.content.len());
            prop_assert!(kept.iter().map(|t| t.content.len()).sum::<usize>() <= budget);
            prop_assert!(turns.ends_with(kept));
            prop_assert!(kept.first().is_none_or(|t| t.role == Role::User));
            // Nothing more would have fitted: the pair before the kept ones costs too much.
            let before = &turns[..turns.len() - kept.len()];
            let pair: usize = before.iter().rev().take(2).map(|t| t.content.len()).sum();
            let used: usize = kept.iter().map(|t| t.content.len()).sum();
            prop_assert!(before.len() < 2 || used + pair > budget || before.last().is_some_and(|t| t.role == Role::User));
        }
    }
}
