//! Times, in English.

use std::time::Duration;

/// A wait, rounded up.
pub fn delay(wait: Duration) -> String {
    match wait.as_secs() + u64::from(wait.subsec_nanos() > 0) {
        0 | 1 => "a second".to_owned(),
        seconds @ 2..60 => format!("{seconds} seconds"),
        seconds if seconds <= 60 => "a minute".to_owned(),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// A time that things are kept.
pub fn span(time: Duration) -> String {
    let hours = time.as_secs() / 3600;
    match (hours / 24, hours % 24) {
        (0, 0) => format!("{} minutes", time.as_secs() / 60),
        (0, 1) => "an hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (1, 0) => "24 hours".to_owned(),
        (days, 0) => format!("{days} days"),
        (_, _) => format!("{hours} hours"),
    }
}
