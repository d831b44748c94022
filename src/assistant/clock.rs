//! The time of the machine. Pure code takes the time as an argument; only what drives it asks here.

use std::time::{Duration, SystemTime};

/// Milliseconds since the epoch.
pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// A time so much later, in milliseconds since the epoch.
pub(crate) fn later(at: u64, by: Duration) -> u64 {
    at.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX))
}
