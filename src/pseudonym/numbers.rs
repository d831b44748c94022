//! Numbers by which people, companies and accounts are known.

use super::gazetteer::has;
use super::keys;
use super::kind::Kind;
use super::page::Page;
use super::papers;
use super::run::{GROUPS, Run};
use super::said::{Said, said};
use super::tokens::Shape;
use super::vocabulary;

/// Finds them.
pub(super) fn find(page: &mut Page<'_>) {
    for at in 0..page.tokens.len() {
        let token = page.tokens[at];
        if token.taken {
            continue;
        }
        let starts = match token.shape {
            Shape::Number | Shape::Code | Shape::Mark('+' | '(') => true,
            Shape::Word => letters_before_digits(page, at),
            _ => false,
        };
        if !starts {
            continue;
        }
        if let Some((kind, end)) = identify(page, at) {
            page.claim_tokens(kind, at..end);
        }
    }
}

/// Whether a word may begin a number: "FR 76", "AB-123", not "au 06".
fn letters_before_digits(page: &Page<'_>, at: usize) -> bool {
    let written = page.written(at);
    let short = written.len() <= 4 && written.is_ascii();
    let upper = !written.bytes().any(|byte| byte.is_ascii_lowercase());
    let joined =
        page.tokens.get(at + 1).is_some_and(|next| !next.space && matches!(next.shape, Shape::Mark('-' | '/' | '_')));
    // "ab 123 cd", where the text says that it is a plate.
    let plate = written.len() == 2
        && page.tokens.get(at + 1).is_some_and(|next| next.shape == Shape::Number && next.end - next.start == 3);
    short
        && page.follows(at + 1)
        && (joined
            || (upper && written.len() == 2)
            || keys::iban_country(written)
            || (plate && said(page, at) == Some(Said::Plate)))
}

fn identify(page: &Page<'_>, at: usize) -> Option<(Kind, usize)> {
    let run = Run::at(page, at);
    let phone = || phone(page, at).map(|end| (Kind::Phone, end));
    if run.compact.is_empty() || !run.compact.bytes().any(|byte| byte.is_ascii_digit()) {
        return phone();
    }
    keyed(page, &run).or_else(phone).or_else(|| papers::by_form(page, &run)).or_else(|| announced(page, &run))
}

/// What its key tells.
fn keyed(page: &Page<'_>, run: &Run) -> Option<(Kind, usize)> {
    if let Some(length) = keys::iban_expected(&run.compact)
        && let Some((_, next)) = run.groups(length)
        && keys::iban(&run.compact[..length])
    {
        return Some((Kind::BankAccount, next));
    }
    if !run.compact.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some((_, next)) = run.groups(15)
        && keys::nir(&run.compact[..15])
    {
        return Some((Kind::Nir, next));
    }
    if let Some((_, next)) = run.groups(23)
        && keys::rib(&run.compact[..23])
    {
        return Some((Kind::BankAccount, next));
    }
    if run.continues {
        return None;
    }
    for length in [19, 16, 15] {
        if let Some((number, next)) = run.shaped(length, &[&[4, 4, 4, 4], &[4, 6, 5], &[4, 4, 4, 4, 3]])
            && keys::card(number)
        {
            return Some((Kind::Card, next));
        }
    }
    let forms: [&[usize]; 4] = [&[3, 3, 3, 5], &[9, 5], &[3, 3, 3, 2, 3], &[3, 3, 3, 4, 1]];
    if let Some((number, next)) = run.shaped(14, &forms)
        && keys::siret(number)
    {
        return Some((Kind::Siret, next));
    }
    if let Some((number, next)) = run.shaped(13, &[&[2, 2, 3, 3, 3], &[1, 3, 3, 3, 3]])
        && keys::tax(number)
    {
        return Some((Kind::TaxNumber, next));
    }
    let (number, next) = run.shaped(9, &[&[3, 3, 3]])?;
    (keys::siren(number) && !longer(page, next) && !counts(page, next)).then_some((Kind::Siren, next))
}

