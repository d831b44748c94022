//! The questions for which something is generated or sent at this moment, whatever it is: an answer, a notice, a delivery that an earlier
//! process has left. Edits of a withdrawn message are redacted only when its question is no longer among them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ruma::{EventId, OwnedEventId};
use tokio_util::sync::CancellationToken;

/// The questions in progress.
#[derive(Clone, Debug, Default)]
pub struct InProgress(Arc<Mutex<HashMap<OwnedEventId, Tasks>>>);

/// The tasks of one question.
#[derive(Debug, Default)]
struct Tasks {
    count: usize,
    /// Cancelled when the last one ends.
    over: CancellationToken,
}

impl InProgress {
    /// Enters a task of a question, until the guard is dropped.
    pub fn enter(&self, question: &EventId) -> Progress {
        self.lock().entry(question.to_owned()).or_default().count += 1;
        Progress { questions: self.clone(), question: question.to_owned() }
    }

    /// Waits until there is no task of a question.
    pub async fn over(&self, question: &EventId) {
        loop {
            let over = match self.lock().get(question) {
                Some(tasks) => tasks.over.clone(),
                None => return,
            };
            over.cancelled().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OwnedEventId, Tasks>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task of a question, which is in progress until this is dropped.
pub struct Progress {
    questions: InProgress,
    question: OwnedEventId,
}

impl Drop for Progress {
    fn drop(&mut self) {
        let mut questions = self.questions.lock();
        let Some(tasks) = questions.get_mut(&self.question) else { return };
        tasks.count -= 1;
        if tasks.count == 0 {
            tasks.over.cancel();
            questions.remove(&self.question);
        }
    }
}
