//! Taking the bot's own messages back, with all their edits: each edit holds the text it had.
//!
//! What is to be taken back is in the store until the homeserver has redacted all of it, so a process that dies in between goes on at its
//! next start. The message itself goes first, since that is what people see. Its edits go when nothing is written for the question any
//! more: one that is on its way could otherwise arrive after the others were listed.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use ruma::{EventId, OwnedEventId, RoomId};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::{
    Assistant, Failure,
    delivery::{persist, put, transaction},
};
use crate::store::Withdrawal;

/// How many messages are taken back at a time.
const AT_ONCE: usize = 4;

/// A message that is not taken back within this time is put off: its room must not hold up the others for ever.
const PATIENCE: Duration = Duration::from_hours(1);

/// The wait before what was put off is tried again. It doubles up to [`LONGEST_WAIT`]; the store gives up after its retention.
const FIRST_WAIT: Duration = Duration::from_mins(1);
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// The longest that one redaction of an edit lets answers go first.
const LONGEST_COURTESY: Duration = Duration::from_mins(2);
const COURTESY_STEP: Duration = Duration::from_millis(500);

/// How often the edits of a message are asked for: each time gives all that the homeserver lists on its pages.
const LISTINGS: usize = 20;

/// What is being taken back at this moment, and what cannot be for now.
#[derive(Debug)]
pub(super) struct Withdrawing {
    under_way: Mutex<HashSet<Withdrawal>>,
    /// What a room has refused, or what took too long.
    put_off: Mutex<HashSet<Withdrawal>>,
    at_once: Semaphore,
    /// Whether a later try is arranged, and how many there were in a row.
    arranged: AtomicBool,
    tries: AtomicU32,
}

impl Default for Withdrawing {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
            put_off: Mutex::default(),
            at_once: Semaphore::new(AT_ONCE),
            arranged: AtomicBool::new(false),
            tries: AtomicU32::new(0),
        }
    }
}

impl Assistant {
    /// Takes back what the store says is to be taken back.
    pub(super) async fn withdraw(&self) {
        let withdrawals = match self.store.withdrawals().await {
            Ok(withdrawals) => withdrawals,
            Err(error) => return self.report(Err(error.into())),
        };
        for withdrawal in withdrawals {
            if set(&self.withdrawing.put_off).contains(&withdrawal)
                || !set(&self.withdrawing.under_way).insert(withdrawal.clone())
            {
                continue;
            }
            self.spawn(|assistant| async move {
                let taken = timeout(PATIENCE, take_back(&assistant, &withdrawal)).await;
                let taken = taken.unwrap_or_else(|_| Err(Failure::Refused("too slow".to_owned())));
                assistant.taken(&withdrawal, taken).await;
                set(&assistant.withdrawing.under_way).remove(&withdrawal);
            });
        }
    }

    /// The bot has just written in a room: what could not be taken back there may be now.
    pub(super) async fn may_write_again(&self, room: &RoomId) {
        set(&self.withdrawing.put_off).retain(|withdrawal| withdrawal.room_id != room);
        self.withdraw().await;
    }

    async fn taken(&self, withdrawal: &Withdrawal, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => {
                self.withdrawing.tries.store(0, Ordering::Relaxed);
                let withdrawn = self.store.withdrawn(withdrawal).await;
                self.report(withdrawn.map_err(Failure::from));
            }
            Err(Failure::Stopped) => {}
            Err(failure) if failure.is_fatal() => self.report(Err(failure)),
            Err(failure) => {
                tracing::warn!(event_id = %withdrawal.event_id, %failure, "a message is not taken back yet; trying again later");
                set(&self.withdrawing.put_off).insert(withdrawal.clone());
                self.arrange();
            }
        }
    }

    /// Has what was put off tried again later. Not among the tasks that an end in order waits for: nothing is lost with it.
    fn arrange(&self) {
        if self.withdrawing.arranged.swap(true, Ordering::Relaxed) {
            return;
        }
        let tries = self.withdrawing.tries.fetch_add(1, Ordering::Relaxed);
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(tries)).min(LONGEST_WAIT);
        let (me, stop) = (self.me.clone(), self.stop.clone());
        tokio::spawn(async move {
            if stop.run_until_cancelled(sleep(wait)).await.is_some()
                && let Some(assistant) = me.upgrade()
            {
                assistant.withdrawing.arranged.store(false, Ordering::Relaxed);
                set(&assistant.withdrawing.put_off).clear();
                assistant.withdraw().await;
            }
        });
    }
}

