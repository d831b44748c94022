//! The assistant: from a message that was accepted to an answer that was delivered.
//!
//! One straight line: [`Assistant::accept`] writes new questions down, a task per conversation takes them one at a time through
//! `answer` (prompt, generation, streaming, storing) and `delivery` (sending until the homeserver has it). Questions and answers are in
//! the store before they are acted upon, so a process that dies anywhere leaves a line that the next one takes up where it stopped.

mod answer;
pub mod config;
mod delivery;
#[cfg(test)]
mod fakes;
pub mod inbox;
pub mod pace;
pub mod prompt;
mod streaming;
#[cfg(test)]
mod tests;
pub mod texts;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    compagnon::Library,
    inference::{ChatModel, Sampling},
    matrix::{Batch, Gateway},
    message::{ConversationId, Incoming, Kind, Outgoing},
    store::{Accept, Store, StoreError},
};

pub use config::Config;
use inbox::{Admission, Inbox, Work};
use pace::Pace;
use texts::Text;

/// Answers the questions of all rooms.
pub struct Assistant {
    store: Store,
    model: Arc<dyn ChatModel>,
    gateway: Arc<dyn Gateway>,
    library: Library,
    config: Config,
    sampling: Sampling,
    pace: Mutex<Pace>,
    inbox: Inbox,
    /// When this process began, in milliseconds since the epoch.
    started: u64,
    /// Set: no further question is begun.
    stop: CancellationToken,
    /// Set: what runs is given up where it is; the store has all that is needed to take it up again.
    abort: CancellationToken,
    tasks: TaskTracker,
}

/// Why a piece of work ended without being done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The program stops; the next one goes on.
    #[error("the program is stopping")]
    Stopped,
    /// The room does not take the message.
    #[error("the room refused the message: {0}")]
    Refused(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Milliseconds since the epoch, by our clock.
pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

impl Assistant {
    /// An assistant with nothing to do yet: call [`Assistant::resume`] once.
    #[must_use]
    pub fn new(
        store: Store,
        model: Arc<dyn ChatModel>,
        gateway: Arc<dyn Gateway>,
        library: Library,
        config: Config,
        sampling: Sampling,
    ) -> Arc<Self> {
        let pace = Pace::new(config.streaming.per_second, config.streaming.burst, Instant::now());
        Arc::new(Self {
            store,
            model,
            gateway,
            library,
            pace: Mutex::new(pace),
            inbox: Inbox::new(config.waiting, config.waiting_per_conversation),
            config,
            sampling,
            started: now(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// Takes up what an earlier process left: answers not sent, then questions not answered.
    pub fn resume(self: &Arc<Self>) -> Result<(), StoreError> {
        let deliveries = self.store.undelivered()?.into_iter().map(|delivery| Work::Delivery(Box::new(delivery)));
        let questions = self.store.queued()?.into_iter().map(|queued| Work::Question(Box::new(queued)));
        for work in deliveries.chain(questions).collect::<Vec<_>>() {
            let admission = self.inbox_run(|inbox| inbox.resume(work));
            debug_assert!(admission.is_none(), "what was accepted is never refused");
        }
        Ok(())
    }

    /// Writes down what a sync response brought. When it returns, the questions in it will be answered even if the process dies.
    pub fn accept(self: &Arc<Self>, batch: Batch) -> Result<(), StoreError> {
        let questions = self.addressed(batch.messages)?;
        self.take(&Accept {
            next_batch: Some(&batch.next_batch),
            questions: &questions,
            undecrypted: &batch.undecrypted,
            left: &batch.left,
        })
    }

    /// Takes messages whose key arrived after them: as [`Assistant::accept`], outside of a sync.
    pub fn accept_late(self: &Arc<Self>, messages: Vec<Incoming>) -> Result<(), StoreError> {
        let questions = self.addressed(messages)?;
        self.take(&Accept { next_batch: None, questions: &questions, undecrypted: &[], left: &[] })
    }

    /// Writes down what came, and starts on what is new in it.
    fn take(self: &Arc<Self>, accept: &Accept<'_>) -> Result<(), StoreError> {
        for queued in self.store.accept(accept, now())? {
            let work = Work::Question(Box::new(queued));
            if let Some(Work::Question(refused)) = self.inbox_run(|inbox| inbox.push(work)) {
                let assistant = Arc::clone(self);
                self.tasks.spawn(async move {
                    assistant.report(answer::decline(&assistant, &refused, Text::Busy).await);
                });
            }
        }
        Ok(())
    }

    /// Those of the messages that are meant for the bot.
    fn addressed(&self, messages: Vec<Incoming>) -> Result<Vec<Incoming>, StoreError> {
        let mut questions = Vec::new();
        for message in messages {
            if self.is_addressed(&message)? {
                questions.push(message);
            }
        }
        Ok(questions)
    }

    /// Whether a message is meant for the bot.
    fn is_addressed(&self, message: &Incoming) -> Result<bool, StoreError> {
        Ok(message.direct
            || message.mentions_me
            || match &message.replies_to {
                Some(event_id) => self.store.is_own(event_id)?,
                None => message.thread.is_some() && self.store.answers_in(&message.conversation())?,
            })
    }

    /// Puts work in the inbox and starts its conversation if need be; gives back what is refused.
    fn inbox_run(self: &Arc<Self>, add: impl FnOnce(&Inbox) -> Admission) -> Option<Work> {
        match add(&self.inbox) {
            Admission::Run(conversation) => {
                self.tasks.spawn(Arc::clone(self).run(conversation));
                None
            }
            Admission::Waits => None,
            Admission::Busy(work) => Some(work),
        }
    }

    /// Does the work of one conversation until there is none.
    async fn run(self: Arc<Self>, conversation: ConversationId) {
        while !self.stop.is_cancelled() {
            let Some(work) = self.inbox.next(&conversation) else { return };
            self.report(match work {
                Work::Delivery(delivery) => delivery::deliver(&self, &delivery, true).await,
                Work::Question(queued) => answer::answer(&self, *queued).await,
            });
        }
    }

    /// Says in the log why work was not done. Nothing is lost: it is still in the store, and the next start takes it up.
    #[allow(clippy::unused_self)] // Reads as what it is at its calls.
    fn report(&self, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) | Err(Failure::Stopped) => {}
            Err(failure) => tracing::error!(%failure, "a question is left for the next start"),
        }
    }

    /// Begins no further question, waits for those that run, and after `grace` gives them up where they are.
    pub async fn shut_down(&self, grace: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            tracing::info!("answers still being written are left for the next start");
            self.abort.cancel();
            self.tasks.wait().await;
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message about a question, to be completed with its text.
    #[allow(clippy::unused_self)] // Reads as what it is at its calls.
    fn outgoing<'a>(&self, question: &'a Incoming, part: usize, transaction: &'a str) -> Outgoing<'a> {
        Outgoing {
            room_id: &question.room_id,
            thread: question.thread.as_deref(),
            question: &question.event_id,
            asker: &question.sender,
            part,
            replaces: None,
            kind: Kind::Text,
            complete: false,
            markdown: "",
            transaction,
        }
    }
}
