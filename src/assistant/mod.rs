//! The assistant: from a message that was accepted to an answer that was delivered.
//!
//! One straight line: `intake` writes new questions down, a task per conversation takes them one at a time through
//! `answer` (prompt, generation, streaming, storing) and `delivery` (sending until the homeserver has it). Questions and answers are in
//! the store before they are acted upon, so a process that dies anywhere leaves a line that the next one takes up where it stopped.

mod access;
#[cfg(test)]
mod access_tests;
mod alarm;
mod answer;
#[cfg(test)]
mod care_tests;
mod commands;
pub mod config;
mod contact;
mod delivery;
mod edits;
#[cfg(test)]
mod fakes;
#[cfg(test)]
mod faults_tests;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod history;
#[cfg(test)]
mod history_tests;
pub mod inbox;
mod intake;
#[cfg(test)]
mod isolation_tests;
mod limits;
mod notices;
pub mod pace;
pub mod prompt;
mod running;
mod streaming;
#[cfg(test)]
mod tests;
pub mod texts;
mod tries;
#[cfg(test)]
mod tries_tests;
mod unread;
mod voice;
mod withdraw;
#[cfg(test)]
mod withdraw_tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::AtomicBool},
    time::{Duration, Instant, SystemTime},
};

use ruma::{EventId, RoomId};
use tokio::sync::{Semaphore, SetOnce};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    command::Call,
    compagnon::LibraryWatcher,
    inference::{CacheScope, ChatModel, InferenceError, Sampling},
    matrix::{Access, Gateway},
    message::{ConversationId, Incoming, MessageKind, Outgoing},
    store::{Change, QueuedKind, Retention, Store, StoreError},
};

pub use config::Config;
use inbox::{Admission, Inbox, Lane, Work};
use limits::Limits;
use pace::Pace;
use running::{AtWork, Runs};

/// The most checks made beside commands and reactions at a time; what comes on top of them is let go.
const CHECKS: usize = 16;

/// Answers the questions of all rooms.
pub struct Assistant {
    store: Store,
    model: Arc<dyn ChatModel>,
    gateway: Arc<dyn Gateway>,
    shelf: Arc<LibraryWatcher>,
    config: Config,
    sampling: Sampling,
    /// Whom the bot works for.
    access: Access,
    /// Whether rooms open to people outside of the State are served.
    externals: bool,
    /// Whether administration commands are taken from devices that their owner has not signed.
    unverified_commands: bool,
    pace: Mutex<Pace>,
    inbox: Inbox,
    limits: Limits,
    runs: Runs,
    at_work: AtWork,
    edits: edits::Edits,
    withdrawing: withdraw::Withdrawing,
    /// Held by an attempt at a question on which the process has died before: one at a time, so that only the guilty one is given up.
    suspects: tokio::sync::Mutex<()>,
    notices: notices::Notices,
    /// Places for checks of what a person may do that are made beside a command or a reaction.
    checks: Semaphore,
    told: unread::Told,
    unsure: delivery::Unsure,
    /// Whether the administrators know that the disk is almost full.
    disk_told: AtomicBool,
    /// Held while a command decides and writes what it changes: what it has read stays true until it is done. Only the store is awaited
    /// meanwhile, never the homeserver.
    commands: tokio::sync::Mutex<()>,
    confirmations: commands::Confirmations,
    /// Makes the keys by which the model knows conversations: of this process only.
    owners: [u8; 32],
    /// When this process began, in milliseconds since the epoch.
    started: u64,
    /// Set: no further question is begun.
    stop: CancellationToken,
    /// Set: what runs is given up where it is; the store has all that is needed to take it up again.
    abort: CancellationToken,
    /// Set with the reason: something failed that only a new start mends.
    broken: SetOnce<String>,
    tasks: TaskTracker,
    /// For what runs beside the answers and needs the whole.
    me: Weak<Self>,
}

/// What an assistant is made of.
pub struct Parts {
    /// What the bot remembers.
    pub store: Store,
    /// What answers.
    pub model: Arc<dyn ChatModel>,
    /// The way to Matrix.
    pub gateway: Arc<dyn Gateway>,
    /// The compagnons.
    pub shelf: Arc<LibraryWatcher>,
    /// The `assistant` section of the configuration.
    pub config: Config,
    /// How the model chooses its words, unless a compagnon or a room says otherwise.
    pub sampling: Sampling,
    /// Whom the bot works for.
    pub access: Access,
    /// Whether rooms open to people outside of the State are served.
    pub externals: bool,
    /// Whether administration commands are taken from devices that their owner has not signed.
    pub unverified_commands: bool,
}

