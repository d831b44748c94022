//! How attempts at the homeserver are repeated: with growing waits, or after the wait that the homeserver asks for.

use std::{panic::AssertUnwindSafe, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder, Retryable as _};
use futures_util::FutureExt as _;

use super::fault::Fault;

/// The longest wait, where a caller sets no other.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// A homeserver that asks for no wait at all would be asked without pause.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

/// The waits of one task that repeats its attempts itself, because it also listens to something else meanwhile.
#[derive(Debug)]
pub(super) struct Backoff {
    steps: ExponentialBackoff,
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::up_to(LONGEST_WAIT)
    }
}

impl Backoff {
    /// Waits of 1 s, 2 s, 4 s and so on, up to `longest`.
    pub(super) fn up_to(longest: Duration) -> Self {
        Self { steps: ExponentialBuilder::new().with_max_delay(longest).without_max_times().build(), longest }
    }

    /// The wait after a failure.
    pub(super) fn next(&mut self, fault: &Fault) -> Duration {
        let step = self.steps.next().unwrap_or(self.longest);
        wait(fault, step)
    }

    /// Starts again from the shortest wait.
    pub(super) fn reset(&mut self) {
        *self = Self::up_to(self.longest);
    }
}

/// Makes up to `attempts` attempts in a row, as long as the failures may pass.
pub(super) async fn retry<T, F: Future<Output = Result<T, Fault>>>(
    attempts: usize,
    attempt: impl FnMut() -> F,
) -> Result<T, Fault> {
    let waits = ExponentialBuilder::new().with_max_delay(LONGEST_WAIT).with_max_times(attempts.saturating_sub(1));
    attempt.retry(waits).when(Fault::is_transient).adjust(|fault, step| step.map(|step| wait(fault, step))).await
}

/// Makes a failure of a panic, so that one room's bad data does not end the work on it until the next start. The panic hook has logged it.
pub(super) async fn catch_panic<T>(attempt: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    // What an attempt shares is locked with tokio's mutexes or replaced whole: a panic leaves none of it half changed.
    let caught = AssertUnwindSafe(attempt).catch_unwind().await;
    caught.unwrap_or_else(|_| Err(Fault::Local("the attempt panicked".to_owned())))
}

fn wait(fault: &Fault, step: Duration) -> Duration {
    match fault {
        Fault::Limited(asked) => (*asked).max(SHORTEST_WAIT),
        _ => step,
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use super::{Backoff, Fault, catch_panic, retry};

    fn down() -> Fault {
        Fault::Unreachable(String::new())
    }

    #[test]
    fn waits_grow_and_the_servers_word_comes_first() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..8).map(|_| backoff.next(&down()).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.next(&Fault::Limited(Duration::from_secs(90))).as_secs(), 90);
        assert_eq!(backoff.next(&Fault::Limited(Duration::ZERO)).as_millis(), 100);
        backoff.reset();
        assert_eq!(backoff.next(&down()).as_secs(), 1);
        let mut slow = Backoff::up_to(Duration::from_mins(10));
        assert_eq!((0..40).map(|_| slow.next(&down()).as_secs()).max(), Some(600));
    }

    /// How many of four attempts are made at what fails like this.
    async fn attempts(fault: Fault) -> usize {
        let made = Cell::new(0);
        let outcome = retry(4, || {
            made.set(made.get() + 1);
            let fault = fault.clone();
            async { Err::<(), _>(fault) }
        })
        .await;
        assert_eq!(outcome, Err(fault));
        made.get()
    }

    #[tokio::test]
    async fn only_what_may_pass_is_tried_again_and_not_for_ever() {
        assert_eq!(attempts(Fault::Limited(Duration::ZERO)).await, 4);
        assert_eq!(attempts(Fault::Refused(String::new())).await, 1);
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_that_may_pass() {
        let panicked = catch_panic::<()>(async { panic!("as a test wants") }).await;
        assert!(panicked.is_err_and(|fault| fault.is_transient()));
        assert_eq!(catch_panic(async { Ok(7) }).await, Ok(7));
    }
}