fn set(of: &Mutex<HashSet<Withdrawal>>) -> std::sync::MutexGuard<'_, HashSet<Withdrawal>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take_back(assistant: &Assistant, withdrawal: &Withdrawal) -> Result<(), Failure> {
    let (room, event) = (&withdrawal.room_id, &withdrawal.event_id);
    let mut known = Vec::new();
    if !withdrawal.is_of_question() {
        let _permit = assistant.withdrawing.at_once.acquire().await;
        known = first_look(assistant, room, event).await;
        redact(assistant, room, event).await?;
    }
    if let Some(question) = &withdrawal.question {
        tokio::select! {
            () = assistant.at_work.over(question) => {}
            () = assistant.abort.cancelled() => return Err(Failure::Stopped),
        }
    }
    let _permit = assistant.withdrawing.at_once.acquire().await;
    if !withdrawal.is_of_question() {
        return redact_edits(assistant, room, event, known).await;
    }
    for message in persist(assistant, || assistant.gateway.answers(room, event)).await? {
        let known = first_look(assistant, room, &message).await;
        redact(assistant, room, &message).await?;
        redact_edits(assistant, room, &message, known).await?;
    }
    Ok(())
}

/// The edits of a message that is still there. One try: what people see goes first, and the edits are looked for again after it.
async fn first_look(assistant: &Assistant, room: &RoomId, event: &EventId) -> Vec<OwnedEventId> {
    tokio::select! {
        edits = assistant.gateway.edits(room, event) => edits.unwrap_or_default(),
        () = assistant.abort.cancelled() => Vec::new(),
    }
}

/// Takes a message back that a shorter answer leaves over, with its edits; a room that refuses keeps it.
pub(super) async fn take_back_now(assistant: &Assistant, room: &RoomId, event: &EventId) -> Result<(), Failure> {
    let taken = async {
        let known = first_look(assistant, room, event).await;
        redact(assistant, room, event).await?;
        redact_edits(assistant, room, event, known).await
    };
    match taken.await {
        Err(Failure::Refused(reason)) => {
            tracing::warn!(event_id = %event, reason, "a message could not be taken back");
            Ok(())
        }
        other => other,
    }
}

/// Takes the edits of a redacted message back: those `known` from before, since some homeservers list none of a message that is redacted,
/// and those that are found.
async fn redact_edits(
    assistant: &Assistant,
    room: &RoomId,
    event: &EventId,
    known: Vec<OwnedEventId>,
) -> Result<(), Failure> {
    let mut gone: HashSet<OwnedEventId> = HashSet::new();
    for listing in 0..LISTINGS {
        let mut listed = persist(assistant, || assistant.gateway.edits(room, event)).await?;
        if listing == 0 {
            listed.extend(known.iter().filter(|edit| !listed.contains(edit)).cloned().collect::<Vec<_>>());
        }
        // A redacted edit relates to nothing any more; a homeserver that still lists it lists nothing new.
        let left: Vec<OwnedEventId> = listed.into_iter().filter(|edit| !gone.contains(edit)).collect();
        if left.is_empty() {
            return Ok(());
        }
        for edit in left {
            let_answers_go_first(assistant).await?;
            redact(assistant, room, &edit).await?;
            gone.insert(edit);
        }
    }
    Ok(())
}

/// Redactions count as messages for the homeserver's rate, and an answer may have many edits.
async fn let_answers_go_first(assistant: &Assistant) -> Result<(), Failure> {
    let mut waited = Duration::ZERO;
    while waited < LONGEST_COURTESY && !assistant.pace().may_show_first(Instant::now()) {
        tokio::select! {
            () = sleep(COURTESY_STEP) => waited += COURTESY_STEP,
            () = assistant.abort.cancelled() => return Err(Failure::Stopped),
        }
    }
    Ok(())
}

async fn redact(assistant: &Assistant, room: &RoomId, event: &EventId) -> Result<(), Failure> {
    let transaction = transaction(event, 0, "-gone");
    fail::fail_point!("before-redaction");
    put(assistant, || assistant.gateway.redact(room, event, &transaction)).await?;
    fail::fail_point!("after-redaction");
    assistant.pace().accepted(Instant::now());
    Ok(())
}
