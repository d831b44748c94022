//! One thread that answers many requests together, step by step.
//!
//! Waiting requests stand in a bounded queue. The reader of an answer is also its owner: when it goes, the work on it stops at
//! the next step. A step that fails or panics costs the answers that were being written, not the engine; a panic anywhere else
//! costs them too, and the engine is begun anew (`supervisor`).

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use fail::fail_point;

use super::answer::{Answer, Next};
use super::forward::{BLOCK, Cost, Forward};
use super::scheduler::{Prompt, Scheduler};
use super::supervisor::{Life, Stage, Work, supervise};
use super::vocabulary::Vocabulary;
use crate::inference::{Config, Finish, Generation, InferenceError, Sampling};

/// The queue and the thread behind it. Dropping it lets the thread finish what is queued, then end.
pub(super) struct Engine {
    jobs: SyncSender<Job>,
    /// Whose blocks are to be forgotten; `None` stands for everybody's.
    forgotten: Arc<Mutex<Vec<Option<u64>>>>,
    life: Arc<Life>,
    context: usize,
    cost: Cost,
    vocabulary: Arc<Vocabulary>,
    /// Whether the last step failed.
    failed: Arc<AtomicBool>,
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
    /// A prompt to be answered.
    Ask(Box<(Prompt, Answer)>),
    /// Nothing: it wakes the thread, which has something to forget.
    Wake,
}

impl Engine {
    /// Starts the thread.
    pub(super) fn start(forward: Box<dyn Forward>, vocabulary: Arc<Vocabulary>, config: &Config) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(config.queue);
        // A sequence that fills the context must fit the blocks, so that no request has to wait for ever.
        let context = config.context.min(forward.context()).min(forward.blocks().saturating_mul(BLOCK));
        let cost = forward.cost();
        let failed = Arc::new(AtomicBool::new(false));
        let (forgotten, life) = (Arc::default(), Arc::new(Life::default()));
        let mut worker = Worker {
            scheduler: Scheduler::new(forward.as_ref(), config.sequences),
            sequences: config.sequences,
            forward,
            waiting,
            vocabulary: Arc::clone(&vocabulary),
            answers: BTreeMap::new(),
            next: 0,
            logits: Vec::new(),
            time_limit: config.time_limit.unsigned_abs(),
            failed: Arc::clone(&failed),
            forgotten: Arc::clone(&forgotten),
            pending: Vec::new(),
        };
        let told = Arc::clone(&life);
        Builder::new().name("inference".to_owned()).spawn(move || supervise(&mut worker, &told))?;
        Ok(Self { jobs, forgotten, life, context, cost, vocabulary, failed })
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
        self.jobs.try_send(Job::Ask(Box::new((Prompt { tokens, shared, owner, room }, answer)))).map_err(|error| {
            match error {
                TrySendError::Full(_) => InferenceError::Busy,
                TrySendError::Disconnected(_) => stopped(),
            }
        })?;
        Ok(generation)
    }

    /// Forgets what an owner's prompts have left in memory, or everybody's; what is being computed at the moment, once it has ended.
    pub(super) fn forget(&self, owner: Option<u64>) {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner).push(owner);
        // With a full queue the thread is awake anyway; without a thread there is nothing to forget.
        let _ = self.jobs.try_send(Job::Wake);
    }

    /// Fails when the engine has died, until it is begun anew if it is, and from a failed step until one succeeds: a panic can
    /// leave a pool of threads unusable for good.
    pub(super) fn health(&self) -> Result<(), InferenceError> {
        match self.life.stage() {
            Stage::Alive => {}
            Stage::Recovering => return Err(died()),
            Stage::Over => return Err(stopped()),
        }
        if self.failed.load(Ordering::Relaxed) {
            Err(InferenceError::Engine("its last step failed".to_owned()))
        } else {
            Ok(())
        }
    }
}

fn died() -> InferenceError {
    InferenceError::Engine("it died, and is started again in a moment".to_owned())
}

fn stopped() -> InferenceError {
    InferenceError::Engine("its thread has stopped".to_owned())
}

/// What the thread works with.
struct Worker {
    forward: Box<dyn Forward>,
    scheduler: Scheduler,
    sequences: usize,
    waiting: Receiver<Job>,
    vocabulary: Arc<Vocabulary>,
    /// By the scheduler's id.
    answers: BTreeMap<u64, Answer>,
    next: u64,
    logits: Vec<f32>,
    time_limit: Duration,
    failed: Arc<AtomicBool>,
    forgotten: Arc<Mutex<Vec<Option<u64>>>>,
    /// What was forgotten while answers were being computed: their blocks come free later. With the first id that is newer.
    pending: Vec<(Option<u64>, u64)>,
}

impl Work for Worker {
    fn serve(&mut self) {
        loop {
            if self.scheduler.is_idle() {
                // Sleeps until a job comes or the engine is dropped.
                let Ok(job) = self.waiting.recv() else { return };
                self.receive(job);
            }
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
        self.pending.clear();
        for answer in std::mem::take(&mut self.answers).into_values() {
            answer.fail(died());
        }
    }
}

impl Worker {
    fn forget(&mut self) {
        let wishes = std::mem::take(&mut *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner));
        for owner in wishes {
            self.scheduler.forget(owner);
            if !self.answers.is_empty() {
                self.pending.push((owner, self.next));
            }
        }
        let older = self.answers.keys().next().copied().unwrap_or(u64::MAX);
        let (over, pending) = std::mem::take(&mut self.pending).into_iter().partition(|(_, newer)| older >= *newer);
        self.pending = pending;
        for (owner, _) in over {
            self.scheduler.forget(owner);
        }
    }

    fn receive(&mut self, job: Job) {
        let Job::Ask(asked) = job else { return };
        let (prompt, answer) = *asked;
        if answer.is_abandoned() {
            return;
        }
        let id = self.next;
        self.next += 1;
        if self.scheduler.add(id, prompt) {
            self.answers.insert(id, answer);
        } else {
            answer.fail(InferenceError::Engine("the prompt does not fit its memory".to_owned()));
        }
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
            self.answers.remove(&id);
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
    }

    /// One step of all that run; false when there was none, or when its logits were useless.
    fn compute(&mut self) -> Result<bool, String> {
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
                self.scheduler.end(id);
                // What led here must not be found again.
                self.scheduler.forget(None);
                self.fail(id, "the model gave no usable probabilities");
                return false;
            }
        }
        true
    }

    fn finish(&mut self, id: u64, finish: Finish) {
        let read = self.scheduler.end(id);
        if let (Some(answer), Some(read)) = (self.answers.remove(&id), read) {
            answer.finish(finish, read, Instant::now());
        }
    }

    fn fail(&mut self, id: u64, reason: &str) {
        tracing::error!(reason, "an answer failed");
        if let Some(answer) = self.answers.remove(&id) {
            answer.fail(InferenceError::Engine(reason.to_owned()));
        }
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
