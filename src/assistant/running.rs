//! The answers being written at this moment, so that they can be stopped, and given up when their question is changed or taken back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use ruma::{EventId, OwnedEventId, OwnedUserId, RoomId};
use tokio_util::sync::CancellationToken;

use crate::message::{ConversationId, Incoming};

/// Why an answer being written ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    /// Somebody asked for it: what is written so far is the answer.
    Stopped,
    /// Its question has another text now, or is no more.
    Changed,
}

/// One answer being written.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) conversation: ConversationId,
    pub(super) question: OwnedEventId,
    pub(super) asker: OwnedUserId,
    draft: Mutex<Option<OwnedEventId>>,
    why: OnceLock<Interruption>,
    token: CancellationToken,
}

impl Run {
    /// Notes the message that shows the answer.
    pub(super) fn shown_as(&self, draft: &EventId) {
        *self.draft() = Some(draft.to_owned());
    }

    /// Somebody has taken the message away that shows the answer, if it is this one.
    pub(super) fn lose(&self, draft: &EventId) {
        self.draft().take_if(|shown| shown == draft);
    }

    /// The message that shows the answer.
    pub(super) fn shown(&self) -> Option<OwnedEventId> {
        self.draft().clone()
    }

    fn draft(&self) -> MutexGuard<'_, Option<OwnedEventId>> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the answer early; the first reason counts.
    pub(super) fn interrupt(&self, why: Interruption) {
        let _ = self.why.set(why);
        self.token.cancel();
    }

    /// Waits until the answer is to end early.
    pub(super) async fn interrupted(&self) -> Interruption {
        self.token.cancelled().await;
        self.why.get().copied().unwrap_or(Interruption::Changed)
    }
}

/// All of them: at most one per conversation.
#[derive(Debug, Default)]
pub(super) struct Runs(Mutex<HashMap<ConversationId, Arc<Run>>>);

impl Runs {
    /// Enters an answer, until the guard is dropped.
    pub(super) fn enter(&self, question: &Incoming) -> Entered<'_> {
        let run = Arc::new(Run {
            conversation: question.conversation(),
            question: question.event_id.clone(),
            asker: question.sender.clone(),
            draft: Mutex::default(),
            why: OnceLock::new(),
            token: CancellationToken::new(),
        });
        self.lock().insert(run.conversation.clone(), Arc::clone(&run));
        Entered { runs: self, run }
    }

    /// The answer being written in a conversation; without one there, to this person elsewhere in the room.
    pub(super) fn near(&self, conversation: &ConversationId, person: &OwnedUserId) -> Option<Arc<Run>> {
        let runs = self.lock();
        let elsewhere =
            || runs.values().find(|run| run.conversation.room_id == conversation.room_id && run.asker == *person);
        runs.get(conversation).or_else(elsewhere).cloned()
    }

    /// The answer that a message shows or that answers it.
    pub(super) fn about(&self, room: &RoomId, event: &EventId) -> Option<Arc<Run>> {
        let about = |run: &&Arc<Run>| {
            run.conversation.room_id == room
                && (run.question == event || run.shown().is_some_and(|draft| draft == event))
        };
        self.lock().values().find(about).cloned()
    }

    /// The answers being written in a room.
    pub(super) fn of_room(&self, room: &RoomId) -> Vec<Arc<Run>> {
        self.lock().values().filter(|run| run.conversation.room_id == room).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConversationId, Arc<Run>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that counts as being written for as long as this is there.
pub(super) struct Entered<'a> {
    runs: &'a Runs,
    pub(super) run: Arc<Run>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.runs.lock().remove(&self.run.conversation);
    }
}

/// The questions for which something is written or sent at this moment, whatever it is: an answer, a notice, what was left by a process
/// before this one.
#[derive(Debug, Default)]
pub(super) struct AtWork(Mutex<HashMap<OwnedEventId, (usize, CancellationToken)>>);

impl AtWork {
    /// Enters a question, until the guard is dropped.
    pub(super) fn enter(&self, question: &EventId) -> Working<'_> {
        let mut questions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        questions.entry(question.to_owned()).or_default().0 += 1;
        Working { questions: &self.0, question: question.to_owned() }
    }

    /// Waits until nothing is at work for a question.
    pub(super) async fn over(&self, question: &EventId) {
        loop {
            let token = {
                let questions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                match questions.get(question) {
                    Some((_, token)) => token.clone(),
                    None => return,
                }
            };
            token.cancelled().await;
        }
    }
}

/// Something that is at work for a question for as long as this is there.
pub(super) struct Working<'a> {
    questions: &'a Mutex<HashMap<OwnedEventId, (usize, CancellationToken)>>,
    question: OwnedEventId,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((count, token)) = questions.get_mut(&self.question) else { return };
        *count -= 1;
        if *count == 0 {
            token.cancel();
            questions.remove(&self.question);
        }
    }
}