/// Why a piece of work ended without being done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The program stops; the next one goes on.
    #[error("the program is stopping")]
    Stopped,
    /// The stores of the session failed.
    #[error("the session's stores: {0}")]
    Session(String),
    /// The room does not take the message.
    #[error("the room refused the message: {0}")]
    Refused(String),
    /// The homeserver has not answered for as long as it was asked.
    #[error("the homeserver did not answer: {0}")]
    Unanswered(String),
    /// What a person may do in a room could not be asked.
    #[error("what a person may do could not be asked: {0}")]
    Unchecked(String),
    /// What a person may do in a room would have to be asked, and must not be now: see [`Assistant::commands`].
    #[error("what a person may do is not known yet")]
    NotKnown,
    /// The configured compagnon is not there.
    #[error("{0}")]
    Compagnon(String),
    /// The model gave no answer.
    #[error("the model: {0}")]
    Model(#[from] InferenceError),
    /// A mistake in this program.
    #[error("answering panicked")]
    Panicked,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure {
    /// Whether everything else will fail as well, until a new start.
    fn is_fatal(&self) -> bool {
        match self {
            Self::Session(_) => true,
            Self::Store(error) => error.is_fatal(),
            Self::Stopped
            | Self::Refused(_)
            | Self::Unanswered(_)
            | Self::Unchecked(_)
            | Self::NotKnown
            | Self::Compagnon(_)
            | Self::Model(_)
            | Self::Panicked => false,
        }
    }
}

/// How long what was given up may take to notice.
const AFTER_ABORT: Duration = Duration::from_secs(2);

/// Milliseconds since the epoch, by our clock.
pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

impl Assistant {
    /// An assistant with nothing to do yet: call [`Assistant::resume`] once.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { store, model, gateway, shelf, config, sampling, access, externals, unverified_commands } = parts;
        let pace = Pace::new(config.streaming.per_second, config.streaming.burst, Instant::now());
        Arc::new_cyclic(|me| Self {
            store,
            model,
            gateway,
            shelf,
            access,
            externals,
            unverified_commands,
            pace: Mutex::new(pace),
            inbox: Inbox::new(config.waiting, config.waiting_per_conversation),
            limits: Limits::new(&config.limits),
            runs: Runs::default(),
            at_work: AtWork::default(),
            edits: edits::Edits::default(),
            withdrawing: withdraw::Withdrawing::default(),
            suspects: tokio::sync::Mutex::default(),
            notices: notices::Notices::default(),
            checks: Semaphore::new(CHECKS),
            told: unread::Told::default(),
            unsure: delivery::Unsure::default(),
            disk_told: AtomicBool::new(false),
            commands: tokio::sync::Mutex::default(),
            confirmations: commands::Confirmations::default(),
            config,
            sampling,
            owners: rand::random(),
            started: now(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            broken: SetOnce::new(),
            tasks: TaskTracker::new(),
            me: me.clone(),
        })
    }

    /// Takes up what an earlier process left: answers not sent, then questions not answered, and messages to be taken back.
    pub async fn resume(&self) -> Result<(), StoreError> {
        let mut left: Vec<Work> = Vec::new();
        left.extend(self.store.undelivered().await?.into_iter().map(|delivery| Work::Delivery(Box::new(delivery))));
        for mut queued in self.store.queued().await? {
            if queued.kind == QueuedKind::Unparsed {
                queued.kind = intake::kind(&queued.question, Call::read(&queued.question));
                self.store.classify(&queued.question, queued.kind.clone()).await?;
            }
            left.push(Work::of(queued));
        }
        for work in left {
            let admission = self.inbox_run(|inbox| inbox.resume(work));
            debug_assert!(admission.is_none(), "what was accepted is never refused");
        }
        self.withdraw().await;
        Ok(())
    }

    /// Tells the administrators of the instance, where they talk with the bot already, that a compagnon is proposed. The list of proposals
    /// has it in any case.
    fn tell_administrators(&self, cause: &EventId, proposal: &commands::Proposal) {
        let text = proposal.text().say(self.config.language);
        let (cause, administrators) = (cause.to_owned(), self.config.administrators.clone());
        self.spawn(|assistant| async move {
            for person in administrators {
                let Ok(Some(room)) = assistant.gateway.direct_room(&person, false).await else { continue };
                if !assistant.notices.enter(&person, notices::Worth::Spare) {
                    continue;
                }
                let Ok(_allowed) = notices::allowed(&assistant, &person).await else { return };
                let transaction = delivery::transaction(&cause, 0, &delivery::edition_of(person.as_str()));
                let outgoing = Outgoing {
                    room_id: &room,
                    thread: None,
                    question: &cause,
                    asker: None,
                    part: 0,
                    opens: true,
                    replaces: None,
                    kind: MessageKind::Notice,
                    encrypted: true,
                    complete: true,
                    markdown: &text,
                    links: &[],
                    transaction: &transaction,
                };
                assistant.report(delivery::send(&assistant, &outgoing).await.map(drop));
            }
        });
    }

    /// The key by which the model knows a conversation; the room's is its first half.
    fn cache_key(&self, conversation: &ConversationId) -> u64 {
        let thread = conversation.thread.as_ref().map_or("", |thread| thread.as_str());
        let name = format!("{} {thread}", conversation.room_id);
        // 0 would be nobody's.
        u64::from(self.room_key(&conversation.room_id)) << 32 | u64::from(self.short_key(&name).max(1))
    }

    /// The key by which the model knows a room.
    fn room_key(&self, room: &RoomId) -> u32 {
        self.short_key(room.as_str())
    }

    fn short_key(&self, name: &str) -> u32 {
        let hash = blake3::keyed_hash(&self.owners, name.as_bytes());
        hash.as_bytes().first_chunk().map_or(1, |bytes| u32::from_le_bytes(*bytes))
    }

    /// Has the model forget what these changes forget: it keeps what it has computed of a conversation, to go on with it faster.
    fn forget(&self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::ForgetConversation(conversation) => {
                    self.model.invalidate(CacheScope::Conversation(self.cache_key(conversation)));
                }
                Change::ForgetTurns(room) => self.model.invalidate(CacheScope::Room(self.room_key(room))),
                // In which rooms they wrote is gone with it.
                Change::ForgetPerson(_) => self.model.invalidate(CacheScope::Conversations),
                // Its prompt was its author's, and no longer is anybody's.
                Change::Unmade(_) => self.model.invalidate(CacheScope::All),
                Change::Settings(..) | Change::Made(_) | Change::Informed(_) | Change::Audit(_) => {}
            }
        }
    }

    /// Removes from the store what is too old, and from the model what it has computed of that.
    pub async fn purge(&self, now: u64, keep: &Retention) -> Result<(), StoreError> {
        let purged = self.store.purge(now, keep).await?;
        for conversation in &purged.conversations {
            self.model.invalidate(CacheScope::Conversation(self.cache_key(conversation)));
        }
        if purged.unplaced {
            self.model.invalidate(CacheScope::Conversations);
        }
        Ok(())
    }

    /// Puts work in the inbox and starts its lane if need be; gives back what is refused.
    fn inbox_run(&self, add: impl FnOnce(&Inbox) -> Admission) -> Option<Work> {
        match add(&self.inbox) {
            Admission::Run(lane) => {
                self.spawn(|assistant| assistant.run(lane));
                None
            }
            Admission::Waits => None,
            Admission::Busy(work) => Some(work),
        }
    }

    /// Does the work of one lane until there is none.
    async fn run(self: Arc<Self>, lane: Lane) {
        while !self.stop.is_cancelled() {
            let Some(work) = self.inbox.next(&lane) else { return };
            self.report(match work {
                Work::Delivery(delivery) if delivery.answer.is_notice() => {
                    self.notify_again(*delivery);
                    Ok(())
                }
                Work::Delivery(delivery) => {
                    let _working = self.at_work.enter(&delivery.question.event_id);
                    delivery::deliver(&self, &delivery, true).await
                }
                Work::Question(queued) | Work::Command(queued) => tries::answer(&self, *queued).await,
            });
        }
    }

    /// Runs something beside, until it ends or the program does.
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, work: impl FnOnce(Arc<Self>) -> F) {
        // It is there for as long as somebody calls its methods.
        if let Some(me) = self.me.upgrade() {
            self.tasks.spawn(work(me));
        }
    }

    /// Says in the log why work was not done. Nothing is lost: it is still in the store, and the next start takes it up; which comes at
    /// once where nothing else would help.
    fn report(&self, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) | Err(Failure::Stopped) => {}
            Err(failure) => {
                tracing::error!(%failure, "a question is left for the next start");
                if failure.is_fatal() {
                    // The first reason is the one that counts.
                    let _ = self.broken.set(failure.to_string());
                }
            }
        }
    }

    /// Begins no further question, waits for those that run, and after `grace` gives them up where they are.
    ///
    /// What does not end even then is left behind: the process is about to end, and nothing depends on it.
    pub async fn shut_down(&self, grace: Duration) {
        self.stop.cancel();
        // However this ends, it is no death of theirs.
        let paused = self.store.pause_all().await;
        self.report(paused.map_err(Failure::from));
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            tracing::info!("answers still being written are left for the next start");
            self.abort.cancel();
            if tokio::time::timeout(AFTER_ABORT, self.tasks.wait()).await.is_err() {
                tracing::warn!("some requests do not end and are left behind");
            }
        }
    }

    /// Waits until something fails that only a new start mends, and gives the reason.
    pub async fn broken(&self) -> String {
        self.broken.wait().await.clone()
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
            // Nobody asked for what the bot says when it comes in.
            asker: Some(&*question.sender).filter(|_| question.is_message()),
            part,
            opens: part == 0,
            replaces: None,
            kind: MessageKind::Text,
            encrypted: question.megolm_session.is_some(),
            complete: false,
            markdown: "",
            links: &[],
            transaction,
        }
    }
}
