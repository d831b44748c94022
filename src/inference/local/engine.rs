//! The thread that computes: one request at a time, in the order in which they came.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;
use tokio::sync::mpsc;

use super::{sampler::Sampler, text::Text, tokenizer::Tokenizer};
use crate::inference::{Finish, Generation, InferenceError, Piece, Sampling, Usage};

/// Prompts are read in pieces, so that giving up is noticed soon.
const PREFILL_CHUNK: usize = 128;

/// A prompt to be answered.
struct Job {
    prompt: Vec<u32>,
    sampling: Sampling,
    pieces: mpsc::Sender<Result<Piece, InferenceError>>,
}

/// The engine's end of the channel, and its thread.
pub(super) struct Engine {
    jobs: SyncSender<Job>,
    thread: JoinHandle<()>,
}

/// What the thread works with.
struct Machine {
    weights: ModelWeights,
    tokenizer: Arc<Tokenizer>,
    context: usize,
}

impl Engine {
    /// Starts the thread. `queue` requests may wait, `context` tokens may be in play.
    pub(super) fn start(
        weights: ModelWeights,
        tokenizer: Arc<Tokenizer>,
        context: usize,
        queue: usize,
    ) -> std::io::Result<Self> {
        let (jobs, waiting) = sync_channel(queue);
        let machine = Machine { weights, tokenizer, context };
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || machine.run(&waiting))?;
        Ok(Self { jobs, thread })
    }

    /// Queues a prompt that fits in the context.
    pub(super) fn generate(&self, prompt: Vec<u32>, sampling: Sampling) -> Result<Generation, InferenceError> {
        // Room for every piece: a reader that is slow, or waits for a homeserver, never holds up the others.
        let (pieces, reader) = mpsc::channel(sampling.max_tokens + 2);
        match self.jobs.try_send(Job { prompt, sampling, pieces }) {
            Ok(()) => Ok(Generation::new(reader)),
            Err(TrySendError::Full(_)) => Err(InferenceError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(InferenceError::Engine("its thread has ended".to_owned())),
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.thread.is_finished()
    }
}

impl Machine {
    fn run(&self, waiting: &Receiver<Job>) {
        // Blocks without using the processor while there is nothing to do; ends when the model is dropped.
        while let Ok(job) = waiting.recv() {
            let outcome = catch_unwind(AssertUnwindSafe(|| self.answer(&job)));
            let end = match outcome {
                Ok(Ok(Some(usage))) => Ok(Piece::Done(usage)),
                Ok(Ok(None)) => continue,
                Ok(Err(error)) => Err(InferenceError::Engine(error.to_string())),
                Err(_) => Err(InferenceError::Engine("it panicked on a request".to_owned())),
            };
            let _ = job.pieces.try_send(end);
        }
    }

    /// Answers one prompt; `None` when nobody listens any more.
    fn answer(&self, job: &Job) -> candle_core::Result<Option<Usage>> {
        fail::fail_point!("prefill");
        // A copy shares the weights and has a cache of its own, which goes when the answer is done.
        let mut weights = self.weights.clone();
        let began = Instant::now();
        let mut logits = Vec::new();
        for (index, chunk) in job.prompt.chunks(PREFILL_CHUNK).enumerate() {
            if job.pieces.is_closed() {
                return Ok(None);
            }
            logits = forward(&mut weights, chunk, index * PREFILL_CHUNK)?;
        }
        let prefill = began.elapsed();
        let mut tokens = job.prompt.clone();
        let mut sampler = Sampler::new(&job.sampling);
        let mut text = Text::new(&job.sampling.stop);
        let mut finish = Finish::Length;
        while tokens.len() < self.context && tokens.len() - job.prompt.len() < job.sampling.max_tokens {
            let Some(token) = sampler.next(logits, &tokens) else {
                candle_core::bail!("the model's logits are no numbers");
            };
            if self.tokenizer.ends.contains(&token) {
                finish = Finish::Stop;
                break;
            }
            tokens.push(token);
            fail::fail_point!("decode");
            let shown = text.push(self.tokenizer.bytes(token));
            if !send(job, shown.text) {
                return Ok(None);
            }
            if shown.stopped {
                finish = Finish::Stop;
                break;
            }
            logits = forward(&mut weights, &[token], tokens.len() - 1)?;
        }
        send(job, text.finish().text);
        let completion_tokens = tokens.len() - job.prompt.len();
        let decode: Duration = began.elapsed() - prefill;
        Ok(Some(Usage { prompt_tokens: job.prompt.len(), completion_tokens, prefill, decode, finish }))
    }
}

/// The logits after `tokens`, which stand at `position` and after.
fn forward(weights: &mut ModelWeights, tokens: &[u32], position: usize) -> candle_core::Result<Vec<f32>> {
    let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
    weights.forward(&input, position)?.flatten_all()?.to_vec1()
}

/// Hands text over; `false` when nobody listens any more.
fn send(job: &Job, text: String) -> bool {
    if text.is_empty() { !job.pieces.is_closed() } else { job.pieces.try_send(Ok(Piece::Text(text))).is_ok() }
}
