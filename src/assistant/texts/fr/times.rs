//! Times, in French.

use std::time::Duration;

/// A wait, rounded up.
pub fn delay(wait: Duration) -> String {
    match wait.as_secs() + u64::from(wait.subsec_nanos() > 0) {
        0 | 1 => "une seconde".to_owned(),
        seconds @ 2..60 => format!("{seconds} secondes"),
        seconds if seconds <= 60 => "une minute".to_owned(),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// A time that things are kept, after "au bout".
pub fn of(time: Duration) -> String {
    let span = span(time);
    if span.starts_with('u') { format!("d’{span}") } else { format!("de {span}") }
}

/// A time that things are kept.
pub fn span(time: Duration) -> String {
    let hours = time.as_secs() / 3600;
    match (hours / 24, hours % 24) {
        (0, 0) => format!("{} minutes", time.as_secs() / 60),
        (0, 1) => "une heure".to_owned(),
        (0, hours) => format!("{hours} heures"),
        (1, 0) => "24 heures".to_owned(),
        (days, 0) => format!("{days} jours"),
        (_, _) => format!("{hours} heures"),
    }
}
