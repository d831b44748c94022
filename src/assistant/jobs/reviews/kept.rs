//! What the store keeps of a conversation's reviews.

use std::time::Duration;

use ruma::EventId;

use super::state::State;
use crate::{
    assistant::{
        clock::{later, now},
        failure::Failure,
    },
    job::{JobKind, JobScope, JobState},
    message::{ConversationId, Incoming},
    store::{Change, Store},
};

/// How long reviews and drafts are kept after the last draft.
const KEPT: Duration = Duration::from_hours(48);

/// The state of a conversation, and whose it is in the store.
#[derive(Default)]
pub struct Kept {
    /// The state.
    pub state: State,
    /// Where it was found; nothing where there is none.
    pub scope: Option<JobScope>,
    /// Whether the message stands under a draft: it replies to one, or its thread is about one.
    pub under_draft: bool,
}

impl Kept {
    /// What is kept for a message: of its conversation or, in a thread that somebody opened under a draft, of the conversation of that draft.
    pub async fn of(store: &Store, message: &Incoming) -> Result<Self, Failure> {
        let own = message.conversation();
        let main = ConversationId { room_id: own.room_id.clone(), thread: None };
        let mut scopes = vec![own.clone()];
        if own.thread.is_some() {
            scopes.push(main);
        }
        for conversation in scopes {
            let inherited = conversation != own;
            let scope = JobScope::Conversation(conversation);
            let Some(kept) = store.job_state(JobKind::Reviews, &scope, now()).await? else { continue };
            // What an earlier version kept, and this one cannot read, is as if it were not there.
            let Ok(mut state) = serde_json::from_value::<State>(kept.content) else { continue };
            forget_withdrawn(store, message, &mut state).await?;
            let under_draft = is_under_draft(store, message, &state).await?;
            if inherited && !under_draft {
                continue;
            }
            // A thread is about its draft; the main line is about anything.
            let under_draft = under_draft || (own.thread.is_some() && state.current.is_some());
            return Ok(Self { state, scope: Some(scope), under_draft });
        }
        Ok(Self::default())
    }

    /// The change that keeps a state. Drafts of a file are left out where all of them would be too much.
    pub fn keep(&self, message: &Incoming, state: &State) -> Vec<Change> {
        let at = now();
        let scope = self.scope(message);
        let until = later(at, KEPT);
        let mut state = state.clone();
        for smaller in [false, true] {
            if smaller && let Some(walk) = &mut state.walk {
                walk.drafts.clear();
            }
            let Ok(content) = serde_json::to_value(&state) else { break };
            let by = Some(message.sender.clone());
            let kept = JobState { kind: JobKind::Reviews, scope: scope.clone(), by, at, until, content };
            if kept.fits() {
                return vec![Change::KeepJob(Box::new(kept))];
            }
        }
        vec![self.drop(message)]
    }

    /// The change that forgets it.
    pub fn drop(&self, message: &Incoming) -> Change {
        Change::DropJob(JobKind::Reviews, self.scope(message))
    }

    fn scope(&self, message: &Incoming) -> JobScope {
        self.scope.clone().unwrap_or_else(|| JobScope::Conversation(message.conversation()))
    }
}

/// Leaves out what was made from a message that was taken back: nothing is known of such a one any more.
async fn forget_withdrawn(store: &Store, message: &Incoming, state: &mut State) -> Result<(), Failure> {
    if let Some(current) = &state.current
        && is_gone(store, message, &current.origin).await?
    {
        state.current = None;
    }
    if let Some(walk) = &state.walk
        && is_gone(store, message, &walk.origin).await?
    {
        state.walk = None;
    }
    Ok(())
}

async fn is_gone(store: &Store, message: &Incoming, origin: &str) -> Result<bool, Failure> {
    let Ok(origin) = <&EventId>::try_from(origin) else { return Ok(false) };
    Ok(origin != message.event_id && store.exchange_of(&message.room_id, origin).await?.is_none())
}

/// Whether a message replies to a draft of this state, or stands in a thread on one.
async fn is_under_draft(store: &Store, message: &Incoming, state: &State) -> Result<bool, Failure> {
    let Some(current) = &state.current else { return Ok(false) };
    for above in message.replies_to.iter().chain(&message.thread) {
        let exchange = store.exchange_of(&message.room_id, above).await?;
        if exchange.is_some_and(|asked| current.asked_by.iter().any(|known| *known == asked.event_id.as_str())) {
            return Ok(true);
        }
    }
    Ok(false)
}
