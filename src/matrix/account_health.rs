//! Whether the homeserver accepts requests of the account. A suspension or lock lasts until an administrator ends it, so the log and
//! `/ready` report it to the operator while everything waits.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::fault::Fault;

/// A refusal that did not occur again for this long is over, because everything that waits is retried within a minute.
const REMEMBERED: Duration = Duration::from_mins(3);

/// The last refusal of the account by the homeserver. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct AccountHealth(Arc<Mutex<Option<Trouble>>>);

#[derive(Debug)]
struct Trouble {
    reason: String,
    last: Instant,
    /// Whether syncing is refused too, and not only sending.
    sync: bool,
}

impl AccountHealth {
    /// Why the account is refused, if it is.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.at(Instant::now())
    }

    fn at(&self, now: Instant) -> Option<String> {
        let trouble = self.lock();
        let recent = |trouble: &&Trouble| now.saturating_duration_since(trouble.last) < REMEMBERED;
        trouble.as_ref().filter(recent).map(|trouble| trouble.reason.clone())
    }

    /// Records the result of a request: a sync, or one that sends something.
    pub(super) fn note(&self, outcome: Result<(), &Fault>, sync: bool) {
        let mut trouble = self.lock();
        match outcome {
            Err(Fault::Account(reason)) => {
                if trouble.as_ref().is_none_or(|trouble| trouble.reason != *reason) {
                    tracing::error!(
                        reason,
                        "the homeserver refuses the bot's account: everything waits until that ends"
                    );
                }
                *trouble = Some(Trouble { reason: reason.clone(), last: Instant::now(), sync });
            }
            // A suspended account may still sync, so a sync does not prove that it may send.
            Ok(()) if trouble.as_ref().is_some_and(|trouble| trouble.sync || !sync) => {
                *trouble = None;
                tracing::info!("the homeserver takes the bot's account again");
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{AccountHealth, Fault, Instant, REMEMBERED};

    #[test]
    fn a_refused_account_is_told_until_it_sends_again() {
        let condition = AccountHealth::default();
        let suspended = Fault::Account("M_USER_SUSPENDED".to_owned());
        assert_eq!(condition.trouble(), None);
        condition.note(Err(&Fault::Unreachable("502".to_owned())), false);
        assert_eq!(condition.trouble(), None);
        condition.note(Err(&suspended), false);
        condition.note(Ok(()), true);
        condition.note(Err(&Fault::Unreachable("502".to_owned())), false);
        assert_eq!(condition.trouble().as_deref(), Some("M_USER_SUSPENDED"), "syncing goes on for a suspended account");
        condition.note(Ok(()), false);
        assert_eq!(condition.trouble(), None);
    }

    #[test]
    fn a_locked_account_is_well_again_when_it_syncs() {
        let condition = AccountHealth::default();
        condition.note(Err(&Fault::Account("M_USER_LOCKED".to_owned())), true);
        assert!(condition.trouble().is_some());
        condition.note(Ok(()), true);
        assert_eq!(condition.trouble(), None);
    }

    #[test]
    fn nothing_is_told_of_a_refusal_that_nobody_meets_any_more() {
        let condition = AccountHealth::default();
        condition.note(Err(&Fault::Account("M_USER_SUSPENDED".to_owned())), false);
        assert_eq!(condition.at(Instant::now() + REMEMBERED), None);
    }
}
