//! Dates and times of day, however they are written.

use super::{
    fact::Value,
    months,
    reading::Reading,
    tokens::{Shape, Token, small},
};
use crate::translation::words::fold;

/// What follows the figure of an ordinal.
pub const ORDINALS: [&str; 14] = ["er", "re", "ere", "e", "eme", "nd", "nde", "st", "rd", "th", "º", "ª", "ste", "te"];

/// A date that begins at a token, with the token behind it.
pub fn date(reading: &Reading<'_, '_>, at: usize) -> Option<(usize, Vec<Value>)> {
    in_figures(reading, at).or_else(|| day_first(reading, at)).or_else(|| month_first(reading, at))
}

/// "12/03/2026", "2026-03-12".
fn in_figures(reading: &Reading<'_, '_>, at: usize) -> Option<(usize, Vec<Value>)> {
    let tokens = reading.tokens.get(at..at + 5)?;
    let [first, mark, second, other, third] = tokens else { return None };
    let marks =
        (mark.is('/') && other.is('/')) || (mark.is('.') && other.is('.')) || (mark.is_dash() && other.is_dash());
    let tight = tokens.iter().skip(1).all(|token| !token.spaced);
    let figures = [first, second, third].into_iter().all(|token| token.shape == Shape::Digits);
    // Nothing is joined to it: "2026-03-12-B" is a reference.
    let joined = |at: usize| {
        reading.joined(at)
            && reading
                .token(at)
                .is_some_and(|token| token.is_dash() || token.is('/') || !matches!(token.shape, Shape::Mark(_)))
    };
    let continues = joined(at + 5) || (at > 0 && joined(at) && reading.joined(at));
    if !marks || !tight || !figures || continues {
        return None;
    }
    let lengths = [first, second, third].map(|token| token.text.chars().count());
    let numbers = [small(first.text)?, small(second.text)?, small(third.text)?];
    let mut values = Vec::new();
    let mut add = |year: u32, month: u32, day: u32| {
        let value = Value::Date { year: Some(year), month, day: Some(day) };
        if (1..=12).contains(&month) && (1..=31).contains(&day) && !values.contains(&value) {
            values.push(value);
        }
    };
    match (lengths, numbers) {
        ([4, 1 | 2, 1 | 2], [year, month, day]) => add(year, month, day),
        ([1 | 2, 1 | 2, 4], [one, two, year]) => {
            add(year, two, one);
            add(year, one, two);
        }
        ([1 | 2, 1 | 2, 2], [one, two, year]) => {
            for century in [2_000, 1_900] {
                add(century + year, two, one);
                add(century + year, one, two);
            }
        }
        _ => {}
    }
    (!values.is_empty()).then_some((at + 5, values))
}

/// "12 mars 2026", "1er mars", "12th of March, 2026".
fn day_first(reading: &Reading<'_, '_>, at: usize) -> Option<(usize, Vec<Value>)> {
    let (day, behind) = day(reading, at)?;
    let behind = past_words(reading, behind);
    let month = month(reading, behind)?;
    let (year, end) =
        year(reading, past_dot(reading, behind + 1)).map_or((None, behind + 1), |(year, end)| (Some(year), end));
    Some((end, vec![Value::Date { year, month, day: Some(day) }]))
}

/// "March 12, 2026", "mars 2026", "March".
fn month_first(reading: &Reading<'_, '_>, at: usize) -> Option<(usize, Vec<Value>)> {
    let month = month(reading, at)?;
    let behind = past_dot(reading, at + 1);
    if let Some((year, end)) = year(reading, behind) {
        return Some((end, vec![Value::Date { year: Some(year), month, day: None }]));
    }
    if let Some((day, end)) = day(reading, behind)
        && reading.token(behind).is_some_and(|token| token.spaced)
    {
        let (year, end) = year(reading, end).map_or((None, end), |(year, end)| (Some(year), end));
        return Some((end, vec![Value::Date { year, month, day: Some(day) }]));
    }
    let word = reading.token(at)?;
    let named = fold(word.text);
    let doubtful = months::DOUBTFUL.contains(&named.as_str()) || named.chars().count() <= 3;
    let capital = word.text.chars().next().is_some_and(char::is_uppercase);
    let alone = !doubtful && (capital || !matches!(reading.language, "en" | "de" | ""));
    alone.then_some((at + 1, vec![Value::Date { year: None, month, day: None }]))
}

fn month(reading: &Reading<'_, '_>, at: usize) -> Option<u32> {
    let word = reading.token(at).filter(|token| token.shape == Shape::Word)?;
    months::month(&fold(word.text), reading.language)
}

/// The number of a day, with or without the ending of an ordinal.
fn day(reading: &Reading<'_, '_>, at: usize) -> Option<(u32, usize)> {
    let token = reading.token(at).filter(|token| token.shape == Shape::Digits && token.text.chars().count() <= 2)?;
    let number = small(token.text).filter(|day| (1..=31).contains(day))?;
    // Part of something longer.
    let joined_before =
        at > 0 && reading.joined(at) && reading.token(at - 1).is_some_and(|before| !before.is('(') && !before.is('['));
    if joined_before {
        return None;
    }
    if reading.joined(at + 1) && reading.token(at + 1).is_some_and(|next| is_ordinal(next)) {
        return Some((number, at + 2));
    }
    // "12." in German; not the first figures of "12.5".
    if reading.joined(at + 1)
        && reading.token(at + 1).is_some_and(|next| next.is('.'))
        && reading.token(at + 2).is_some_and(|next| next.spaced && next.shape == Shape::Word)
    {
        return Some((number, at + 2));
    }
    Some((number, at + 1))
}

