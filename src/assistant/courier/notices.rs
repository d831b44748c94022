//! The bot's own sentences on their way: what commands answer, and refusals.
//!
//! They are delivered beside the conversations' lanes, so that no answer ever waits behind one, and draw on their own share of the rate
//! budget ([`RateBudget::notice`](super::rate_budget::RateBudget::notice)). What waits for the budget is bounded: of one person, and in
//! all. A command that comes on top of that is carried out without a reply.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ruma::UserId;

use super::{
    delivery::{Courier, Ending, Parts},
    homeserver::{Homeserver, unless_refused},
    notice_queue::NoticePriority,
    outgoing::{REMARK_PART, edition, notice, notice_about, transaction},
};
use crate::{
    assistant::{clock::now, counting, failure::Failure, texts::Text},
    message::Item,
    statistics::{Outcome, Refusal},
    store::{Change, Delivery, Queued, QueuedKind},
};

/// How long a notice that is being sent keeps its place in the rate budget.
const PROMISED: Duration = Duration::from_secs(30);

impl Courier {
    /// Answers a question or a command with a sentence of the bot's own, once these changes are made. It is on its way when this returns,
    /// and in the store, so that it arrives whatever happens.
    pub async fn notify(
        self: &Arc<Self>,
        queued: &Queued,
        items: Vec<Item>,
        changes: Vec<Change>,
        priority: NoticePriority,
    ) -> Result<(), Failure> {
        self.notify_as(queued, Ending { items, changes, ..Ending::default() }, priority).await
    }

    async fn notify_as(
        self: &Arc<Self>,
        queued: &Queued,
        ending: Ending,
        priority: NoticePriority,
    ) -> Result<(), Failure> {
        let question = &queued.question;
        let enters = self.notices.enter(&question.sender, priority);
        if !enters {
            tracing::debug!(event_id = %question.event_id, "too many notices wait: this one is left out");
        }
        // What was asked for is done; only what is said of it is left out.
        let items = ending.items.into_iter().filter(|item| enters || !item.is_notice()).collect();
        let concluded = match self.conclude(queued, Ending { items, ..ending }).await {
            Ok(concluded) => concluded,
            Err(failure) => {
                if enters {
                    self.notices.leave(&question.sender);
                }
                return Err(failure);
            }
        };
        let (this, person) = (Arc::clone(self), question.sender.clone());
        let progress = self.parts.in_progress.enter(&question.event_id);
        self.parts.lifecycle.spawn(async move {
            let outcome = if enters {
                Box::pin(this.send_allowed(&person, this.deliver_concluded(concluded))).await
            } else {
                this.deliver_concluded(concluded).await
            };
            this.parts.lifecycle.report(outcome);
            drop(progress);
        });
        Ok(())
    }

    /// Sends a notice that an earlier process has left.
    pub fn notify_again(self: &Arc<Self>, delivery: Delivery) {
        self.notices.enter(&delivery.question.sender, NoticePriority::Owed);
        let (this, progress) = (Arc::clone(self), self.parts.in_progress.enter(&delivery.question.event_id));
        self.parts.lifecycle.spawn(async move {
            let outcome = this.send_allowed(&delivery.question.sender, this.deliver(&delivery, true)).await;
            this.parts.lifecycle.report(outcome);
            drop(progress);
        });
    }

    /// Says one of the bot's own sentences instead of an answer. It is delivered as surely as an answer, and leaves no trace in the
    /// conversation.
    pub async fn decline(self: &Arc<Self>, queued: &Queued, text: &Text<'_>) -> Result<(), Failure> {
        self.decline_as(queued, text, counting::outcome(text)).await
    }

