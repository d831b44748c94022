//! The speed of a model on this machine, measured through the engine as the bot uses it, queue, scheduler and sampler included.

use std::fs;
use std::time::{Duration, Instant};

use super::engine::EncodedPrompt;
use super::forward::Cost;
pub use super::kernels::Machine;
use super::local_model::LocalModel;
use crate::inference::{CacheScope, Generation, InferenceError, Piece, Sampling, Usage};

/// Tokens of the prompt whose prefill is measured, and of the compagnon's prompt that rooms share.
pub const PROMPT: usize = 512;

/// Tokens of the prompt before the decode at depth.
pub const DEPTH: usize = 2048;

/// Tokens generated for one room alone.
pub const GENERATED: usize = 64;

/// Tokens of the question of each of several rooms.
pub const QUESTION: usize = 32;

/// Tokens of the answer to each of several rooms.
pub const ANSWER: usize = 48;

/// The context that all measurements need.
pub const CONTEXT: usize = DEPTH + GENERATED + 64;

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Prefill of one token and decode of one: seconds.
    First,
    /// Prefill of [`PROMPT`] tokens: tokens per second.
    Prefill,
    /// Decode of [`GENERATED`] tokens after a short prompt, or after [`DEPTH`] tokens: tokens per second.
    Decode {
        /// Whether the prompt is long.
        deep: bool,
    },
    /// Decode of [`ANSWER`] tokens for so many rooms at once, each after a prompt of its own: tokens per second of all together.
    Rooms(usize),
    /// What a token takes where so many rooms are answered at once, prompts of [`QUESTION`] tokens included: joules.
    Energy(usize),
    /// So many rooms that ask at once, after one compagnon's prompt of [`PROMPT`] tokens, a question of [`QUESTION`] tokens each, and
    /// are answered with [`ANSWER`] tokens: seconds until all are answered.
    Burst {
        /// How many rooms.
        rooms: usize,
        /// Whether the compagnon's prompt is in the cache.
        known: bool,
    },
}

/// How much of the machine's limits a model uses; 1 is all.
#[derive(Clone, Copy, Debug)]
pub struct Distance {
    /// Bytes of weights read per second at this decode rate, relative to the memory bandwidth.
    pub decode: f64,
    /// int8 operations per second at this prefill rate, relative to the machine's peak.
    pub prefill: f64,
}

impl LocalModel {
    /// Measures one figure. `round` changes the prompts, so that nothing of an earlier round is in the cache.
    pub fn measure(&self, figure: Figure, round: usize) -> Result<f64, InferenceError> {
        let bench = Bench { model: self, round };
        // Otherwise the blocks of earlier rounds would be evicted during this one.
        self.engine.invalidate(CacheScope::All);
        match figure {
            Figure::First => bench.first(),
            Figure::Prefill => bench.prefill(),
            Figure::Decode { deep } => bench.decode(if deep { DEPTH } else { QUESTION }),
            Figure::Rooms(rooms) => bench.rooms(rooms),
            Figure::Energy(rooms) => bench.energy(rooms),
            Figure::Burst { rooms, known } => bench.burst(rooms, known),
        }
    }

    /// Whether the machine's own counters said what every token took; otherwise it was estimated, all of it or some.
    #[must_use]
    pub fn measures_energy(&self) -> bool {
        self.engine.measures_energy()
    }

    /// Rates in tokens per second relative to the machine's limits; reads of keys and values are not counted.
    #[must_use]
    pub fn distance(&self, machine: Machine, prefill: f64, decode: f64) -> Distance {
        let Cost { bytes, operations } = self.engine.cost();
        Distance {
            decode: decode * bytes as f64 / machine.bytes,
            prefill: prefill * operations as f64 / machine.operations,
        }
    }
}

struct Bench<'a> {
    model: &'a LocalModel,
    round: usize,
}

