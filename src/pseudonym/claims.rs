//! How a person is noted, with the particle before the name.

use std::ops::Range;

use super::flags::Flags;
use super::kind::Kind;
use super::page::{Gender, Page};
use super::tokens::{Case, Shape};

/// Claims a person.
pub(super) fn person(page: &mut Page<'_>, tokens: Range<usize>, gender: Option<Gender>) -> bool {
    let tokens = led(page, whole_point(page, tokens));
    let claimed = page.claim_tokens(Kind::Person, tokens);
    if let Some(hit) = page.hits.last_mut().filter(|_| claimed) {
        hit.gender = gender;
    }
    claimed
}

/// With the particle in capitals before it: "LE BERTELOOT", "El Khatib", but not "Le Durand" at the start of a sentence.
fn led(page: &Page<'_>, tokens: Range<usize>) -> Range<usize> {
    let mut start = tokens.start;
    while start > 0
        && tokens.start - start < 3
        && page.follows(start)
        && page.free_word(start - 1)
        && page.capital(start - 1)
    {
        let upper = page.case(start - 1) == Case::Upper && page.case(start) == Case::Upper;
        if !page.flags(start - 1).any(Flags::PARTICLE) || (page.tokens[start - 1].opens && !upper) {
            break;
        }
        start -= 1;
    }
    // "M'Mahawa", "D'Almeida".
    if start > 0
        && !page.tokens[start].space
        && page.tokens[start - 1].shape == Shape::Elided
        && !page.tokens[start - 1].taken
    {
        let raised = matches!(page.written(start - 1).chars().next(), Some('M' | 'N' | 'D'));
        start -= usize::from(raised && page.capital(start));
    }
    start..tokens.end
}

/// The point after a last initial belongs to it, unless it ends the sentence too.
fn whole_point(page: &Page<'_>, tokens: Range<usize>) -> Range<usize> {
    let dotted = tokens.end > tokens.start + 1 && page.mark(tokens.end - 1, '.');
    if dotted { tokens.start..tokens.end - 1 } else { tokens }
}
