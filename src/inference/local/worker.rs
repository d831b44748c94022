//! The engine's thread: it takes requests from the queue, and computes all that run together, step by step.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use fail::fail_point;

use super::answer::Next;
use super::energy::{Meter, divided};
use super::engine_metrics::EngineMetrics;
use super::forward::{Forward, Output, StepOutput};
use super::open_requests::OpenRequests;
use super::processors::Answering;
use super::scheduler::{Computed, Prompt, Scheduler};
use super::supervisor::{Liveness, Stage, Supervised};
use super::task::Task;
use super::vocabulary::Vocabulary;
use crate::energy::Energy;
use crate::inference::{CacheScope, Config, Finish, InferenceError};

/// How long a step waits for what may follow in the forms of its answers. A row that has to wait longer goes on one step later.
const PATIENCE: Duration = Duration::from_millis(10);

/// What comes through the queue.
pub(super) enum Job {
    /// A request, with its number.
    Run(Box<(u64, Prompt, Task)>),
    /// Wakes the thread, which has something to invalidate.
    Wake,
}

/// What the thread works with.
pub(super) struct Worker {
    forward: Box<dyn Forward>,
    scheduler: Scheduler,
    sequences: usize,
    waiting: Receiver<Job>,
    vocabulary: Arc<Vocabulary>,
    /// By their numbers.
    tasks: BTreeMap<u64, Task>,
    output: StepOutput,
    /// The logits of the rows that wait for what may follow, by their numbers. Nothing of them is computed meanwhile.
    parked: Vec<(u64, Vec<f32>)>,
    time_limit: Duration,
    failed: Arc<AtomicBool>,
    requests: Arc<OpenRequests>,
    liveness: Arc<Liveness>,
    /// Invalidations that wait for the end of older requests, whose blocks become idle then.
    invalidations: BTreeMap<CacheScope, u64>,
    /// For the encoders, which wait.
    answering: Answering,
    /// What the steps take.
    meter: Meter,
    metrics: EngineMetrics,
}

impl Supervised for Worker {
    fn run(&mut self) {
        // Given up while a step did not end, it does not go on when that ends after all.
        while self.liveness.stage() != Stage::Dead {
            // Blocks of a request that ended in the turn before are invalidated now: a long wait may follow.
            self.invalidate();
            self.erase();
            if self.scheduler.is_idle() {
                self.answering.set(false);
                self.metrics.idle(&self.scheduler);
                self.liveness.wait();
                // Sleeps until a job comes or the engine is dropped.
                let Ok(job) = self.waiting.recv() else { return };
                self.liveness.turn();
                self.answering.set(true);
                self.receive(job);
            }
            self.liveness.turn();
            self.invalidate();
            self.sweep();
            // What does not fit stays in the bounded queue, so that it fills up.
            loop {
                self.admit();
                if !self.scheduler.has_capacity() {
                    break;
                }
                let Ok(job) = self.waiting.try_recv() else { break };
                self.receive(job);
            }
            fail_point!("engine-dies");
            self.step();
        }
    }

    /// Fails the running requests and empties the cache: after a panic anywhere, no block can be trusted.
    fn recover(&mut self) {
        self.scheduler = Scheduler::new(self.forward.limits(), self.sequences);
        self.parked.clear();
        self.answering.set(false);
        self.forward.erase_all();
        self.invalidations.clear();
        while let Some((id, _)) = self.tasks.first_key_value() {
            let id = *id;
            if let Some(task) = self.close(id) {
                task.fail(InferenceError::Engine("it died, and is restarted in a moment".to_owned()));
            }
        }
    }
}

impl Worker {
    #[allow(clippy::too_many_arguments)] // Each is another part, wired once.
    pub(super) fn new(
        forward: Box<dyn Forward>,
        waiting: Receiver<Job>,
        vocabulary: Arc<Vocabulary>,
        config: &Config,
        requests: Arc<OpenRequests>,
        liveness: Arc<Liveness>,
        failed: Arc<AtomicBool>,
        answering: Answering,
        meter: Meter,
    ) -> Self {
        Self {
            scheduler: Scheduler::new(forward.limits(), config.sequences),
            sequences: config.sequences,
            forward,
            waiting,
            vocabulary,
            tasks: BTreeMap::new(),
            output: StepOutput::default(),
            parked: Vec::new(),
            time_limit: config.time_limit.unsigned_abs(),
            failed,
            requests,
            liveness,
            invalidations: BTreeMap::new(),
            answering,
            meter,
            metrics: EngineMetrics::new(),
        }
    }

