//! Requests to the homeserver, repeated until it answers, within the rate that it allows.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, UserId};

use super::{
    rate_budget::RateBudget,
    repeat::{RETRY_FOR, Setback, repeat},
};
use crate::{
    assistant::{failure::Failure, lifecycle::Lifecycle},
    matrix::{Gateway, OutgoingFile, RoomFacts, SendError},
    message::Outgoing,
    metric::MESSAGES,
};

/// How requests to send a message end, for Prometheus.
const ACCEPTED: &str = "accepted";
const LIMITED: &str = "limited";
const FAILED: &str = "failed";
const OUTCOMES: [&str; 3] = [ACCEPTED, LIMITED, FAILED];

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
        // `rate` sees no growth to the first value of a series.
        for outcome in OUTCOMES {
            metrics::counter!(MESSAGES, "outcome" => outcome).increment(0);
        }
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

    /// The conversation of two with a person, made where there is none; nothing where the homeserver refuses.
    pub async fn private_room(&self, person: &UserId) -> Result<Option<OwnedRoomId>, Failure> {
        Ok(unless_refused(self.retry(|| self.gateway.direct_room(person, true)).await)?.flatten())
    }

    /// As [`Homeserver::retry`], for another time.
    pub async fn retry_for<T, F: Future<Output = Result<T, SendError>>>(
        &self,
        limit: Duration,
        request: impl FnMut() -> F,
    ) -> Result<T, Failure> {
        repeat(&self.lifecycle, limit, request).await
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
                let outcome = match &answer {
                    Ok(_) => ACCEPTED,
                    Err(SendError::Limited(_)) => LIMITED,
                    Err(_) => FAILED,
                };
                metrics::counter!(MESSAGES, "outcome" => outcome).increment(1);
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

    /// Puts an emoji on a message, where the rate allows more than what answers need. Whether it is there now; nobody waits for it, and it is
    /// not tried again.
    pub async fn react(&self, room: &RoomId, message: &EventId, key: &str, transaction: &str) -> bool {
        if !self.budget().may_refresh(Duration::MAX, 0, Instant::now()) {
            return false;
        }
        let reacted = self.gateway.react(room, message, key, transaction).await;
        match &reacted {
            Ok(()) => self.budget().accepted(Instant::now()),
            Err(SendError::Limited(wait)) => self.budget().limited(*wait, Instant::now()),
            Err(error) => tracing::debug!(%error, "an emoji was not put on a message"),
        }
        reacted.is_ok()
    }

    /// Sends the message of a file, however often it takes.
    pub async fn send_file(&self, file: &OutgoingFile<'_>) -> Result<OwnedEventId, Failure> {
        fail::fail_point!("before-put");
        let sent = self.retry_write(|| self.gateway.send_file(file)).await?;
        fail::fail_point!("after-put");
        Ok(sent)
    }

    /// What a room is; nothing when the bot is not in it any more.
    pub async fn room(&self, room: &RoomId) -> Result<Option<RoomFacts>, Failure> {
        unless_refused(self.retry(|| self.gateway.room(room)).await)
    }

    /// Since when a person reads what is said in a room, in milliseconds since the epoch; `None`: all of it. Where the homeserver does not say
    /// it, nothing but what they write themselves.
    pub async fn reads_since(&self, room: &RoomId, person: &UserId) -> Result<Option<u64>, Failure> {
        let ask = || self.gateway.reads_since(room, person);
        Ok(unless_refused(self.retry(ask).await)?.unwrap_or(Some(u64::MAX)))
    }
}

impl From<SendError> for Setback {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused(reason) => Self::Final(Failure::Refused(reason)),
            SendError::Storage(reason) => Self::Final(Failure::Session(reason)),
            SendError::Limited(wait) => Self::Asked(wait, error.to_string()),
            SendError::Unreachable(ref reason) => {
                tracing::warn!(reason, "the homeserver did not answer; trying again");
                Self::Unanswered(error.to_string())
            }
            // A refused account is reported once, by the sync loop.
            SendError::Account(_) => Self::Unanswered(error.to_string()),
        }
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
