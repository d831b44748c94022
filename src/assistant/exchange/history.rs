//! What of a conversation its next asker may be told again.
//!
//! A conversation's history holds for who could read it. The bot sees a room's whole past, and would repeat to a newcomer what the room
//! hides from them; a conversation of two that others come into is not theirs to hear either.

use std::collections::HashMap;

use ruma::EventId;

use crate::{
    assistant::{courier::Homeserver, failure::Failure},
    conversation::{Role, Turn},
    document::Partition,
    matrix::{RoomFacts, RoomKind},
    message::{ConversationId, Incoming},
    store::{Past, Store, StoreError, Summary},
};

/// The past of a conversation, for one question.
pub struct History {
    /// What was said, as far as the asker may hear it.
    pub turns: Vec<Turn>,
    /// The summary of the first of these turns, where the asker may hear all that it covers; with how many that are. It stands for them in a
    /// prompt: what a model is told are the turns of [`History::before`].
    summary: Option<(Summary, usize)>,
    /// Whether a conversation of two has become one of several: it begins anew.
    pub opened: bool,
    /// Whether people were told that the beginning of the conversation is left out.
    pub told: bool,
    /// Whether the conversation is a thread that was opened on an exchange with the bot: what stands in it is told here.
    pub rooted: bool,
}

/// What was said before a question.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// The summary of what came before the turns.
    pub summary: Option<&'a Summary>,
    /// How many turns the summary stands for.
    pub covered: usize,
    /// The turns after it.
    pub turns: &'a [Turn],
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
        let Past { mut turns, summary, covered, told } = store.past(&conversation).await?;
        // Of a room that is not known, nothing is concluded.
        let several = facts.is_some_and(|facts| facts.kind != RoomKind::Direct);
        if several && is_of_two(store, &conversation, &turns).await? {
            return Ok(Self { turns: Vec::new(), summary: None, opened: true, told: false, rooted: true });
        }
        let root = root(store, question, several).await?;
        let rooted = root.is_some();
        // After what a summary stands for.
        let at = if summary.is_some() { covered.min(turns.len()) } else { 0 };
        turns.splice(at..at, root.unwrap_or_default());
        let theirs = |turn: &Turn| turn.asker.as_ref() == Some(&question.sender);
        let mut summary = summary.map(|summary| (summary, covered));
        let own = summary.as_ref().is_none_or(|(summary, _)| summary.asker.as_ref() == Some(&question.sender));
        if !own || !turns.iter().all(theirs) {
            let since = homeserver.reads_since(&question.room_id, &question.sender).await?;
            turns.retain(|turn| theirs(turn) || since.is_none_or(|since| turn.at >= since));
            // It tells all that it covers at once.
            summary = summary.filter(|(summary, _)| own || since.is_none_or(|since| summary.from >= since));
        }
        Ok(Self { turns, summary, opened: false, told, rooted })
    }

    /// Takes out what was forgotten, taken back or expired since this was read, and takes over what was answered anew: what the homeserver is
    /// asked after that can take minutes.
    pub async fn refresh(&mut self, store: &Store, question: &Incoming) -> Result<(), StoreError> {
        let Past { turns: mut held, summary, .. } = store.past(&question.conversation()).await?;
        // Who may hear it was decided when it was read: here it only has to be there still.
        held.extend(root(store, question, false).await?.unwrap_or_default());
        let held: HashMap<_, _> = held.iter().map(|turn| (place(turn), turn)).collect();
        let is_held = |turn: &&Turn| held.contains_key(&place(turn));
        let number = summary.map(|summary| summary.number);
        let same = self.summary.take().filter(|(summary, _)| Some(summary.number) == number);
        self.summary =
            same.map(|(summary, covered)| (summary, self.turns.iter().take(covered).filter(is_held).count()));
        self.turns = self.turns.iter().filter_map(|turn| held.get(&place(turn)).copied().cloned()).collect();
        Ok(())
    }

    /// What was said before a question: one that is answered again is answered from what came before it, and from no summary that covers
    /// more than that.
    pub fn before(&self, question: &Incoming) -> Before<'_> {
        let before = self.turns.iter().position(|turn| turn.event_id == question.event_id);
        let turns = &self.turns[..before.unwrap_or(self.turns.len())];
        match &self.summary {
            Some((summary, covered)) if *covered <= turns.len() => {
                Before { summary: Some(summary), covered: *covered, turns: &turns[*covered..] }
            }
            _ => Before { summary: None, covered: 0, turns },
        }
    }
}

/// Whether there is something of a conversation that two have left: what they said, or documents.
async fn is_of_two(store: &Store, conversation: &ConversationId, turns: &[Turn]) -> Result<bool, StoreError> {
    if !store.was_direct(conversation).await? {
        return Ok(false);
    }
    Ok(!turns.is_empty() || !store.documents(&[Partition::Conversation(conversation.clone())]).await?.is_empty())
}

/// What tells a turn from the others of a history.
fn place(turn: &Turn) -> (&EventId, bool) {
    (&turn.event_id, turn.role == Role::User)
}

/// The exchange that a question's thread was opened on, from the room's main line; empty for the thread that answers to the question itself.
/// `None`: the thread was not opened on an exchange, or it is forgotten.
async fn root(store: &Store, question: &Incoming, several: bool) -> Result<Option<Vec<Turn>>, StoreError> {
    let Some(root) = &question.thread else { return Ok(None) };
    let Some(asked) = store.exchange_of(&question.room_id, root).await? else { return Ok(None) };
    let conversation = asked.conversation();
    if conversation == question.conversation() {
        return Ok(Some(Vec::new()));
    }
    let mut turns = store.turns(&conversation).await?;
    turns.retain(|turn| turn.event_id == asked.event_id);
    if turns.is_empty() {
        return Ok(None);
    }
    // What two have said is not for those who came in later.
    if several && asked.direct {
        turns.clear();
    }
    Ok(Some(turns))
}
