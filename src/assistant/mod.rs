//! The assistant: from a message that was accepted to an answer that was delivered.
//!
//! [`Assistant`] wires the parts together; none of them knows it. A message goes through `intake` (access, limits, kind, durable inbox),
//! `dispatch` (its turn), `exchange` (the stages from a question to an answer in the store) and `courier` (delivery). Questions and answers
//! are in the store before they are acted upon, so a process that dies anywhere leaves what the next one takes up where it stopped.

mod access;
#[cfg(test)]
mod access_tests;
mod addressing;
#[cfg(test)]
mod base_tests;
mod bursts;
#[cfg(test)]
mod canary_tests;
#[cfg(test)]
mod care_tests;
mod cases;
#[cfg(test)]
mod cases_tests;
mod circuit_breaker;
mod clock;
pub mod collections;
mod commands;
pub mod config;
mod counting;
mod courier;
mod digest;
mod dispatch;
mod documents;
#[cfg(test)]
mod documents_tests;
mod entities;
#[cfg(test)]
mod entities_tests;
mod exchange;
mod failure;
#[cfg(test)]
mod fakes;
#[cfg(test)]
mod faults_tests;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod glossaries;
#[cfg(test)]
mod ground_tests;
mod here;
#[cfg(test)]
mod history_tests;
mod intake;
#[cfg(test)]
mod isolation_tests;
#[cfg(test)]
mod items_tests;
#[cfg(test)]
mod job_canaries_tests;
#[cfg(test)]
mod job_kills_tests;
mod jobs;
#[cfg(test)]
mod kill_bench;
mod lifecycle;
mod limits;
mod model_cache;
#[cfg(test)]
mod promotion_tests;
#[cfg(test)]
mod pseudonyms_tests;
#[cfg(test)]
mod ratings_kills_tests;
#[cfg(test)]
mod ratings_tests;
#[cfg(test)]
mod retry_tests;
#[cfg(test)]
mod reviews_tests;
#[cfg(test)]
mod rights_kills_tests;
#[cfg(test)]
mod rights_tests;
#[cfg(test)]
mod sources_tests;
#[cfg(test)]
mod summary_tests;
#[cfg(test)]
mod tests;
pub mod texts;
#[cfg(test)]
mod unread_tests;
mod veil;
#[cfg(test)]
mod verification_tests;
mod wiring;
#[cfg(test)]
mod withdraw_tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) use self::clock::now;
/// Translation without a room, for its bench.
pub mod translation {
    pub use super::jobs::{Memory, Source, Translated, Translation, Translator};
}

pub use self::{
    config::Config,
    documents::{DocumentParts, Found, LocalDocuments, LocalFile, LocalSet, reader},
    entities::Entities,
    exchange::{as_shown, compose, patiently, unsourced},
    veil::Veiled,
    wiring::Parts,
};
use self::{
    courier::{DecryptionNotices, Homeserver},
    documents::Documents,
    failure::Failure,
    intake::Intake,
    model_cache::ModelCache,
    wiring::Wiring,
};
use crate::{
    matrix::Batch,
    message::{Edit, Incoming, Reaction},
    store::{Retention, StoreError},
};

/// Answers the questions of all rooms.
pub struct Assistant {
    intake: Intake,
    decryption_notices: Arc<DecryptionNotices>,
    cache: Arc<ModelCache>,
    documents: Arc<Documents>,
    homeserver: Arc<Homeserver>,
}

impl Assistant {
    /// An assistant with nothing to do yet: call [`Assistant::resume`] once.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let wiring = Wiring::new(parts);
        let commands = wiring.commands();
        let dispatcher = wiring.dispatcher(&commands);
        Arc::new(Self {
            decryption_notices: wiring.decryption_notices(),
            cache: Arc::clone(&wiring.cache),
            documents: Arc::clone(&wiring.documents),
            homeserver: Arc::clone(&wiring.homeserver),
            intake: wiring.intake(dispatcher, commands),
        })
    }

    /// Reads how many messages in a row the homeserver would take now, as far as is known.
    pub fn rate_budget(&self) -> impl Fn() -> f64 + Send + Sync + 'static {
        let homeserver = Arc::clone(&self.homeserver);
        move || homeserver.budget().left(Instant::now())
    }

    /// Takes up what an earlier process left: answers not sent, then questions not answered, and messages to be withdrawn.
    pub async fn resume(&self) -> Result<(), StoreError> {
        Box::pin(self.intake.dispatcher.resume()).await?;
        self.intake.withdrawals.run().await;
        Ok(())
    }

    /// Writes down what a sync response brought. When it returns, the questions in it will be answered even if the process dies.
    pub async fn accept(&self, batch: Batch) -> Result<(), StoreError> {
        // On the heap: it holds what every kind of message needs.
        Box::pin(self.intake.accept(batch)).await?;
        // A message that was taken back, a room that was left.
        self.documents.drop_gone().await
    }

    /// Takes messages whose key arrived after them: as [`Assistant::accept`], outside of a sync.
    pub async fn accept_late(
        &self,
        messages: Vec<Incoming>,
        edits: Vec<Edit>,
        reactions: Vec<Reaction>,
    ) -> Result<(), StoreError> {
        Box::pin(self.intake.accept_late(messages, edits, reactions)).await
    }

    /// Takes messages that could not be decrypted, with empty texts. When the key of one is still missing after `assistant.unread_after`,
    /// its author is told, once in a day.
    pub fn expect_keys(&self, messages: Vec<Incoming>) {
        self.decryption_notices.expect_keys(messages);
    }

    /// Removes from the store what is too old, and from the model what it has computed of that.
    pub async fn purge(&self, now: u64, keep: &Retention) -> Result<(), StoreError> {
        self.intake.age_statistics(now).await?;
        let purged = self.intake.store.purge(now, keep).await?;
        self.cache.purged(&purged);
        self.documents.drop_gone().await?;
        let given_up = self.intake.courier.give_up_old_deliveries().await;
        self.intake.lifecycle.report(given_up);
        digest::tell(&self.intake.commands, &self.intake.administrators, now).await
    }

    /// Begins no further question, waits for those that run, and after `grace` gives them up where they are.
    pub async fn shut_down(&self, grace: Duration) {
        let Intake { store, lifecycle, .. } = &self.intake;
        lifecycle.stop.cancel();
        // However this ends, it is no death of theirs.
        lifecycle.report(store.pause_all().await.map_err(Failure::from));
        lifecycle.end(grace).await;
    }

    /// Waits until something fails that only a new start mends, and gives the reason.
    pub async fn broken(&self) -> String {
        self.intake.lifecycle.broken().await
    }
}