impl Bench<'_> {
    fn first(&self) -> Result<f64, InferenceError> {
        Ok(self.one(1, 1)?.0.as_secs_f64())
    }

    fn prefill(&self) -> Result<f64, InferenceError> {
        let (_, usage) = self.one(PROMPT, 1)?;
        Ok(PROMPT as f64 / usage.prefill.as_secs_f64())
    }

    fn decode(&self, depth: usize) -> Result<f64, InferenceError> {
        let (_, usage) = self.one(depth, GENERATED + 1)?;
        // The first token is sampled from the logits of the prefill.
        Ok(usage.completion_tokens.saturating_sub(1) as f64 / usage.decode.as_secs_f64())
    }

    fn rooms(&self, rooms: usize) -> Result<f64, InferenceError> {
        let usages = self.together(rooms)?;
        let generated: usize = usages.iter().map(|usage| usage.completion_tokens.saturating_sub(1)).sum();
        let longest = usages.iter().map(|usage| usage.decode).max().unwrap_or_default();
        Ok(generated as f64 / longest.as_secs_f64())
    }

    fn energy(&self, rooms: usize) -> Result<f64, InferenceError> {
        let usages = self.together(rooms)?;
        let generated: usize = usages.iter().map(|usage| usage.completion_tokens).sum();
        let spent: f64 = usages.iter().map(|usage| usage.energy.joules()).sum();
        Ok(spent / generated.max(1) as f64)
    }

    /// Answers so many rooms at once.
    fn together(&self, rooms: usize) -> Result<Vec<Usage>, InferenceError> {
        let start = |room| self.submit(self.tokens(room, 1, QUESTION), 0, ANSWER + 1);
        let answers: Vec<Generation> = (0..rooms).map(start).collect::<Result<_, _>>()?;
        answers.into_iter().map(|answer| Ok(read(answer)?.1)).collect()
    }

    fn burst(&self, rooms: usize, known: bool) -> Result<f64, InferenceError> {
        let common = self.tokens(0, 0, PROMPT);
        if known {
            // One token more, because the last one of a prompt is always computed.
            read(self.submit([&common[..], &[1]].concat(), PROMPT, 1)?)?;
        }
        let start = Instant::now();
        let ask = |room| {
            let tokens = [common.clone(), self.tokens(room, 1, QUESTION)].concat();
            self.submit(tokens, PROMPT, ANSWER)
        };
        let answers: Vec<Generation> = (0..rooms).map(ask).collect::<Result<_, _>>()?;
        for answer in answers {
            read(answer)?;
        }
        Ok(start.elapsed().as_secs_f64())
    }

    /// A request of one room alone.
    fn one(&self, prompt: usize, answer: usize) -> Result<(Duration, Usage), InferenceError> {
        read(self.submit(self.tokens(0, 0, prompt), 0, answer)?)
    }

    fn submit(&self, tokens: Vec<u32>, shared_prefix_len: usize, answer: usize) -> Result<Generation, InferenceError> {
        // Greedy; the most likely token of a random model is hardly ever an end.
        let sampling =
            Sampling { temperature: 0.0, repetition_penalty: 1.0, max_tokens: answer, ..Sampling::default() };
        let prompt = EncodedPrompt { tokens, shared_prefix_len, ..EncodedPrompt::default() };
        self.model.engine.generate(prompt, &sampling)
    }

    /// Tokens from the whole vocabulary, different for each room and round.
    fn tokens(&self, room: usize, kind: usize, count: usize) -> Vec<u32> {
        let vocabulary = self.model.engine.vocabulary();
        // In most models the last ones are control tokens.
        let ordinary = (vocabulary * 3 / 4).max(1);
        let seed = self.round * 7 + room * 131 + kind * 31 + 17;
        (0..count).map(|at| ((at * 7919 + seed * 104_729) % ordinary) as u32).collect()
    }
}

/// Reads an answer to its end: the time to its first text, and its usage.
fn read(mut answer: Generation) -> Result<(Duration, Usage), InferenceError> {
    let start = Instant::now();
    let mut first = None;
    while let Some(piece) = answer.blocking_next() {
        match piece? {
            Piece::Text(_) => _ = first.get_or_insert_with(|| start.elapsed()),
            Piece::Done(usage) => return Ok((first.unwrap_or_else(|| start.elapsed()), usage)),
        }
    }
    Err(InferenceError::Engine("it ended without an end".to_owned()))
}

/// Resident memory of this process in bytes, now and at its peak; `None` where the system does not say.
#[must_use]
pub fn resident() -> Option<(u64, u64)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}
