//! The thread of an encoder, and the bounded queues before it: what an answer waits for goes before passages, and between two parts of a call.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::super::processors::Answering;
use super::model::{Encoder, Purpose};
use super::pace::{Pace, Urgency};
use super::tokens::{Input, Sequence, Tokens};
use crate::inference::EmbeddingError;

/// How long one part of a call should take: a query waits for it.
const PART: Duration = Duration::from_millis(50);

/// Tokens of a part, at least and at most.
const PART_TOKENS: (usize, usize) = (64, 4096);

/// What a call ends with.
type Results = Result<Vec<Vec<f32>>, EmbeddingError>;

/// The handle of the thread. Dropped, it ends the thread.
pub(super) struct Worker {
    queues: Arc<Queues>,
}

struct Queues {
    state: Mutex<State>,
    wake: Condvar,
    /// How many calls may wait in each.
    most: usize,
}

#[derive(Default)]
struct State {
    /// What an answer waits for.
    urgent: VecDeque<Call>,
    passages: VecDeque<Call>,
    closed: bool,
}

struct Call {
    inputs: Vec<Input>,
    urgency: Urgency,
    reply: oneshot::Sender<Results>,
}

/// What computes.
struct Computer {
    encoder: Encoder,
    /// Nothing where all that it is given is tokens already.
    tokens: Option<Tokens>,
    purpose: Purpose,
    answering: Answering,
    /// How many tokens take about [`PART`].
    part: usize,
}

/// A call that is computed in parts.
struct Started {
    call: Call,
    results: Vec<Vec<f32>>,
}

impl Worker {
    /// Starts the thread.
    pub(super) fn start(
        encoder: Encoder,
        tokens: Option<Tokens>,
        purpose: Purpose,
        answering: Answering,
        most: usize,
    ) -> io::Result<Self> {
        let queues = Arc::new(Queues { state: Mutex::default(), wake: Condvar::new(), most });
        let mut computer = Computer { encoder, tokens, purpose, answering, part: 256 };
        let own = Arc::clone(&queues);
        Builder::new().name("encoder".to_owned()).spawn(move || serve(&own, &mut computer))?;
        Ok(Self { queues })
    }

    /// One result for each input, in their order. Dropping the future cancels the call.
    pub(super) async fn compute(&self, inputs: Vec<Input>, urgency: Urgency) -> Results {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, result) = oneshot::channel();
        {
            let mut state = self.queues.lock();
            let queue = if urgency == Urgency::Passages { &mut state.passages } else { &mut state.urgent };
            if queue.len() >= self.queues.most {
                return Err(EmbeddingError::Busy);
            }
            queue.push_back(Call { inputs, urgency, reply });
        }
        self.queues.wake.notify_one();
        result.await.unwrap_or_else(|_| Err(EmbeddingError::Engine("the encoder went away".to_owned())))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queues.lock().closed = true;
        self.queues.wake.notify_one();
    }
}

impl Queues {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next call. With one that is started, only one that is more urgent, and without a wait. `None` at the end.
    fn next(&self, started: bool) -> Option<Call> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let call = state.urgent.pop_front();
            let call = if started { return call } else { call.or_else(|| state.passages.pop_front()) };
            if call.is_some() {
                return call;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn is_closed(&self) -> bool {
        self.lock().closed
    }
}

fn serve(queues: &Queues, computer: &mut Computer) {
    while let Some(call) = queues.next(false) {
        let mut started = Some(Started { call, results: Vec::new() });
        while let Some(now) = started {
            // What is more urgent goes between two parts of passages.
            if now.call.urgency == Urgency::Passages {
                while let Some(call) = queues.next(true) {
                    let mut urgent = Some(Started { call, results: Vec::new() });
                    while let Some(now) = urgent {
                        urgent = computer.advance(now);
                    }
                }
            }
            if queues.is_closed() {
                return;
            }
            started = computer.advance(now);
        }
    }
}

impl Computer {
    /// Computes a part of a call. `None` when it has ended, or nobody waits for it any more.
    fn advance(&mut self, mut started: Started) -> Option<Started> {
        if started.call.reply.is_closed() {
            return None;
        }
        // Unwind safe: what a part has changed is dropped with it.
        let part = catch_unwind(AssertUnwindSafe(|| self.part(&started)));
        let part = part.unwrap_or_else(|_| Err("it panicked".to_owned()));
        let ended = match part {
            Ok(results) => {
                started.results.extend(results);
                if started.results.len() < started.call.inputs.len() {
                    return Some(started);
                }
                Ok(started.results)
            }
            Err(reason) => {
                tracing::error!(reason, "a call of an encoder failed");
                Err(EmbeddingError::Engine(reason))
            }
        };
        // A reader that was dropped needs no result.
        let _ = started.call.reply.send(ended);
        None
    }

    /// The results of the next inputs: of one at least, and of so many that they take about [`PART`].
    fn part(&mut self, started: &Started) -> Result<Vec<Vec<f32>>, String> {
        let begun = Instant::now();
        let (mut sequences, mut count) = (Vec::<Sequence>::new(), 0);
        for input in &started.call.inputs[started.results.len()..] {
            let sequence = match (&self.tokens, input) {
                (_, Input::Ready(sequence)) => sequence.clone(),
                (Some(tokens), input) => tokens.encode(input)?,
                (None, _) => return Err("it has no tokenizer".to_owned()),
            };
            if !sequences.is_empty() && count + sequence.ids.len() > self.part {
                break;
            }
            count += sequence.ids.len();
            sequences.push(sequence);
        }
        let mut pace = Pace::new(&self.answering, started.call.urgency);
        let results = self.encoder.compute(&sequences, self.purpose, &mut || pace.breathe())?;
        let took = begun.elapsed().saturating_sub(pace.rested).as_secs_f64().max(1e-6);
        // By halves, so that a moment's disturbance changes little.
        #[allow(clippy::cast_sign_loss)] // Nothing of it is negative.
        let right = (count as f64 * PART.as_secs_f64() / took) as usize;
        self.part = usize::midpoint(self.part, right).clamp(PART_TOKENS.0, PART_TOKENS.1);
        Ok(results)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::{Call, Queues, State, Urgency};

    fn queues(calls: &[Urgency]) -> Queues {
        let queues = Queues { state: State::default().into(), wake: std::sync::Condvar::new(), most: 2 };
        for &urgency in calls {
            let call = Call { inputs: Vec::new(), urgency, reply: oneshot::channel().0 };
            let mut state = queues.lock();
            if urgency == Urgency::Passages { state.passages.push_back(call) } else { state.urgent.push_back(call) }
        }
        queues
    }

    #[test]
    fn what_an_answer_waits_for_goes_first_and_between_parts() {
        let queues = queues(&[Urgency::Passages, Urgency::Query, Urgency::Scores]);
        let next = |started| queues.next(started).map(|call| call.urgency);
        assert_eq!(next(false), Some(Urgency::Query));
        assert_eq!(next(true), Some(Urgency::Scores));
        assert_eq!(next(true), None, "passages do not interrupt passages");
        assert_eq!(next(false), Some(Urgency::Passages));
        queues.lock().closed = true;
        assert_eq!(next(false), None);
    }
}
