//! The bot's own sentences on their way: what commands answer, and refusals.
//!
//! They are delivered beside the conversations' lanes, so that no answer ever waits behind one, and draw on the part of the rate budget
//! that is theirs ([`Pace::notice`](super::pace::Pace::notice)). What waits for the budget is bounded: of one person, and in all. A command
//! that comes on top of that is obeyed without a word.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use ruma::{OwnedUserId, UserId};
use tokio::sync::Semaphore;

use super::{Assistant, Failure, answer, delivery};
use crate::{
    message::Item,
    store::{Change, Delivery, Queued},
};

/// The most notices of one person that wait for the rate budget.
const MOST_OF_ONE: usize = 5;
/// How long a notice that is being sent keeps its place in the rate budget.
const PROMISED: Duration = Duration::from_secs(30);
/// The most that wait in all.
const MOST: usize = 100;

/// Whether a notice may be left out when too many wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// It answers a command, or refuses what came too fast: left out, nobody misses an answer.
    Spare,
    /// It stands in the place of an answer: a question is never met with silence.
    Owed,
}

/// The notices that wait for the rate budget.
pub(super) struct Notices {
    waiting: Mutex<HashMap<OwnedUserId, usize>>,
    /// In order of arrival: one looks at the budget, the others wait behind it.
    turn: Semaphore,
}

impl Default for Notices {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: Semaphore::new(1) }
    }
}

impl Notices {
    /// Takes a place among those that wait, to be left in [`allowed`]. Whether there was one.
    pub(super) fn enter(&self, person: &UserId, worth: Worth) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = waiting.values().sum();
        let theirs = waiting.entry(person.to_owned()).or_default();
        let fits = worth == Worth::Owed || (all < MOST && *theirs < MOST_OF_ONE);
        *theirs += usize::from(fits);
        if *theirs == 0 {
            waiting.remove(person);
        }
        fits
    }

    fn leave(&self, person: &UserId) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(theirs) = waiting.get_mut(person) {
            *theirs -= 1;
            if *theirs == 0 {
                waiting.remove(person);
            }
        }
    }
}

impl Assistant {
    /// Answers a question or a command with a sentence of the bot's own, once these changes are made. It is on its way when this returns,
    /// and in the store, so that it arrives whatever happens.
    pub(super) async fn notify(
        &self,
        queued: &Queued,
        items: Vec<Item>,
        changes: Vec<Change>,
        worth: Worth,
    ) -> Result<(), Failure> {
        let (person, question) = (queued.question.sender.clone(), queued.question.event_id.clone());
        let enters = self.notices.enter(&person, worth);
        let items = if enters { items } else { Vec::new() };
        let concluded = answer::conclude_with(self, queued, Vec::new(), items, changes).await;
        if !enters {
            tracing::debug!(event_id = %queued.question.event_id, "too many notices wait: this one is left out");
        }
        let concluded = match concluded {
            Ok(concluded) => concluded,
            Err(failure) => {
                if enters {
                    self.notices.leave(&person);
                }
                return Err(failure);
            }
        };
        self.spawn(|assistant| async move {
            let _working = assistant.at_work.enter(&question);
            let outcome = if enters { allowed(&assistant, &person).await.map(Some) } else { Ok(None) };
            let outcome = match outcome {
                Ok(allowed) => promised(allowed, concluded.deliver(&assistant)).await,
                Err(failure) => Err(failure),
            };
            assistant.report(outcome);
        });
        Ok(())
    }

    /// Sends a notice that an earlier process has left.
    pub(super) fn notify_again(&self, delivery: Delivery) {
        let person = delivery.question.sender.clone();
        self.notices.enter(&person, Worth::Owed);
        self.spawn(|assistant| async move {
            let _working = assistant.at_work.enter(&delivery.question.event_id);
            let outcome = match allowed(&assistant, &person).await {
                Ok(allowed) => promised(Some(allowed), delivery::deliver(&assistant, &delivery, true)).await,
                Err(failure) => Err(failure),
            };
            assistant.report(outcome);
        });
    }
}

/// A notice that may be sent, until it is.
pub(super) struct Allowed<'a>(&'a Assistant);

impl Drop for Allowed<'_> {
    fn drop(&mut self) {
        self.0.pace().notice_done();
    }
}

/// Sends a notice that is allowed. In a room that takes nothing for a while it does not keep its place in the rate budget: the notices of
/// all others would wait for that room.
async fn promised<T>(allowed: Option<Allowed<'_>>, sending: impl Future<Output = T>) -> T {
    let mut sending = std::pin::pin!(sending);
    let sent = tokio::time::timeout(PROMISED, &mut sending).await;
    drop(allowed);
    match sent {
        Ok(outcome) => outcome,
        Err(_) => sending.await,
    }
}

/// Waits until the rate budget allows one more notice. It waits no more then.
pub(super) async fn allowed<'a>(assistant: &'a Assistant, person: &UserId) -> Result<Allowed<'a>, Failure> {
    let waits = async {
        // Never closed.
        let _turn = assistant.notices.turn.acquire().await;
        loop {
            let allowed = assistant.pace().notice(Instant::now());
            match allowed {
                Ok(()) => return Allowed(assistant),
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
    };
    let allowed = tokio::select! {
        biased;
        allowed = waits => Ok(allowed),
        // It is in the store: the next start sends it.
        () = assistant.stop.cancelled() => Err(Failure::Stopped),
    };
    assistant.notices.leave(person);
    allowed
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::{MOST, MOST_OF_ONE, Notices, Worth};

    #[test]
    fn what_waits_is_bounded_for_one_and_for_all_and_what_is_owed_is_never_left_out() {
        let (notices, awa) = (Notices::default(), user_id!("@awa:h"));
        let entered = (0..60).filter(|_| notices.enter(awa, Worth::Spare)).count();
        assert_eq!(entered, MOST_OF_ONE);
        assert!(notices.enter(awa, Worth::Owed));
        for _ in 0..=MOST_OF_ONE {
            notices.leave(awa);
        }
        assert!(notices.waiting.lock().expect("not poisoned").is_empty(), "nobody is remembered");
        let entered = (0..1_000).filter(|number| {
            let person = ruma::OwnedUserId::try_from(format!("@{number}:h")).expect("a user");
            notices.enter(&person, Worth::Spare)
        });
        assert_eq!(entered.count(), MOST);
        assert_eq!(notices.waiting.lock().expect("not poisoned").len(), MOST);
    }
}
