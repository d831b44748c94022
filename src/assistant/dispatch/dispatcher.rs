//! The dispatcher: takes work from the lanes, has each question attempted until it is over, and delivers what the attempts conclude.

use std::{
    collections::BTreeSet,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use ruma::{EventId, OwnedRoomId, RoomId};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{sleep, timeout},
};

use super::{
    active::{ActiveGenerations, Interruption},
    edits::Edits,
    in_progress::InProgress,
    lanes::{Lane, Lanes, Work},
    retry::{Retries, excuse},
};
use crate::{
    assistant::{
        access::AccessRules,
        addressing::kind,
        bursts::Bursts,
        clock::now,
        config::Config,
        courier::{Courier, Homeserver},
        exchange::Exchanges,
        failure::Failure,
        lifecycle::Lifecycle,
        limits::{Limits, Verdict},
        model_cache::ModelCache,
        texts::Text,
    },
    command::Call,
    message::{Item, Redaction},
    statistics::{Outcome, Refusal},
    store::{Queued, QueuedKind, Store, StoreError},
};

/// After so many deaths of the process, the questions that were under way are tried one at a time: the innocent ones are then answered,
/// and only the guilty one dies again.
const SUSPECT_AFTER: u32 = 2;

/// The longest wait for the suspect before this one.
const SUSPECTS_WAIT: Duration = Duration::from_mins(2);

/// Has the work of the lanes done.
pub struct Dispatcher {
    pub(super) parts: Parts,
    pub(super) edits: Edits,
    /// Held by an attempt at a question on which the process has died before: one at a time, so that only the guilty one is given up.
    suspects: Mutex<()>,
}

/// What a [`Dispatcher`] needs.
pub struct Parts {
    /// The questions.
    pub store: Store,
    /// Where work waits.
    pub lanes: Arc<Lanes>,
    /// The active generations: some are interrupted by what comes from the rooms.
    pub active: Arc<ActiveGenerations>,
    /// What the model keeps of conversations.
    pub cache: Arc<ModelCache>,
    /// The questions for which something is generated or sent.
    pub in_progress: InProgress,
    /// What makes an answer of a question.
    pub exchanges: Exchanges,
    /// What delivers it.
    pub courier: Arc<Courier>,
    /// Edits count as messages.
    pub limits: Arc<Limits>,
    /// Who may have the bot act: an answer that an earlier process left is for who still may.
    pub access: Arc<AccessRules>,
    /// Asked for the messages that edits change.
    pub homeserver: Arc<Homeserver>,
    /// How old a message may be that an edit makes a question of.
    pub config: Arc<Config>,
    /// The tasks.
    pub lifecycle: Arc<Lifecycle>,
}

impl Dispatcher {
    /// A dispatcher that runs each lane as soon as work comes into it.
    pub fn new(parts: Parts) -> Arc<Self> {
        let dispatcher = Arc::new(Self { parts, edits: Edits::default(), suspects: Mutex::default() });
        // Weak: the lanes belong to it.
        let weak = Arc::downgrade(&dispatcher);
        dispatcher.parts.lanes.on_work(move |lane| {
            if let Some(dispatcher) = weak.upgrade() {
                let lifecycle = Arc::clone(&dispatcher.parts.lifecycle);
                lifecycle.spawn(dispatcher.run(lane));
            }
        });
        dispatcher
    }

    /// Takes up what an earlier process left: answers not sent, then questions not answered.
    pub async fn resume(&self) -> Result<(), StoreError> {
        let Parts { store, lanes, access, courier, .. } = &self.parts;
        let mut left: Vec<Work> = Vec::new();
        for delivery in store.undelivered().await? {
            if delivery.sent.is_empty() && !access.may_ask(&delivery.question) {
                tracing::info!(event_id = %delivery.question.event_id, "an answer is dropped: its author has no access any more");
                store.delivered(&delivery, now()).await?;
                continue;
            }
            left.push(Work::Delivery(Box::new(delivery)));
        }
        // What is left of a burst is spoken of once. Whether it was before is not known any more.
        let (bursts, start) = (Bursts::default(), Instant::now());
        let mut first = None;
        for mut queued in store.queued().await? {
            if queued.kind == QueuedKind::Unparsed {
                queued.kind = kind(&queued.question, Call::read(&queued.question));
                store.classify(&queued.question, queued.kind.clone()).await?;
            }
            let since = queued.received_at.saturating_sub(*first.get_or_insert(queued.received_at));
            if bursts.is_said(&queued, start + Duration::from_millis(since)) {
                courier.refuse(&queued, Refusal::Unreadable).await?;
                continue;
            }
            left.push(Work::of(queued));
        }
        for work in left {
            lanes.resume(work);
        }
        Ok(())
    }

