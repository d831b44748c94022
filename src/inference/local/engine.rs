//! One thread that answers many requests together, step by step.
//!
//! Waiting requests stand in a bounded queue. The reader of an answer is also its owner: when it goes, the work on it stops at
//! the next step. A step that fails or panics costs the answers that were being written, not the engine; a panic anywhere else
//! costs them too, and the engine is begun anew (`supervisor`). A step that does not end costs all answers, and the engine.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use fail::fail_point;
use tokio::sync::mpsc::WeakSender;

use super::answer::{Answer, Next};
use super::forward::{BLOCK, Cost, Forward};
use super::scheduler::{Prompt, Scheduler};
use super::supervisor::{Life, Patience, Stage, Work, supervise, watch};
use super::vocabulary::Vocabulary;
use crate::inference::{CacheScope, Config, Finish, Generation, Health, InferenceError, Piece, Sampling};

/// The shortest time that one step is given before the engine is given up; it is `model.time_limit` where that is longer: whoever
/// is answered in such a step gets nothing any more.
const LEAST_PATIENCE: Duration = Duration::from_mins(1);

/// How many conversations and rooms may wait to be forgotten; beyond, all conversations are.
const MOST_WISHES: usize = 1024;

/// The queue and the thread behind it. Dropping it lets the thread finish what is queued, then end.
pub(super) struct Engine {
    jobs: SyncSender<Job>,
    /// How many prompts may wait.
    queue: usize,
    desk: Arc<Desk>,
    life: Arc<Life>,
    patience: Patience,
    context: usize,
    cost: Cost,
    vocabulary: Arc<Vocabulary>,
    /// Whether the last step failed.
    failed: Arc<AtomicBool>,
}

/// What is known of the work on both sides of the queue.
#[derive(Default)]
struct Desk(Mutex<Ledger>);

#[derive(Default)]
struct Ledger {
    /// The number of the next prompt: whoever was handed over before has a lower one.
    next: u64,
    /// The prompts that were handed over and have not ended: in the queue, waiting for memory, or running.
    open: BTreeMap<u64, Open>,
    /// Those of them in the queue.
    queued: usize,
    /// Whether a [`Job::Wake`] is in the queue.
    woken: bool,
    /// Who is to be forgotten, with the number of the first prompt that is not meant any more.
    forgotten: BTreeMap<CacheScope, u64>,
}

/// A prompt that has not ended.
struct Open {
    owner: u64,
    reader: WeakSender<Result<Piece, InferenceError>>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all that is open with an error, whoever has it.
    fn fail_all(&self) {
        for (_, open) in std::mem::take(&mut self.lock().open) {
            if let Some(reader) = open.reader.upgrade() {
                let _ = reader.try_send(Err(hung()));
            }
        }
    }
}

/// A prompt in tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Question {
    /// The token ids.
    pub tokens: Vec<u32>,
    /// How many of the first of them may be shared between all owners.
    pub shared: usize,
    /// The conversation; 0 is nobody's.
    pub owner: u64,
    /// Whether the prompt's end has opened the model's thoughts.
    pub thinking: bool,
}

enum Job {
    /// A prompt to be answered, with its number.
    Ask(Box<(u64, Prompt, Answer)>),
    /// Nothing: it wakes the thread, which has something to forget.
    Wake,
}

impl Engine {
    /// Starts the threads: one that works, and one that watches it.
    pub(super) fn start(forward: Box<dyn Forward>, vocabulary: Arc<Vocabulary>, config: &Config) -> io::Result<Self> {
        let patience = Patience::of(config.time_limit.unsigned_abs().max(LEAST_PATIENCE));
        Self::start_with(forward, vocabulary, config, patience)
    }