    fn invalidate(&mut self) {
        let mut requests = self.requests.lock();
        for (scope, newer) in std::mem::take(&mut requests.invalidations) {
            self.scheduler.invalidate(scope);
            self.invalidations.insert(scope, newer);
        }
        let scheduler = &mut self.scheduler;
        self.invalidations.retain(|scope, newer| {
            let concerned = requests.concerns(*scope, *newer);
            if !concerned {
                scheduler.invalidate(*scope);
            }
            concerned
        });
    }

    /// Overwrites the free blocks that still contain keys and values.
    fn erase(&mut self) {
        let dirty = self.scheduler.take_dirty();
        if !dirty.is_empty() {
            self.forward.erase(&dirty);
        }
    }

    fn receive(&mut self, job: Job) {
        let run = match job {
            Job::Run(run) => run,
            Job::Wake => {
                self.requests.lock().woken = false;
                return;
            }
        };
        let (id, prompt, task) = *run;
        self.requests.lock().queued -= 1;
        if task.is_abandoned() {
            self.requests.lock().open.remove(&id);
            return;
        }
        self.tasks.insert(id, task);
        if !self.scheduler.add(id, prompt) {
            self.fail(id, "the prompt does not fit its memory");
        }
    }

    /// Removes a task that has ended, however.
    fn close(&mut self, id: u64) -> Option<Task> {
        self.requests.lock().open.remove(&id);
        self.tasks.remove(&id)
    }

    fn admit(&mut self) {
        let now = Instant::now();
        for id in self.scheduler.admit() {
            if let Some(task) = self.tasks.get_mut(&id) {
                task.start(now);
            }
        }
    }

    /// Ends the tasks whose reader was dropped, and those that have taken too long.
    fn sweep(&mut self) {
        let abandoned: Vec<u64> =
            self.tasks.iter().filter(|(_, task)| task.is_abandoned()).map(|(id, _)| *id).collect();
        for id in abandoned {
            self.close(id);
            self.scheduler.end(id);
        }
        let late = |task: &Task| task.started().is_some_and(|started| started.elapsed() >= self.time_limit);
        let late: Vec<u64> = self.tasks.iter().filter(|(_, task)| late(task)).map(|(id, _)| *id).collect();
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
        for id in self.scheduler.abort() {
            self.fail(id, &reason);
        }
        self.forward.erase_all();
    }

    /// One step of all that run; false when there was none, or when its output was not finite.
    fn compute(&mut self) -> Result<bool, String> {
        self.erase();
        self.unpark(Instant::now());
        if !self.scheduler.plan() {
            return match () {
                () if self.scheduler.is_idle() => Ok(false),
                () if self.parked.is_empty() => Err("no step can be planned".to_owned()),
                () => {
                    self.unpark(Instant::now() + PATIENCE);
                    Ok(false)
                }
            };
        }
        let slices = self.scheduler.slices();
        if slices.iter().any(|slice| slice.tokens.len() > 1 || slice.output.is_none()) {
            fail_point!("prefill");
        }
        let begun = Instant::now();
        let mark = self.meter.mark(begun);
        self.forward.step(&slices, &mut self.output)?;
        let ended = Instant::now();
        let spent = self.meter.since(&mark, ended);
        self.metrics.step(ended.saturating_duration_since(begun), spent, &self.scheduler);
        self.spend(spent);
        let computed = self.scheduler.commit();
        if !computed.is_empty() {
            fail_point!("decode");
        }
        let mut output = std::mem::take(&mut self.output);
        let finite = self.distribute(&computed, &mut output);
        self.output = output;
        finite
    }

