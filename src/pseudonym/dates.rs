//! Dates of birth: a date that the words before it say to be one.

use super::gazetteer::has;
use super::kind::Kind;
use super::page::Page;
use super::tokens::Shape;
use super::vocabulary::MONTHS;

/// How far the words may be.
const REACH: usize = 12;

/// Finds them.
pub(super) fn find(page: &mut Page<'_>) {
    for at in 0..page.tokens.len() {
        let token = page.tokens[at];
        if token.taken || !matches!(token.shape, Shape::Number | Shape::Code) {
            continue;
        }
        let Some(end) = date(page, at) else { continue };
        if of_birth(page, at, end) {
            page.claim_tokens(Kind::BirthDate, at..end);
        }
    }
}

/// Finds those right behind a person: "Patient : Djody Mercadier, 19/03/1943."
pub(super) fn after_people(page: &mut Page<'_>) {
    for index in 0..page.hits.len() {
        let hit = &page.hits[index];
        if hit.kind != Kind::Person {
            continue;
        }
        let at = page.tokens_in(&(hit.start..hit.end)).end;
        let joined = page.mark(at, ',') || page.mark(at, '(') || page.mark(at, '-') || page.mark(at, '–');
        if !joined || page.tokens.get(at + 1).is_none_or(|token| token.taken || token.line) {
            continue;
        }
        // A year alone, or a day of this year, is none.
        if let Some(end) = date(page, at + 1).filter(|end| *end >= at + 4 && page.written(*end - 1).len() >= 2) {
            let closes = page.tokens.get(end).is_none_or(|token| {
                token.line || matches!(token.shape, Shape::Mark('.' | ')' | ',' | ';' | '-' | '|'))
            });
            if closes {
                page.claim_tokens(Kind::BirthDate, at + 1..end);
            }
        }
    }
}

fn number(page: &Page<'_>, at: usize) -> Option<u32> {
    let token = page
        .tokens
        .get(at)
        .filter(|token| token.shape == Shape::Number && !token.taken && token.end - token.start <= 4)?;
    page.text[token.start..token.end].parse().ok()
}

fn year(value: u32, digits: usize) -> bool {
    (digits == 4 && (1880..=2100).contains(&value)) || digits == 2
}

/// Where the date that begins at a token ends.
fn date(page: &Page<'_>, at: usize) -> Option<usize> {
    let separated =
        |at: usize| page.tokens.get(at).is_some_and(|token| matches!(token.shape, Shape::Mark('/' | '-' | '.' | '–')));
    if let Some(first) = number(page, at) {
        let digits = page.written(at).len();
        // 12/03/1980, 1980-03-12, and with spaces.
        let (second, third) = if separated(at + 1) && separated(at + 3) { (at + 2, at + 4) } else { (at + 1, at + 2) };
        if let (Some(month), Some(last)) = (number(page, second), number(page, third))
            && page.follows(second)
            && page.follows(third)
        {
            let length = page.written(third).len();
            if (1..=31).contains(&first) && (1..=12).contains(&month) && year(last, length) && digits <= 2 {
                return Some(third + 1);
            }
            if year(first, digits) && digits == 4 && (1..=12).contains(&month) && (1..=31).contains(&last) {
                return Some(third + 1);
            }
        }
        if let Some(end) = worded(page, at + 1).filter(|_| (1..=31).contains(&first)) {
            return Some(end);
        }
        return (digits == 4 && (1880..=2030).contains(&first)).then_some(at + 1);
    }
    // "1er mars 1980"; eight digits run together are none, but "12mars1980" is rare enough.
    let first = page.folded(at);
    (first == "1er").then(|| worded(page, at + 1)).flatten()
}

/// Where a month in words and its year end.
fn worded(page: &Page<'_>, month: usize) -> Option<usize> {
    if !page.follows(month) || !has(MONTHS, page.folded(month)) {
        return None;
    }
    let after = if page.mark(month + 1, '.') { month + 2 } else { month + 1 };
    match number(page, after) {
        Some(value) if page.follows(after) && year(value, page.written(after).len()) => Some(after + 1),
        _ => Some(month + 1),
    }
}

/// Whether the words around say that somebody was born then.
fn of_birth(page: &Page<'_>, start: usize, end: usize) -> bool {
    let short = end - start < 2;
    for (between, at) in page.before(page.tokens[start].start, REACH).enumerate() {
        let word = page.folded(at);
        match word {
            "nee" | "nes" | "nees" | "naissance" | "naissances" | "anniversaire" | "ddn" | "naquit" => {
                return !short || between < 3;
            }
            // "Né le", "né à Lyon le": but "ne" is also a negation.
            "ne" if born(page, at, start) => return true,
            _ => {}
        }
        if page.tokens[at].shape == Shape::Number || matches!(page.tokens[at].shape, Shape::Mark(';' | '!' | '?')) {
            return false;
        }
    }
    page.mark(end, '(') && page.folded(end + 1) == "naissance"
}

/// Whether "ne" is "né": with its accent, or right before "le", "en", "à".
fn born(page: &Page<'_>, at: usize, date: usize) -> bool {
    page.written(at).to_lowercase() != "ne" || matches!(page.folded(at + 1), "le" | "en") && date == at + 2
}
