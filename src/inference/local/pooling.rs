//! From the hidden states of a text's tokens to one vector for the text.

use std::time::Instant;

use tokio::sync::mpsc;

use crate::inference::InferenceError;

/// Which hidden states make the vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooling {
    /// Their mean.
    Mean,
    /// That of the last token, which alone has attended to the whole text.
    Last,
}

/// The vector of one text, while its hidden states are computed.
pub(super) struct Pooled {
    vector: mpsc::Sender<Result<Vec<f32>, InferenceError>>,
    pooling: Pooling,
    /// The sum of the hidden states so far, or the last of them.
    state: Vec<f32>,
    started: Option<Instant>,
}

/// Where the vector of one text arrives.
pub(super) type Vector = mpsc::Receiver<Result<Vec<f32>, InferenceError>>;

impl Pooled {
    pub(super) fn new(pooling: Pooling) -> (Self, Vector) {
        let (vector, reader) = mpsc::channel(1);
        (Self { vector, pooling, state: Vec::new(), started: None }, reader)
    }

    pub(super) fn reader(&self) -> mpsc::WeakSender<Result<Vec<f32>, InferenceError>> {
        self.vector.downgrade()
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.vector.is_closed()
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.started = Some(now);
    }

    pub(super) fn started(&self) -> Option<Instant> {
        self.started
    }

    /// Adds the hidden states of the next tokens, `width` values each. They are added one after the other, so that the sum does not
    /// depend on how the text was divided over steps.
    pub(super) fn add(&mut self, hidden: &[f32], width: usize) {
        self.state.resize(width, 0.0);
        for state in hidden.chunks_exact(width) {
            match self.pooling {
                Pooling::Mean => self.state.iter_mut().zip(state).for_each(|(sum, value)| *sum += value),
                Pooling::Last => self.state.copy_from_slice(state),
            }
        }
    }

    /// Sends the vector, scaled to length 1: its direction is the same for a mean and for a sum. False, and nothing is sent, when it
    /// has no direction.
    pub(super) fn finish(&mut self) -> bool {
        let length = self.state.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if !length.is_finite() || length == 0.0 {
            return false;
        }
        let vector = self.state.iter().map(|value| (f64::from(*value) / length) as f32).collect();
        // A reader that was dropped needs no vector.
        let _ = self.vector.try_send(Ok(vector));
        true
    }

    pub(super) fn fail(self, error: InferenceError) {
        let _ = self.vector.try_send(Err(error));
    }
}
