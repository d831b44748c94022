//! What of a conversation its next asker may be told again.
//!
//! A conversation's history holds for who could read it. The bot sees a room's whole past, and would repeat to a newcomer what the room
//! hides from them; a conversation of two that others come into is not theirs to hear either.

use crate::{
    assistant::{
        courier::{Homeserver, unless_refused},
        failure::Failure,
    },
    conversation::Turn,
    matrix::{RoomFacts, RoomKind},
    message::Incoming,
    store::Store,
};

/// The past of a conversation, for one question.
pub struct History {
    /// What was said, as far as the asker may hear it.
    pub turns: Vec<Turn>,
    /// Whether a conversation of two has become one of several: it begins anew.
    pub opened: bool,
}

impl History {
    /// What was said before a question.
    pub async fn of(
        store: &Store,
        homeserver: &Homeserver,
        question: &Incoming,
        facts: Option<&RoomFacts>,
    ) -> Result<Self, Failure> {
        let conversation = question.conversation();
        let mut turns = store.turns(&conversation).await?;
        // Of a room that is not known, nothing is concluded.
        let several = facts.is_some_and(|facts| facts.kind != RoomKind::Direct);
        if !turns.is_empty() && several && store.was_direct(&conversation).await? {
            return Ok(Self { turns: Vec::new(), opened: true });
        }
        let theirs = |turn: &Turn| turn.asker.as_ref() == Some(&question.sender);
        if !turns.iter().all(theirs) {
            let ask = || homeserver.gateway.reads_since(&question.room_id, &question.sender);
            // Of a room that the bot is not in any more, nothing is known.
            let since = unless_refused(homeserver.retry(ask).await)?.unwrap_or(Some(u64::MAX));
            turns.retain(|turn| theirs(turn) || since.is_none_or(|since| turn.at >= since));
        }
        Ok(Self { turns, opened: false })
    }

    /// The turns before a question: one that is answered again is answered from what came before it.
    pub fn before(&self, question: &Incoming) -> &[Turn] {
        let before = self.turns.iter().position(|turn| turn.event_id == question.event_id);
        &self.turns[..before.unwrap_or(self.turns.len())]
    }
}
