//! What is kept of a conversation beside its turns.

use ruma::OwnedUserId;
use serde::{Deserialize, Serialize};

use super::stored::Stored;
use crate::store::summary::{Condensed, Summary};

/// A [`Condensed`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct CondensedRecord {
    summary: Option<SummaryRecord>,
    told: bool,
    at: u64,
}

/// A [`Summary`].
#[derive(Serialize, Deserialize)]
struct SummaryRecord {
    number: u64,
    text: String,
    from: u64,
    asker: Option<OwnedUserId>,
    last: u64,
}

impl Stored for Condensed {
    type Record = CondensedRecord;
}

impl From<&Condensed> for CondensedRecord {
    fn from(condensed: &Condensed) -> Self {
        let summary = condensed.summary.clone().map(|summary| {
            let Summary { number, text, from, asker, last } = summary;
            SummaryRecord { number, text, from, asker, last }
        });
        Self { summary, told: condensed.told, at: condensed.at }
    }
}

impl From<CondensedRecord> for Condensed {
    fn from(record: CondensedRecord) -> Self {
        let summary = record.summary.map(|summary| {
            let SummaryRecord { number, text, from, asker, last } = summary;
            Summary { number, text, from, asker, last }
        });
        Self { summary, told: record.told, at: record.at }
    }
}
