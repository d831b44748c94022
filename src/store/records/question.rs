//! Questions that wait for their answer.

use ruma::OwnedEventId;
use serde::{Deserialize, Serialize};

use super::message::MessageRecord;
use super::stored::Stored;
use crate::command::{Call, Command};
use crate::store::question::{Queued, QueuedKind};

/// A [`Queued`] message.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct QueuedRecord {
    pub(in crate::store) sequence: u64,
    pub(in crate::store) question: MessageRecord,
    pub(in crate::store) kind: KindRecord,
    pub(in crate::store) received_at: u64,
    pub(in crate::store) attempts: u32,
    pub(in crate::store) begun: bool,
    pub(in crate::store) interrupted: u32,
    pub(in crate::store) draft: Option<OwnedEventId>,
    pub(in crate::store) again: Option<OwnedEventId>,
    pub(in crate::store) shown: Vec<OwnedEventId>,
    pub(in crate::store) lost: Vec<OwnedEventId>,
}

/// A [`QueuedKind`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(in crate::store) enum KindRecord {
    Question,
    Command(CallRecord),
    Welcome,
    Missed,
    Attachment,
    AskWhy,
    NotServed,
    EditOf {
        original: OwnedEventId,
    },
    /// Not decided yet. What a newer release calls otherwise is decided again by this one.
    #[serde(other)]
    Unparsed,
}

/// A [`Call`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct CallRecord {
    /// `None` also for a command that only a newer release knows.
    #[serde(default)]
    command: Option<String>,
    name: String,
    english: bool,
    arguments: String,
    text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unasked: bool,
}

impl Stored for Queued {
    type Record = QueuedRecord;
}

impl From<&Queued> for QueuedRecord {
    fn from(queued: &Queued) -> Self {
        Self {
            sequence: queued.sequence,
            question: (&queued.question).into(),
            kind: (&queued.kind).into(),
            received_at: queued.received_at,
            attempts: queued.attempts,
            begun: queued.begun,
            interrupted: queued.interrupted,
            draft: queued.draft.clone(),
            again: queued.again.clone(),
            shown: queued.shown.clone(),
            lost: queued.lost.clone(),
        }
    }
}

impl From<QueuedRecord> for Queued {
    fn from(record: QueuedRecord) -> Self {
        Self {
            sequence: record.sequence,
            question: record.question.into(),
            kind: record.kind.into(),
            received_at: record.received_at,
            attempts: record.attempts,
            begun: record.begun,
            interrupted: record.interrupted,
            draft: record.draft,
            again: record.again,
            shown: record.shown,
            lost: record.lost,
        }
    }
}

impl From<&QueuedKind> for KindRecord {
    fn from(kind: &QueuedKind) -> Self {
        match kind {
            QueuedKind::Question => Self::Question,
            QueuedKind::Command(call) => Self::Command(call.into()),
            QueuedKind::Welcome => Self::Welcome,
            QueuedKind::Missed => Self::Missed,
            QueuedKind::Attachment => Self::Attachment,
            QueuedKind::AskWhy => Self::AskWhy,
            QueuedKind::NotServed => Self::NotServed,
            QueuedKind::EditOf(original) => Self::EditOf { original: original.clone() },
            QueuedKind::Unparsed => Self::Unparsed,
        }
    }
}

impl From<KindRecord> for QueuedKind {
    fn from(record: KindRecord) -> Self {
        match record {
            KindRecord::Question => Self::Question,
            KindRecord::Command(call) => Self::Command(call.into()),
            KindRecord::Welcome => Self::Welcome,
            KindRecord::Missed => Self::Missed,
            KindRecord::Attachment => Self::Attachment,
            KindRecord::AskWhy => Self::AskWhy,
            KindRecord::NotServed => Self::NotServed,
            KindRecord::EditOf { original } => Self::EditOf(original),
            KindRecord::Unparsed => Self::Unparsed,
        }
    }
}

/// How each command is written.
const COMMANDS: [(Command, &str); 22] = [
    (Command::Help, "help"),
    (Command::Compagnon, "compagnon"),
    (Command::Answers, "answers"),
    (Command::Retention, "retention"),
    (Command::Forget, "forget"),
    (Command::Remember, "remember"),
    (Command::Memory, "memory"),
    (Command::Documents, "documents"),
    (Command::Sources, "sources"),
    (Command::Translate, "translate"),
    (Command::Glossary, "glossary"),
    (Command::Note, "note"),
    (Command::CatchUp, "catch_up"),
    (Command::Reviews, "reviews"),
    (Command::Pseudonymise, "pseudonymise"),
    (Command::Statistics, "statistics"),
    (Command::Export, "export"),
    (Command::Privacy, "privacy"),
    (Command::Status, "status"),
    (Command::Redo, "redo"),
    (Command::Stop, "stop"),
    (Command::Journal, "journal"),
];

impl From<&Call> for CallRecord {
    fn from(call: &Call) -> Self {
        let command = COMMANDS.iter().find(|(command, _)| Some(*command) == call.command);
        Self {
            command: command.map(|(_, name)| (*name).to_owned()),
            name: call.name.clone(),
            english: call.english,
            arguments: call.arguments.clone(),
            text: call.text.clone(),
            unasked: call.unasked,
        }
    }
}

impl From<CallRecord> for Call {
    fn from(record: CallRecord) -> Self {
        let command = COMMANDS.iter().find(|(_, name)| Some(*name) == record.command.as_deref());
        Self {
            command: command.map(|(command, _)| *command),
            name: record.name,
            english: record.english,
            arguments: record.arguments,
            text: record.text,
            unasked: record.unasked,
        }
    }
}
