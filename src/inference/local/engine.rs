//! The engine's handle: a bounded queue in front of the thread that computes (`worker`), and what is known of that thread.
//!
//! The reader of an answer owns it: when the reader is dropped, the work on it stops at the next step. A step that fails or panics
//! fails the answers that were running, not the engine; a panic outside of a step fails them too, and the engine is restarted
//! (`supervisor`). A step that does not end fails all requests, and the engine is dead.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use super::answer::Answer;
use super::constraint::{Constraint, Masks};
use super::energy::{Meter, Power};
use super::forward::{AdapterId, BLOCK, Cost, Forward, Output};
use super::open_requests::{OpenRequest, OpenRequests};
use super::pooling::{Pooled, Pooling, Vector};
use super::processors::Answering;
use super::scheduler::Prompt;
use super::supervisor::{Liveness, Stage, StallTimeout, supervise, watch};
use super::task::Task;
use super::thinking::Reasoning;
use super::vocabulary::Vocabulary;
use super::worker::{Job, Worker};
use crate::inference::{CacheScope, Config, Generation, Health, InferenceError, OutputFormat, Sampling};

/// The shortest time that one step is given before the engine is given up; it is `model.time_limit` where that is longer: an answer
/// that such a step belongs to has run out of time anyway.
const MIN_STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// The queue and the thread behind it. Dropping it lets the thread finish what is queued, then end.
pub(super) struct Engine {
    jobs: SyncSender<Job>,
    /// How many requests may wait.
    queue: usize,
    requests: Arc<OpenRequests>,
    liveness: Arc<Liveness>,
    stall_timeout: StallTimeout,
    context: usize,
    /// The number of values in a hidden state; `None` for a model that returns logits only.
    hidden: Option<usize>,
    cost: Cost,
    vocabulary: Arc<Vocabulary>,
    masks: Arc<Masks>,
    /// Whether the last step failed.
    failed: Arc<AtomicBool>,
    /// Whether what the steps took was read from counters, all of it.
    measures_energy: Arc<AtomicBool>,
}

/// A prompt in tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct EncodedPrompt {
    /// The token ids.
    pub tokens: Vec<u32>,
    /// How many of the first of them every conversation may reuse.
    pub shared_prefix_len: usize,
    /// The conversation; with 0, nothing is kept.
    pub cache_key: u64,
    /// Whether the prompt ends inside the model's reasoning, or after it.
    pub reasoning: Reasoning,
    /// The form of the answer.
    pub format: Option<Arc<OutputFormat>>,
}

impl Engine {
    /// Starts the threads: one that computes, and one that watches it. `answering` is kept true while there are requests.
    pub(super) fn start(
        forward: Box<dyn Forward>,
        vocabulary: Arc<Vocabulary>,
        config: &Config,
        answering: Answering,
    ) -> io::Result<Self> {
        let stall_timeout = StallTimeout::new(config.time_limit.unsigned_abs().max(MIN_STALL_TIMEOUT));
        Self::start_with(forward, vocabulary, config, stall_timeout, answering)
    }

    fn start_with(
        forward: Box<dyn Forward>,
        vocabulary: Arc<Vocabulary>,
        config: &Config,
        stall_timeout: StallTimeout,
        answering: Answering,
    ) -> io::Result<Self> {
        // One place more than there are requests, so that a wake-up takes none of theirs.
        let (jobs, waiting) = sync_channel(config.queue + 1);
        let limits = forward.limits();
        // A sequence that fills the context must fit the blocks, so that no request has to wait for ever.
        let context = config.context.min(limits.context).min(limits.blocks.saturating_mul(BLOCK));
        let meter = Meter::open(Power::of(config, forward.cost()));
        let engine = Self {
            jobs,
            queue: config.queue,
            requests: Arc::default(),
            liveness: Arc::default(),
            stall_timeout,
            context,
            hidden: forward.hidden(),
            cost: forward.cost(),
            masks: Arc::new(Masks::new(Arc::clone(&vocabulary))),
            vocabulary,
            failed: Arc::default(),
            measures_energy: meter.measures(),
        };
        let mut worker = Worker::new(
            forward,
            waiting,
            Arc::clone(&engine.vocabulary),
            config,
            Arc::clone(&engine.requests),
            Arc::clone(&engine.liveness),
            Arc::clone(&engine.failed),
            answering,
            meter,
        );
        let supervised = Arc::clone(&engine.liveness);
        Builder::new().name("inference".to_owned()).spawn(move || supervise(&mut worker, &supervised))?;
        let (watched, requests) = (Arc::clone(&engine.liveness), Arc::clone(&engine.requests));
        Builder::new().name("watchdog".to_owned()).spawn(move || {
            if watch(&watched, stall_timeout) {
                requests.fail_all(|| InferenceError::Engine("a step did not end".to_owned()));
            }
        })?;
        Ok(engine)
    }

    /// How many tokens prompt and answer may have together.
    pub(super) fn context(&self) -> usize {
        self.context
    }

