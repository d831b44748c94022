//! One rule for whatever answers over the network: a request is repeated until it is answered, after the wait that is asked for or after
//! waits that grow, for a bounded time.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tokio::time::sleep;

use crate::assistant::{failure::Failure, lifecycle::Lifecycle};

/// The waits between two requests that are not answered grow from this to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
const WAITS: ExponentialBuilder =
    ExponentialBuilder::new().with_min_delay(FIRST_WAIT).with_max_delay(LONGEST_WAIT).without_max_times();

/// How long a request is repeated. After that what is stored stays stored, for the next start.
pub(super) const RETRY_FOR: Duration = Duration::from_hours(24);

/// What an error calls for.
pub(super) enum Setback {
    /// Waiting as long as was asked for.
    Asked(Duration, String),
    /// Waiting, longer each time.
    Unanswered(String),
    /// Nothing: repeating changes nothing.
    Final(Failure),
}

/// Repeats a request for as long as this. backon makes the waits only: its own loop does not take a future that borrows from its request and
/// is spawned.
pub(super) async fn repeat<T, E: Into<Setback>, F: Future<Output = Result<T, E>>>(
    lifecycle: &Lifecycle,
    limit: Duration,
    mut request: impl FnMut() -> F,
) -> Result<T, Failure> {
    let begun = Instant::now();
    let mut waits = WAITS.build();
    loop {
        // A request that is aborted may arrive all the same: the next start repeats it under the same transaction id or key.
        let setback = match lifecycle.until_abort(request()).await? {
            Ok(answer) => return Ok(answer),
            Err(error) => error.into(),
        };
        let (wait, reason) = match setback {
            // A wait of nothing would be a loop without a pause.
            Setback::Asked(wait, reason) => (wait.max(FIRST_WAIT), reason),
            Setback::Unanswered(reason) => (waits.next().unwrap_or(LONGEST_WAIT), reason),
            Setback::Final(failure) => return Err(failure),
        };
        if begun.elapsed() + wait > limit {
            return Err(Failure::Unanswered(reason));
        }
        lifecycle.until_abort(sleep(wait)).await?;
    }
}
