//! Postal addresses: number, street, postcode, town; each may be missing, but not all.

use super::flags::Flags;
use super::gazetteer::has;
use super::kind::Kind;
use super::page::Page;
use super::places;
use super::tokens::{Case, Shape};
use super::vocabulary::{DOUBTFUL_STREET, MONTHS};

/// The most words of a street's name.
const WORDS: usize = 8;

/// Finds them.
pub(super) fn find(page: &mut Page<'_>) {
    let mut at = 0;
    while at < page.tokens.len() {
        match whole(page, at).filter(|end| page.claim_tokens(Kind::Address, at..*end)) {
            Some(end) => at = end,
            None => at += 1,
        }
    }
}

/// Where the address that begins at a token ends.
fn whole(page: &Page<'_>, at: usize) -> Option<usize> {
    if page.tokens[at].taken {
        return None;
    }
    let (street_at, numbered) = match house(page, at) {
        Some(after) => (after, true),
        None => (at, false),
    };
    if let Some(end) = street(page, street_at, numbered) {
        return Some(after_street(page, end));
    }
    box_number(page, at).map(|end| after_street(page, end)).or_else(|| town(page, at))
}

/// Past "12", "12 bis", "n° 12", "12-14,".
fn house(page: &Page<'_>, at: usize) -> Option<usize> {
    let token = page.tokens[at];
    let number = matches!(token.shape, Shape::Number | Shape::Code) && token.end - token.start <= 6;
    if !number || !page.written(at).starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut next = at + 1;
    if (page.mark(next, '-') || page.mark(next, '/'))
        && page.tokens.get(next + 1).is_some_and(|token| token.shape == Shape::Number)
    {
        next += 2;
    }
    let suffix = page.folded(next);
    if matches!(suffix, "bis" | "ter" | "quater")
        || (page.free_word(next) && matches!(page.written(next), "A" | "B" | "C" | "D" | "E" | "F"))
    {
        next += 1;
    }
    if page.mark(next, ',') {
        next += 1;
    }
    page.follows(next).then_some(next)
}

/// Where a street's name ends.
fn street(page: &Page<'_>, at: usize, numbered: bool) -> Option<usize> {
    if !page.free_word(at) || !page.flags(at).any(Flags::STREET) {
        return None;
    }
    let kind = page.folded(at);
    let doubtful = has(DOUBTFUL_STREET, kind);
    let mut next = at + 1;
    if page.mark(next, '.')
        && matches!(kind, "av" | "bd" | "ave" | "pl" | "imp" | "ch" | "rte" | "sq" | "fbg" | "bld" | "all" | "che")
    {
        next += 1;
    }
    let (end, words) = named(page, next);
    // "la rue", "place à la discussion".
    let certain = numbered || !doubtful || capitals(page, next, end);
    (words > 0 && certain).then_some(end)
}

fn capitals(page: &Page<'_>, start: usize, end: usize) -> bool {
    (start..end).any(|at| page.capital(at) && page.flags(at).any(Flags::NAME | Flags::PLACE))
}

/// The words of a street's name from a token on: where they end, and how many there are.
fn named(page: &Page<'_>, start: usize) -> (usize, usize) {
    let (mut at, mut end, mut words) = (start, start, 0);
    while words < WORDS && page.follows(at) && !page.tokens[at].taken {
        let token = page.tokens[at];
        let small = token.shape == Shape::Elided
            || (page.flags(at).any(Flags::PARTICLE) && (token.case == Case::Lower || words == 0));
        let accepted = match token.shape {
            Shape::Number => words == 0 && has(MONTHS, page.folded(at + 1)),
            Shape::Word if small => {
                at += 1;
                continue;
            }
            Shape::Elided => {
                at += 1;
                continue;
            }
            Shape::Word => street_word(page, at, words, start),
            Shape::Mark('.') => page.case(at - 1) == Case::Initial && end == at,
            _ => false,
        };
        if !accepted {
            break;
        }
        words += usize::from(token.shape != Shape::Mark('.'));
        at += 1;
        end = at;
        // "rue du 8 mai 1945".
        if has(MONTHS, page.folded(at - 1))
            && page.tokens.get(at).is_some_and(|token| token.shape == Shape::Number)
            && page.written(at).len() == 4
        {
            return (at + 1, words + 1);
        }
    }
    (end, words)
}

/// What stands before a noun in a street's name.
const DESCRIBING: &str = "deux trois quatre cinq six sept huit neuf dix cent mille petit petite petits petites grand grande grands grandes vieux vieille vieilles haut haute hauts \
    hautes bas basse basses beau belle beaux belles bon bonne nouveau nouvelle saint sainte saints";