    /// The number of values in a hidden state; `None` for a model that returns logits only.
    pub(super) fn hidden(&self) -> Option<usize> {
        self.hidden
    }

    /// What the model's weights cost.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// Whether all that its steps took was measured.
    pub(super) fn measures_energy(&self) -> bool {
        self.measures_energy.load(Ordering::Relaxed)
    }

    /// The number of tokens in the vocabulary.
    pub(super) fn vocabulary(&self) -> usize {
        self.vocabulary.tokens.len()
    }

    /// Queues a prompt to be answered.
    pub(super) fn generate(&self, prompt: EncodedPrompt, sampling: &Sampling) -> Result<Generation, InferenceError> {
        let EncodedPrompt { tokens, shared_prefix_len, cache_key, reasoning, format } = prompt;
        // One token at least is left for the answer.
        self.check_length(tokens.len(), self.context.saturating_sub(1))?;
        let max_new_tokens = sampling.max_tokens.min(self.context - tokens.len());
        let constraint = format.map(|format| Constraint::new(&self.masks, &format, reasoning, max_new_tokens));
        let thinking = reasoning == Reasoning::Open;
        let (answer, generation) =
            Answer::new(sampling, max_new_tokens, thinking, constraint.transpose()?, &self.vocabulary);
        let adapter = AdapterId::BASE;
        let prompt = Prompt { tokens, shared_prefix_len, cache_key, adapter, output: Output::Logits, max_new_tokens };
        self.enqueue(prompt, Task::Generate(Box::new(answer)))?;
        Ok(generation)
    }

    /// Queues a text to be embedded. Nothing of it is kept in the cache.
    pub(super) fn embed(&self, tokens: Vec<u32>, pooling: Pooling) -> Result<Vector, InferenceError> {
        self.check_length(tokens.len(), self.context)?;
        let (pooled, vector) = Pooled::new(pooling);
        let prompt = Prompt {
            tokens,
            shared_prefix_len: 0,
            cache_key: 0,
            adapter: AdapterId::BASE,
            output: Output::Hidden,
            max_new_tokens: 0,
        };
        self.enqueue(prompt, Task::Embed(pooled))?;
        Ok(vector)
    }

    fn check_length(&self, tokens: usize, most: usize) -> Result<(), InferenceError> {
        if tokens == 0 {
            return Err(InferenceError::Engine("the prompt is empty".to_owned()));
        }
        if tokens > most {
            return Err(InferenceError::PromptTooLong { tokens, context: self.context });
        }
        Ok(())
    }

    fn enqueue(&self, prompt: Prompt, task: Task) -> Result<(), InferenceError> {
        // The number and the place in the queue are taken under one lock, so that an invalidation between two requests concerns
        // the first and not the second.
        let mut requests = self.requests.lock();
        if self.liveness.stage() == Stage::Dead {
            return Err(stopped());
        }
        if requests.queued >= self.queue {
            return Err(InferenceError::Busy);
        }
        let number = requests.next;
        let request = OpenRequest { cache_key: prompt.cache_key, reader: task.reader() };
        // There is a place for it, so that an error can only be the thread's end.
        self.jobs.try_send(Job::Run(Box::new((number, prompt, task)))).map_err(|_| stopped())?;
        requests.next += 1;
        requests.queued += 1;
        requests.open.insert(number, request);
        Ok(())
    }

    /// Removes from the cache what earlier requests have left: see [`ChatModel::invalidate`](crate::inference::ChatModel::invalidate).
    pub(super) fn invalidate(&self, scope: CacheScope) {
        let mut requests = self.requests.lock();
        requests.invalidate(scope);
        if !requests.woken {
            // Without a thread there is no cache.
            requests.woken = self.jobs.try_send(Job::Wake).is_ok();
        }
    }

    /// Waits until the engine was given up; the result says why.
    pub(super) async fn dead(&self) -> String {
        self.liveness.dead().await;
        self.cause_of_death()
    }

    /// Degraded while the engine is restarted after a panic, while a step takes too long, and from a failed step until one
    /// succeeds: a panic can leave a thread pool unusable for good.
    pub(super) fn health(&self) -> Health {
        match self.liveness.stage() {
            Stage::Alive => {}
            Stage::Restarting => return Health::Degraded("the engine panicked and is being restarted".to_owned()),
            Stage::Dead => return Health::Dead(self.cause_of_death()),
        }
        if let Some(time) = self.liveness.stalled(self.stall_timeout) {
            return Health::Degraded(format!("a step of the engine has been running for {} s", time.as_secs()));
        }
        if self.failed.load(Ordering::Relaxed) {
            Health::Degraded("the last step of the engine failed".to_owned())
        } else {
            Health::Ok
        }
    }

    fn cause_of_death(&self) -> String {
        let cause = if self.liveness.is_hung() {
            "a step of the engine did not end; only a new process answers again"
        } else {
            "the engine panicked too often and was given up; only a new process answers again"
        };
        cause.to_owned()
    }
}

fn stopped() -> InferenceError {
    InferenceError::Engine("its thread has stopped".to_owned())
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
