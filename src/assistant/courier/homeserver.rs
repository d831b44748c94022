//! Requests to the homeserver, repeated until it answers, within the rate that it allows.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use ruma::{OwnedEventId, RoomId};
use tokio::time::sleep;

use super::rate_budget::RateBudget;
use crate::{
    assistant::{failure::Failure, lifecycle::Lifecycle},
    matrix::{Gateway, RoomFacts, SendError},
    message::Outgoing,
};

/// The waits between two requests to a homeserver that does not answer grow from this to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
const WAITS: ExponentialBuilder =
    ExponentialBuilder::new().with_min_delay(FIRST_WAIT).with_max_delay(LONGEST_WAIT).without_max_times();

/// How long a request is repeated. After that what is stored stays stored, for the next start.
const RETRY_FOR: Duration = Duration::from_hours(24);

/// The homeserver, with our copy of its rate limit.
pub struct Homeserver {
    /// Single requests, for what is not worth repeating.
    pub gateway: Arc<dyn Gateway>,
    budget: Mutex<RateBudget>,
    lifecycle: Arc<Lifecycle>,
}

impl Homeserver {
    /// The homeserver behind a gateway.
    pub fn new(gateway: Arc<dyn Gateway>, budget: RateBudget, lifecycle: Arc<Lifecycle>) -> Self {
        Self { gateway, budget: Mutex::new(budget), lifecycle }
    }

    /// What is left of the rate that the homeserver allows.
    pub fn budget(&self) -> MutexGuard<'_, RateBudget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Repeats a request until the homeserver answers: after the wait that it asks for, or after waits that grow.
    pub async fn retry<T, F: Future<Output = Result<T, SendError>>>(
        &self,
        request: impl FnMut() -> F,
    ) -> Result<T, Failure> {
        self.retry_for(RETRY_FOR, request).await
    }

    /// As [`Homeserver::retry`], for another time. backon makes the waits only: its own loop does not take a future that borrows from its
    /// request and is spawned.
    pub async fn retry_for<T, F: Future<Output = Result<T, SendError>>>(
        &self,
        limit: Duration,
        mut request: impl FnMut() -> F,
    ) -> Result<T, Failure> {
        let begun = Instant::now();
        let mut waits = WAITS.build();
        loop {
            // A request that is aborted may arrive all the same: the next start repeats it under the same transaction id.
            let (wait, reason) = match self.lifecycle.until_abort(request()).await? {
                Ok(answer) => return Ok(answer),
                Err(SendError::Refused(reason)) => return Err(Failure::Refused(reason)),
                Err(SendError::Storage(reason)) => return Err(Failure::Session(reason)),
                Err(error @ SendError::Limited(wait)) => (wait, error.to_string()),
                Err(error @ (SendError::Unreachable(_) | SendError::Account(_))) => {
                    let wait = waits.next().unwrap_or(LONGEST_WAIT);
                    // A refused account is reported once, by the sync loop.
                    if let SendError::Unreachable(reason) = &error {
                        tracing::warn!(reason, ?wait, "the homeserver did not answer; trying again");
                    }
                    (wait, error.to_string())
                }
            };
            if begun.elapsed() + wait > limit {
                return Err(Failure::Unanswered(reason));
            }
            self.lifecycle.until_abort(sleep(wait)).await?;
        }
    }

    /// As [`Homeserver::retry`], for what the homeserver counts in its rate of messages: a wait that it asks for is entered in the budget.
    pub async fn retry_write<T, F: Future<Output = Result<T, SendError>>>(
        &self,
        mut request: impl FnMut() -> F,
    ) -> Result<T, Failure> {
        let asked = || {
            let asked = request();
            async {
                let answer = asked.await;
                if let Err(SendError::Limited(wait)) = &answer {
                    self.budget().limited(*wait, Instant::now());
                }
                answer
            }
        };
        let written = self.retry(asked).await?;
        self.budget().accepted(Instant::now());
        Ok(written)
    }

    /// Sends one message, however often it takes.
    pub async fn send(&self, outgoing: &Outgoing<'_>) -> Result<OwnedEventId, Failure> {
        fail::fail_point!("before-put");
        let sent = self.retry_write(|| self.gateway.send(outgoing)).await?;
        fail::fail_point!("after-put");
        Ok(sent)
    }

    /// What a room is; nothing when the bot is not in it any more.
    pub async fn room(&self, room: &RoomId) -> Result<Option<RoomFacts>, Failure> {
        unless_refused(self.retry(|| self.gateway.room(room)).await)
    }
}

/// What the homeserver answered; nothing where the room does not let itself be asked.
pub fn unless_refused<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Failure::Refused(_)) => Ok(None),
        Err(other) => Err(other),
    }
}
