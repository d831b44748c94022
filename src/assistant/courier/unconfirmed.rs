//! The transactions of drafts of which nobody knows whether they arrived, by question.
//!
//! A homeserver that was frozen may still make such a draft visible when it wakes up: in the place of the answer, when that has the same
//! transaction id, or over it, when it is an edit. So before the answer is final its text goes out under each of these ids: once that is
//! acknowledged, nothing under that id can come after it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ruma::{EventId, OwnedEventId};

/// The transaction ids by question.
#[derive(Debug, Default)]
pub struct UnconfirmedTransactions(Mutex<HashMap<OwnedEventId, Vec<String>>>);

impl UnconfirmedTransactions {
    /// Adds one.
    pub fn add(&self, question: &EventId, transaction: &str) {
        let mut unconfirmed = self.lock();
        let transactions = unconfirmed.entry(question.to_owned()).or_default();
        if !transactions.iter().any(|known| known == transaction) {
            transactions.push(transaction.to_owned());
        }
    }

    /// Whether there are any of a question.
    pub fn has(&self, question: &EventId) -> bool {
        self.lock().contains_key(question)
    }

    /// Removes those of a question and gives them.
    pub fn take(&self, question: &EventId) -> Vec<String> {
        self.lock().remove(question).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OwnedEventId, Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