    /// Does the work of one lane until there is none.
    async fn run(self: Arc<Self>, lane: Lane) {
        let Parts { lanes, courier, in_progress, lifecycle, .. } = &self.parts;
        while !lifecycle.stop.is_cancelled() {
            let Some(work) = lanes.next(&lane) else { return };
            lifecycle.report(match work {
                // Of what is not the model's text no answer need wait: a file, a call to a service that is slow.
                Work::Delivery(delivery) if !delivery.answer.items.iter().any(Item::is_generated) => {
                    courier.notify_again(*delivery);
                    Ok(())
                }
                Work::Delivery(delivery) => {
                    let _progress = in_progress.enter(&delivery.question.event_id);
                    courier.deliver(&delivery, true).await
                }
                Work::Question(queued) => self.answer(&queued, false).await,
                Work::Command(queued) => self.answer(&queued, true).await,
            });
        }
    }

    /// Answers a question and delivers the answer. A question that is edited meanwhile is answered from its new text; one that is taken
    /// back is not answered. What fails without need is tried again, and in the end said to the person.
    async fn answer(self: &Arc<Self>, waiting: &Queued, urgent: bool) -> Result<(), Failure> {
        let _progress = self.parts.in_progress.enter(&waiting.question.event_id);
        let mut outcome = self.until_over(waiting, urgent).await;
        if outcome.is_ok() && !urgent {
            outcome = self.parts.exchanges.say_what_was_read(waiting).await;
        }
        self.parts.courier.settled(&waiting.question).await;
        outcome
    }

    async fn until_over(self: &Arc<Self>, waiting: &Queued, urgent: bool) -> Result<(), Failure> {
        let Parts { store, lanes, courier, lifecycle, .. } = &self.parts;
        let question = &waiting.question;
        let (mut retries, mut again) = (Retries::default(), false);
        // Before it is begun, which counts: it must not count the deaths of others.
        let looks_up = matches!(waiting.kind, QueuedKind::EditOf(_));
        let suspect = !looks_up && waiting.interrupted.saturating_add(u32::from(waiting.begun)) >= SUSPECT_AFTER;
        let mut turn = if suspect { timeout(SUSPECTS_WAIT, self.suspects.lock()).await.ok() } else { None };
        loop {
            let edited = lifecycle.until_stop(self.edits.settled(&question.event_id)).await?;
            // Each try takes the question as the store has it now; it is there no more once it is answered, dropped, or forgotten.
            let Some(queued) = store.begin(question).await? else { return Ok(()) };
            if urgent && !matches!(queued.kind, QueuedKind::Command(_)) {
                // An edit has made a question of it: it waits for the answers before it.
                store.pause(question).await?;
                lanes.resume(Work::of(queued));
                return Ok(());
            }
            let tried = AssertUnwindSafe(self.attempt(queued.clone(), again && edited, &mut turn)).catch_unwind();
            let outcome = tried.await.unwrap_or(Err(Failure::Panicked));
            again = true;
            store.pause(question).await?;
            let Err(failure) = outcome else { continue };
            if failure.is_fatal() || matches!(failure, Failure::Stopped) {
                return Err(failure);
            }
            let Some(wait) = retries.next_wait(&failure) else {
                tracing::error!(event_id = %question.event_id, %failure, "a question is given up");
                if matches!(queued.kind, QueuedKind::EditOf(_) | QueuedKind::NotServed) {
                    store.drop_question(&question.room_id, &question.event_id, now()).await?;
                } else {
                    let (text, refusal) = excuse(&failure);
                    courier.give_up(&queued, &text, refusal).await?;
                }
                continue;
            };
            tracing::warn!(event_id = %question.event_id, %failure, ?wait, "a question is not answered yet; trying again");
            lifecycle.until_stop(sleep(wait)).await?;
        }
    }

    /// One try. `edited` says that the question has changed since the last one.
    async fn attempt(
        self: &Arc<Self>,
        queued: Queued,
        edited: bool,
        turn: &mut Option<MutexGuard<'_, ()>>,
    ) -> Result<(), Failure> {
        if let QueuedKind::EditOf(original) = &queued.kind {
            return self.look_up(&queued, original).await;
        }
        // What was written from the old text is lost, so the new one counts as one more question.
        if edited && self.refuses_edit(&queued).await? {
            return Ok(());
        }
        let Some(concluded) = self.parts.exchanges.answer(queued).await? else { return Ok(()) };
        // Delivering may take long, and kills nobody.
        turn.take();
        self.parts.courier.deliver_concluded(concluded).await
    }

