//! Edits that call the bot, of messages that were no questions: the original is looked up and becomes one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ruma::EventId;

use super::{
    dispatcher::{Dispatcher, Parts},
    lanes::Work,
};
use crate::{
    assistant::{
        addressing::{join_thread, placed},
        clock::now,
        courier::unless_refused,
        failure::Failure,
        limits::Verdict,
        texts::Text,
    },
    message::Incoming,
    statistics::Refusal,
    store::{Edited, Queued},
};

/// How long the homeserver is asked for the message that an edit changes: its author has given up waiting long before the end of an outage.
const LOOK_UP_FOR: Duration = Duration::from_mins(10);

impl Dispatcher {
    /// Looks up the message that an edit changes, and lets it wait as a question once it is at rest. Nothing happens where it is another
    /// person's, too old to be answered, or not to be had.
    pub(super) async fn look_up(self: &Arc<Self>, edit: &Queued, original: &EventId) -> Result<(), Failure> {
        let store = &self.parts.store;
        let found = match self.found(edit, original).await? {
            Some(mut found) => {
                join_thread(store, &mut found).await?;
                Some(placed(store, found).await?)
            }
            None => None,
        };
        let accepted = store.promote(&edit.question, found.as_ref(), now()).await?;
        for queued in accepted.new {
            self.admit_promoted(queued, edit.received_at).await?;
        }
        for Edited { queued, anew } in accepted.edited {
            self.edited(queued, anew);
        }
        Ok(())
    }

    /// The message that an edit makes a question of.
    async fn found(&self, edit: &Queued, original: &EventId) -> Result<Option<Incoming>, Failure> {
        let Parts { homeserver, access, .. } = &self.parts;
        if !access.may_ask(&edit.question) {
            return Ok(None);
        }
        let room = &edit.question.room_id;
        let asked = homeserver.retry_for(LOOK_UP_FOR, || homeserver.gateway.original(room, original)).await;
        let found = match asked {
            Err(failure @ Failure::Unanswered(_)) => {
                tracing::warn!(event_id = %edit.question.event_id, %failure, "an edit is dropped: its original could not be asked for");
                None
            }
            other => unless_refused(other)?.flatten(),
        };
        Ok(found.filter(|found| self.may_become_a_question(found, edit)))
    }

    /// Lets a question wait that an edit made, unless the edit, which came at this time, goes on with a loop. Only now is it known which
    /// message it reacts to, and a refusal is seen under that one. In the pace of its author the edit was counted when it came.
    async fn admit_promoted(self: &Arc<Self>, queued: Queued, received_at: u64) -> Result<(), Failure> {
        let Parts { courier, limits, lanes, .. } = &self.parts;
        let question = &queued.question;
        let age = Duration::from_millis(now().saturating_sub(received_at));
        let now_here = Instant::now();
        match limits.check_loop(question, now_here.checked_sub(age).unwrap_or(now_here)) {
            Verdict::Loop(wait) => courier.decline_beside(queued, Text::LoopStopped { wait }),
            Verdict::Silent => {
                courier.refuse(&queued, Refusal::Rate).await?;
            }
            Verdict::Pass | Verdict::Slow(_) => {
                self.edits.note(&question.event_id);
                lanes.resume(Work::of(queued));
            }
        }
        Ok(())
    }

    fn may_become_a_question(&self, original: &Incoming, edit: &Queued) -> bool {
        let age = u128::from(now().saturating_sub(original.sent_at));
        let is_old = age > self.parts.config.max_age.unsigned_abs().as_millis();
        original.sender == edit.question.sender && !is_old
    }
}
