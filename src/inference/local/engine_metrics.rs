//! What Prometheus is told of the engine.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::scheduler::{Load, Scheduler};
use crate::energy::Energy;
use crate::metric::{ENERGY, ENGINE_SEQUENCES, ENGINE_STEP_SECONDS, ENGINE_STEPS, ENGINE_TOKENS, KV_BLOCKS};

/// Handles, made once: a step looks nothing up.
pub(super) struct EngineMetrics {
    steps: Counter,
    seconds: Histogram,
    prompt: Counter,
    written: Counter,
    running: Gauge,
    waiting: Gauge,
    used: Gauge,
    total: Gauge,
    measured: Counter,
    estimated: Counter,
    /// What is no whole joule yet.
    rest: Energy,
}

impl EngineMetrics {
    pub(super) fn new() -> Self {
        Self {
            steps: counter!(ENGINE_STEPS),
            seconds: histogram!(ENGINE_STEP_SECONDS),
            prompt: counter!(ENGINE_TOKENS, "kind" => "prompt"),
            written: counter!(ENGINE_TOKENS, "kind" => "written"),
            running: gauge!(ENGINE_SEQUENCES, "state" => "running"),
            waiting: gauge!(ENGINE_SEQUENCES, "state" => "waiting"),
            used: gauge!(KV_BLOCKS, "state" => "used"),
            total: gauge!(KV_BLOCKS, "state" => "total"),
            measured: counter!(ENERGY, "known" => "measured"),
            estimated: counter!(ENERGY, "known" => "estimated"),
            rest: Energy::NONE,
        }
    }

    /// Tells of a step that was computed and is not committed.
    pub(super) fn step(&mut self, took: Duration, spent: Energy, scheduler: &Scheduler) {
        self.steps.increment(1);
        self.seconds.record(took);
        let (prompt, written) = scheduler.planned();
        self.prompt.increment(prompt as u64);
        self.written.increment(written as u64);
        self.rest = self.rest.and(spent);
        let [measured, estimated] = self.rest.take_joules();
        self.measured.increment(measured);
        self.estimated.increment(estimated);
        self.hold(scheduler.load());
    }

    /// Tells that nothing is computed now.
    pub(super) fn idle(&self, scheduler: &Scheduler) {
        self.hold(scheduler.load());
    }

    fn hold(&self, Load { running, waiting, blocks, used }: Load) {
        for (gauge, count) in
            [(&self.running, running), (&self.waiting, waiting), (&self.total, blocks), (&self.used, used)]
        {
            gauge.set(count as f64);
        }
    }
}
