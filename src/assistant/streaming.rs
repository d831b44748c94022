//! Showing an answer while it is written: a first text as soon as there is one, then edits as the homeserver allows.
//!
//! Reading from the engine never waits for the homeserver: at most one message is on its way while text goes on arriving.

use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt as _};
use ruma::OwnedEventId;

use super::{
    Assistant, Failure,
    delivery::{edition, transaction},
    running::{Interruption, Run},
};
use crate::{
    inference::{Generation, InferenceError, Piece, Usage},
    matrix::SendError,
    message::Outgoing,
    store::Queued,
};

/// An answer complete this soon after its first text is sent once, whole.
const GRACE: Duration = Duration::from_millis(30);

/// How often text that has arrived is looked at for showing.
const TICK: Duration = Duration::from_millis(10);

/// Longer texts are shown only once complete, since they are split then.
const LONGEST_SHOWN: usize = 6 * 1024;

/// What the model wrote.
pub(super) struct Written {
    pub text: String,
    pub usage: Usage,
    /// From the model's first text to the request that shows it.
    pub shown_after: Option<Duration>,
}

/// How an answer's writing ended.
pub(super) enum End {
    /// By itself.
    Written(Written),
    /// Early, with what was written so far.
    Interrupted(Interruption, String),
    /// By an error.
    Failed(InferenceError),
}

/// The state of an answer on its way to the room.
struct Screen<'a> {
    assistant: &'a Assistant,
    queued: &'a Queued,
    run: &'a Run,
    draft: Option<OwnedEventId>,
    /// Drafts that somebody has taken away: as in the store.
    lost: Vec<OwnedEventId>,
    /// The transaction id of the message on its way.
    transaction: String,
    sending: Option<BoxFuture<'a, Result<OwnedEventId, SendError>>>,
    shown_bytes: usize,
    shown_at: Option<Instant>,
    refreshes: u32,
    shown_after: Option<Duration>,
}

/// Reads the answer to its end, showing it on the way. Gives back how it ended and the message that shows it so far.
pub(super) async fn stream(
    assistant: &Assistant,
    queued: &Queued,
    run: &Run,
    mut generation: Generation,
) -> Result<(End, Option<OwnedEventId>), Failure> {
    let mut screen = Screen::new(assistant, queued, run).await;
    let mut text = String::new();
    let mut first_text: Option<Instant> = None;
    // One clock for the whole answer: a wait begun anew at each piece would never end while a fast model writes.
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let ended = loop {
        tokio::select! {
            biased;
            () = assistant.abort.cancelled() => return Err(Failure::Stopped),
            why = run.interrupted() => break Err(End::Interrupted(why, std::mem::take(&mut text))),
            outcome = screen.sent() => screen.note(outcome).await?,
            _ = tick.tick(), if screen.wants(&text) => {
                if let Some(first) = first_text.filter(|first| first.elapsed() >= GRACE) {
                    screen.show(&text, first);
                }
            }
            piece = generation.next() => match piece {
                Some(Ok(Piece::Text(more))) => {
                    text.push_str(&more);
                    first_text.get_or_insert_with(Instant::now);
                }
                Some(Ok(Piece::Done(usage))) => break Ok(usage),
                Some(Err(error)) => break Err(End::Failed(error)),
                None => break Err(End::Failed(InferenceError::Engine("the engine went away".to_owned()))),
            },
        }
    };
    // Nobody waits for the rest: dropped here, it is cancelled.
    drop(generation);
    // The final text must not overtake a draft, and needs its id.
    while screen.sending.is_some() {
        tokio::select! {
            () = assistant.abort.cancelled() => return Err(Failure::Stopped),
            outcome = screen.sent() => screen.note(outcome).await?,
        }
    }
    screen.look();
    let end = match ended {
        Ok(usage) => End::Written(Written { text, usage, shown_after: screen.shown_after }),
        Err(early) => early,
    };
    Ok((end, screen.draft))
}

