//! How often a question that failed is tried again, and after which waits. Pure.
//!
//! A try that ends with the process is counted by the store; the others are counted here, for as long as the process lives.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::{
    assistant::{failure::Failure, texts::Text},
    inference::InferenceError,
    statistics::Refusal,
};

/// The waits begin with this and double.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What passes by itself, such as a file that is being replaced, is waited for: 1, 2, 4… seconds, half a minute in all.
const MOST_FAILURES: usize = 5;

/// A model that failed is asked once more: the fault may have been in another answer beside this one.
const MOST_MODEL_FAILURES: usize = 1;

/// The longest wait between two tries at a model that takes no more questions. These have no other bound than `max_age`: the question
/// was accepted.
const LONGEST_BUSY_WAIT: Duration = Duration::from_secs(15);

/// The waits that are left to a question, by what failed.
#[derive(Debug)]
pub struct Retries {
    model: ExponentialBackoff,
    busy: ExponentialBackoff,
    others: ExponentialBackoff,
}

impl Default for Retries {
    fn default() -> Self {
        let waits = ExponentialBuilder::new().with_min_delay(FIRST_WAIT).without_max_delay();
        Self {
            model: waits.with_max_times(MOST_MODEL_FAILURES).build(),
            busy: waits.with_max_delay(LONGEST_BUSY_WAIT).without_max_times().build(),
            others: waits.with_max_times(MOST_FAILURES).build(),
        }
    }
}

impl Retries {
    /// How long to wait before the question is tried again; `None`: it is given up.
    pub fn next_wait(&mut self, failure: &Failure) -> Option<Duration> {
        match failure {
            Failure::Model(InferenceError::PromptTooLong { .. } | InferenceError::Format(_)) | Failure::Refused(_) => {
                None
            }
            Failure::Model(InferenceError::Busy) => self.busy.next(),
            Failure::Model(InferenceError::Engine(_)) => self.model.next(),
            _ => self.others.next(),
        }
    }
}

/// The sentence for an agent who gets no answer, and what that counts as.
pub fn excuse(failure: &Failure) -> (Text<'static>, Refusal) {
    match failure {
        Failure::Model(InferenceError::Busy) => (Text::Busy, Refusal::Busy),
        Failure::Model(InferenceError::PromptTooLong { .. }) => (Text::TooLong { most: None }, Refusal::TooLong),
        Failure::Model(_) => (Text::Failed, Refusal::Model),
        _ => (Text::Failed, Refusal::Failure),
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, InferenceError, Retries};

    #[test]
    fn every_failure_is_tried_again_a_bounded_number_of_times_but_a_busy_model() {
        let waits = |failure: &Failure, most: usize| {
            let mut retries = Retries::default();
            let waits = std::iter::from_fn(|| retries.next_wait(failure).map(|wait| wait.as_secs()));
            waits.take(most).collect::<Vec<_>>()
        };
        let gone = Failure::Compagnon("gone".to_owned());
        assert_eq!(waits(&gone, 100), [1, 2, 4, 8, 16]);
        assert_eq!(waits(&Failure::Panicked, 100), [1, 2, 4, 8, 16]);
        assert_eq!(waits(&Failure::Model(InferenceError::Engine("broken".to_owned())), 100), [1]);
        assert_eq!(waits(&Failure::Model(InferenceError::PromptTooLong { tokens: 2, context: 1 }), 100), [0_u64; 0]);
        assert_eq!(waits(&Failure::Refused("kicked".to_owned()), 100), [0_u64; 0]);
        let counts = |failure: &Failure| super::excuse(failure).1;
        assert_eq!(counts(&Failure::Model(InferenceError::Engine(String::new()))), super::Refusal::Model);
        assert_eq!(counts(&Failure::Model(InferenceError::Busy)), super::Refusal::Busy);
        assert_eq!(counts(&Failure::Panicked), super::Refusal::Failure);
        assert_eq!(waits(&Failure::Model(InferenceError::Busy), 7), [1, 2, 4, 8, 15, 15, 15]);
    }
}
