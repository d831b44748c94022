//! Showing an answer while it is generated: a first draft as soon as there is text, then edits as the homeserver allows.
//!
//! Reading from the engine never waits for the homeserver: at most one message is on its way while text goes on arriving.

use std::time::Instant;

use futures_util::future::{BoxFuture, FutureExt as _};
use ruma::OwnedEventId;

use super::{
    delivery::{Courier, Parts},
    outgoing::{about, edition, transaction},
};
use crate::{
    assistant::{clock::now, dispatch::ActiveGeneration, failure::Failure},
    matrix::{SendError, Sought},
    message::Outgoing,
    store::Queued,
};

/// The drafts of one answer.
pub struct Screen<'a> {
    courier: &'a Courier,
    queued: &'a Queued,
    generation: &'a ActiveGeneration,
    draft: Option<OwnedEventId>,
    /// Drafts that somebody has taken away: as in the store.
    lost: Vec<OwnedEventId>,
    /// What is shown: the drafts of two kinds never have the same transaction ids.
    stage: Stage,
    /// The transaction id of the message on its way.
    transaction: String,
    sending: Option<BoxFuture<'a, Result<OwnedEventId, SendError>>>,
    /// How much of the answer the last draft shows, in bytes.
    shown_bytes: usize,
    shown_at: Option<Instant>,
    refreshes: u32,
}

/// What a screen shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// How far the reading of documents has come.
    Reading,
    /// How far a job has come.
    Job,
    /// The answer.
    Answer,
}

impl<'a> Screen<'a> {
    /// A screen that shows what an earlier attempt has left of the answer.
    pub async fn open(
        courier: &'a Courier,
        queued: &'a Queued,
        generation: &'a ActiveGeneration,
        stage: Stage,
    ) -> Result<Self, Failure> {
        let mut screen = Self {
            courier,
            queued,
            generation,
            // An answer given again is shown in the place of the earlier one.
            draft: queued.draft.clone().or_else(|| queued.shown.first().cloned()),
            lost: queued.lost.clone(),
            stage,
            transaction: String::new(),
            sending: None,
            shown_bytes: 0,
            shown_at: None,
            refreshes: 0,
        };
        if let Some(draft) = &screen.draft {
            generation.shown_as(draft);
        } else if queued.attempts > 1 {
            screen.find_draft().await?;
        }
        Ok(screen)
    }

    /// The process before this one may have shown a draft without living to write its id down. One look: what is not found now is
    /// looked for again before the answer is sent.
    async fn find_draft(&mut self) -> Result<(), Failure> {
        let (gateway, question) = (&self.courier.parts.homeserver.gateway, &self.queued.question);
        let found = gateway.find_sent(&question.room_id, &question.event_id, 0, Sought::Text).await.unwrap_or_default();
        match found.filter(|draft| !self.queued.lost.contains(draft)) {
            Some(draft) => self.shown_as(draft).await,
            None => Ok(()),
        }
    }

    /// Whether more of the answer can be shown than is, and nothing is on its way. `bytes` is its length so far.
    pub fn wants(&self, bytes: usize) -> bool {
        self.courier.parts.config.streaming.enabled && self.sending.is_none() && bytes > self.shown_bytes
    }

    /// Shows a draft of the first `bytes` bytes of the answer. Whether the homeserver is likely to allow that now; otherwise nothing is
    /// sent.
    pub fn show(&mut self, bytes: usize, draft: impl FnOnce() -> String) -> bool {
        self.notice_lost_draft();
        let now = Instant::now();
        let mut budget = self.courier.parts.homeserver.budget();
        let allowed = match self.shown_at {
            None => budget.may_show_first(now),
            Some(at) => budget.may_refresh(now - at, self.refreshes, now),
        };
        drop(budget);
        if allowed {
            self.refreshes += u32::from(self.shown_at.is_some());
            self.shown_at = Some(now);
            self.shown_bytes = bytes;
            self.send(draft());
        }
        allowed
    }

    fn send(&mut self, markdown: String) {
        let edition = edition(self.queued.again.as_deref(), &self.lost);
        let stage = match self.stage {
            Stage::Reading => "-reading",
            Stage::Job => "-job",
            Stage::Answer => "",
        };
        let shown = self.draft.as_ref().map(|_| format!("{stage}-{}-{}", self.queued.attempts, self.refreshes));
        let variant = format!("{edition}{}", shown.unwrap_or_default());
        let (courier, question, draft) = (self.courier, &self.queued.question, self.draft.clone());
        let transaction = transaction(&question.event_id, 0, &variant);
        self.transaction.clone_from(&transaction);
        let sending = async move {
            let outgoing =
                Outgoing { replaces: draft.as_deref(), markdown: &markdown, ..about(question, 0, &transaction) };
            let event_id = courier.parts.homeserver.gateway.send(&outgoing).await?;
            Ok(draft.unwrap_or(event_id))
        };
        self.sending = Some(sending.boxed());
    }

    /// Somebody may have taken the draft away: the answer goes on in another message.
    fn notice_lost_draft(&mut self) {
        if self.draft.is_some() && self.generation.shown().is_none() {
            self.lost.extend(self.draft.take());
            self.shown_bytes = 0;
            // What may still arrive of it belongs to what is gone.
            self.courier.unconfirmed.take(&self.queued.question.event_id);
        }
    }

    /// Waits for the message on its way; for ever when there is none. What it gives is for [`Screen::note`].
    pub async fn sent(&mut self) -> Result<OwnedEventId, SendError> {
        match &mut self.sending {
            Some(sending) => sending.await,
            None => std::future::pending().await,
        }
    }

    /// Takes note of the fate of the message on its way. A draft that could not be shown is no harm: the answer comes.
    pub async fn note(&mut self, outcome: Result<OwnedEventId, SendError>) -> Result<(), Failure> {
        self.sending = None;
        let Parts { homeserver, .. } = &self.courier.parts;
        match outcome {
            Ok(event_id) => {
                homeserver.budget().accepted(Instant::now());
                if self.draft.is_none() {
                    self.shown_as(event_id).await?;
                }
            }
            Err(SendError::Limited(wait)) => homeserver.budget().limited(wait, Instant::now()),
            Err(error) => {
                if matches!(error, SendError::Unreachable(_) | SendError::Account(_)) {
                    self.courier.unconfirmed.add(&self.queued.question.event_id, &self.transaction);
                }
                tracing::debug!(%error, "a draft was not shown");
            }
        }
        Ok(())
    }

    async fn shown_as(&mut self, draft: OwnedEventId) -> Result<(), Failure> {
        let Parts { store, withdrawals, .. } = &self.courier.parts;
        self.generation.shown_as(&draft);
        if !store.draft(&self.queued.question, &draft, now()).await? {
            // Its question was taken back while it was on its way.
            withdrawals.run().await;
        }
        self.draft = Some(draft);
        Ok(())
    }

    /// Waits for the message on its way, which the answer must not overtake, and gives the draft that the answer replaces.
    pub async fn close(mut self) -> Result<Option<OwnedEventId>, Failure> {
        let lifecycle = &self.courier.parts.lifecycle;
        while self.sending.is_some() {
            let outcome = lifecycle.until_abort(self.sent()).await?;
            self.note(outcome).await?;
        }
        self.notice_lost_draft();
        Ok(self.draft)
    }
}