/// Whether more digits follow on the same line.
fn longer(page: &Page<'_>, next: usize) -> bool {
    let number = |at: usize| page.follows(at) && page.tokens[at].shape == Shape::Number;
    number(next)
        || (matches!(page.tokens.get(next).map(|t| t.shape), Some(Shape::Mark('.' | '-' | '/' | ',')))
            && page.follows(next)
            && { page.tokens.get(next + 1).is_some_and(|token| !token.space) && number(next + 1) })
}

/// Whether what follows says that the number counts something.
fn counts(page: &Page<'_>, next: usize) -> bool {
    page.follows(next)
        && (page.mark(next, '€')
            || page.mark(next, '%')
            || page.mark(next, '$')
            || has(vocabulary::UNIT, page.folded(next)))
}

/// A telephone number, and the token after it.
fn phone(page: &Page<'_>, start: usize) -> Option<usize> {
    let (mut at, mut digits, mut plus) = (start, String::new(), false);
    if page.mark(at, '(') {
        at += 1;
    }
    if page.mark(at, '+') {
        plus = true;
        at += 1;
    }
    let mut end = None;
    for _ in 0..GROUPS {
        let token = page.tokens.get(at)?;
        if token.shape != Shape::Number
            || token.taken
            || (at > start && token.line)
            || digits.len() + token.end - token.start > 16
        {
            break;
        }
        digits.push_str(page.written(at));
        at += 1;
        if complete(&digits, plus) {
            end = Some(at);
            // Ten digits that begin with a zero are one; what follows belongs to something else.
            if !plus {
                break;
            }
        }
        let Some(next) = page.tokens.get(at) else { break };
        // "+33 (0)6", and "(+33) 6".
        if page.mark(at, '(') && page.written(at + 1) == "0" && page.mark(at + 2, ')') {
            at += 3;
        } else if matches!(next.shape, Shape::Mark('.' | '-' | '–' | '‑' | '/' | ')' | '_')) {
            at += 1;
        }
        if page.tokens.get(at).is_none() {
            break;
        }
    }
    let end = end?;
    // A bracket that the number does not close is the sentence's.
    if page.mark(start, '(') && !(start..end).any(|at| page.mark(at, ')')) {
        return None;
    }
    let before = start.checked_sub(1).and_then(|before| page.tokens.get(before));
    (plus || !before.is_some_and(|before| glued(page, before.shape, start))).then_some(end)
}

/// Whether a number goes on without space from what stands before it.
fn glued(page: &Page<'_>, before: Shape, at: usize) -> bool {
    !page.tokens[at].space
        && matches!(before, Shape::Number | Shape::Code | Shape::Mark('-' | '/' | '_'))
        && page.tokens[at].shape == Shape::Number
}

/// Whether digits are a whole telephone number.
fn complete(digits: &str, plus: bool) -> bool {
    let local = |rest: &str| rest.len() == 9 && !rest.starts_with('0');
    if plus {
        return match digits.strip_prefix("33") {
            Some(rest) => local(rest) || (rest.starts_with('0') && local(&rest[1..])),
            None => (9..=15).contains(&digits.len()) && !digits.starts_with('0'),
        };
    }
    match (digits.strip_prefix("0033"), digits.strip_prefix('0')) {
        (Some(rest), _) => local(rest) || (rest.starts_with('0') && local(&rest[1..])),
        (None, Some(rest)) => local(rest) && !digits.starts_with("00"),
        _ => false,
    }
}