    /// Divides what the planned step took between its sequences, by their tokens.
    fn spend(&mut self, spent: Energy) {
        let (ids, tokens): (Vec<u64>, Vec<usize>) = self.scheduler.shares().into_iter().unzip();
        let parts = divided(spent.measured, &tokens).into_iter().zip(divided(spent.estimated, &tokens));
        for (id, (measured, estimated)) in ids.iter().zip(parts) {
            if let Some(task) = self.tasks.get_mut(id) {
                task.spend(Energy { measured, estimated });
            }
        }
    }

    /// Gives each sequence its output; false when one of them was not finite.
    fn distribute(&mut self, computed: &[Computed], output: &mut StepOutput) -> Result<bool, String> {
        let vocabulary = self.forward.vocabulary();
        let width = self.forward.hidden().unwrap_or(0);
        let mut logits = output.logits.as_mut_slice();
        let mut hidden = output.hidden.as_slice();
        let mut finite = true;
        let until = Instant::now() + PATIENCE;
        for sequence in computed {
            finite &= match sequence.output {
                Output::Logits => {
                    let (own, rest) =
                        logits.split_at_mut_checked(vocabulary).ok_or("the model returned too few logits")?;
                    logits = rest;
                    self.sample(sequence.id, own, until)
                }
                Output::Hidden => {
                    let size = sequence.tokens * width;
                    let (own, rest) =
                        hidden.split_at_checked(size).ok_or("the model returned too few hidden states")?;
                    hidden = rest;
                    self.pool(sequence, own, width)
                }
            };
        }
        if logits.is_empty() && hidden.is_empty() { Ok(finite) } else { Err("the model returned too much".to_owned()) }
    }

    /// Continues the answers that waited for what may follow, if it is known by then.
    fn unpark(&mut self, until: Instant) {
        for (id, mut logits) in std::mem::take(&mut self.parked) {
            self.sample(id, &mut logits, until);
        }
    }

    /// Continues one answer; false when its logits are not finite.
    fn sample(&mut self, id: u64, logits: &mut [f32], until: Instant) -> bool {
        let Some(Task::Generate(answer)) = self.tasks.get_mut(&id) else { return true };
        match answer.sample(logits, &self.vocabulary, Instant::now(), until) {
            Some(Next::Wait) => self.parked.push((id, logits.to_vec())),
            Some(Next::Fail(reason)) => {
                self.scheduler.end(id);
                self.fail(id, &reason);
            }
            Some(Next::Token(token)) => self.scheduler.append(id, token),
            Some(Next::End(finish)) => self.finish(id, finish),
            None => {
                self.discard(id, "the model returned no finite logits");
                return false;
            }
        }
        true
    }

    /// Continues one embedding; false when it is not finite.
    fn pool(&mut self, sequence: &Computed, hidden: &[f32], width: usize) -> bool {
        let Some(Task::Embed(pooled)) = self.tasks.get_mut(&sequence.id) else { return true };
        pooled.add(hidden, width);
        if !sequence.finished {
            return true;
        }
        let finite = pooled.finish();
        if finite {
            self.close(sequence.id);
            self.scheduler.end(sequence.id);
        } else {
            self.discard(sequence.id, "the model returned no finite hidden states");
        }
        finite
    }

    /// Fails a request, and removes from the cache what led to its output; the blocks of other conversations stay.
    fn discard(&mut self, id: u64, reason: &str) {
        let forward = &self.forward;
        self.scheduler.discard(id, |block| forward.is_finite(block));
        self.fail(id, reason);
    }

    fn finish(&mut self, id: u64, finish: Finish) {
        let usage = self.scheduler.end(id);
        match (self.close(id), usage) {
            (Some(Task::Generate(answer)), Some(usage)) => answer.finish(finish, usage, Instant::now()),
            // A part of a text has no vector.
            (Some(task), _) => task.fail(InferenceError::Engine("it took longer than the time limit".to_owned())),
            (None, _) => {}
        }
    }

    fn fail(&mut self, id: u64, reason: &str) {
        tracing::error!(reason, "a request to the model failed");
        if let Some(task) = self.close(id) {
            task.fail(InferenceError::Engine(reason.to_owned()));
        }
    }
}
