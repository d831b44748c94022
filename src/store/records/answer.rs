//! Answers on their way and delivered, and what is known of the bot's own messages.

use std::collections::BTreeMap;
use std::time::Duration;

use ruma::{OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

use super::hex::Hex;
use super::message::MessageRecord;
use super::stored::Stored;
use crate::document::{Citation, Cited};
use crate::energy::Energy;
use crate::message::{Egress, FileRef, Item, Linked, Post};
use crate::statistics::Series;
use crate::store::answer::{Answer, Answered, Delivery, Sent};
use crate::store::layout::EventPlace;
use crate::store::own::OwnMessage;
use crate::store::withdrawal::Withdrawal;
use crate::usage::{AnswerUsage, Finish, Usage};

/// A [`Delivery`] with its [`Answer`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct DeliveryRecord {
    pub(in crate::store) sequence: u64,
    pub(in crate::store) question: MessageRecord,
    pub(in crate::store) items: Vec<ItemRecord>,
    pub(in crate::store) draft: Option<OwnedEventId>,
    pub(in crate::store) again: Option<OwnedEventId>,
    pub(in crate::store) shown: Vec<OwnedEventId>,
    pub(in crate::store) lost: Vec<OwnedEventId>,
    pub(in crate::store) sent: Vec<SentRecord>,
    /// By the number of the item.
    #[serde(default)]
    pub(in crate::store) uploaded: BTreeMap<usize, String>,
    pub(in crate::store) stored_at: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::store) unasked: bool,
    #[serde(default)]
    pub(in crate::store) usage: Option<UsageRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) series: Option<Series>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::store) forgotten: bool,
}

/// An [`Item`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(in crate::store) enum ItemRecord {
    Markdown {
        text: String,
        #[serde(default)]
        links: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sources: Vec<Cited>,
    },
    Notice {
        text: String,
    },
    File {
        number: u64,
        name: String,
        media_type: String,
        size: u64,
        room_id: Option<OwnedRoomId>,
    },
    Egress {
        service: String,
        idempotency_key: String,
        body: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        once: bool,
    },
    Post {
        room_id: Option<OwnedRoomId>,
        text: String,
        links: Vec<String>,
    },
    Linked {
        text: String,
        site: String,
    },
}

/// A [`Sent`] item.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum SentRecord {
    Message(OwnedEventId),
    Elsewhere(OwnedRoomId, OwnedEventId),
    Service(String),
}

impl Stored for Delivery {
    type Record = DeliveryRecord;
}

impl From<&Delivery> for DeliveryRecord {
    fn from(delivery: &Delivery) -> Self {
        let Answer { items, draft, again, shown, lost, unasked } = &delivery.answer;
        Self {
            sequence: delivery.sequence,
            question: (&delivery.question).into(),
            items: items.iter().map(ItemRecord::from).collect(),
            draft: draft.clone(),
            again: again.clone(),
            shown: shown.clone(),
            lost: lost.clone(),
            sent: delivery.sent.iter().map(SentRecord::from).collect(),
            uploaded: delivery.uploaded.clone(),
            stored_at: delivery.stored_at,
            unasked: *unasked,
            usage: delivery.usage.as_ref().map(UsageRecord::from),
            series: delivery.series.clone(),
            forgotten: delivery.forgotten,
        }
    }
}

impl From<DeliveryRecord> for Delivery {
    fn from(record: DeliveryRecord) -> Self {
        Self {
            sequence: record.sequence,
            question: record.question.into(),
            answer: Answer {
                items: record.items.into_iter().map(Item::from).collect(),
                draft: record.draft,
                again: record.again,
                shown: record.shown,
                lost: record.lost,
                unasked: record.unasked,
            },
            sent: record.sent.into_iter().map(Sent::from).collect(),
            uploaded: record.uploaded,
            stored_at: record.stored_at,
            usage: record.usage.map(AnswerUsage::from),
            series: record.series,
            forgotten: record.forgotten,
        }
    }
}