    /// Whether a question that was edited while it was answered is not answered anew, because its author asks too much in this way.
    async fn refuses_edit(&self, queued: &Queued) -> Result<bool, Failure> {
        let Parts { courier, limits, .. } = &self.parts;
        let question = &queued.question;
        let refusal = match limits.check(question, Instant::now()) {
            Verdict::Pass => return Ok(false),
            Verdict::Slow(wait) => Text::SlowDown { wait },
            Verdict::Loop(wait) => Text::LoopStopped { wait },
            Verdict::Silent => {
                courier.refuse(queued, Refusal::Rate).await?;
                return Ok(true);
            }
        };
        courier.decline(queued, &refusal).await?;
        Ok(true)
    }

    /// Lets a new question wait for its turn; gives it back when too much waits.
    pub fn push(&self, queued: Queued) -> Result<(), Work> {
        self.parts.lanes.push(Work::of(queued))
    }

    /// The bot is no longer in a room: what is written for it reaches nobody.
    pub fn left(&self, room: &RoomId) {
        for generation in self.parts.active.of_room(room) {
            generation.interrupt(Interruption::Changed);
        }
        self.parts.cache.forget_room(room);
    }

    /// Somebody has taken the draft of an answer away: the answer goes on in another message.
    pub fn lost(&self, draft: &Redaction) {
        if let Some(generation) = self.parts.active.about(&draft.room_id, &draft.redacts) {
            generation.lose(&draft.redacts);
        }
    }

    /// Questions are no more: answers being written to them are given up.
    pub fn redacted(&self, redactions: &[Redaction]) {
        for redaction in redactions {
            self.interrupt(&redaction.room_id, &redaction.redacts);
        }
        // In which thread it stood is gone with it.
        for room in redactions.iter().map(|redaction| &redaction.room_id).collect::<BTreeSet<_>>() {
            self.parts.cache.forget_room(room);
        }
    }

    /// What was remembered in these rooms is so no more.
    pub fn untold(&self, rooms: &[OwnedRoomId]) {
        for room in rooms.iter().collect::<BTreeSet<_>>() {
            self.parts.cache.forget_room(room);
        }
    }

    /// A question has another text, or is no more: an answer being written from the old one is given up.
    fn interrupt(&self, room: &RoomId, event: &EventId) {
        if let Some(generation) = self.parts.active.about(room, event) {
            generation.interrupt(Interruption::Changed);
        }
    }

    /// A question has a new text. What is being written from the old one is given up at once; the new one is answered once it is at rest.
    /// `anew` says that it has an answer and waits again, so that no lane looks at its edits.
    pub fn edited(self: &Arc<Self>, queued: Queued, anew: bool) {
        let question = &queued.question;
        let first = self.edits.note(&question.event_id);
        self.interrupt(&question.room_id, &question.event_id);
        self.parts.cache.forget_conversation(&question.conversation());
        if anew && first {
            let (this, at) = (Arc::clone(self), Instant::now());
            self.parts.lifecycle.spawn(async move { this.parts.lifecycle.report(this.answer_anew(queued, at).await) });
        }
    }

    /// Lets a question wait for its turn again that has an answer and was edited first at this time, once it is at rest. Its author may ask
    /// no more in this way than by writing: beyond that, the answer stays as it is. The rest does not make an edit look slower than it was.
    async fn answer_anew(&self, queued: Queued, edited_at: Instant) -> Result<(), Failure> {
        let Parts { lanes, courier, limits, lifecycle, .. } = &self.parts;
        let question = &queued.question;
        lifecycle.until_stop(self.edits.settled(&question.event_id)).await?;
        let refusal = match limits.check(question, edited_at) {
            Verdict::Pass => {
                lanes.resume(Work::of(queued));
                return Ok(());
            }
            Verdict::Slow(wait) => Some(Text::SlowDown { wait }),
            Verdict::Loop(wait) => Some(Text::LoopStopped { wait }),
            Verdict::Silent => None,
        };
        tracing::info!(event_id = %question.event_id, "an edit is not answered: its author asks too much");
        courier.close(&queued, Outcome::Refused(Refusal::Rate)).await?;
        let Some(refusal) = refusal else { return Ok(()) };
        courier.remark(&queued, &refusal).await
    }
}
