//! The time of the machine. Pure code takes the time as an argument; only what drives it asks here.

use std::time::{Duration, SystemTime};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Milliseconds since the epoch.
pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// The date of a time in milliseconds since the epoch, in a time zone. The configuration makes sure that there is such a zone.
pub(crate) fn date_in(zone: &str, at: u64) -> Date {
    let time = i64::try_from(at).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    time.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone).date()
}

/// A time so much later, in milliseconds since the epoch.
pub(crate) fn later(at: u64, by: Duration) -> u64 {
    at.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX))
}