    fn start_with(
        forward: Box<dyn Forward>,
        vocabulary: Arc<Vocabulary>,
        config: &Config,
        patience: Patience,
    ) -> io::Result<Self> {
        // One place more than there are prompts, so that waking the thread takes none of theirs.
        let (jobs, waiting) = sync_channel(config.queue + 1);
        // A sequence that fills the context must fit the blocks, so that no request has to wait for ever.
        let context = config.context.min(forward.context()).min(forward.blocks().saturating_mul(BLOCK));
        let cost = forward.cost();
        let failed = Arc::new(AtomicBool::new(false));
        let (desk, life) = (Arc::new(Desk::default()), Arc::new(Life::default()));
        let mut worker = Worker {
            scheduler: Scheduler::new(forward.as_ref(), config.sequences),
            sequences: config.sequences,
            forward,
            waiting,
            vocabulary: Arc::clone(&vocabulary),
            answers: BTreeMap::new(),
            logits: Vec::new(),
            time_limit: config.time_limit.unsigned_abs(),
            failed: Arc::clone(&failed),
            desk: Arc::clone(&desk),
            life: Arc::clone(&life),
            pending: BTreeMap::new(),
        };
        let told = Arc::clone(&life);
        Builder::new().name("inference".to_owned()).spawn(move || supervise(&mut worker, &told))?;
        let (watched, left) = (Arc::clone(&life), Arc::clone(&desk));
        Builder::new().name("watchdog".to_owned()).spawn(move || {
            if watch(&watched, patience) {
                left.fail_all();
            }
        })?;
        Ok(Self { jobs, queue: config.queue, desk, life, patience, context, cost, vocabulary, failed })
    }

    /// How many tokens prompt and answer may have together.
    pub(super) fn context(&self) -> usize {
        self.context
    }

    /// What the model's weights cost.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// The number of tokens in the vocabulary.
    pub(super) fn vocabulary(&self) -> usize {
        self.vocabulary.tokens.len()
    }

    /// Queues a prompt.
    pub(super) fn submit(&self, question: Question, sampling: &Sampling) -> Result<Generation, InferenceError> {
        let Question { tokens, shared, owner, thinking } = question;
        let (length, context) = (tokens.len(), self.context);
        if length == 0 {
            return Err(InferenceError::Engine("the prompt is empty".to_owned()));
        }
        if length >= context {
            return Err(InferenceError::PromptTooLong { tokens: length, context });
        }
        let room = sampling.max_tokens.min(context - length);
        let (answer, generation) = Answer::new(sampling, room, thinking, &self.vocabulary);
        // The number and the place in the queue are taken together, so that what is forgotten between two prompts is known.
        let mut desk = self.desk.lock();
        if self.life.stage() == Stage::Over {
            return Err(stopped());
        }
        if desk.queued >= self.queue {
            return Err(InferenceError::Busy);
        }
        let (number, reader) = (desk.next, answer.reader());
        let prompt = Prompt { tokens, shared, owner, room };
        // There is a place for it, so that an error can only be the thread's end.
        self.jobs.try_send(Job::Ask(Box::new((number, prompt, answer)))).map_err(|_| stopped())?;
        desk.next += 1;
        desk.queued += 1;
        desk.open.insert(number, Open { owner, reader });
        Ok(generation)
    }

    /// Forgets what prompts have left in memory that were handed over before: as [`ChatModel::invalidate`](crate::inference::ChatModel::invalidate).
    pub(super) fn forget(&self, whose: CacheScope) {
        let mut desk = self.desk.lock();
        let next = desk.next;
        if desk.forgotten.len() >= MOST_WISHES && !desk.forgotten.contains_key(&whose) {
            let whose =
                if desk.forgotten.contains_key(&CacheScope::All) { CacheScope::All } else { CacheScope::Conversations };
            desk.forgotten.clear();
            desk.forgotten.insert(whose, next);
        }
        desk.forgotten.insert(whose, next);
        if !desk.woken {
            // Without a thread there is nothing to forget.
            desk.woken = self.jobs.try_send(Job::Wake).is_ok();
        }
    }

    /// Waits until the engine was given up; the result says why.
    pub(super) async fn dead(&self) -> String {
        self.life.over().await;
        self.cause_of_death()
    }

