//! The tries at one question: how often what fails is tried again, and when the person is told instead.
//!
//! A try that ends with the process is counted by the store; the others are counted here, for as long as the process lives.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use tokio::time::{sleep, timeout};

use super::{
    Assistant, Failure,
    answer::{attempt, decline, give_up},
    limits::Verdict,
    now,
    texts::Text,
};
use crate::{inference::InferenceError, store::Queued};

/// After so many deaths of the process, the questions that were under way are tried one at a time: the innocent ones are then answered,
/// and only the guilty one dies again.
const SUSPECT_AFTER: u32 = 2;

/// The longest wait for the suspect before this one.
const SUSPECTS_WAIT: Duration = Duration::from_mins(2);

/// What passes by itself, such as a file that is being replaced, is waited for: 1, 2, 4… seconds, half a minute in all.
const MOST_FAILURES: u32 = 5;

/// A model that failed is asked once more: the fault may have been in another answer beside this one.
const MOST_MODEL_FAILURES: u32 = 1;

/// The longest wait between two tries at a model that takes no more questions. These have no other bound than `max_age`: the question
/// was accepted.
const LONGEST_BUSY_WAIT: Duration = Duration::from_secs(15);

/// Answers a question and delivers the answer. A question that is edited meanwhile is answered from its new text; one that is taken back
/// is not answered. What fails without need is tried again, and in the end said to the person.
pub(super) async fn answer(assistant: &Assistant, waiting: Queued) -> Result<(), Failure> {
    let question = &waiting.question.event_id;
    let _working = assistant.at_work.enter(question);
    let outcome = until_done(assistant, &waiting).await;
    // Left over only where nothing was delivered: what the room shows is then among what is taken back.
    assistant.unsure.take(question);
    assistant.withdraw().await;
    outcome
}

async fn until_done(assistant: &Assistant, waiting: &Queued) -> Result<(), Failure> {
    let question = &waiting.question;
    let (mut failures, mut again) = (Failures::default(), false);
    // Before it is begun, which counts: it must not count the deaths of others.
    let suspect = waiting.interrupted.saturating_add(u32::from(waiting.begun)) >= SUSPECT_AFTER;
    let mut turn = if suspect { timeout(SUSPECTS_WAIT, assistant.suspects.lock()).await.ok() } else { None };
    loop {
        let settled = assistant.stop.run_until_cancelled(assistant.edits.settled(&question.event_id)).await;
        let Some(edited) = settled else { return Err(Failure::Stopped) };
        // Each try takes the question as the store has it now; it is there no more once it is answered, dropped, or forgotten.
        let Some(queued) = assistant.store.begin(question).await? else { return Ok(()) };
        let tried = async {
            // What was written from the old text is lost, so the new one counts as one more question.
            if again && edited && refused(assistant, &queued).await? {
                return Ok(());
            }
            attempt(assistant, queued.clone(), &mut turn).await
        };
        let outcome = AssertUnwindSafe(tried).catch_unwind().await.unwrap_or(Err(Failure::Panicked));
        again = true;
        assistant.store.pause(question).await?;
        let Err(failure) = outcome else { continue };
        if failure.is_fatal() || matches!(failure, Failure::Stopped) {
            return Err(failure);
        }
        let Some(wait) = failures.next_wait(&failure) else {
            tracing::error!(event_id = %question.event_id, %failure, "a question is given up");
            give_up(assistant, &queued, &excuse(&failure)).await?;
            continue;
        };
        tracing::warn!(event_id = %question.event_id, %failure, ?wait, "a question is not answered yet; trying again");
        if assistant.stop.run_until_cancelled(sleep(wait)).await.is_none() {
            return Err(Failure::Stopped);
        }
    }
}

/// Whether a question that was edited while it was answered is not answered anew, because its author asks too much in this way.
async fn refused(assistant: &Assistant, queued: &Queued) -> Result<bool, Failure> {
    let refusal = match assistant.limits.check(&queued.question, Instant::now()) {
        Verdict::Pass => return Ok(false),
        Verdict::Slow(wait) => Text::SlowDown { wait },
        Verdict::Loop => Text::LoopStopped,
        Verdict::Silent => {
            assistant.store.drop_question(&queued.question.room_id, &queued.question.event_id, now()).await?;
            return Ok(true);
        }
    };
    decline(assistant, queued, &refusal).await?;
    Ok(true)
}

/// The sentence for an agent who gets no answer.
fn excuse(failure: &Failure) -> Text<'static> {
    match failure {
        Failure::Model(InferenceError::Busy) => Text::Busy,
        Failure::Model(InferenceError::PromptTooLong { .. }) => Text::TooLong,
        _ => Text::Failed,
    }
}

/// What went wrong with a question so far.
#[derive(Debug, Default)]
struct Failures {
    model: u32,
    busy: u32,
    others: u32,
}

impl Failures {
    /// How long to wait before it is tried again; `None`: it is given up.
    fn next_wait(&mut self, failure: &Failure) -> Option<Duration> {
        let (count, most, longest) = match failure {
            Failure::Model(InferenceError::PromptTooLong { .. }) | Failure::Refused(_) => return None,
            Failure::Model(InferenceError::Busy) => (&mut self.busy, u32::MAX, LONGEST_BUSY_WAIT),
            Failure::Model(InferenceError::Engine(_)) => (&mut self.model, MOST_MODEL_FAILURES, Duration::MAX),
            _ => (&mut self.others, MOST_FAILURES, Duration::MAX),
        };
        if *count >= most {
            return None;
        }
        let wait = Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(*count)).min(longest);
        *count += 1;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Failures, InferenceError};

    #[test]
    fn every_failure_is_tried_again_a_bounded_number_of_times_but_a_busy_model() {
        let waits = |failure: &Failure, most: usize| {
            let mut failures = Failures::default();
            let waits = std::iter::from_fn(|| failures.next_wait(failure).map(|wait| wait.as_secs()));
            waits.take(most).collect::<Vec<_>>()
        };
        let gone = Failure::Compagnon("gone".to_owned());
        assert_eq!(waits(&gone, 100), [1, 2, 4, 8, 16]);
        assert_eq!(waits(&Failure::Panicked, 100), [1, 2, 4, 8, 16]);
        assert_eq!(waits(&Failure::Model(InferenceError::Engine("broken".to_owned())), 100), [1]);
        assert_eq!(waits(&Failure::Model(InferenceError::PromptTooLong { tokens: 2, context: 1 }), 100), [0_u64; 0]);
        assert_eq!(waits(&Failure::Refused("kicked".to_owned()), 100), [0_u64; 0]);
        assert_eq!(waits(&Failure::Model(InferenceError::Busy), 7), [1, 2, 4, 8, 15, 15, 15]);
    }
}
