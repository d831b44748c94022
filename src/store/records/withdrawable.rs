//! The messages of an answer that was forgotten.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use super::stored::Stored;
use crate::store::withdrawable::Withdrawable;

/// A [`Withdrawable`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct WithdrawableRecord {
    at: u64,
    /// In base64.
    sealed: String,
}

impl Stored for Withdrawable {
    type Record = WithdrawableRecord;
}

impl From<&Withdrawable> for WithdrawableRecord {
    fn from(withdrawable: &Withdrawable) -> Self {
        Self { at: withdrawable.at, sealed: BASE64.encode(&withdrawable.sealed) }
    }
}

impl From<WithdrawableRecord> for Withdrawable {
    fn from(record: WithdrawableRecord) -> Self {
        // What is damaged here does not open later.
        Self { at: record.at, sealed: BASE64.decode(record.sealed).unwrap_or_default() }
    }
}
