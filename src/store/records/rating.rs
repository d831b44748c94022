//! What people find of answers, and by which reactions.

use serde::{Deserialize, Serialize};

use super::hex::Hex;
use super::stored::Stored;
use crate::statistics::{Day, Rating, Reason, Series};
use crate::store::ratings::{Rated, Reacted};

/// A [`Rated`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct RatedRecord {
    ratings: Vec<(Hex<16>, Rating)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<(Hex<16>, Reason)>,
    counted: Option<(Day, Series)>,
    at: u64,
}

impl Stored for Rated {
    type Record = RatedRecord;
}

impl From<&Rated> for RatedRecord {
    fn from(rated: &Rated) -> Self {
        Self {
            ratings: rated.ratings.iter().map(|(event, rating)| (Hex(*event), *rating)).collect(),
            reasons: rated.reasons.iter().map(|(event, reason)| (Hex(*event), *reason)).collect(),
            counted: rated.counted.clone(),
            at: rated.at,
        }
    }
}

impl From<RatedRecord> for Rated {
    fn from(record: RatedRecord) -> Self {
        Self {
            ratings: record.ratings.into_iter().map(|(event, rating)| (event.0, rating)).collect(),
            reasons: record.reasons.into_iter().map(|(event, reason)| (event.0, reason)).collect(),
            counted: record.counted,
            at: record.at,
        }
    }
}

/// A [`Reacted`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct ReactedRecord {
    question: Hex<16>,
    person: Hex<16>,
    at: u64,
}

impl Stored for Reacted {
    type Record = ReactedRecord;
}

impl From<&Reacted> for ReactedRecord {
    fn from(reacted: &Reacted) -> Self {
        Self { question: Hex(reacted.question), person: Hex(reacted.person), at: reacted.at }
    }
}

impl From<ReactedRecord> for Reacted {
    fn from(record: ReactedRecord) -> Self {
        Self { question: record.question.0, person: record.person.0, at: record.at }
    }
}
