//! One thread that answers, one request after the other.
//!
//! Waiting requests stand in a bounded queue. The reader of an answer is also its owner: when it goes, the work stops at the
//! next token, or at the next piece of prompt. A forward pass that panics costs its request, not the engine.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use fail::fail_point;
use tokio::sync::mpsc;

use super::sampler::Sampler;
use super::text::{Characters, Passed, Stops};
use super::vocabulary::Vocabulary;
use crate::inference::{Finish, Generation, InferenceError, Piece, Sampling, Usage};

/// Prompt tokens read in one step: large enough for the arithmetic to be fast, small enough to cancel soon.
const CHUNK: usize = 64;

/// A model's weights.
pub(super) trait Forward: Send {
    /// A new, empty sequence; dropping it gives its memory back.
    fn start(&self) -> Box<dyn Sequence>;
}

/// One conversation being read and continued.
pub(super) trait Sequence {
    /// Appends tokens; the result is one logit for each token of the vocabulary, for what may follow the last of them.
    fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>, String>;
}

/// The queue and the thread behind it. Dropping it lets the thread finish what is queued, then end.
pub(super) struct Engine {
    jobs: SyncSender<Job>,
    thread: JoinHandle<()>,
    context: usize,
    panicked: Arc<AtomicBool>,
}

struct Job {
    prompt: Vec<u32>,
    sampling: Sampling,
    /// The most tokens the answer may have.
    room: usize,
    pieces: mpsc::Sender<Result<Piece, InferenceError>>,
}