impl<'a> Screen<'a> {
    async fn new(assistant: &'a Assistant, queued: &'a Queued, run: &'a Run) -> Self {
        let question = &queued.question;
        // An answer given again is shown in the place of the earlier one.
        let mut draft = queued.draft.clone().or_else(|| queued.shown.first().cloned());
        if draft.is_none() && queued.attempts > 1 {
            // The process before this one may have shown a draft without living to write its id down.
            draft = assistant.gateway.find_sent(&question.room_id, &question.event_id, 0).await.unwrap_or_default();
            draft.take_if(|draft| queued.lost.contains(draft));
        }
        if let Some(draft) = &draft {
            run.shown_as(draft);
        }
        Self {
            assistant,
            queued,
            run,
            draft,
            lost: queued.lost.clone(),
            transaction: String::new(),
            sending: None,
            shown_bytes: 0,
            shown_at: None,
            refreshes: 0,
            shown_after: None,
        }
    }

    /// Whether there is text worth showing and nothing on its way.
    fn wants(&self, text: &str) -> bool {
        self.assistant.config.streaming.enabled
            && self.sending.is_none()
            && text.len() > self.shown_bytes
            && text.len() <= LONGEST_SHOWN
            && !text.trim().is_empty()
    }

    /// Notices that somebody has taken the draft away: the answer goes on in another message.
    fn look(&mut self) {
        if self.draft.is_some() && self.run.shown().is_none() {
            self.lost.extend(self.draft.take());
            self.shown_bytes = 0;
            // What may still arrive of it belongs to what is gone.
            self.assistant.unsure.take(&self.queued.question.event_id);
        }
    }

    /// Shows the text so far, if the homeserver is likely to allow it.
    fn show(&mut self, text: &str, first_text: Instant) {
        self.look();
        let now = Instant::now();
        let allowed = match self.shown_at {
            None => self.assistant.pace().may_show_first(now),
            Some(at) => self.assistant.pace().may_refresh(now - at, self.refreshes, now),
        };
        if !allowed {
            return;
        }
        self.refreshes += u32::from(self.shown_at.is_some());
        self.shown_after.get_or_insert(now - first_text);
        self.shown_at = Some(now);
        self.shown_bytes = text.len();
        let edition = edition(self.queued.again.as_deref(), &self.lost);
        let shown = self.draft.as_ref().map(|_| format!("-{}-{}", self.queued.attempts, self.refreshes));
        let variant = format!("{edition}{}", shown.unwrap_or_default());
        let (assistant, question, draft) = (self.assistant, &self.queued.question, self.draft.clone());
        let markdown = format!("{} …", text.trim_end());
        let transaction = transaction(&question.event_id, 0, &variant);
        self.transaction.clone_from(&transaction);
        self.sending = Some(
            async move {
                let outgoing = Outgoing {
                    replaces: draft.as_deref(),
                    markdown: &markdown,
                    ..assistant.outgoing(question, 0, &transaction)
                };
                let event_id = assistant.gateway.send(&outgoing).await?;
                Ok(draft.unwrap_or(event_id))
            }
            .boxed(),
        );
    }

    /// Waits for the message on its way; for ever when there is none.
    async fn sent(&mut self) -> Result<OwnedEventId, SendError> {
        match &mut self.sending {
            Some(sending) => sending.await,
            None => std::future::pending().await,
        }
    }

    /// Takes note of the fate of the message on its way. A text that could not be shown is no harm: the final one comes.
    async fn note(&mut self, outcome: Result<OwnedEventId, SendError>) -> Result<(), Failure> {
        self.sending = None;
        match outcome {
            Ok(event_id) => {
                self.assistant.pace().accepted(Instant::now());
                if self.draft.is_none() {
                    let question = &self.queued.question;
                    self.run.shown_as(&event_id);
                    if !self.assistant.store.draft(question, &event_id, super::now()).await? {
                        // Its question was taken back while it was on its way.
                        self.assistant.withdraw().await;
                    }
                    self.draft = Some(event_id);
                }
            }
            Err(SendError::Limited(wait)) => self.assistant.pace().limited(wait, Instant::now()),
            Err(error) => {
                if matches!(error, SendError::Unreachable(_) | SendError::Account(_)) {
                    self.assistant.unsure.add(&self.queued.question.event_id, &self.transaction);
                }
                tracing::debug!(%error, "a text in progress was not shown");
            }
        }
        Ok(())
    }
}