/// A number without a key that holds, where the text says what it is.
fn announced(page: &Page<'_>, run: &Run) -> Option<(Kind, usize)> {
    let said = said(page, run.start)?;
    let letters = page.tokens[run.start].shape == Shape::Word;
    let joined = page.tokens.get(run.start + 1).is_some_and(|next| !next.space);
    if letters && !joined && !matches!(said, Said::Plate | Said::Bank) {
        return None;
    }
    let mostly_digits = |length: usize| {
        run.compact.get(..length).is_some_and(|part| part.bytes().filter(u8::is_ascii_digit).count() * 2 >= length)
    };
    let one_group = |length: usize| run.groups(length).is_some_and(|(sizes, _)| sizes.len() == 1);
    let upto = |lengths: &[usize]| {
        lengths
            .iter()
            .filter(|length| mostly_digits(**length) || one_group(**length))
            .find_map(|length| run.groups(*length))
    };
    let all_digits =
        |length: usize| run.compact.get(..length).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let number = |lengths: &[usize]| upto(lengths).map(|(_, next)| (Kind::Number, next));
    match said {
        Said::Nir => match run.groups(13) {
            Some((_, next)) if keys::nir_form(&run.compact[..13]) && run.groups(15).is_none() => {
                Some((Kind::Nir, next))
            }
            _ => number(&[15, 13, 14, 16]),
        },
        Said::Siret => number(&[14, 13, 15]),
        Said::Siren => number(&[9, 8, 10]),
        Said::Bank => number(&[27, 23, 26, 28, 25, 24, 22, 21, 20, 11]),
        Said::Card => number(&[16, 19, 15, 13, 14]),
        Said::Tax if all_digits(13) => run.groups(13).map(|(_, next)| (Kind::TaxNumber, next)),
        Said::Tax => number(&[12, 14, 7]),
        Said::Caf if all_digits(7) => upto(&[7, 8]).map(|(_, next)| (Kind::Caf, next)),
        Said::Passport => upto(&[9, 8]).map(|(_, next)| (Kind::Passport, next)),
        Said::Identity => upto(&[9, 12]).map(|(_, next)| (Kind::IdentityCard, next)),
        Said::Plate => papers::plate(run).map(|next| (Kind::Plate, next)),
        Said::Phone => number(&[10, 9, 8, 11, 12]),
        Said::Caf | Said::Reference => reference(page, run),
    }
}

/// The fewest digits of a reference: a year is none.
const REFERENCE_DIGITS: usize = 5;

/// A reference: digits and letters joined by hyphens or slashes, without spaces.
fn reference(page: &Page<'_>, run: &Run) -> Option<(Kind, usize)> {
    let mut next = run.start;
    let mut digits = 0;
    let mut mixed = false;
    for _ in 0..GROUPS {
        let token = page.tokens.get(next).filter(|token| !token.taken && (!token.space || next == run.start))?;
        match token.shape {
            Shape::Number | Shape::Code | Shape::Word => {
                digits += page.written(next).bytes().filter(u8::is_ascii_digit).count();
                mixed |= token.shape != Shape::Number;
                next += 1;
            }
            _ => break,
        }
        let joined = page
            .tokens
            .get(next)
            .is_some_and(|token| !token.space && matches!(token.shape, Shape::Mark('-' | '/' | '_')));
        let goes_on = page
            .tokens
            .get(next + 1)
            .is_some_and(|token| !token.space && matches!(token.shape, Shape::Number | Shape::Code | Shape::Word));
        if !(joined && goes_on) {
            break;
        }
        next += 1;
    }
    // Groups with spaces: "dossier 12 345 678".
    if digits < REFERENCE_DIGITS
        && let Some(length) = [12, 11, 10, 9, 8, 7, 6].into_iter().find(|length| run.groups(*length).is_some())
    {
        let all = run.compact[..length].bytes().all(|byte| byte.is_ascii_digit());
        return run
            .groups(length)
            .filter(|(_, next)| all && !counts(page, *next))
            .map(|(_, next)| (Kind::Number, next));
    }
    let enough = digits >= REFERENCE_DIGITS || (mixed && digits >= 3);
    (enough && !counts(page, next)).then_some((Kind::Number, next))
}
