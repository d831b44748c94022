//! What is kept between two messages about a note: its draft, sealed, for two days; and how far the last one went.

use std::time::Duration;

use ruma::{OwnedEventId, OwnedUserId};
use serde::{Deserialize, Serialize};

use super::value::Note;
use crate::{
    assistant::{clock::later, failure::Failure, texts::Language},
    conversation::ConversationId,
    job::{JobKind, JobScope, JobState},
    store::{Change, Store},
};

/// How long a draft is kept.
pub const DRAFT_FOR: Duration = Duration::from_hours(48);
/// How long it is known how far the last note of a conversation went.
const REACH_FOR: Duration = Duration::from_hours(30 * 24);

/// What is kept in a conversation.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Kept {
    /// The draft that is corrected here.
    #[serde(default)]
    pub draft: Option<Draft>,
    /// Until when messages of this conversation are in a note that was published, in milliseconds since the epoch.
    #[serde(default)]
    pub upto: Option<u64>,
    /// Who asked for the draft: it goes with them.
    #[serde(skip)]
    pub by: Option<OwnedUserId>,
}

/// A draft.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Draft {
    /// The note.
    pub note: Note,
    /// Of what it was made, in words.
    pub made: String,
    /// What it does not hold, in words; empty where it holds all.
    pub left_out: String,
    /// Servers by which its messages are found.
    pub via: Vec<String>,
    /// The thread that it is the note of; of the main line without one.
    pub source: Option<OwnedEventId>,
    /// When the last message was sent that it is made of, in milliseconds since the epoch.
    pub upto: u64,
    /// Until when it is kept.
    pub until: u64,
    /// Whether it is in English.
    pub english: bool,
    /// The message by which its last document was asked for, and what tells that version of the note from others.
    #[serde(default)]
    pub document: Option<(OwnedEventId, String)>,
}

impl Draft {
    /// The language that it is written in.
    pub fn language(&self) -> Language {
        if self.english { Language::En } else { Language::Fr }
    }
}

impl Kept {
    /// What is kept in a conversation.
    pub async fn load(store: &Store, conversation: &ConversationId, now: u64) -> Result<Self, Failure> {
        let state = store.job_state(JobKind::Note, &JobScope::Conversation(conversation.clone()), now).await?;
        // What an other release wrote in another form is no draft any more.
        let by = state.as_ref().and_then(|state| state.by.clone());
        let kept: Self = state.and_then(|state| serde_json::from_value(state.content).ok()).unwrap_or_default();
        let draft = kept.draft.filter(|draft| now <= draft.until);
        Ok(Self { draft, by, ..kept })
    }

    /// The change that keeps it, or removes what was kept where there is nothing.
    pub fn change(self, conversation: &ConversationId, now: u64) -> Change {
        let scope = JobScope::Conversation(conversation.clone());
        let until = match (&self.draft, self.upto) {
            (None, None) => return Change::DropJob(JobKind::Note, scope),
            (Some(draft), None) => draft.until,
            (_, Some(_)) => later(now, REACH_FOR),
        };
        let by = self.by.clone().filter(|_| self.draft.is_some());
        let content = serde_json::to_value(self).unwrap_or_default();
        Change::KeepJob(Box::new(JobState { kind: JobKind::Note, scope, by, at: now, until, content }))
    }
}