    /// As [`Courier::decline`], where the sentence alone does not tell how the question ended.
    async fn decline_as(
        self: &Arc<Self>,
        queued: &Queued,
        text: &Text<'_>,
        outcome: Option<Outcome>,
    ) -> Result<(), Failure> {
        // Who has not asked is told nothing.
        if matches!(&queued.kind, QueuedKind::Command(call) if call.unasked) {
            let question = &queued.question;
            self.parts.store.drop_question(&question.room_id, &question.event_id, now()).await?;
            return Ok(());
        }
        let settings = self.parts.store.room_settings(&queued.question.room_id).await?;
        let language = self.parts.config.language_in(&settings);
        let items = vec![notice(text.say_of(language, &self.parts.privacy).into_owned())];
        if queued.draft.is_none() && queued.shown.is_empty() && !self.unconfirmed.has(&queued.question.event_id) {
            let priority = match text {
                Text::Busy | Text::SlowDown { .. } | Text::LoopStopped { .. } | Text::NotServed => {
                    NoticePriority::Spare
                }
                Text::Missed => NoticePriority::Unasked,
                _ => NoticePriority::Owed,
            };
            return self.notify_as(queued, Ending { items, outcome, ..Ending::default() }, priority).await;
        }
        // It takes the place of a text that people see: as the end of an answer does, at once.
        let concluded = self.conclude(queued, Ending { items, outcome, ..Ending::default() }).await?;
        self.deliver_concluded(concluded).await
    }

    /// As [`Courier::decline`], beside everything else.
    pub fn decline_beside(self: &Arc<Self>, queued: Queued, text: Text<'static>) {
        let (this, progress) = (Arc::clone(self), self.parts.in_progress.enter(&queued.question.event_id));
        self.parts.lifecycle.spawn(async move {
            this.parts.lifecycle.report(this.decline(&queued, &text).await);
            drop(progress);
        });
    }

    /// Says why there is no answer, to whoever has asked; what the bot wanted to say unasked, it does not say.
    pub async fn give_up(self: &Arc<Self>, queued: &Queued, text: &Text<'_>, refusal: Refusal) -> Result<(), Failure> {
        let question = &queued.question;
        if question.is_message() {
            return self.decline_as(queued, text, Some(Outcome::Refused(refusal))).await;
        }
        self.parts.store.drop_question(&question.room_id, &question.event_id, now()).await?;
        Ok(())
    }

    /// Says one of the bot's own sentences beside an answer, which stays as it is.
    pub async fn remark(&self, queued: &Queued, text: &Text<'_>) -> Result<(), Failure> {
        let Parts { store, homeserver, config, .. } = &self.parts;
        let question = &queued.question;
        let settings = store.room_settings(&question.room_id).await?;
        let text = text.say(config.language_in(&settings));
        let edition = edition(queued.again.as_deref(), &[]);
        let transaction = transaction(&question.event_id, REMARK_PART, &edition);
        let outgoing = notice_about(question, REMARK_PART, &transaction, &text);
        unless_refused(homeserver.send(&outgoing).await).map(drop)
    }

    /// Takes a place among the notices that wait, to be left in [`Courier::allowed`]. Whether there was one.
    pub(super) fn enter(&self, person: &UserId, priority: NoticePriority) -> bool {
        self.notices.enter(person, priority)
    }

    /// Sends a notice once the rate budget allows it. In a room that takes nothing for a while it does not keep its place in the budget:
    /// the notices of all others would wait for that room.
    pub(super) async fn send_allowed(
        &self,
        person: &UserId,
        sending: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let allowed = self.allowed(person).await?;
        let mut sending = std::pin::pin!(sending);
        let sent = tokio::time::timeout(PROMISED, &mut sending).await;
        drop(allowed);
        match sent {
            Ok(outcome) => outcome,
            Err(_) => sending.await,
        }
    }

    /// Waits until the rate budget allows one more notice. It is no longer among those that wait then.
    async fn allowed(&self, person: &UserId) -> Result<Allowed<'_>, Failure> {
        let homeserver = &*self.parts.homeserver;
        let waits = async {
            let _turn = self.notices.turn().await;
            loop {
                let allowed = homeserver.budget().notice(Instant::now());
                match allowed {
                    Ok(()) => return Allowed(homeserver),
                    Err(wait) => tokio::time::sleep(wait).await,
                }
            }
        };
        let allowed = tokio::select! {
            biased;
            allowed = waits => Ok(allowed),
            // It is in the store: the next start sends it.
            () = self.parts.lifecycle.stop.cancelled() => Err(Failure::Stopped),
        };
        self.notices.leave(person);
        allowed
    }
}

/// A notice that may be sent, until it is.
struct Allowed<'a>(&'a Homeserver);

impl Drop for Allowed<'_> {
    fn drop(&mut self) {
        self.0.budget().notice_done();
    }
}