/// Whether a token is the ending of an ordinal.
pub fn is_ordinal(token: &Token<'_>) -> bool {
    !token.spaced && ORDINALS.contains(&fold(token.text).as_str())
}

/// A year, perhaps behind a comma and a small word.
fn year(reading: &Reading<'_, '_>, at: usize) -> Option<(u32, usize)> {
    let mut at = at;
    if reading.token(at).is_some_and(|token| token.is(',')) {
        at += 1;
    }
    let at = past_words(reading, at);
    let token = reading.token(at).filter(|token| token.shape == Shape::Digits && token.text.chars().count() == 4)?;
    let year = small(token.text).filter(|year| (1_000..=2_999).contains(year))?;
    Some((year, at + 1))
}

fn past_words(reading: &Reading<'_, '_>, at: usize) -> usize {
    let between = months::of(reading.language).map_or(&["de", "of"] as &[&str], |months| months.between);
    let is_between = reading.token(at).is_some_and(|token| between.contains(&fold(token.text).as_str()));
    if is_between { at + 1 } else { at }
}

fn past_dot(reading: &Reading<'_, '_>, at: usize) -> usize {
    if reading.joined(at) && reading.token(at).is_some_and(|token| token.is('.')) { at + 1 } else { at }
}

/// A time of day that begins at a token, with the token behind it.
pub fn time(reading: &Reading<'_, '_>, at: usize) -> Option<(usize, Vec<Value>)> {
    let token = reading.token(at)?;
    if token.shape == Shape::Word {
        let minutes = match fold(token.text).as_str() {
            "midi" if reading.language == "fr" => 720,
            "noon" => 720,
            "minuit" | "midnight" => 0,
            _ => return None,
        };
        return Some((at + 1, vec![Value::Time(minutes)]));
    }
    let hour = hours(reading, at)?;
    let mark = reading.token(at + 1)?;
    let minutes = || {
        let token =
            reading.token(at + 2).filter(|token| token.shape == Shape::Digits && token.text.chars().count() == 2)?;
        small(token.text).filter(|minutes| *minutes < 60)
    };
    let word = fold(mark.text);
    if matches!(word.as_str(), "h" | "heure" | "heures" | "uhr" | "hrs") {
        return Some(match minutes() {
            Some(minutes) => (at + 3, vec![Value::Time(hour * 60 + minutes)]),
            // "24 heures" may be how long something takes.
            None => (at + 2, vec![Value::Time(hour * 60), Value::Amount { number: hour.to_string(), unit: None }]),
        });
    }
    if let Some((afternoon, end)) = half_of_day(reading, at + 1) {
        return Some((end, vec![Value::Time(on_clock(hour, afternoon)? * 60)]));
    }
    let (colon, dot) = (mark.is(':'), mark.is('.'));
    let minutes = minutes().filter(|_| (colon || dot) && !mark.spaced && reading.joined(at + 2))?;
    match half_of_day(reading, at + 3) {
        Some((afternoon, end)) => Some((end, vec![Value::Time(on_clock(hour, afternoon)? * 60 + minutes)])),
        None if colon => Some((at + 3, vec![Value::Time(hour * 60 + minutes)])),
        None => None,
    }
}

fn hours(reading: &Reading<'_, '_>, at: usize) -> Option<u32> {
    let token = reading.token(at).filter(|token| token.shape == Shape::Digits && token.text.chars().count() <= 2)?;
    let joined = at > 0
        && reading.joined(at)
        && reading.token(at - 1).is_some_and(|before| {
            !matches!(before.shape, Shape::Mark('(' | '[' | '"' | '«' | '~' | '\'' | '’' | '–' | '—' | '-'))
        });
    small(token.text).filter(|hour| *hour <= 24 && !joined)
}

/// Whether "am", "p.m." or the like stands at a token.
fn half_of_day(reading: &Reading<'_, '_>, at: usize) -> Option<(bool, usize)> {
    let word = fold(reading.token(at).filter(|token| token.shape == Shape::Word)?.text);
    match word.as_str() {
        "am" => Some((false, at + 1)),
        "pm" => Some((true, at + 1)),
        "a" | "p" => {
            let rest = reading.tokens.get(at + 1..at + 3)?;
            let is_half = matches!(rest, [dot, m] if dot.is('.') && fold(m.text) == "m" && !dot.spaced && !m.spaced);
            let end = if reading.joined(at + 3) && reading.token(at + 3).is_some_and(|dot| dot.is('.')) {
                at + 4
            } else {
                at + 3
            };
            is_half.then_some((word == "p", end))
        }
        _ => None,
    }
}

fn on_clock(hour: u32, afternoon: bool) -> Option<u32> {
    let hour = Some(hour).filter(|hour| (1..=12).contains(hour))? % 12;
    Some(if afternoon { hour + 12 } else { hour })
}
