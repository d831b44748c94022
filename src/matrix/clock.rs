//! The time as events and leases give it.

use std::time::SystemTime;

/// Milliseconds since the epoch; 0 on a clock that is before it.
pub(super) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
