//! Durations as people write them in a configuration: `30s`, `1h 30m`, `7 days`, `2 semaines`, `P1DT12H`.

use std::fmt;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::{Deserializer, de};

/// The expected form of a duration. The list of keys recognises durations by this text.
pub const EXPECTED: &str = "a duration such as 30s, 5m, 12h, 7d or 2w";

/// The units that jiff does not know, and their English names.
const FRENCH: [(&str, &str); 9] = [
    ("j", "d"),
    ("jour", "d"),
    ("jours", "d"),
    ("semaine", "w"),
    ("semaines", "w"),
    ("heure", "h"),
    ("heures", "h"),
    ("seconde", "s"),
    ("secondes", "s"),
];

/// The duration that `text` says, or what is wrong with it.
pub fn parse(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("`{}` is not {EXPECTED}", short(text));
    // No duration is longer, and the parser below must not work on megabytes.
    if text.len() > 100 {
        return Err(wrong());
    }
    let span: Span = english(text).parse().map_err(|_| wrong())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(format!("`{}`: months and years have no fixed length; write days", short(text)));
    }
    span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())
}

/// The text with the French units in English. ISO 8601 passes as it is.
fn english(text: &str) -> String {
    let text = text.trim();
    if text.starts_with(['P', 'p']) {
        return text.to_owned();
    }
    let text = text.to_lowercase();
    let mut translated = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(letter) = rest.chars().next() {
        let same = |other: char| other.is_alphabetic() == letter.is_alphabetic();
        let (word, after) = rest.split_at(rest.find(|other| !same(other)).unwrap_or(rest.len()));
        translated.push_str(match word {
            "mois" => "mo",
            "an" | "ans" => "y",
            word => FRENCH.iter().find(|(french, _)| *french == word).map_or(word, |(_, english)| english),
        });
        rest = after;
    }
    translated
}

/// A duration in words: `7d`, `1h 30m`.
#[must_use]
pub fn show(duration: SignedDuration) -> String {
    const DAY: i64 = 24 * 60 * 60;
    let seconds = duration.as_secs();
    if seconds != 0 && seconds % DAY == 0 && duration.subsec_nanos() == 0 {
        return format!("{}d", seconds / DAY);
    }
    format!("{duration:#}")
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// As [`read`], where there may be none: with `#[serde(default)]`.
pub fn read_some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SignedDuration>, D::Error> {
    read(deserializer).map(Some)
}

/// For `#[serde(deserialize_with = "crate::setting::duration::read")]`.
pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    struct Words;

    impl de::Visitor<'_> for Words {
        type Value = SignedDuration;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(EXPECTED)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<SignedDuration, E> {
            parse(text).map_err(E::custom)
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<SignedDuration, E> {
            Err(E::custom(format_args!("`{number}` has no unit: write {EXPECTED}")))
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<SignedDuration, E> {
            Err(E::custom(format_args!("`{number}` has no unit: write {EXPECTED}")))
        }
    }

    deserializer.deserialize_str(Words)
}

#[cfg(test)]
mod tests {
    use super::{EXPECTED, parse, show};

    #[test]
    fn durations_are_read_as_people_write_them() {
        let hour = 3600;
        for (text, seconds) in [
            ("30s", 30),
            ("5m", 300),
            ("90 min", 5400),
            ("12h", 12 * hour),
            ("1d", 24 * hour),
            ("7 days", 168 * hour),
            ("7 jours", 168 * hour),
            ("7j", 168 * hour),
            ("2w", 336 * hour),
            ("2 semaines", 336 * hour),
            ("1h 30m", 5400),
            ("1 heure 30 minutes", 5400),
            ("1d12h", 36 * hour),
            ("PT12H", 12 * hour),
            ("P1DT12H", 36 * hour),
            ("P1W", 168 * hour),
            ("8760h", 8760 * hour),
            (" 1D ", 24 * hour),
        ] {
            assert_eq!(parse(text).map(|duration| duration.as_secs()), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_said_in_plain_words() {
        for text in ["", "12", "twelve hours", "1x", "12 h and a half", "∞", "1d -2h", "99999999999999999999h", "h"] {
            let sentence = parse(text).expect_err(text);
            assert!(sentence.contains(EXPECTED) && !sentence.contains("jiff"), "{sentence}");
        }
        for text in ["1mo", "1 mois", "2 ans", "1y", "P1M"] {
            assert!(parse(text).expect_err(text).contains("write days"), "{text}");
        }
        assert!(parse(&"9".repeat(5_000_000)).expect_err("too long").len() < 200);
    }

    #[test]
    fn bounds_are_shown_in_words() {
        let shown = ["60s", "90m", "48h", "36h", "0s", "8760h"].map(|text| show(parse(text).expect("a duration")));
        assert_eq!(shown, ["1m", "1h 30m", "2d", "36h", "0s", "365d"]);
    }
}
