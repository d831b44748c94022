//! Which words make up a person's name.

use super::flags::Flags;
use super::page::Page;
use super::tokens::{Case, Shape};

/// The most words of a name.
const WORDS: usize = 6;
/// The most particles in a row: "de la".
const PARTICLES: usize = 3;

/// How much the words before say that a name comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Context {
    /// Nothing.
    None,
    /// Another word of the name, or a word as "conseillère".
    Likely,
    /// "Monsieur".
    Strong,
    /// "Mme", or the field "Nom :": whatever comes is one, but for small words.
    Sure,
}

/// Where the name that begins at a token ends.
pub(super) fn parse(page: &Page<'_>, start: usize, context: Context) -> Option<usize> {
    let began = context;
    let (mut at, mut end, mut words, mut context) = (start, None, 0, context);
    while words < WORDS {
        if at > start && !page.follows(at) {
            break;
        }
        if let Some(next) = initial(page, at) {
            if !initial_fits(page, next, words, context) {
                break;
            }
            at = next;
            words += 1;
            // An initial alone is a name only after a title: "M. D."
            if words > 1 || context >= Context::Strong {
                end = Some(at);
            }
            continue;
        }
        let word = particles(page, at, words, context);
        let accepted = accepts(page, word, words, context, word > at)
            || (words > 0 && began >= Context::Strong && surely_goes_on(page, word));
        if !accepted {
            break;
        }
        at = word + 1;
        end = Some(at);
        words += 1;
        context = Context::Likely;
    }
    end
}

/// Past "J.", "J.-P." or, at the end of a name, "D".
fn initial(page: &Page<'_>, at: usize) -> Option<usize> {
    let token = page.tokens.get(at)?;
    if !page.free_word(at) || token.case != Case::Initial {
        return None;
    }
    if !page.mark(at + 1, '.') || page.tokens[at + 1].space {
        return Some(at + 1);
    }
    let compound = page.mark(at + 2, '-') && page.mark(at + 4, '.') && page.case(at + 3) == Case::Initial;
    Some(if compound { at + 5 } else { at + 2 })
}

/// Whether an initial is one of a name: what follows is one, or what stands before.
fn initial_fits(page: &Page<'_>, next: usize, words: usize, context: Context) -> bool {
    let dotted = page.mark(next - 1, '.');
    let followed = page.follows(next) && page.capital(next) && accepts(page, next, 1, Context::Likely, false);
    if words > 0 {
        return dotted || followed || !page.follows(next);
    }
    dotted && followed || context >= Context::Strong
}

/// Past the particles at a token, where a name may go on after them.
fn particles(page: &Page<'_>, at: usize, words: usize, context: Context) -> usize {
    let mut next = at;
    while next < at + PARTICLES {
        let Some(token) = page.tokens.get(next) else { break };
        let shaped = matches!(token.shape, Shape::Word | Shape::Elided) && !token.taken;
        if !shaped || !page.flags(next).any(Flags::PARTICLE) || (next > at && token.line) {
            break;
        }
        // "El Khatib", but "de Lyon" begins no name.
        if words == 0 && context < Context::Strong && token.case == Case::Lower {
            break;
        }
        // A first name may be one too: "Ben".
        let alone = !page.tokens.get(next + 1).is_some_and(|after| after.shape == Shape::Word && !after.line);
        if alone {
            break;
        }
        next += 1;
    }
    next
}

/// Whether a word may be the next of a name.
pub(super) fn accepts(page: &Page<'_>, at: usize, words: usize, context: Context, led: bool) -> bool {
    if !page.free_word(at) {
        return false;
    }
    let flags = page.flags(at);
    let name = flags.any(Flags::NAME);
    let known = flags.any(Flags::KNOWN) && !(name && page.capital(at) && context >= Context::Likely);
    if flags.any(Flags::FUNCTION | Flags::TITLE)
        || known
        || (flags.any(Flags::ROLE | Flags::BODY | Flags::LEGAL) && !(name && page.capital(at) && words > 0))
    {
        return false;
    }
    if page.capital(at) { capital(page, at, words, context, led) } else { lower(page, at, words, context, led) }
}

/// Whether a common word goes on with a name that a title began: "Madame Tida Serrure".
fn surely_goes_on(page: &Page<'_>, at: usize) -> bool {
    let flags = page.flags(at);
    let other = flags.any(Flags::NO_NAME);
    let ends = page.verb_next(at)
        || matches!(page.tokens.get(at + 1).map(|next| next.shape), Some(Shape::Mark(',' | ')' | '(' | '<')));
    page.free_word(at)
        && page.follows(at)
        && !other
        && if page.capital(at) { !page.tokens[at].opens } else { flags.any(Flags::COMMON | Flags::FIRST) || ends }
}

/// A word with a capital.
fn capital(page: &Page<'_>, at: usize, words: usize, context: Context, led: bool) -> bool {
    let flags = page.flags(at);
    let name = flags.any(Flags::NAME);
    if flags.any(Flags::WORD) {
        let after = words > 0
            && after_sure_first(page, at)
            && !page.tokens[at].opens
            && !flags.any(Flags::VERB | Flags::GREETING);
        let before = at.saturating_sub(1);
        // "Wasila PORC", "Olivier d'Heritier".
        let surname = words > 0
            && (led
                || (page.case(at) == Case::Upper
                    && page.written(at).len() >= 3
                    && page.case(before) == Case::Capital
                    && !page.flags(before).any(Flags::WORD)));
        return after
            || surname
            || (name && (context >= Context::Likely || flags.any(Flags::FIRST)))
            || context >= Context::Strong;
    }
    // Acronyms: "RSA", but also "SY" after a first name.
    let acronym = page.case(at) == Case::Upper && page.written(at).len() <= 4 && !name;
    if acronym && context < Context::Likely {
        return false;
    }
    name || context >= Context::Likely || words > 0 || !flags.any(Flags::PLACE)
}

/// A word in lower case.
fn lower(page: &Page<'_>, at: usize, words: usize, context: Context, led: bool) -> bool {
    let flags = page.flags(at);
    let length = page.folded(at).len();
    if led && flags.any(Flags::PLACE) && !flags.any(Flags::NAME) && context < Context::Strong {
        return false;
    }
    if flags.any(Flags::WORD) {
        let surname = flags.any(Flags::COMMON | Flags::FIRST) && !flags.any(Flags::VERB);
        return match context {
            Context::Sure => true,
            Context::Strong => {
                surname
                    || (page.verb_next(at) && !flags.any(Flags::VERB) && length >= 4)
                    || (flags.any(Flags::SURNAME) && !flags.any(Flags::VERB) && words == 0 && length >= 5)
            }
            Context::Likely => {
                let subject = page.verb_next(at) && length >= 4 && !flags.any(Flags::VERB);
                words > 0 && !led && (surname || subject) && after_sure_first(page, at)
            }
            Context::None => false,
        };
    }
    if flags.any(Flags::NAME) {
        return length >= 3 && (context >= Context::Likely || flags.any(Flags::FIRST));
    }
    length >= 3 && context >= Context::Likely && (context >= Context::Strong || !page.tokens[at].foreign)
}

/// Whether the word before is a first name and nothing else: "julie petit", not "rose petit".
fn after_sure_first(page: &Page<'_>, at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| {
        let flags = page.flags(before);
        flags.any(Flags::FIRST) && !flags.any(Flags::WORD)
    })
}
