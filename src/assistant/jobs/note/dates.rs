//! Dates as people write them, read from the day on which they were written. Pure.

use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};

use crate::{compagnon::Language, index::french::fold};

const DAYS: [(&str, &str, Weekday); 7] = [
    ("lundi", "monday", Weekday::Monday),
    ("mardi", "tuesday", Weekday::Tuesday),
    ("mercredi", "wednesday", Weekday::Wednesday),
    ("jeudi", "thursday", Weekday::Thursday),
    ("vendredi", "friday", Weekday::Friday),
    ("samedi", "saturday", Weekday::Saturday),
    ("dimanche", "sunday", Weekday::Sunday),
];

const MONTHS: [&[&str]; 12] = [
    &["janvier", "janv", "january", "jan"],
    &["fevrier", "fevr", "fev", "february", "feb"],
    &["mars", "march"],
    &["avril", "avr", "april", "apr"],
    &["mai", "may"],
    &["juin", "june"],
    &["juillet", "juil", "july", "jul"],
    &["aout", "august", "aug"],
    &["septembre", "sept", "september", "sep"],
    &["octobre", "oct", "october"],
    &["novembre", "nov", "november"],
    &["decembre", "dec", "december"],
];

/// A date that is so many days back when read as one of this year is one of the next.
const PAST: i32 = 183;

/// The words of a text: folded, without signs around them and without what is elided before an apostrophe.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let inner = |letter: char| letter.is_alphanumeric() || matches!(letter, '\'' | '/' | ':' | '-');
    let folded = fold(text);
    let words = folded.split(|letter: char| !inner(letter));
    let words = words.map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()));
    words.map(|word| word.rsplit('\'').next().unwrap_or(word).to_owned()).filter(|word| !word.is_empty()).collect()
}

/// The weekday of that name.
#[must_use]
pub fn weekday(word: &str) -> Option<Weekday> {
    DAYS.iter().find(|(fr, en, _)| *fr == word || *en == word).map(|(_, _, day)| *day)
}

/// The month of that name, from 1.
#[must_use]
pub fn month(word: &str) -> Option<i8> {
    let found = MONTHS.iter().position(|names| names.contains(&word))?;
    i8::try_from(found + 1).ok()
}

/// A number of a day of a month.
fn day(word: &str) -> Option<i8> {
    let ends = ["er", "st", "nd", "rd", "th"];
    let number = ends.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
    number.parse().ok().filter(|day| (1..=31).contains(day))
}

/// A year of four digits.
fn year(word: Option<&String>) -> Option<i16> {
    word.filter(|word| word.len() == 4)?.parse().ok().filter(|year| (1990..=2200).contains(year))
}

/// Which way a date without a year, or a weekday, is looked for from the day on which it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// What is to be done.
    Ahead,
    /// What has happened.
    Back,
}

/// The date that words begin with, and how many of them say it. `written` is the day on which they were written.
#[must_use]
pub fn begins(words: &[String], written: Date, way: Way) -> Option<(Date, usize)> {
    let first = words.first()?.as_str();
    let next = words.get(1).map(String::as_str);
    let shifted = |days: i32| written.checked_add(days.days()).ok();
    match first {
        "aujourd'hui" | "aujourdhui" | "hui" | "today" | "tonight" => return Some((written, 1)),
        "demain" | "tomorrow" => return Some((shifted(1)?, 1)),
        "apres-demain" => return Some((shifted(2)?, 1)),
        "apres" if next == Some("demain") => return Some((shifted(2)?, 2)),
        "hier" | "yesterday" => return Some((shifted(-1)?, 1)),
        "avant-hier" => return Some((shifted(-2)?, 1)),
        "dans" | "in" if way == Way::Ahead => {
            let count: i32 = next?.parse().ok().filter(|count| (1..=400).contains(count))?;
            let days = match words.get(2)?.as_str() {
                "jour" | "jours" | "day" | "days" => count,
                "semaine" | "semaines" | "week" | "weeks" => count.checked_mul(7)?,
                _ => return None,
            };
            return Some((shifted(days)?, 3));
        }
        _ => {}
    }
    if let Some(weekday) = weekday(first) {
        // "vendredi 27 novembre": the date says it.
        if let Some((date, used)) = begins(words.get(1..)?, written, way).filter(|_| next.is_some_and(is_number)) {
            return Some((date, used + 1));
        }
        let date = match way {
            Way::Ahead => written.nth_weekday(1, weekday),
            Way::Back => written.nth_weekday(-1, weekday),
        };
        let said = usize::from(matches!(next, Some("prochain" | "dernier")));
        return Some((date.ok()?, 1 + said));
    }
    numbered(words, written, way)
}