    /// Degraded while the engine is restarted after a panic, while a step takes too long, and from a failed step until one
    /// succeeds: a panic can leave a thread pool unusable for good.
    pub(super) fn health(&self) -> Health {
        match self.life.stage() {
            Stage::Alive => {}
            Stage::Recovering => return Health::Degraded("the engine panicked and is being restarted".to_owned()),
            Stage::Over => return Health::Dead(self.cause_of_death()),
        }
        if let Some(time) = self.life.stalled(self.patience) {
            return Health::Degraded(format!("a step of the engine has been running for {} s", time.as_secs()));
        }
        if self.failed.load(Ordering::Relaxed) {
            Health::Degraded("the last step of the engine failed".to_owned())
        } else {
            Health::Ok
        }
    }

    fn cause_of_death(&self) -> String {
        let cause = if self.life.hung() {
            "a step of the engine did not end; only a new process answers again"
        } else {
            "the engine panicked too often and was given up; only a new process answers again"
        };
        cause.to_owned()
    }
}

fn died() -> InferenceError {
    InferenceError::Engine("it died, and is started again in a moment".to_owned())
}

fn stopped() -> InferenceError {
    InferenceError::Engine("its thread has stopped".to_owned())
}

fn hung() -> InferenceError {
    InferenceError::Engine("a step did not end".to_owned())
}

/// What the thread works with.
struct Worker {
    forward: Box<dyn Forward>,
    scheduler: Scheduler,
    sequences: usize,
    waiting: Receiver<Job>,
    vocabulary: Arc<Vocabulary>,
    /// By their numbers.
    answers: BTreeMap<u64, Answer>,
    logits: Vec<f32>,
    time_limit: Duration,
    failed: Arc<AtomicBool>,
    desk: Arc<Desk>,
    life: Arc<Life>,
    /// Who was forgotten while older prompts were open, whose blocks come free later: as [`Ledger::forgotten`].
    pending: BTreeMap<CacheScope, u64>,
}

impl Work for Worker {
    fn serve(&mut self) {
        // Given up while a step stood still, it does not go on when that ends.
        while self.life.stage() != Stage::Over {
            // Whose last prompt has ended in the turn before is forgotten now: what comes next may be a long rest.
            self.forget();
            self.erase();
            if self.scheduler.is_idle() {
                self.life.rest();
                // Sleeps until a job comes or the engine is dropped.
                let Ok(job) = self.waiting.recv() else { return };
                self.life.begin();
                self.receive(job);
            }
            self.life.begin();
            self.forget();
            self.sweep();
            // What does not fit stays in the bounded queue, so that it fills up.
            loop {
                self.admit();
                if !self.scheduler.has_room() {
                    break;
                }
                let Ok(job) = self.waiting.try_recv() else { break };
                self.receive(job);
            }
            fail_point!("engine-dies");
            self.step();
        }
    }

    /// Fails the answers that were being written, and forgets what was kept of them: nobody knows how far it is to be trusted.
    fn recover(&mut self) {
        self.scheduler = Scheduler::new(self.forward.as_ref(), self.sequences);
        self.forward.erase_all();
        self.pending.clear();
        while let Some((id, _)) = self.answers.first_key_value() {
            let id = *id;
            self.close(id).into_iter().for_each(|answer| answer.fail(died()));
        }
    }
}

impl Worker {
    fn forget(&mut self) {
        let mut desk = self.desk.lock();
        for (whose, newer) in std::mem::take(&mut desk.forgotten) {
            self.scheduler.forget(whose);
            self.pending.insert(whose, newer);
        }
        let scheduler = &mut self.scheduler;
        self.pending.retain(|whose, newer| {
            let meant = desk.open.range(..*newer).any(|(_, open)| whose.covers(open.owner));
            if !meant {
                scheduler.forget(*whose);
            }
            meant
        });
    }

    /// Overwrites what is free and was somebody's.
    fn erase(&mut self) {
        let used = self.scheduler.take_used();
        if !used.is_empty() {
            self.forward.erase(&used);
        }
    }

    fn receive(&mut self, job: Job) {
        let asked = match job {
            Job::Ask(asked) => asked,
            Job::Wake => return self.desk.lock().woken = false,
        };
        let (id, prompt, answer) = *asked;
        self.desk.lock().queued -= 1;
        if answer.is_abandoned() {
            self.desk.lock().open.remove(&id);
            return;
        }
        self.answers.insert(id, answer);
        if !self.scheduler.add(id, prompt) {
            self.fail(id, "the prompt does not fit its memory");
        }
    }

