//! People who stand below a formula, or alone on a line: signatures, heads of letters, rows of lists.

use super::claims::person;
use super::flags::Flags;
use super::page::Page;
use super::tokens::{Case, Shape};

/// The most words of a name.
const WORDS: usize = 5;
/// The most lines below a closing formula where a name may stand.
const CLOSING_LINES: usize = 3;

/// Finds them.
pub(super) fn find(page: &mut Page<'_>) {
    closings(page);
    lines(page);
    heads(page);
}

/// The names below "Cordialement".
fn closings(page: &mut Page<'_>) {
    for at in 0..page.tokens.len() {
        let yours = page.folded(at) == "vous" && at > 1 && page.folded(at - 1) == "a" && page.folded(at - 2) == "bien";
        if !page.free_word(at) || !(yours || page.flags(at).any(Flags::CLOSING)) {
            continue;
        }
        // To the end of the formula, then the lines below.
        let mut next = at + 1;
        let mut lines = 0;
        while lines < CLOSING_LINES && next < page.tokens.len() {
            if page.tokens[next].line
                || page.mark(next - 1, ',')
                || page.mark(next - 1, '.')
                || page.mark(next - 1, ':')
                || next == at + 1
            {
                lines += usize::from(page.tokens[next].line);
                if let Some(end) = signature(page, next).or_else(|| last_words(page, next)) {
                    person(page, next..end, None);
                    break;
                }
            }
            if next - at > 30 {
                break;
            }
            next += 1;
        }
    }
}

/// A name that is all there is up to the end of a line, or of the text.
fn signature(page: &Page<'_>, start: usize) -> Option<usize> {
    let mut start = start;
    while page.flags(start).any(Flags::TITLE) && page.free_word(start) {
        start += if page.mark(start + 1, '.') { 2 } else { 1 };
    }
    let mut end = start;
    let (mut names, mut unknown, mut other, mut initial) = (0, 0, 0, false);
    while end < start + WORDS && end < page.tokens.len() && (end == start || page.follows(end)) {
        let token = page.tokens[end];
        if token.taken || !matches!(token.shape, Shape::Word | Shape::Elided) {
            if token.shape == Shape::Mark('.') && end > start && page.case(end - 1) == Case::Initial {
                end += 1;
                continue;
            }
            break;
        }
        let flags = page.flags(end);
        if page.mark(end + 1, '.') && page.written(end).chars().count() == 1 {
            initial |= end == start;
            end += 2;
            continue;
        }
        if flags.any(Flags::FUNCTION | Flags::GREETING | Flags::KNOWN | Flags::TITLE | Flags::BODY | Flags::ROLE)
            && !flags.any(Flags::PARTICLE)
        {
            if flags.any(Flags::NAME) && page.capital(end) && names + unknown > 0 {
                end += 1;
                continue;
            }
            return None;
        }
        match (flags.any(Flags::WORD), flags.any(Flags::NAME)) {
            (false, true) => names += 1,
            (true, _) if initial && page.capital(end) => names += 1,
            (true, true) => names += usize::from(page.capital(end) || flags.any(Flags::COMMON | Flags::FIRST)),
            (false, false) if !flags.any(Flags::PARTICLE) && page.case(end) != Case::Initial => unknown += 1,
            (false, false) => {}
            (true, false) => other += usize::from(!flags.any(Flags::PARTICLE)),
        }
        end += 1;
    }
    let ends = end >= page.tokens.len()
        || page.tokens[end].line
        || matches!(page.tokens[end].shape, Shape::Mark(',' | '.' | '-' | '–' | '|' | '(' | '!' | '/'));
    (ends && other == 0 && names + unknown > 0 && end > start).then_some(end)
}

/// A name that is alone on its line: the head of a letter, a row of a list.
fn lines(page: &mut Page<'_>) {
    for line in 0..page.tokens.len() {
        if !page.tokens[line].line {
            continue;
        }
        let listed = matches!(page.tokens[line].shape, Shape::Mark('-' | '•' | '*' | '–' | '—' | '·'));
        let at = if listed { line + 1 } else { line };
        let Some(end) = signature(page, at).or_else(|| row(page, at).filter(|_| listed)).filter(|end| *end >= at + 2)
        else {
            continue;
        };
        let Some(first) = page.tokens.get(at).filter(|token| !token.taken) else { continue };
        let ends = page.tokens.get(end).is_none_or(|token| token.line) || (listed && !first.line);
        let sure = (at..end).any(|word| page.flags(word).any(Flags::FIRST) && !page.flags(word).any(Flags::WORD));
        let plain = (at..end).all(|word| !page.flags(word).any(Flags::WORD | Flags::KNOWN));
        // An address or a number right below: the head of a letter.
        let headed = page.tokens.get(end).is_some_and(|token| token.line && token.taken);
        if ends && (sure || headed || listed && (plain || end <= at + 4)) {
            person(page, at..end, None);
        }
    }
}

/// One or two words with capitals that end a text: "Merci, Plume".
fn last_words(page: &Page<'_>, start: usize) -> Option<usize> {
    let mut end = start;
    while end < start + 2 && page.free_word(end) && page.capital(end) && (end == start || page.follows(end)) {
        if !name_like(page, end) || page.flags(end).any(Flags::CLOSING | Flags::VERB) {
            return None;
        }
        end += 1;
    }
    let ends = page.tokens.get(end).is_none_or(|token| token.line && end > start)
        || (page.mark(end, '.') && end + 1 == page.tokens.len());
    (end > start && ends && page.case(start) != Case::Upper).then_some(end)
}

/// A row of two or three words of which one is a first name and nothing else.
fn row(page: &Page<'_>, at: usize) -> Option<usize> {
    let mut end = at;
    while end < at + 4 && page.free_word(end) && (end == at || page.follows(end)) && name_like(page, end) {
        end += 1;
    }
    let sure = |word: usize| page.flags(word).any(Flags::FIRST) && !page.flags(word).any(Flags::WORD);
    (end >= at + 2 && end <= at + 3 && page.tokens.get(end).is_none_or(|token| token.line) && (at..end).any(sure))
        .then_some(end)
}

/// Two to four words with capitals on a line of their own, right above an address or a number.
fn heads(page: &mut Page<'_>) {
    for line in 0..page.tokens.len() {
        if !page.tokens[line].line {
            continue;
        }
        let mut end = line;
        while end < line + 4
            && page.free_word(end)
            && page.capital(end)
            && (end == line || page.follows(end))
            && name_like(page, end)
        {
            end += 1;
        }
        if end >= line + 2 && page.tokens.get(end).is_some_and(|token| token.line && token.taken) {
            person(page, line..end, None);
        }
    }
}

pub(super) fn name_like(page: &Page<'_>, at: usize) -> bool {
    !page.flags(at).any(
        Flags::FUNCTION | Flags::KNOWN | Flags::BODY | Flags::GREETING | Flags::ROLE | Flags::TITLE | Flags::STREET,
    )
}