/// Whether a word goes on with a street's name.
fn street_word(page: &Page<'_>, at: usize, words: usize, start: usize) -> bool {
    let flags = page.flags(at);
    if flags.any(Flags::FUNCTION) {
        return false;
    }
    if words > 0 && page.tokens[at - 1].shape == Shape::Number && has(MONTHS, page.folded(at)) {
        return true;
    }
    if page.capital(at) {
        return !page.tokens[at].opens;
    }
    // After a small word, one more; a name goes on after another.
    let after_small =
        at > start && (page.flags(at - 1).any(Flags::PARTICLE) || page.tokens[at - 1].shape == Shape::Elided);
    let titled = matches!(
        page.folded(at),
        "general" | "marechal" | "docteur" | "president" | "professeur" | "abbe" | "colonel" | "commandant"
    );
    let name = flags.any(Flags::NAME) && !flags.any(Flags::WORD)
        || (flags.any(Flags::FIRST | Flags::COMMON) && words < 2 && !flags.any(Flags::VERB));
    let described = words > 0 && has(DESCRIBING, page.folded(at - 1));
    if words == 0 {
        !flags.any(Flags::VERB) || after_small
    } else {
        described || after_small && !flags.any(Flags::VERB) || titled || name || !flags.any(Flags::WORD)
    }
}

/// "BP 123", "CS 12345".
fn box_number(page: &Page<'_>, at: usize) -> Option<usize> {
    let announced = matches!(page.written(at), "BP" | "CS" | "B.P" | "TSA");
    let number =
        page.tokens.get(at + 1).is_some_and(|token| token.shape == Shape::Number && !token.line && !token.taken);
    (announced && number && page.free_word(at)).then_some(at + 2)
}

/// What follows a street: a building, a box, a postcode with its town.
fn after_street(page: &Page<'_>, end: usize) -> usize {
    let mut end = end;
    for _ in 0..4 {
        let mut next = end;
        if matches!(
            page.tokens.get(next).map(|token| token.shape),
            Some(Shape::Mark(',' | '-' | '–' | '(' | '·' | '/'))
        ) {
            next += 1;
        }
        if matches!(page.folded(next), "a" | "au") && page.tokens.get(next).is_some_and(|token| !token.line) {
            next += 1;
        }
        let Some(after) = town(page, next)
            .or_else(|| any_town(page, next))
            .or_else(|| box_number_at(page, next))
            .or_else(|| building(page, next))
        else {
            break;
        };
        end = after;
    }
    end
}

fn box_number_at(page: &Page<'_>, at: usize) -> Option<usize> {
    (at < page.tokens.len()).then(|| box_number(page, at)).flatten()
}

/// "appartement 12", "bâtiment B".
fn building(page: &Page<'_>, at: usize) -> Option<usize> {
    let announced = matches!(
        page.folded(at),
        "appartement"
            | "appt"
            | "apt"
            | "batiment"
            | "bat"
            | "escalier"
            | "esc"
            | "etage"
            | "porte"
            | "logement"
            | "bloc"
    );
    let next = if page.mark(at + 1, '.') { at + 2 } else { at + 1 };
    let token = page.tokens.get(next)?;
    let short = token.end - token.start <= 4 && !token.line && !token.taken;
    let named = matches!(token.shape, Shape::Number | Shape::Code)
        || (token.shape == Shape::Word && token.end - token.start == 1);
    (announced && page.free_word(at) && short && named).then_some(next + 1)
}

/// A postcode with its town.
fn town(page: &Page<'_>, at: usize) -> Option<usize> {
    let token = page.tokens.get(at).filter(|token| token.shape == Shape::Number && !token.taken)?;
    let code = page.text[token.start..token.end].parse::<u32>().ok()?;
    if token.end - token.start != 5 || !(1000..=98_999).contains(&code) || !page.follows(at + 1) {
        return None;
    }
    let next = if matches!(page.tokens.get(at + 1)?.shape, Shape::Mark('-' | ',')) { at + 2 } else { at + 1 };
    let mut end =
        places::matched(page, next).or_else(|| places::capitalised(page, next)).or_else(|| unknown_town(page, next))?;
    if page.folded(end) == "cedex" {
        end += 1;
        if page.tokens.get(end).is_some_and(|token| token.shape == Shape::Number && token.end - token.start <= 2) {
            end += 1;
        }
    }
    Some(end)
}

/// After a street, whatever follows the postcode is the town.
fn any_town(page: &Page<'_>, at: usize) -> Option<usize> {
    let code = page
        .tokens
        .get(at)
        .filter(|token| token.shape == Shape::Number && !token.taken && token.end - token.start == 5)?;
    let article = matches!(page.folded(at + 1), "la" | "le" | "les" | "l");
    let last = if article { at + 2 } else { at + 1 };
    let word = page.free_word(last) && page.follows(last) && !page.flags(last).any(Flags::FUNCTION | Flags::VERB);
    (word && code.end > code.start).then_some(last + 1)
}

/// A town in lower case that no list has.
fn unknown_town(page: &Page<'_>, at: usize) -> Option<usize> {
    let flags = page.flags(at);
    (page.free_word(at) && page.follows(at) && !flags.any(Flags::WORD | Flags::KNOWN)).then_some(at + 1)
}
