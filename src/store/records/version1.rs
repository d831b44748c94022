//! The records of version 1, as releases until November 2026 wrote them, and what becomes of them. Only the migration reads them.

use std::collections::BTreeMap;

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::Deserialize;

use super::answer::{AnsweredRecord, DeliveryRecord, ItemRecord, SentRecord};
use super::message::{ContentRecord, MessageRecord};
use super::question::{KindRecord, QueuedRecord};

/// A message.
#[derive(Deserialize)]
pub(in crate::store) struct MessageV1 {
    event_id: OwnedEventId,
    room_id: OwnedRoomId,
    sender: OwnedUserId,
    thread: Option<OwnedEventId>,
    replies_to: Option<OwnedEventId>,
    mentions_me: bool,
    direct: bool,
    sent_at: u64,
    body: String,
    #[serde(default)]
    origin: OriginV1,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    megolm_session: Option<String>,
    #[serde(default)]
    edited_at: u64,
}

/// What a message stood for.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OriginV1 {
    #[default]
    Message,
    Joined,
    Missed,
}

impl From<MessageV1> for MessageRecord {
    fn from(old: MessageV1) -> Self {
        Self {
            event_id: old.event_id,
            room_id: old.room_id,
            sender: old.sender,
            thread: old.thread,
            replies_to: old.replies_to,
            mentions_me: old.mentions_me,
            direct: old.direct,
            sent_at: old.sent_at,
            content: match old.origin {
                OriginV1::Message => ContentRecord::Text { text: old.body },
                OriginV1::Joined => ContentRecord::Joined,
                OriginV1::Missed => ContentRecord::Missed,
            },
            name: old.name,
            megolm_session: old.megolm_session,
            edited_at: old.edited_at,
        }
    }
}

/// A question that waits.
#[derive(Deserialize)]
pub(in crate::store) struct QueuedV1 {
    sequence: u64,
    question: MessageV1,
    received_at: u64,
    attempts: u32,
    #[serde(default)]
    begun: bool,
    #[serde(default)]
    interrupted: u32,
    draft: Option<OwnedEventId>,
    #[serde(default)]
    again: Option<OwnedEventId>,
    #[serde(default)]
    shown: Vec<OwnedEventId>,
    #[serde(default)]
    lost: Vec<OwnedEventId>,
}

impl From<QueuedV1> for QueuedRecord {
    fn from(old: QueuedV1) -> Self {
        let kind = match old.question.origin {
            // Whether it is a command was decided at each reading; the rules are the assistant's.
            OriginV1::Message => KindRecord::Unparsed,
            OriginV1::Joined => KindRecord::Welcome,
            OriginV1::Missed => KindRecord::Missed,
        };
        Self {
            sequence: old.sequence,
            question: old.question.into(),
            kind,
            received_at: old.received_at,
            attempts: old.attempts,
            begun: old.begun,
            interrupted: old.interrupted,
            draft: old.draft,
            again: old.again,
            shown: old.shown,
            lost: old.lost,
        }
    }
}

/// An answer on its way.
#[derive(Deserialize)]
pub(in crate::store) struct DeliveryV1 {
    sequence: u64,
    question: MessageV1,
    answer: AnswerV1,
    sent: Vec<OwnedEventId>,
    stored_at: u64,
}

#[derive(Deserialize)]
struct AnswerV1 {
    kind: SaidAsV1,
    parts: Vec<String>,
    draft: Option<OwnedEventId>,
    #[serde(default)]
    again: Option<OwnedEventId>,
    #[serde(default)]
    shown: Vec<OwnedEventId>,
    #[serde(default)]
    lost: Vec<OwnedEventId>,
}

/// Whether an answer was the model's, or a sentence of the bot's own.
#[derive(Clone, Copy, Deserialize)]
enum SaidAsV1 {
    Text,
    Notice,
}

impl From<DeliveryV1> for DeliveryRecord {
    fn from(old: DeliveryV1) -> Self {
        let AnswerV1 { kind, parts, draft, again, shown, lost } = old.answer;
        let item = |text| match kind {
            SaidAsV1::Text => ItemRecord::Markdown { text, links: Vec::new(), sources: Vec::new() },
            SaidAsV1::Notice => ItemRecord::Notice { text },
        };
        Self {
            sequence: old.sequence,
            question: old.question.into(),
            items: parts.into_iter().map(item).collect(),
            draft,
            again,
            shown,
            lost,
            sent: old.sent.into_iter().map(SentRecord::Message).collect(),
            uploaded: BTreeMap::new(),
            stored_at: old.stored_at,
            unasked: false,
            usage: None,
            series: None,
            forgotten: false,
        }
    }
}

/// An answer that was delivered.
#[derive(Deserialize)]
pub(in crate::store) struct AnsweredV1 {
    question: MessageV1,
    parts: Vec<OwnedEventId>,
    at: u64,
}

impl From<AnsweredV1> for AnsweredRecord {
    fn from(old: AnsweredV1) -> Self {
        Self {
            question: old.question.into(),
            parts: old.parts,
            elsewhere: Vec::new(),
            at: old.at,
            usage: None,
            series: None,
            citations: Vec::new(),
            calls: Vec::new(),
        }
    }
}
