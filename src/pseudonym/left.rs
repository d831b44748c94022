//! What reads like a name and names nobody: services of the State whose first word is a first name, and what addresses of the Web end with. It is
//! left before anybody is looked for.

use super::flags::Flags;
use super::page::Page;
use super::tokens::Shape;
use super::vocabulary::{ENDINGS, SERVICES};

/// Leaves it.
pub(super) fn leave(page: &mut Page<'_>) {
    for at in 0..page.tokens.len() {
        let end = service(page, at).or_else(|| ending(page, at));
        if let Some(end) = end {
            page.leave(at..end);
        }
    }
}

/// Past the name of a service that begins at a token: "France Services", but not "Mme France Services".
fn service(page: &Page<'_>, at: usize) -> Option<usize> {
    let titled = at > 0 && page.follows(at) && page.flags(at - 1).any(Flags::TITLE);
    let pointed = at > 1 && page.mark(at - 1, '.') && page.flags(at - 2).any(Flags::TITLE);
    if titled || pointed {
        return None;
    }
    let length = SERVICES.iter().find_map(|words| {
        let is_there = |(offset, word): (usize, &str)| {
            let next = at + offset;
            page.free_word(next) && page.folded(next) == word && (offset == 0 || page.follows(next))
        };
        words.split(' ').enumerate().all(is_there).then(|| words.split(' ').count())
    })?;
    Some(at + length)
}

/// Past the "fr" of "exemple.gouv.fr".
fn ending(page: &Page<'_>, at: usize) -> Option<usize> {
    let joined = at > 1 && page.mark(at - 1, '.') && !page.tokens[at].space && !page.tokens[at - 1].space;
    let named = joined && matches!(page.tokens[at - 2].shape, Shape::Word | Shape::Code | Shape::Number);
    (named && page.free_word(at) && ENDINGS.contains(&page.folded(at))).then_some(at + 1)
}
