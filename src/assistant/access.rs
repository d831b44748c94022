//! Who may have the bot act: one rule, asked on every path that leads to an answer.
//!
//! It is asked when something comes from a room (messages, edits, reactions, what cannot be read yet), before it is written down; and
//! again when a question's turn has come, because a restart, an edit or a command may bring up one that was accepted under other rules.

use ruma::UserId;

use super::Assistant;
use crate::{
    matrix::Batch,
    message::{Edit, Incoming},
};

impl Assistant {
    /// Whether this person may use the bot.
    fn serves(&self, person: &UserId) -> bool {
        self.access.user(person).is_ok()
    }

    /// Whether a message may lead to an answer. The bot's own coming into a room always does.
    pub(super) fn may_ask(&self, message: &Incoming) -> bool {
        !message.is_message() || self.serves(&message.sender)
    }

    /// Leaves out of a sync response what people without access have done. Redactions stay: what anybody takes back is forgotten.
    pub(super) fn screen(&self, batch: &mut Batch) {
        self.screen_texts(&mut batch.messages, &mut batch.edits);
        batch.reactions.retain(|reaction| self.serves(&reaction.sender));
        batch.undecrypted.retain(|event| event.sender.as_ref().is_some_and(|sender| self.serves(sender)));
    }

    /// The same for messages and edits alone.
    pub(super) fn screen_texts(&self, messages: &mut Vec<Incoming>, edits: &mut Vec<Edit>) {
        messages.retain(|message| self.may_ask(message));
        edits.retain(|edit| self.serves(&edit.sender));
    }
}