    /// Takes an answer that has ended, however.
    fn close(&mut self, id: u64) -> Option<Answer> {
        self.desk.lock().open.remove(&id);
        self.answers.remove(&id)
    }

    fn admit(&mut self) {
        let now = Instant::now();
        for id in self.scheduler.admit() {
            if let Some(answer) = self.answers.get_mut(&id) {
                answer.start(now);
            }
        }
    }

    /// Ends what nobody reads any more, and what has taken too long.
    fn sweep(&mut self) {
        let gone: Vec<u64> =
            self.answers.iter().filter(|(_, answer)| answer.is_abandoned()).map(|(id, _)| *id).collect();
        for id in gone {
            self.close(id);
            self.scheduler.end(id);
        }
        let late = |answer: &Answer| answer.started().is_some_and(|started| started.elapsed() >= self.time_limit);
        let late: Vec<u64> = self.answers.iter().filter(|(_, answer)| late(answer)).map(|(id, _)| *id).collect();
        for id in late {
            self.finish(id, Finish::Length);
        }
    }

    fn step(&mut self) {
        let reason = match catch_unwind(AssertUnwindSafe(|| self.compute())) {
            Ok(Ok(true)) => return self.failed.store(false, Ordering::Relaxed),
            Ok(Ok(false)) => return,
            Ok(Err(reason)) => reason,
            Err(_) => "the forward pass panicked".to_owned(),
        };
        self.failed.store(true, Ordering::Relaxed);
        for id in self.scheduler.abandon() {
            self.fail(id, &reason);
        }
        self.forward.erase_all();
    }

    /// One step of all that run; false when there was none, or when its logits were useless.
    fn compute(&mut self) -> Result<bool, String> {
        self.erase();
        if !self.scheduler.plan() {
            return if self.scheduler.is_idle() { Ok(false) } else { Err("no step can be planned".to_owned()) };
        }
        let parts = self.scheduler.parts();
        if parts.iter().any(|part| part.tokens.len() > 1 || !part.logits) {
            fail_point!("prefill");
        }
        self.forward.step(&parts, &mut self.logits)?;
        let ready = self.scheduler.commit();
        let vocabulary = self.forward.vocabulary();
        if self.logits.len() != ready.len() * vocabulary {
            return Err("the model gave another number of logits than asked for".to_owned());
        }
        if !ready.is_empty() {
            fail_point!("decode");
        }
        let mut logits = std::mem::take(&mut self.logits);
        let mut sound = true;
        for (id, logits) in ready.into_iter().zip(logits.chunks_exact_mut(vocabulary.max(1))) {
            sound &= self.draw(id, logits);
        }
        self.logits = logits;
        Ok(sound)
    }

    /// Goes on with one answer; false when its logits are useless.
    fn draw(&mut self, id: u64, logits: &mut [f32]) -> bool {
        let Some(answer) = self.answers.get_mut(&id) else { return true };
        match answer.draw(logits, &self.vocabulary, Instant::now()) {
            Some(Next::Token(token)) => self.scheduler.append(id, token),
            Some(Next::End(finish)) => self.finish(id, finish),
            None => {
                // What led here must not be found again; what led others elsewhere stays.
                let forward = &self.forward;
                self.scheduler.discard(id, |block| forward.is_sound(block));
                self.fail(id, "the model gave no usable probabilities");
                return false;
            }
        }
        true
    }

    fn finish(&mut self, id: u64, finish: Finish) {
        let read = self.scheduler.end(id);
        if let (Some(answer), Some(read)) = (self.close(id), read) {
            answer.finish(finish, read, Instant::now());
        }
    }

    fn fail(&mut self, id: u64, reason: &str) {
        tracing::error!(reason, "an answer failed");
        if let Some(answer) = self.close(id) {
            answer.fail(InferenceError::Engine(reason.to_owned()));
        }
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
