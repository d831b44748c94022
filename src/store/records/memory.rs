//! What people have asked the bot to remember.

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use super::stored::Stored;
use crate::memory::Fact;

/// A [`Fact`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct FactRecord {
    room_id: OwnedRoomId,
    of_room: bool,
    number: u32,
    text: String,
    by: Option<OwnedUserId>,
    name: Option<String>,
    event_id: OwnedEventId,
    #[serde(default)]
    told_in: Option<OwnedRoomId>,
    at: u64,
    direct: bool,
}

impl Stored for Fact {
    type Record = FactRecord;
}

impl From<&Fact> for FactRecord {
    fn from(fact: &Fact) -> Self {
        Self {
            room_id: fact.room_id.clone(),
            of_room: fact.of_room,
            number: fact.number,
            text: fact.text.clone(),
            by: fact.by.clone(),
            name: fact.name.clone(),
            event_id: fact.event_id.clone(),
            told_in: fact.told_in.clone(),
            at: fact.at,
            direct: fact.direct,
        }
    }
}

impl From<FactRecord> for Fact {
    fn from(record: FactRecord) -> Self {
        Self {
            room_id: record.room_id,
            of_room: record.of_room,
            number: record.number,
            text: record.text,
            by: record.by,
            name: record.name,
            event_id: record.event_id,
            told_in: record.told_in,
            at: record.at,
            direct: record.direct,
        }
    }
}
