//! Withdrawal: redacting the bot's own messages with all their edits, since each edit holds the text it had.
//!
//! What is to be withdrawn is in the store until the homeserver has redacted all of it, so a process that dies in between goes on at its
//! next start. The message itself goes first, since that is what people see. Its edits go when nothing is written for the question any
//! more: one that is on its way could otherwise arrive after the others were listed.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use ruma::{EventId, OwnedEventId, RoomId};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::{homeserver::Homeserver, outgoing::transaction};
use crate::{
    assistant::{dispatch::InProgress, failure::Failure, lifecycle::Lifecycle},
    store::{Store, Withdrawal},
};

/// How many messages are withdrawn at a time.
const AT_ONCE: usize = 4;

/// A message that is not withdrawn within this time is put off: its room must not hold up the others for ever.
const PATIENCE: Duration = Duration::from_hours(1);

/// The wait before what was put off is tried again. It doubles up to [`LONGEST_WAIT`]; the store gives up after its retention.
const FIRST_WAIT: Duration = Duration::from_mins(1);
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// The longest that one redaction of an edit lets answers go first.
const LONGEST_COURTESY: Duration = Duration::from_mins(2);
const COURTESY_STEP: Duration = Duration::from_millis(500);

/// How often the edits of a message are asked for: each time gives all that the homeserver lists on its pages.
const LISTINGS: usize = 20;

/// The withdrawals: those under way, and those that cannot be made for now.
pub struct Withdrawals {
    store: Store,
    homeserver: Arc<Homeserver>,
    in_progress: InProgress,
    lifecycle: Arc<Lifecycle>,
    under_way: Mutex<HashSet<Withdrawal>>,
    /// What a room has refused, or what took too long.
    put_off: Mutex<HashSet<Withdrawal>>,
    at_once: Semaphore,
    /// Whether a later try is scheduled, and how many there were in a row.
    scheduled: AtomicBool,
    tries: AtomicU32,
}

impl Withdrawals {
    /// Withdrawals from the rooms of a homeserver; `in_progress` are the questions for which something may still be sent.
    pub fn new(store: Store, homeserver: Arc<Homeserver>, in_progress: InProgress, lifecycle: Arc<Lifecycle>) -> Self {
        Self {
            store,
            homeserver,
            in_progress,
            lifecycle,
            under_way: Mutex::default(),
            put_off: Mutex::default(),
            at_once: Semaphore::new(AT_ONCE),
            scheduled: AtomicBool::new(false),
            tries: AtomicU32::new(0),
        }
    }

    /// Starts all withdrawals that the store has and that are not under way or put off.
    pub async fn run(self: &Arc<Self>) {
        let withdrawals = match self.store.withdrawals().await {
            Ok(withdrawals) => withdrawals,
            Err(error) => return self.lifecycle.report(Err(error.into())),
        };
        for withdrawal in withdrawals {
            if set(&self.put_off).contains(&withdrawal) || !set(&self.under_way).insert(withdrawal.clone()) {
                continue;
            }
            let this = Arc::clone(self);
            self.lifecycle.spawn(async move {
                let outcome = timeout(PATIENCE, this.withdraw(&withdrawal)).await;
                let outcome = outcome.unwrap_or_else(|_| Err(Failure::Refused("too slow".to_owned())));
                this.ended(&withdrawal, outcome).await;
                set(&this.under_way).remove(&withdrawal);
            });
        }
    }

    /// The bot has just written in a room: what could not be withdrawn there may be now.
    pub async fn may_write_again(self: &Arc<Self>, room: &RoomId) {
        set(&self.put_off).retain(|withdrawal| withdrawal.room_id != room);
        self.run().await;
    }

    /// Withdraws a message that a shorter answer leaves over, with its edits; a room that refuses keeps it.
    pub async fn withdraw_now(&self, room: &RoomId, event: &EventId) -> Result<(), Failure> {
        match self.redact_all(room, event).await {
            Err(Failure::Refused(reason)) => {
                tracing::warn!(event_id = %event, reason, "a message could not be withdrawn");
                Ok(())
            }
            other => other,
        }
    }

