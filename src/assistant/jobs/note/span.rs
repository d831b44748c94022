//! What `!note` and `!manqué` say about how far back is read. Pure: the time is given.

use jiff::{
    ToSpan as _, Zoned,
    civil::{Date, Time},
};

use super::dates::{Way, begins, words};

/// The most messages that a note is made of.
pub const MOST_READ: usize = 2_000;

/// How far back is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// It is not said.
    Usual,
    /// From this time on, in milliseconds since the epoch.
    Since(u64),
    /// The newest so many messages.
    Last(usize),
    /// The whole thread.
    Thread,
}

impl Span {
    /// Reads what follows the command; `None` where it says something else.
    #[must_use]
    pub fn read(arguments: &str, now: &Zoned) -> Option<Self> {
        let words = words(arguments);
        let plain: Vec<&str> = words.iter().map(String::as_str).filter(|word| !FILLERS.contains(word)).collect();
        match plain[..] {
            [] => return Some(Self::Usual),
            ["fil" | "thread"] => return Some(Self::Thread),
            [count, "messages" | "message"] => return Self::last(count),
            [count] if arguments.trim().bytes().all(|byte| byte.is_ascii_digit()) => return Self::last(count),
            _ => {}
        }
        since(&plain, now).map(Self::Since)
    }

    fn last(count: &str) -> Option<Self> {
        let count: usize = count.parse().ok().filter(|count| *count > 0)?;
        Some(Self::Last(count.min(MOST_READ)))
    }
}

/// Words that change nothing.
const FILLERS: [&str; 20] = [
    "depuis",
    "since",
    "from",
    "le",
    "la",
    "les",
    "l",
    "ce",
    "cet",
    "cette",
    "this",
    "the",
    "derniers",
    "dernieres",
    "last",
    "at",
    "a",
    "de",
    "du",
    "all",
];

/// The time that the words name, in milliseconds since the epoch; none that is still to come.
fn since(plain: &[&str], now: &Zoned) -> Option<u64> {
    let start = match plain {
        ["matin" | "morning"] => at(now, now.date(), Time::midnight())?,
        ["semaine" | "week"] => {
            let back = i32::from(now.date().weekday().to_monday_zero_offset());
            at(now, now.date().checked_sub(back.days()).ok()?, Time::midnight())?
        }
        ["mois" | "month"] => at(now, now.date().first_of_month(), Time::midnight())?,
        [count, unit] if ago(count, unit, now).is_some() => ago(count, unit, now)?,
        _ => moment(plain, now)?,
    };
    let milliseconds = u64::try_from(start.timestamp().as_millisecond()).ok()?;
    (start <= *now).then_some(milliseconds)
}

/// "3 jours", "2 heures", "une semaine".
fn ago(count: &str, unit: &str, now: &Zoned) -> Option<Zoned> {
    let count: i64 = match count {
        "un" | "une" | "one" | "an" => 1,
        number => number.parse().ok().filter(|count| (1..=400).contains(count))?,
    };
    let span = match unit {
        "heure" | "heures" | "hour" | "hours" => count.hours(),
        "jour" | "jours" | "day" | "days" => count.days(),
        "semaine" | "semaines" | "week" | "weeks" => count.weeks(),
        "mois" | "month" | "months" if count <= 12 => count.months(),
        _ => return None,
    };
    now.checked_sub(span).ok()
}

/// A day, a time of day, or both.
fn moment(plain: &[&str], now: &Zoned) -> Option<Zoned> {
    let owned: Vec<String> = plain.iter().map(|word| (*word).to_owned()).collect();
    let day = begins(&owned, now.date(), Way::Back);
    let used = day.map_or(0, |(_, used)| used);
    let rest = plain.get(used..)?;
    let time = match rest {
        [] | ["matin" | "morning"] if used > 0 => Time::midnight(),
        rest => clock(rest)?,
    };
    match day {
        Some((date, _)) => at(now, date, time),
        // A time that is still to come today was yesterday's.
        None => at(now, now.date(), time)
            .filter(|today| today <= now)
            .or_else(|| at(now, now.date().yesterday().ok()?, time)),
    }
}