impl From<&Item> for ItemRecord {
    fn from(item: &Item) -> Self {
        match item {
            Item::Markdown { text, links, sources } => {
                Self::Markdown { text: text.clone(), links: links.clone(), sources: sources.clone() }
            }
            Item::Notice { text } => Self::Notice { text: text.clone() },
            Item::File(file) => Self::File {
                number: file.number,
                name: file.name.clone(),
                media_type: file.media_type.clone(),
                size: file.size,
                room_id: file.room_id.clone(),
            },
            Item::Egress(egress) => Self::Egress {
                service: egress.service.clone(),
                idempotency_key: egress.idempotency_key.clone(),
                body: egress.body.clone(),
                once: egress.once,
            },
            Item::Post(Post { room_id, text, links }) => {
                Self::Post { room_id: room_id.clone(), text: text.clone(), links: links.clone() }
            }
            Item::Linked(Linked { text, site }) => Self::Linked { text: text.clone(), site: site.clone() },
        }
    }
}

impl From<ItemRecord> for Item {
    fn from(record: ItemRecord) -> Self {
        match record {
            ItemRecord::Markdown { text, links, sources } => Self::Markdown { text, links, sources },
            ItemRecord::Notice { text } => Self::Notice { text },
            ItemRecord::File { number, name, media_type, size, room_id } => {
                Self::File(FileRef { number, name, media_type, size, room_id })
            }
            ItemRecord::Egress { service, idempotency_key, body, once } => {
                Self::Egress(Egress { service, idempotency_key, body, once })
            }
            ItemRecord::Post { room_id, text, links } => Self::Post(Post { room_id, text, links }),
            ItemRecord::Linked { text, site } => Self::Linked(Linked { text, site }),
        }
    }
}

impl From<&Sent> for SentRecord {
    fn from(sent: &Sent) -> Self {
        match sent {
            Sent::Message(event) => Self::Message(event.clone()),
            Sent::Elsewhere(room, event) => Self::Elsewhere(room.clone(), event.clone()),
            Sent::Service(reference) => Self::Service(reference.clone()),
        }
    }
}

impl From<SentRecord> for Sent {
    fn from(record: SentRecord) -> Self {
        match record {
            SentRecord::Message(event) => Self::Message(event),
            SentRecord::Elsewhere(room, event) => Self::Elsewhere(room, event),
            SentRecord::Service(reference) => Self::Service(reference),
        }
    }
}

/// An [`Answered`] question.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct AnsweredRecord {
    pub(in crate::store) question: MessageRecord,
    pub(in crate::store) parts: Vec<OwnedEventId>,
    #[serde(default)]
    pub(in crate::store) elsewhere: Vec<(OwnedRoomId, OwnedEventId)>,
    pub(in crate::store) at: u64,
    #[serde(default)]
    pub(in crate::store) usage: Option<UsageRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) series: Option<Series>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::store) citations: Vec<Citation>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::store) calls: Vec<String>,
}

impl Stored for Answered {
    type Record = AnsweredRecord;
}

impl From<&Answered> for AnsweredRecord {
    fn from(answered: &Answered) -> Self {
        Self {
            question: (&answered.question).into(),
            parts: answered.parts.clone(),
            elsewhere: answered.elsewhere.clone(),
            at: answered.at,
            usage: answered.usage.as_ref().map(UsageRecord::from),
            series: answered.series.clone(),
            citations: answered.citations.clone(),
            calls: answered.calls.clone(),
        }
    }
}

impl From<AnsweredRecord> for Answered {
    fn from(record: AnsweredRecord) -> Self {
        Self {
            question: record.question.into(),
            parts: record.parts,
            elsewhere: record.elsewhere,
            at: record.at,
            usage: record.usage.map(AnswerUsage::from),
            series: record.series,
            citations: record.citations,
            calls: record.calls,
        }
    }
}

