//! Answers to people who want to verify the bot's device: the verification is cancelled, and they are told its fingerprint once a day.
//!
//! Kept in memory: a restart tells it once more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, UserId};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    delivery::{Courier, Parts},
    homeserver::unless_refused,
    notice_queue::NoticePriority,
    outgoing::{REMARK_PART, transaction, unasked},
};
use crate::{
    assistant::{
        access::{AccessRules, Act},
        clock::now,
        failure::Failure,
        texts::Text,
    },
    matrix::{VerificationPlace, VerificationRequest},
    message::Outgoing,
};

/// A request is over after this: clients do not wait for longer.
const FRESH: Duration = Duration::from_mins(10);
/// For how long a person is counted, and not told again.
const TOLD: Duration = Duration::from_hours(24);
/// So many requests of one person are cancelled in that time. The others end by themselves, at the person's client.
const MOST_OF_ONE: u32 = 10;
/// So many are cancelled at a time, and so many persons are remembered.
const AT_ONCE: usize = 8;
const TIDY_AT: usize = 1_000;
/// How long a cancellation is tried, and telling its author.
const TRY_FOR: Duration = Duration::from_mins(5);

/// Answers requests for verification.
pub struct Verifications {
    courier: Arc<Courier>,
    access: Arc<AccessRules>,
    asked: Mutex<HashMap<OwnedUserId, Asked>>,
    turns: Arc<Semaphore>,
}

/// What a person has asked for since a time.
struct Asked {
    since: Instant,
    requests: u32,
    told: bool,
}

impl Verifications {
    /// Nobody has asked yet.
    pub fn new(courier: Arc<Courier>, access: Arc<AccessRules>) -> Self {
        Self { courier, access, asked: Mutex::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Answers these requests, which are of people with access, beside everything else.
    pub fn answer(self: &Arc<Self>, requests: Vec<VerificationRequest>) {
        for request in requests {
            let old = u128::from(now().saturating_sub(request.sent_at)) > FRESH.as_millis();
            if old || self.courier.parts.config.limits.bots.contains(&request.sender) {
                continue;
            }
            let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() else {
                tracing::warn!("too many verifications are asked for: one is not answered");
                continue;
            };
            // Only what is answered counts.
            if !self.counts(&request.sender) {
                continue;
            }
            let this = Arc::clone(self);
            self.courier.parts.lifecycle.spawn(async move {
                let outcome = this.end(&request, turn).await;
                this.courier.parts.lifecycle.report(outcome);
            });
        }
    }

    /// Counts a request; whether it is answered.
    fn counts(&self, person: &UserId) -> bool {
        let (mut asked, now) = (self.asked(), Instant::now());
        if asked.len() >= TIDY_AT {
            asked.retain(|_, asked| now < asked.since + TOLD);
            if asked.len() >= TIDY_AT {
                asked.clear();
            }
        }
        let begun = Asked { since: now, requests: 0, told: false };
        let theirs = asked.entry(person.to_owned()).or_insert(begun);
        if now >= theirs.since + TOLD {
            *theirs = Asked { since: now, requests: 0, told: false };
        }
        theirs.requests = theirs.requests.saturating_add(1);
        theirs.requests <= MOST_OF_ONE
    }

    /// Whether this person is to be told; they count as told then.
    fn begins_to_tell(&self, person: &UserId) -> bool {
        self.asked().get_mut(person).is_some_and(|asked| !std::mem::replace(&mut asked.told, true))
    }

    /// This person could not be told.
    fn not_told(&self, person: &UserId) {
        if let Some(asked) = self.asked().get_mut(person) {
            asked.told = false;
        }
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<OwnedUserId, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cancels a verification in its turn, and tells its author.
    async fn end(&self, request: &VerificationRequest, turn: OwnedSemaphorePermit) -> Result<(), Failure> {
        let Parts { homeserver, .. } = &self.courier.parts;
        let cancelled = homeserver.retry_for(TRY_FOR, || homeserver.gateway.cancel_verification(request)).await;
        if let Err(failure) = unless_refused(cancelled) {
            if failure.is_fatal() || matches!(failure, Failure::Stopped) {
                return Err(failure);
            }
            tracing::warn!(%failure, "a verification could not be cancelled");
        }
        // Others need not wait while this person is told: that happens once, and in the order of all notices.
        drop(turn);
        if !self.begins_to_tell(&request.sender) {
            return Ok(());
        }
        let told = self.tell(request).await;
        if !matches!(told, Ok(true)) {
            self.not_told(&request.sender);
        }
        told.map(drop)
    }

    /// Tells a person the fingerprint, where they have asked, or else in their direct conversation. Whether they were told.
    async fn tell(&self, request: &VerificationRequest) -> Result<bool, Failure> {
        let Parts { store, homeserver, config, .. } = &self.courier.parts;
        let Some((room_id, cause, encrypted)) = self.place(request).await else { return Ok(false) };
        let asked = homeserver.retry_for(TRY_FOR, || homeserver.gateway.room(&room_id)).await;
        let Some(facts) = unless_refused(asked)? else { return Ok(false) };
        let act = Act { author: Some(&request.sender), room: Some(&facts), command: None };
        if self.access.check(&act).is_err() {
            return Ok(false);
        }
        let Some(fingerprint) = homeserver.gateway.fingerprint().await else { return Ok(false) };
        let settings = store.room_settings(&room_id).await?;
        if !self.courier.enter(&request.sender, NoticePriority::Spare) {
            return Ok(false);
        }
        let text = Text::Verification { device: &fingerprint.device, key: &fingerprint.key };
        let text = text.say(config.language_in(&settings));
        let transaction = transaction(&cause, REMARK_PART, "");
        let outgoing = Outgoing {
            asker: Some(&request.sender),
            opens: true,
            encrypted,
            ..unasked(&room_id, &cause, REMARK_PART, &transaction, &text)
        };
        let sending = async {
            let sent = timeout(TRY_FOR, homeserver.send(&outgoing)).await;
            let late = |_| Err(Failure::Unanswered("the fingerprint was not sent in time".to_owned()));
            unless_refused(sent.unwrap_or_else(late)).map(drop)
        };
        self.courier.send_allowed(&request.sender, sending).await?;
        tracing::info!(person = %request.sender, "a verification was cancelled: its author was told the fingerprint");
        Ok(true)
    }

    /// Where a person is told, by which cause, and whether it must be encrypted.
    async fn place(&self, request: &VerificationRequest) -> Option<(OwnedRoomId, OwnedEventId, bool)> {
        match &request.place {
            VerificationPlace::Room { room_id, event_id, encrypted } => {
                Some((room_id.clone(), event_id.clone(), *encrypted))
            }
            VerificationPlace::Device { transaction, .. } => {
                let room = self.courier.parts.homeserver.gateway.direct_room(&request.sender, true).await;
                let room = room.inspect_err(|error| tracing::warn!(%error, "who asked for a verification is not told"));
                let hash = blake3::hash(format!("{} {transaction}", request.sender).as_bytes()).to_hex();
                let cause = OwnedEventId::try_from(format!("$compagnon-verification-{}", &hash[..32])).ok()?;
                Some((room.ok()??, cause, true))
            }
        }
    }
}
