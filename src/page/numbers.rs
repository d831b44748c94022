//! Numbers, times and dates as people of each language write them.

use std::time::Duration;

use crate::{
    compagnon::Language,
    statistics::{Day, Week},
    typography,
};

/// Where a line never ends.
const NO_BREAK: char = '\u{a0}';

/// A count.
pub(super) fn count(language: Language, number: u64) -> String {
    language.number(number)
}

/// So many of a hundred.
pub(super) fn percent(language: Language, share: u8) -> String {
    match language {
        Language::Fr => format!("{share}{NO_BREAK}%"),
        Language::En => format!("{share}%"),
    }
}

/// How long something takes: tenths of seconds below 10 s, minutes from two on.
pub(super) fn time(language: Language, time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds >= 120 {
        let (minutes, rest) = (seconds / 60, seconds % 60);
        let rest = if rest == 0 { String::new() } else { format!("{NO_BREAK}{rest}{NO_BREAK}s") };
        return format!("{minutes}{NO_BREAK}min{rest}");
    }
    let figure =
        if seconds < 10 { language.decimal(format_args!("{:.1}", time.as_secs_f64())) } else { seconds.to_string() };
    format!("{figure}{NO_BREAK}s")
}

/// A measure, to three digits.
pub(super) fn measure(language: Language, value: f64, unit: &str) -> String {
    format!("{}{NO_BREAK}{unit}", significant(language, value))
}

fn significant(language: Language, value: f64) -> String {
    let places = digits_after(value);
    let text = format!("{:.*}", places, to_three_digits(value));
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let rest = rest.trim_end_matches('0');
    let whole = language.number(whole);
    if rest.is_empty() { whole } else { language.decimal(format_args!("{whole}.{rest}")) }
}

/// To three digits: what is told of measures, so that none tells of one question more.
pub(super) fn to_three_digits(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 0.0;
    }
    let step = 10_f64.powf(value.log10().floor() - 2.0);
    let rounded = (value / step).round() * step;
    // The product above has an error in its last digits, which would be read in exports.
    format!("{rounded:.*}", digits_after(value)).parse().unwrap_or(rounded)
}

#[expect(clippy::cast_sign_loss, reason = "clamped")]
fn digits_after(value: f64) -> usize {
    if value <= 0.0 || !value.is_finite() { 0 } else { (2.0 - value.log10().floor()).clamp(0.0, 9.0) as usize }
}

/// A day in words, which no line breaks.
pub(super) fn day(language: Language, day: Day) -> String {
    language.date(day.date()).replace(' ', "\u{a0}")
}

/// A week, by its Monday.
pub(super) fn week(language: Language, week: Week) -> String {
    day(language, week.monday())
}

/// The same where there is little room.
pub(super) fn short_week(language: Language, week: Week) -> String {
    let form = match language {
        Language::Fr => "%d/%m/%Y",
        Language::En => "%-d %b %Y",
    };
    week.monday().date().strftime(form).to_string().replace(' ', "\u{a0}")
}

/// A sentence as people of the language write it, so that it can be written plainly in the sources.
pub(super) fn typeset(language: Language, text: &str) -> String {
    match language {
        Language::Fr => typography::french(text).into_owned(),
        Language::En => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{count, measure, percent, time, to_three_digits, typeset};
    use crate::compagnon::Language::{En, Fr};

    #[test]
    fn numbers_are_written_as_people_write_them() {
        assert_eq!(
            (count(Fr, 1_234_567), count(En, 1_234_567)),
            ("1\u{202f}234\u{202f}567".into(), "1,234,567".into())
        );
        assert_eq!(
            (count(Fr, 999), percent(Fr, 83), percent(En, 83)),
            ("999".into(), "83\u{a0}%".into(), "83%".into())
        );
        for (millis, written) in
            [(0, "0,0 s"), (1_240, "1,2 s"), (45_000, "45 s"), (120_000, "2 min"), (125_000, "2 min 5 s")]
        {
            assert_eq!(time(Fr, Duration::from_millis(millis)), written.replace(' ', "\u{a0}"), "{millis}");
        }
        for (value, written) in [
            (0.0, "0 Wh"),
            (f64::NAN, "0 Wh"),
            (0.001_234, "0,00123 Wh"),
            (1.5, "1,5 Wh"),
            (12.345, "12,3 Wh"),
            (999.6, "1\u{202f}000 Wh"),
            (1_234_567.0, "1\u{202f}230\u{202f}000 Wh"),
        ] {
            assert_eq!(measure(Fr, value, "Wh"), written.replace(' ', "\u{a0}"), "{value}");
        }
        assert_eq!(to_three_digits(0.123_456).to_string(), "0.123");
        assert_eq!(to_three_digits(1_234.0).to_string(), "1230");
    }

    #[test]
    fn no_line_ends_before_a_sign() {
        assert_eq!(
            typeset(Fr, "Vu : « oui » ; non ? 5 %"),
            "Vu\u{a0}: «\u{a0}oui\u{a0}»\u{202f}; non\u{202f}? 5\u{a0}%"
        );
        assert_eq!(typeset(En, "Seen : yes"), "Seen : yes");
    }
}