impl Engine {
    /// Starts the thread. `context` bounds prompt and answer together, in tokens; `queue` the requests that wait.
    pub(super) fn start(
        forward: Box<dyn Forward>,
        vocabulary: Arc<Vocabulary>,
        context: usize,
        queue: usize,
    ) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(queue);
        let panicked = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&panicked);
        let thread = Builder::new()
            .name("inference".to_owned())
            .spawn(move || serve(&waiting, forward.as_ref(), &vocabulary, &told))?;
        Ok(Self { jobs, thread, context, panicked })
    }

    /// Queues a prompt.
    pub(super) fn submit(&self, prompt: Vec<u32>, sampling: Sampling) -> Result<Generation, InferenceError> {
        let (tokens, context) = (prompt.len(), self.context);
        if tokens == 0 {
            return Err(InferenceError::Engine("the prompt is empty".to_owned()));
        }
        if tokens >= context {
            return Err(InferenceError::PromptTooLong { tokens, context });
        }
        let room = sampling.max_tokens.min(context - tokens);
        // Room for a text with each token, what was held back, and the end: a slow reader never holds up the engine.
        let (pieces, reader) = mpsc::channel(room + 3);
        self.jobs.try_send(Job { prompt, sampling, room, pieces }).map_err(|error| match error {
            TrySendError::Full(_) => InferenceError::Busy,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        Ok(Generation::new(reader))
    }

    /// Fails when the thread has ended, and from a panic until an answer ends well: a panic can leave candle's threads
    /// unusable for good.
    pub(super) fn health(&self) -> Result<(), InferenceError> {
        if self.thread.is_finished() {
            Err(stopped())
        } else if self.panicked.load(Ordering::Relaxed) {
            Err(panicked())
        } else {
            Ok(())
        }
    }
}

fn stopped() -> InferenceError {
    InferenceError::Engine("its thread has stopped".to_owned())
}

fn panicked() -> InferenceError {
    InferenceError::Engine("the forward pass panicked".to_owned())
}

fn serve(waiting: &Receiver<Job>, forward: &dyn Forward, vocabulary: &Vocabulary, panics: &AtomicBool) {
    // Sleeps until a job comes or the engine is dropped.
    while let Ok(job) = waiting.recv() {
        let result = catch_unwind(AssertUnwindSafe(|| answer(forward, vocabulary, &job))).unwrap_or_else(|_| {
            panics.store(true, Ordering::Relaxed);
            Err(panicked())
        });
        let last = match result {
            Ok(Some(usage)) => {
                panics.store(false, Ordering::Relaxed);
                Ok(Piece::Done(usage))
            }
            Ok(None) => continue,
            Err(error) => {
                tracing::error!(%error, prompt_tokens = job.prompt.len(), "an answer failed");
                Err(error)
            }
        };
        // A reader that has gone needs no end.
        let _ = job.pieces.try_send(last);
    }
}

/// Writes one answer; `None` when its reader has gone.
fn answer(forward: &dyn Forward, vocabulary: &Vocabulary, job: &Job) -> Result<Option<Usage>, InferenceError> {
    if job.pieces.is_closed() {
        return Ok(None);
    }
    fail_point!("prefill");
    let started = Instant::now();
    let mut sequence = forward.start();
    let mut logits = Vec::new();
    for chunk in job.prompt.chunks(CHUNK) {
        if job.pieces.is_closed() {
            return Ok(None);
        }
        logits = sequence.step(chunk).map_err(InferenceError::Engine)?;
    }
    let prefill = started.elapsed();

    let started = Instant::now();
    let mut sampler = Sampler::new(&job.sampling);
    let mut writer = Writer::new(vocabulary, job);
    let mut completion_tokens = 0;
    let finish = loop {
        if completion_tokens >= job.room {
            break Finish::Length;
        }
        fail_point!("decode");
        let token = sampler
            .draw(logits)
            .ok_or_else(|| InferenceError::Engine("the model gave no usable probabilities".to_owned()))?;
        if vocabulary.ends(token) {
            break Finish::Stop;
        }
        completion_tokens += 1;
        if writer.push(token) {
            break Finish::Stop;
        }
        if job.pieces.is_closed() {
            return Ok(None);
        }
        // The last token allowed needs no successor.
        logits = if completion_tokens < job.room {
            sequence.step(&[token]).map_err(InferenceError::Engine)?
        } else {
            Vec::new()
        };
    };
    writer.finish();
    let usage =
        Usage { prompt_tokens: job.prompt.len(), completion_tokens, prefill, decode: started.elapsed(), finish };
    Ok(Some(usage))
}

/// Turns tokens into the texts that are sent.
struct Writer<'a> {
    vocabulary: &'a Vocabulary,
    job: &'a Job,
    characters: Characters,
    stops: Stops,
    /// Whether the next text is the answer's first, whose leading space belongs to the tokenizer.
    at_start: bool,
    stopped: bool,
}

impl<'a> Writer<'a> {
    fn new(vocabulary: &'a Vocabulary, job: &'a Job) -> Self {
        let stops = Stops::new(&job.sampling.stop);
        let at_start = vocabulary.space_prefix;
        Self { vocabulary, job, characters: Characters::default(), stops, at_start, stopped: false }
    }

    /// Adds a token; true when a stop text was reached.
    fn push(&mut self, token: u32) -> bool {
        let text = self.characters.push(self.vocabulary.bytes(token));
        self.pass(&text);
        self.stopped
    }

    fn finish(&mut self) {
        if !self.stopped {
            let broken = self.characters.finish();
            self.pass(broken);
        }
        if !self.stopped {
            let held = self.stops.finish();
            self.send(held);
        }
    }

    fn pass(&mut self, mut text: &str) {
        if self.at_start && !text.is_empty() {
            text = text.strip_prefix(' ').unwrap_or(text);
            self.at_start = false;
        }
        match self.stops.push(text) {
            Passed::Text(text) => self.send(text),
            Passed::Stopped(text) => {
                self.stopped = true;
                self.send(text);
            }
        }
    }

    fn send(&self, text: String) {
        if !text.is_empty() {
            // The channel has room for every piece; a reader that has gone is noticed by the loop.
            let _ = self.job.pieces.try_send(Ok(Piece::Text(text)));
        }
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
