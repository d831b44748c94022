//! Edits that call the bot, of messages that were no questions: the original is looked up and becomes one.

use std::sync::Arc;

use ruma::EventId;

use super::{
    dispatcher::{Dispatcher, Parts},
    lanes::Work,
};
use crate::{
    assistant::{
        addressing::placed, clock::now, courier::unless_refused, exchange::MOST_INTERRUPTED, failure::Failure,
    },
    message::Incoming,
    store::{Edited, Queued},
};

impl Dispatcher {
    /// Looks up the message that an edit changes, and lets it wait as a question once it is at rest. Nothing happens where it is another
    /// person's, too old to be answered, or not to be had.
    pub(super) async fn look_up(self: &Arc<Self>, edit: &Queued, original: &EventId) -> Result<(), Failure> {
        let Parts { store, homeserver, access, lanes, .. } = &self.parts;
        let room = &edit.question.room_id;
        let found = if access.may_ask(&edit.question) && edit.interrupted < MOST_INTERRUPTED {
            let asked = homeserver.retry(|| homeserver.gateway.original(room, original)).await;
            unless_refused(asked)?.flatten().filter(|found| self.may_become_a_question(found, edit))
        } else {
            None
        };
        let found = match found {
            Some(found) => Some(placed(store, found).await?),
            None => None,
        };
        let accepted = store.promote(&edit.question, found.as_ref(), now()).await?;
        for queued in accepted.new {
            self.edits.note(&queued.question.event_id);
            lanes.resume(Work::of(queued));
        }
        for Edited { queued, anew } in accepted.edited {
            self.edited(queued, anew);
        }
        Ok(())
    }

    fn may_become_a_question(&self, original: &Incoming, edit: &Queued) -> bool {
        let age = u128::from(now().saturating_sub(original.sent_at));
        let is_old = age > self.parts.config.max_age.unsigned_abs().as_millis();
        original.sender == edit.question.sender && !is_old
    }
}
