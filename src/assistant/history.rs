//! What of a conversation its next asker may be told again.
//!
//! A conversation's history holds for who could read it. The bot sees a room's whole past, and would repeat to a newcomer what the room
//! hides from them; a conversation of two that others come into is not theirs to hear either.

use super::{Assistant, Failure, delivery};
use crate::{
    conversation::Turn,
    matrix::{RoomFacts, RoomKind},
    message::Incoming,
};

/// The past of a conversation, for one question.
pub(super) struct History {
    /// What was said, as far as the asker may hear it.
    pub(super) turns: Vec<Turn>,
    /// Whether a conversation of two has become one of several: it begins anew.
    pub(super) opened: bool,
}

/// What was said before a question.
pub(super) async fn of(
    assistant: &Assistant,
    question: &Incoming,
    facts: Option<&RoomFacts>,
) -> Result<History, Failure> {
    let conversation = question.conversation();
    let turns = assistant.store.turns(&conversation).await?;
    // Of a room that is not known, nothing is concluded.
    let several = facts.is_some_and(|facts| facts.kind != RoomKind::Direct);
    if !turns.is_empty() && several && assistant.store.was_direct(&conversation).await? {
        return Ok(History { turns: Vec::new(), opened: true });
    }
    let theirs = |turn: &Turn| turn.asker.as_ref() == Some(&question.sender);
    if turns.iter().all(theirs) {
        return Ok(History { turns, opened: false });
    }
    let ask = || assistant.gateway.reads_since(&question.room_id, &question.sender);
    // Of a room that the bot is not in any more, nothing is known.
    let since = delivery::unless_refused(delivery::persist(assistant, ask).await)?.unwrap_or(Some(u64::MAX));
    let heard = |turn: &Turn| theirs(turn) || since.is_none_or(|since| turn.at >= since);
    Ok(History { turns: turns.into_iter().filter(heard).collect(), opened: false })
}
