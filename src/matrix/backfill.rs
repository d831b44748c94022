//! Reads the gaps of timelines beside the sync loop, until they are read or too old. The events of a gap are stored like those of a sync,
//! in one transaction with the rest of the gap, so that a stop at any moment loses nothing.

use std::{collections::HashMap, future, sync::Arc, time::Duration};

use matrix_sdk::ruma::OwnedRoomId;
use tokio::{
    sync::Semaphore,
    task::{AbortHandle, JoinSet},
    time::sleep,
};
use tracing::{info, warn};

use super::{
    Batch,
    backoff::{Backoff, catch_panic},
    clock::now,
    fault::Fault,
    gap::{self, Horizon, NewEvents, Remainder},
    session::Session,
    timeline::{TimelineReader, missed, read_events},
};
use crate::message::Gap;

/// How many rooms are read at a time.
const ROOMS_AT_ONCE: usize = 4;
/// The longest wait between two attempts at one room.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// The gaps that are being read, one task per room. The tasks end when this value is dropped.
pub(super) struct Backfill {
    session: Session,
    /// The age from which messages are not answered any more. It bounds the gaps too.
    max_age: Duration,
    gaps: HashMap<OwnedRoomId, GapTask>,
    tasks: JoinSet<GapSlice>,
    permits: Arc<Semaphore>,
}

/// A gap that is being read.
struct GapTask {
    gap: Gap,
    backoff: Backoff,
    task: AbortHandle,
}

/// The result of one attempt at a gap.
pub(super) struct GapSlice {
    gap: Gap,
    outcome: Result<NewEvents, Fault>,
}

impl Backfill {
    pub(super) fn new(session: Session, max_age: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(ROOMS_AT_ONCE));
        Self { session, max_age, gaps: HashMap::new(), tasks: JoinSet::new(), permits }
    }

    /// Extends the new gaps of a batch by the unread gaps of the same rooms. To be called before the batch is accepted.
    pub(super) fn join(&self, batch: &mut Batch) {
        for gap in &mut batch.gaps {
            if let Some(known) = self.gaps.get(&gap.room_id) {
                gap.to.clone_from(&known.gap.to);
                (gap.since, gap.pages) = (known.gap.since, known.gap.pages);
            }
        }
    }

    /// Starts and ends tasks after a batch was accepted.
    pub(super) fn follow(&mut self, gaps: Vec<Gap>, closed: &[OwnedRoomId]) {
        for room in closed {
            if let Some(reading) = self.gaps.remove(room) {
                reading.task.abort();
            }
        }
        for gap in gaps {
            self.begin(gap);
        }
    }

    fn begin(&mut self, gap: Gap) {
        let mut backoff = Backoff::up_to(LONGEST_WAIT);
        let mut wait = Duration::ZERO;
        if let Some(known) = self.gaps.remove(&gap.room_id) {
            known.task.abort();
            if known.gap == gap {
                backoff = known.backoff;
                wait = backoff.next(&Fault::Unreachable(String::new()));
            }
        }
        let (session, permits, max_age) = (self.session.clone(), Arc::clone(&self.permits), self.max_age);
        let reading = gap.clone();
        let task = self.tasks.spawn(async move {
            sleep(wait).await;
            // The semaphore is never closed.
            let _permit = permits.acquire().await;
            let outcome = match catch_panic(read(&session, &reading, max_age)).await {
                // Only a fault that ends the session ends the loop.
                Err(fault) if !fault.is_final() => {
                    warn!(?fault, room_id = %reading.room_id, "the missed messages of a room cannot be read; trying again");
                    Ok(NewEvents { events: Vec::new(), joined: None, rest: Remainder::Later(reading.clone()) })
                }
                outcome => outcome,
            };
            GapSlice { gap: reading, outcome }
        });
        self.gaps.insert(gap.room_id.clone(), GapTask { gap, backoff, task });
    }

    /// The result of the next attempt; pending for ever when there is no gap.
    pub(super) async fn next(&mut self) -> GapSlice {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(slice)) => return slice,
                // Aborted, because another gap replaced it.
                Some(Err(_)) => {}
                None => return future::pending().await,
            }
        }
    }

    /// The batch of an attempt, to be accepted at `cursor`; `None` when there is nothing to store. An error ends the loop.
    pub(super) async fn take(&mut self, slice: GapSlice, cursor: &str) -> Result<Option<Batch>, Fault> {
        let GapSlice { gap, outcome } = slice;
        if self.gaps.get(&gap.room_id).is_none_or(|reading| reading.gap != gap) {
            return Ok(None);
        }
        let news = outcome?;
        let now = now();
        let horizon = Horizon { own: self.session.user_id(), now, max_age: self.max_age };
        let Some(room) = self.session.client().get_room(&gap.room_id) else {
            self.gaps.remove(&gap.room_id);
            return Ok(Some(Batch { next_batch: cursor.to_owned(), closed: vec![gap.room_id], ..Batch::default() }));
        };
        let mut rest = news.rest;
        if matches!(rest, Remainder::Later(_)) && horizon.is_past(gap.since) {
            warn!(room_id = %gap.room_id, "the missed messages of a room could not be read in time, and are given up");
            rest = Remainder::Lost;
        }
        let mut batch = Batch { next_batch: cursor.to_owned(), ..Batch::default() };
        read_events(&self.session, &room, news.events, news.joined, &mut batch).await;
        let read = batch.messages.len();
        batch.messages.retain(|message| !message.is_message() || !horizon.is_past(message.sent_at));
        match rest {
            Remainder::Later(left) if left == gap => {
                self.begin(left);
                return Ok(None);
            }
            Remainder::Later(left) => batch.gaps.push(left),
            Remainder::Nothing | Remainder::Lost => {
                info!(room_id = %gap.room_id, pages = gap.pages, "the missed messages of a room are read");
                if rest == Remainder::Lost || batch.messages.len() < read {
                    batch.messages.extend(missed(
                        &self.session,
                        &TimelineReader::of(&self.session, &room).await,
                        &gap.from,
                    ));
                }
                batch.closed.push(gap.room_id);
            }
        }
        Ok(Some(batch))
    }
}

async fn read(session: &Session, gap: &Gap, max_age: Duration) -> Result<NewEvents, Fault> {
    fail::fail_point!("backfill");
    let horizon = Horizon { own: session.user_id(), now: now(), max_age };
    match session.client().get_room(&gap.room_id) {
        Some(room) => gap::read_back(&room, gap.clone(), &gap.from, Vec::new(), horizon).await,
        None => Ok(NewEvents { events: Vec::new(), joined: None, rest: Remainder::Nothing }),
    }
}