fn is_number(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_digit())
}

/// A date in numbers, or a day and a month.
fn numbered(words: &[String], written: Date, way: Way) -> Option<(Date, usize)> {
    let first = words.first()?.as_str();
    let parts: Vec<&str> = first.split(['/', '-']).collect();
    if let [one, two, three] = parts[..] {
        let (first, second, third) = (one.parse::<i16>().ok()?, two.parse::<i8>().ok()?, three.parse::<i16>().ok()?);
        let (year, day) = if one.len() == 4 { (first, third) } else { (third, first) };
        let year = if year < 100 { 2000 + year } else { year };
        let day = i8::try_from(day).ok()?;
        return Some((Date::new(year, second, day).ok()?, 1));
    }
    if let ([one, two], true) = (&parts[..], first.contains('/')) {
        return Some((near(two.parse().ok()?, one.parse().ok()?, None, written, way)?, 1));
    }
    if let (Some(month), Some(day)) = (month(first), words.get(1).and_then(|word| day(word))) {
        let year = year(words.get(2));
        return Some((near(month, day, year, written, way)?, 2 + usize::from(year.is_some())));
    }
    let (day, month) = (day(first)?, month(words.get(1)?)?);
    let year = year(words.get(2));
    Some((near(month, day, year, written, way)?, 2 + usize::from(year.is_some())))
}

/// A day of a month, in the year that fits.
fn near(month: i8, day: i8, year: Option<i16>, written: Date, way: Way) -> Option<Date> {
    if let Some(year) = year {
        return Date::new(year, month, day).ok();
    }
    let this = Date::new(written.year(), month, day).ok()?;
    let days = (this - written).get_days();
    match way {
        Way::Ahead if days < -PAST => Date::new(written.year().checked_add(1)?, month, day).ok(),
        Way::Back if days > 0 => Date::new(written.year().checked_sub(1)?, month, day).ok(),
        _ => Some(this),
    }
}

/// The first date that a text names, looked for ahead.
#[must_use]
pub fn first(text: &str, written: Date) -> Option<Date> {
    all(text, written).first().copied()
}

/// The dates that a text names, looked for ahead.
#[must_use]
pub fn all(text: &str, written: Date) -> Vec<Date> {
    let words = words(text);
    let mut dates = Vec::new();
    let mut at = 0;
    while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
        match begins(rest, written, Way::Ahead) {
            Some((date, used)) => {
                dates.push(date);
                at += used;
            }
            None => at += 1,
        }
    }
    dates
}

/// A date with its weekday, in words.
#[must_use]
pub fn in_words(date: Date, language: Language) -> String {
    let (fr, en, _) = DAYS[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs()) % DAYS.len()];
    match language {
        Language::Fr => format!("{fr} {}", language.date(date)),
        Language::En => {
            let mut letters = en.chars();
            let day: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
            format!("{day} {}", language.date(date))
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{Language, all, first, in_words};

    #[test]
    fn dates_are_read_from_the_day_they_were_written_on() {
        // A Monday.
        let written = date(2026, 11, 23);
        for (text, expected) in [
            ("pour vendredi", date(2026, 11, 27)),
            ("lundi prochain au plus tard", date(2026, 11, 30)),
            ("demain matin", date(2026, 11, 24)),
            ("après-demain", date(2026, 11, 25)),
            ("aujourd’hui", date(2026, 11, 23)),
            ("avant le 12 décembre", date(2026, 12, 12)),
            ("le 1er février", date(2026, 2, 1).checked_add(jiff::Span::new().years(1)).expect("a date")),
            ("le 03/12", date(2026, 12, 3)),
            ("le 3/12/2027", date(2027, 12, 3)),
            ("2026-12-24", date(2026, 12, 24)),
            ("vendredi 4 décembre 2026", date(2026, 12, 4)),
            ("dans 3 jours", date(2026, 11, 26)),
            ("in 2 weeks", date(2026, 12, 7)),
            ("by Friday", date(2026, 11, 27)),
            ("on December 3rd", date(2026, 12, 3)),
        ] {
            assert_eq!(first(text, written), Some(expected), "{text}");
        }
        for text in ["dès que possible", "31 février", "99/99", "le 12", "dans 9999999999 jours", "12:30", ""] {
            assert_eq!(first(text, written), None, "{text}");
        }
        assert_eq!(all("mardi ou jeudi", written), [date(2026, 11, 24), date(2026, 11, 26)]);
        assert_eq!(in_words(date(2026, 11, 27), Language::Fr), "vendredi 27 novembre 2026");
        assert_eq!(in_words(date(2026, 11, 27), Language::En), "Friday 27 November 2026");
    }
}
