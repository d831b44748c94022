//! What jobs keep.

use ruma::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::ConversationRecord;
use super::stored::Stored;
use crate::job::{JobKind, JobScope, JobState};

/// A [`JobState`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct JobRecord {
    kind: KindRecord,
    scope: ScopeRecord,
    by: Option<OwnedUserId>,
    at: u64,
    until: u64,
    content: Value,
}

/// A [`JobKind`].
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindRecord {
    Note,
    Reviews,
    Pseudonyms,
    TranslationMemory,
    Glossary,
    Continuous,
    DocsAddress,
    Cases,
    CaseResults,
    CaseRun,
}

/// A [`JobScope`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScopeRecord {
    Conversation(ConversationRecord),
    Room(OwnedRoomId),
    Member(ConversationRecord, OwnedUserId),
    Person(OwnedUserId),
    Compagnon(String),
}

impl Stored for JobState {
    type Record = JobRecord;
}

impl From<&JobState> for JobRecord {
    fn from(state: &JobState) -> Self {
        let kind = match state.kind {
            JobKind::Note => KindRecord::Note,
            JobKind::Reviews => KindRecord::Reviews,
            JobKind::Pseudonyms => KindRecord::Pseudonyms,
            JobKind::TranslationMemory => KindRecord::TranslationMemory,
            JobKind::Glossary => KindRecord::Glossary,
            JobKind::Continuous => KindRecord::Continuous,
            JobKind::DocsAddress => KindRecord::DocsAddress,
            JobKind::Cases => KindRecord::Cases,
            JobKind::CaseResults => KindRecord::CaseResults,
            JobKind::CaseRun => KindRecord::CaseRun,
        };
        let scope = match &state.scope {
            JobScope::Conversation(conversation) => ScopeRecord::Conversation(conversation.into()),
            JobScope::Room(room) => ScopeRecord::Room(room.clone()),
            JobScope::Member(conversation, person) => ScopeRecord::Member(conversation.into(), person.clone()),
            JobScope::Person(person) => ScopeRecord::Person(person.clone()),
            JobScope::Compagnon(compagnon) => ScopeRecord::Compagnon(compagnon.clone()),
        };
        let (by, content) = (state.by.clone(), state.content.clone());
        Self { kind, scope, by, at: state.at, until: state.until, content }
    }
}

impl From<JobRecord> for JobState {
    fn from(record: JobRecord) -> Self {
        let kind = match record.kind {
            KindRecord::Note => JobKind::Note,
            KindRecord::Reviews => JobKind::Reviews,
            KindRecord::Pseudonyms => JobKind::Pseudonyms,
            KindRecord::TranslationMemory => JobKind::TranslationMemory,
            KindRecord::Glossary => JobKind::Glossary,
            KindRecord::Continuous => JobKind::Continuous,
            KindRecord::DocsAddress => JobKind::DocsAddress,
            KindRecord::Cases => JobKind::Cases,
            KindRecord::CaseResults => JobKind::CaseResults,
            KindRecord::CaseRun => JobKind::CaseRun,
        };
        let scope = match record.scope {
            ScopeRecord::Conversation(conversation) => JobScope::Conversation(conversation.into()),
            ScopeRecord::Room(room) => JobScope::Room(room),
            ScopeRecord::Member(conversation, person) => JobScope::Member(conversation.into(), person),
            ScopeRecord::Person(person) => JobScope::Person(person),
            ScopeRecord::Compagnon(compagnon) => JobScope::Compagnon(compagnon),
        };
        let JobRecord { by, at, until, content, .. } = record;
        Self { kind, scope, by, at, until, content }
    }
}