/// A time of day: `9h`, `9 h 30`, `14:05`, `9am`.
fn clock(words: &[&str]) -> Option<Time> {
    let joined: String = words.concat();
    let (joined, later) = match (joined.strip_suffix("am"), joined.strip_suffix("pm")) {
        (Some(rest), _) => (rest.to_owned(), Some(false)),
        (_, Some(rest)) => (rest.to_owned(), Some(true)),
        _ => (joined, None),
    };
    let marked = later.is_some() || joined.contains(['h', ':']);
    let (hour, minute) = joined.split_once(['h', ':']).unwrap_or((&joined, ""));
    let hour: i8 = hour.parse().ok().filter(|_| marked)?;
    let hour = match later {
        Some(true) if hour < 12 => hour + 12,
        Some(false) if hour == 12 => 0,
        _ => hour,
    };
    let minute: i8 = if minute.is_empty() { 0 } else { minute.parse().ok()? };
    Time::new(hour, minute, 0, 0).ok()
}

fn at(now: &Zoned, date: Date, time: Time) -> Option<Zoned> {
    date.to_datetime(time).to_zoned(now.time_zone().clone()).ok()
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil::date, tz::TimeZone};

    use super::{MOST_READ, Span};

    #[test]
    fn stretches_are_read_in_both_languages() {
        let zone = TimeZone::get("Europe/Paris").expect("a zone");
        // A Wednesday.
        let now = date(2026, 11, 25).at(10, 30, 0, 0).to_zoned(zone.clone()).expect("a time");
        let read = |text: &str| {
            let Span::Since(at) = Span::read(text, &now)? else { panic!("{text} is a time") };
            let at = Timestamp::from_millisecond(i64::try_from(at).expect("a time")).expect("a time");
            Some(at.to_zoned(zone.clone()).strftime("%m-%d %H:%M").to_string())
        };
        for (text, expected) in [
            ("depuis lundi", "11-23 00:00"),
            ("Depuis Lundi", "11-23 00:00"),
            ("depuis mercredi", "11-18 00:00"),
            ("depuis hier", "11-24 00:00"),
            ("depuis avant-hier", "11-23 00:00"),
            ("depuis hier 14h", "11-24 14:00"),
            ("depuis 9h", "11-25 09:00"),
            ("depuis 9 h 30", "11-25 09:30"),
            ("depuis 14:05", "11-24 14:05"),
            ("depuis lundi à 9h", "11-23 09:00"),
            ("depuis ce matin", "11-25 00:00"),
            ("depuis le 12 novembre", "11-12 00:00"),
            ("depuis le 12/11", "11-12 00:00"),
            ("depuis 3 jours", "11-22 10:30"),
            ("depuis une semaine", "11-18 10:30"),
            ("depuis 2 heures", "11-25 08:30"),
            ("aujourd’hui", "11-25 00:00"),
            ("aujourd'hui", "11-25 00:00"),
            ("cette semaine", "11-23 00:00"),
            ("since Monday", "11-23 00:00"),
            ("since 9am", "11-25 09:00"),
            ("since yesterday at 2pm", "11-24 14:00"),
            ("today", "11-25 00:00"),
            ("since November 12", "11-12 00:00"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for (text, expected) in [
            ("", Some(Span::Usual)),
            ("50 messages", Some(Span::Last(50))),
            ("les 50 derniers messages", Some(Span::Last(50))),
            ("last 20 messages", Some(Span::Last(20))),
            ("80", Some(Span::Last(80))),
            ("999999 messages", Some(Span::Last(MOST_READ))),
            ("ce fil", Some(Span::Thread)),
            ("this thread", Some(Span::Thread)),
            ("0 messages", None),
            ("depuis toujours", None),
            ("depuis 26h", None),
            ("valider", None),
            ("depuis demain", None),
            ("99999999999999999999 messages", None),
        ] {
            assert_eq!(Span::read(text, &now), expected, "{text}");
        }
    }
}