    async fn ended(self: &Arc<Self>, withdrawal: &Withdrawal, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => {
                self.tries.store(0, Ordering::Relaxed);
                let withdrawn = self.store.withdrawn(withdrawal).await;
                self.lifecycle.report(withdrawn.map_err(Failure::from));
            }
            Err(Failure::Stopped) => {}
            Err(failure) if failure.is_fatal() => self.lifecycle.report(Err(failure)),
            Err(failure) => {
                tracing::warn!(event_id = %withdrawal.event_id, %failure, "a message is not withdrawn yet; trying again later");
                set(&self.put_off).insert(withdrawal.clone());
                self.schedule();
            }
        }
    }

    /// Has what was put off tried again later. Not among the tasks that an orderly end waits for: nothing is lost with it.
    fn schedule(self: &Arc<Self>) {
        if self.scheduled.swap(true, Ordering::Relaxed) {
            return;
        }
        let tries = self.tries.fetch_add(1, Ordering::Relaxed);
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(tries)).min(LONGEST_WAIT);
        let (this, stop) = (Arc::downgrade(self), self.lifecycle.stop.clone());
        tokio::spawn(async move {
            if stop.run_until_cancelled(sleep(wait)).await.is_some()
                && let Some(this) = this.upgrade()
            {
                this.scheduled.store(false, Ordering::Relaxed);
                set(&this.put_off).clear();
                this.run().await;
            }
        });
    }

    async fn withdraw(&self, withdrawal: &Withdrawal) -> Result<(), Failure> {
        let (room, event) = (&withdrawal.room_id, &withdrawal.event_id);
        let mut known = Vec::new();
        if !withdrawal.is_of_question() {
            let _permit = self.at_once.acquire().await;
            known = self.edits_before(room, event).await;
            self.redact(room, event).await?;
        }
        if let Some(question) = &withdrawal.question {
            self.lifecycle.until_abort(self.in_progress.over(question)).await?;
        }
        let _permit = self.at_once.acquire().await;
        if !withdrawal.is_of_question() {
            return self.redact_edits(room, event, known).await;
        }
        for message in self.homeserver.retry(|| self.homeserver.gateway.answers(room, event)).await? {
            self.redact_all(room, &message).await?;
        }
        Ok(())
    }

    /// Redacts a message, then its edits.
    async fn redact_all(&self, room: &RoomId, event: &EventId) -> Result<(), Failure> {
        let known = self.edits_before(room, event).await;
        self.redact(room, event).await?;
        self.redact_edits(room, event, known).await
    }

    /// The edits of a message that is not redacted yet. One try: what people see goes first, and the edits are listed again after it.
    async fn edits_before(&self, room: &RoomId, event: &EventId) -> Vec<OwnedEventId> {
        let edits = self.lifecycle.until_abort(self.homeserver.gateway.edits(room, event)).await;
        edits.map_or_else(|_| Vec::new(), Result::unwrap_or_default)
    }

    /// Redacts the edits of a redacted message: those `known` from before, since some homeservers list none of a message that is redacted,
    /// and those that are listed now.
    async fn redact_edits(&self, room: &RoomId, event: &EventId, known: Vec<OwnedEventId>) -> Result<(), Failure> {
        let mut gone: HashSet<OwnedEventId> = HashSet::new();
        for listing in 0..LISTINGS {
            let mut listed = self.homeserver.retry(|| self.homeserver.gateway.edits(room, event)).await?;
            if listing == 0 {
                listed.extend(known.iter().filter(|edit| !listed.contains(edit)).cloned().collect::<Vec<_>>());
            }
            // A redacted edit relates to nothing any more; a homeserver that still lists it lists nothing new.
            let left: Vec<OwnedEventId> = listed.into_iter().filter(|edit| !gone.contains(edit)).collect();
            if left.is_empty() {
                return Ok(());
            }
            for edit in left {
                self.let_answers_go_first().await?;
                self.redact(room, &edit).await?;
                gone.insert(edit);
            }
        }
        Ok(())
    }

    /// Redactions count as messages for the homeserver's rate, and an answer may have many edits.
    async fn let_answers_go_first(&self) -> Result<(), Failure> {
        let mut waited = Duration::ZERO;
        while waited < LONGEST_COURTESY && !self.homeserver.budget().may_show_first(Instant::now()) {
            self.lifecycle.until_abort(sleep(COURTESY_STEP)).await?;
            waited += COURTESY_STEP;
        }
        Ok(())
    }

    async fn redact(&self, room: &RoomId, event: &EventId) -> Result<(), Failure> {
        let transaction = transaction(event, 0, "-gone");
        fail::fail_point!("before-redaction");
        self.homeserver.retry_write(|| self.homeserver.gateway.redact(room, event, &transaction)).await?;
        fail::fail_point!("after-redaction");
        Ok(())
    }
}

fn set(of: &Mutex<HashSet<Withdrawal>>) -> MutexGuard<'_, HashSet<Withdrawal>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
