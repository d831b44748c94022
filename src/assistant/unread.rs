//! A word to the author of a message whose key does not come: without it they would wait for an answer, and not know that nobody has read
//! the question.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use ruma::{OwnedRoomId, OwnedUserId};

use super::{Assistant, Failure, delivery, texts::Text, voice};
use crate::{
    matrix::RoomKind,
    message::{Incoming, MessageKind, Outgoing},
};

/// The part of an answer that this word is: no answer has as many parts, so that it is never taken for one of them.
const UNREAD_PART: usize = 998;

/// So many persons and rooms are remembered; then it begins anew, and somebody may be told a second time.
const MOST_TOLD: usize = 10_000;

/// Who was told already, or is about to be, and where.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashSet<(OwnedRoomId, OwnedUserId)>>);

impl Assistant {
    /// Takes messages that cannot be read for lack of a key, with empty texts. When the key of one is still missing after
    /// `assistant.unread_after`, its author is told, once in each room. Of messages older than the bot's start nothing is said: their
    /// authors have long gone on to something else.
    pub fn expect_keys(&self, messages: Vec<Incoming>) {
        let fresh = |message: &Incoming| message.sent_at >= self.started && self.may_ask(message);
        for message in messages.into_iter().filter(fresh) {
            let whom = (message.room_id.clone(), message.sender.clone());
            let mut told = self.told.0.lock().unwrap_or_else(PoisonError::into_inner);
            if told.len() >= MOST_TOLD {
                told.clear();
            }
            let new = told.insert(whom);
            drop(told);
            if new {
                self.spawn(|assistant| async move { assistant.report(wait(&assistant, &message).await) });
            }
        }
    }

    /// The next message of this person in this room is watched again.
    fn nothing_said(&self, message: &Incoming) {
        let whom = (message.room_id.clone(), message.sender.clone());
        self.told.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&whom);
    }
}

async fn wait(assistant: &Assistant, message: &Incoming) -> Result<(), Failure> {
    tokio::select! {
        () = tokio::time::sleep(assistant.config.unread_after.unsigned_abs()) => {}
        () = assistant.stop.cancelled() => return Ok(()),
    }
    if !assistant.store.is_undecrypted(&message.room_id, &message.event_id).await?
        || !is_for_the_bot(assistant, message).await?
    {
        assistant.nothing_said(message);
        return Ok(());
    }
    let settings = assistant.store.room_settings(&message.room_id).await?;
    let text = Text::Unread.say(voice::language(&assistant.config, &settings));
    let transaction = delivery::transaction(&message.event_id, UNREAD_PART, "");
    let outgoing = Outgoing {
        kind: MessageKind::Notice,
        complete: true,
        markdown: &text,
        ..assistant.outgoing(message, UNREAD_PART, &transaction)
    };
    delivery::unless_refused(delivery::send(assistant, &outgoing).await)?;
    tracing::warn!(event_id = %message.event_id, "a message stays unread, its key has not come: its author was told");
    Ok(())
}

/// Whether a message that nobody has read is for the bot, as far as can be told from where it stands.
async fn is_for_the_bot(assistant: &Assistant, message: &Incoming) -> Result<bool, Failure> {
    let facts = super::contact::facts(assistant, message).await?;
    let direct = facts.is_some_and(|facts| facts.kind == RoomKind::Direct);
    Ok(direct || assistant.is_addressed(message, None).await?)
}