/// An [`AnswerUsage`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct UsageRecord {
    model: String,
    compagnon: String,
    #[serde(default)]
    compagnon_version: Option<u32>,
    prompt_tokens: usize,
    cached_tokens: usize,
    completion_tokens: usize,
    prefill_ms: u64,
    decode_ms: u64,
    #[serde(default)]
    energy: Energy,
    finish: FinishRecord,
}

/// A [`Finish`].
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FinishRecord {
    Stop,
    Length,
}

impl From<&AnswerUsage> for UsageRecord {
    fn from(answer: &AnswerUsage) -> Self {
        let Usage { prompt_tokens, cached_tokens, completion_tokens, prefill, decode, energy, finish } = answer.usage;
        Self {
            model: answer.model.clone(),
            compagnon: answer.compagnon.clone(),
            compagnon_version: answer.compagnon_version,
            prompt_tokens,
            cached_tokens,
            completion_tokens,
            prefill_ms: u64::try_from(prefill.as_millis()).unwrap_or(u64::MAX),
            decode_ms: u64::try_from(decode.as_millis()).unwrap_or(u64::MAX),
            energy,
            finish: match finish {
                Finish::Stop => FinishRecord::Stop,
                Finish::Length => FinishRecord::Length,
            },
        }
    }
}

impl From<UsageRecord> for AnswerUsage {
    fn from(record: UsageRecord) -> Self {
        Self {
            model: record.model,
            compagnon: record.compagnon,
            compagnon_version: record.compagnon_version,
            usage: Usage {
                prompt_tokens: record.prompt_tokens,
                cached_tokens: record.cached_tokens,
                completion_tokens: record.completion_tokens,
                prefill: Duration::from_millis(record.prefill_ms),
                decode: Duration::from_millis(record.decode_ms),
                energy: record.energy,
                finish: match record.finish {
                    FinishRecord::Stop => Finish::Stop,
                    FinishRecord::Length => Finish::Length,
                },
            },
        }
    }
}

/// A [`Withdrawal`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct WithdrawalRecord {
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
    /// `None`, and 0 as the time, in what a release before the first fixture wrote.
    #[serde(default)]
    question: Option<OwnedEventId>,
    #[serde(default)]
    noted_at: u64,
}

impl Stored for Withdrawal {
    type Record = WithdrawalRecord;
}

impl From<&Withdrawal> for WithdrawalRecord {
    fn from(withdrawal: &Withdrawal) -> Self {
        Self {
            room_id: withdrawal.room_id.clone(),
            event_id: withdrawal.event_id.clone(),
            question: withdrawal.question.clone(),
            noted_at: withdrawal.noted_at,
        }
    }
}

impl From<WithdrawalRecord> for Withdrawal {
    fn from(record: WithdrawalRecord) -> Self {
        Self {
            room_id: record.room_id,
            event_id: record.event_id,
            question: record.question,
            noted_at: record.noted_at,
        }
    }
}

/// A message that the bot has sent: an [`OwnMessage`]. It stands under the store's own key and outlives its room, so that it names room and
/// question by their blinded identifiers only.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct OwnRecord {
    pub(in crate::store) at: u64,
    /// The room and the question that it answers, where that is known.
    #[serde(default)]
    pub(in crate::store) room: Option<Hex<16>>,
    #[serde(default)]
    pub(in crate::store) question: Option<Hex<16>>,
}

impl OwnRecord {
    pub(in crate::store) fn new(at: u64, answers: Option<EventPlace>) -> Self {
        Self { at, room: answers.map(|place| Hex(place.room)), question: answers.map(|place| Hex(place.event)) }
    }
}

impl Stored for OwnMessage {
    type Record = OwnRecord;
}

impl From<&OwnMessage> for OwnRecord {
    fn from(own: &OwnMessage) -> Self {
        Self::new(own.at, own.answers)
    }
}

impl From<OwnRecord> for OwnMessage {
    fn from(record: OwnRecord) -> Self {
        let answers = record.room.zip(record.question);
        Self { at: record.at, answers: answers.map(|(room, question)| EventPlace { room: room.0, event: question.0 }) }
    }
}
