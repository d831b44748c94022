//! How an encoder shares the processors with answers: while the engine has requests, it computes for a moment and rests for several.

use std::thread;
use std::time::{Duration, Instant};

use super::super::processors::Answering;

/// How long it computes before it rests. A step of the engine waits no longer than that.
const SLICE: Duration = Duration::from_millis(8);

/// The longest rest at a time: a question may have been answered meanwhile.
const LONGEST_REST: Duration = Duration::from_millis(200);

/// Who waits for a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// A query of some tokens, before an answer: it never rests.
    Query,
    /// Scores, before an answer: as long at rest as computing.
    Scores,
    /// Passages, for later: a fifth of the time.
    Passages,
}

impl Urgency {
    /// How many times as long as it computes it rests.
    fn rest(self) -> u32 {
        match self {
            Self::Query => 0,
            Self::Scores => 1,
            Self::Passages => 4,
        }
    }
}

/// The times of one forward pass.
pub(super) struct Pace<'a> {
    answering: &'a Answering,
    urgency: Urgency,
    since: Instant,
    /// How long it has rested.
    pub(super) rested: Duration,
}

impl<'a> Pace<'a> {
    pub(super) fn new(answering: &'a Answering, urgency: Urgency) -> Self {
        Self { answering, urgency, since: Instant::now(), rested: Duration::ZERO }
    }

    /// To be called every few milliseconds.
    pub(super) fn breathe(&mut self) {
        let computed = self.since.elapsed();
        if computed < SLICE {
            return;
        }
        let rest =
            if self.answering.get() { (computed * self.urgency.rest()).min(LONGEST_REST) } else { Duration::ZERO };
        thread::sleep(rest);
        self.rested += rest;
        self.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::{Answering, Pace, SLICE, Urgency};

    #[test]
    fn it_rests_only_for_answers_and_never_for_a_query() {
        let answering = Answering::default();
        for (urgency, while_answering, rests) in [
            (Urgency::Passages, false, 0),
            (Urgency::Passages, true, 4),
            (Urgency::Scores, true, 1),
            (Urgency::Query, true, 0),
        ] {
            answering.set(while_answering);
            let mut pace = Pace::new(&answering, urgency);
            pace.breathe();
            assert_eq!(pace.rested, Duration::ZERO, "it has not computed yet");
            thread::sleep(SLICE);
            pace.breathe();
            assert!(pace.rested >= SLICE * rests && (rests > 0 || pace.rested.is_zero()), "{urgency:?}");
        }
    }
}
