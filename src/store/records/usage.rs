//! What is counted. Nothing in it names a person.

use serde::{Deserialize, Serialize};

use super::hex::Hex;
use super::stored::Stored;
use crate::statistics::{Activity, Compagnon, Counters, Crowd, Series};
use crate::store::people::{Present, WeekKey};
use crate::store::seal::Key32;
use crate::store::usage::Tally;

/// A [`Tally`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct TallyRecord {
    series: Series,
    counters: Counters,
}

impl Stored for Tally {
    type Record = TallyRecord;
}

impl From<&Tally> for TallyRecord {
    fn from(tally: &Tally) -> Self {
        Self { series: tally.series.clone(), counters: tally.counters.clone() }
    }
}

impl From<TallyRecord> for Tally {
    fn from(record: TallyRecord) -> Self {
        Self { series: record.series, counters: record.counters }
    }
}

/// A [`Present`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct PresentRecord {
    crowd: CrowdRecord,
    count: u64,
    #[serde(default)]
    raters: u64,
}

/// A [`Crowd`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CrowdRecord {
    All,
    Compagnon(Compagnon),
    Activity(Activity),
}

impl Stored for Present {
    type Record = PresentRecord;
}

impl From<&Present> for PresentRecord {
    fn from(present: &Present) -> Self {
        let crowd = match &present.crowd {
            Crowd::All => CrowdRecord::All,
            Crowd::Compagnon(compagnon) => CrowdRecord::Compagnon(compagnon.clone()),
            Crowd::Activity(activity) => CrowdRecord::Activity(*activity),
        };
        Self { crowd, count: present.count, raters: present.raters }
    }
}

impl From<PresentRecord> for Present {
    fn from(record: PresentRecord) -> Self {
        let crowd = match record.crowd {
            CrowdRecord::All => Crowd::All,
            CrowdRecord::Compagnon(compagnon) => Crowd::Compagnon(compagnon),
            CrowdRecord::Activity(activity) => Crowd::Activity(activity),
        };
        Self { crowd, count: record.count, raters: record.raters }
    }
}

/// A [`WeekKey`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct WeekKeyRecord(Hex<32>);

impl Stored for WeekKey {
    type Record = WeekKeyRecord;
}

impl From<&WeekKey> for WeekKeyRecord {
    fn from(key: &WeekKey) -> Self {
        Self(Hex(*key.0.bytes()))
    }
}

impl From<WeekKeyRecord> for WeekKey {
    fn from(record: WeekKeyRecord) -> Self {
        Self(Key32::from_bytes(&record.0.0))
    }
}
