//! Series of edits of a question: it is answered once its text has not changed for a while.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ruma::{EventId, OwnedEventId};
use tokio::time::{Instant, sleep_until};

/// A text that was not changed for so long counts as written.
const REST: Duration = if cfg!(test) { Duration::from_millis(50) } else { Duration::from_secs(2) };
/// A text that never rests is answered as it stands after this: others may wait behind it.
const MOST: Duration = Duration::from_secs(30);

/// The questions that were edited just now, each until it is at rest.
#[derive(Debug, Default)]
pub struct Edits(Mutex<HashMap<OwnedEventId, Series>>);

#[derive(Clone, Copy, Debug)]
struct Series {
    first: Instant,
    last: Instant,
}

impl Series {
    fn rests_at(self) -> Instant {
        (self.last + REST).min(self.first + MOST)
    }
}

impl Edits {
    /// Notes an edit. Whether it is the first of a series: the others have nobody else to wait for them.
    pub fn note(&self, question: &EventId) -> bool {
        let now = Instant::now();
        let mut series = self.lock();
        if let Some(known) = series.get_mut(question) {
            known.last = now;
            return false;
        }
        series.insert(question.to_owned(), Series { first: now, last: now });
        true
    }

    /// Waits until a question is at rest. Whether it was edited at all since it was last waited for.
    pub async fn settled(&self, question: &EventId) -> bool {
        let mut edited = false;
        loop {
            let rests_at = match self.lock().get(question) {
                Some(series) => series.rests_at(),
                None => return edited,
            };
            edited = true;
            sleep_until(rests_at).await;
            let mut series = self.lock();
            if series.get(question).is_some_and(|series| series.rests_at() <= Instant::now()) {
                series.remove(question);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OwnedEventId, Series>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ruma::event_id;
    use tokio::time::{Duration, Instant};

    use super::{Edits, MOST, REST, Series};

    #[test]
    fn a_text_that_is_changed_again_and_again_is_waited_for_but_not_for_ever() {
        let first = Instant::now();
        let after = |time: Duration| Series { first, last: first + time }.rests_at() - first;
        assert_eq!(after(Duration::ZERO), REST);
        assert_eq!(after(REST / 2), REST / 2 + REST);
        assert_eq!(after(MOST / 2), MOST / 2 + REST);
        assert_eq!(after(MOST), MOST);
        assert_eq!(after(10 * MOST), MOST);
    }

    #[tokio::test]
    async fn a_series_of_edits_is_waited_for_once() {
        let (edits, question) = (Edits::default(), event_id!("$q:h"));
        assert!(!edits.settled(question).await, "never edited");
        assert!(edits.note(question), "the first one");
        assert!(!edits.note(question), "of the same series");
        assert!(edits.settled(question).await);
        assert!(!edits.settled(question).await, "at rest");
        assert!(edits.note(question), "a new series");
    }
}
