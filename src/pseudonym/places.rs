//! Communes, departments and regions.

use super::flags::Flags;
use super::gazetteer::{GAZETTEER, PLACE_PARTS};
use super::kind::Kind;
use super::page::Page;
use super::tokens::{Case, Shape};

/// Where the longest name of the lists that begins at a token ends.
pub(super) fn matched(page: &Page<'_>, at: usize) -> Option<usize> {
    if !page.flags(at).any(Flags::PLACE)
        && !page.folded(at).contains('-')
        && page.tokens.get(at)?.shape != Shape::Elided
    {
        return None;
    }
    if page.tokens[at].shape == Shape::Elided && !page.free_word(at + 1) {
        return None;
    }
    let mut name = String::new();
    let mut parts = 0;
    let mut found = None;
    for next in at..at + PLACE_PARTS {
        let Some(token) = page.tokens.get(next) else { break };
        if token.taken || (next > at && token.line) {
            break;
        }
        if token.shape == Shape::Mark('-') {
            continue;
        }
        if !matches!(token.shape, Shape::Word | Shape::Elided) {
            break;
        }
        for part in page.folded(next).split(['-', '\'']) {
            // "st denis".
            let part = match part {
                "st" => "saint",
                "ste" => "sainte",
                part => part,
            };
            name.push_str(if name.is_empty() { "" } else { " " });
            name.push_str(part);
            parts += 1;
        }
        if parts > PLACE_PARTS {
            break;
        }
        if GAZETTEER.place(&name) {
            found = Some(next + 1);
        }
    }
    found
}

/// What stands inside the names of places.
const INSIDE: [&str; 14] = ["sur", "sous", "en", "les", "lez", "de", "du", "des", "la", "le", "d", "l", "aux", "et"];

/// Where the words in capitals that begin at a token, and may name a place, end.
pub(super) fn capitalised(page: &Page<'_>, at: usize) -> Option<usize> {
    if !page.free_word(at) || !page.capital(at) || page.case(at) == Case::Initial {
        return None;
    }
    let mut end = at + 1;
    for _ in 0..PLACE_PARTS {
        let mut next = end;
        while page.follows(next) && !page.tokens[next].taken && INSIDE.contains(&page.folded(next)) && next < end + 2 {
            next += 1;
        }
        let led = next > end || matches!(page.folded(end - 1), "saint" | "sainte" | "st" | "ste" | "la" | "le" | "les");
        if !led || !page.free_word(next) || !page.capital(next) || !page.follows(next) {
            break;
        }
        end = next + 1;
    }
    Some(end)
}

/// Whether a word has the form that only places have.
fn formed(word: &str) -> bool {
    const INNER: [&str; 12] =
        ["-sur-", "-sous-", "-en-", "-les-", "-lez-", "-le-", "-la-", "-aux-", "-de-", "-du-", "-des-", "-d-"];
    word.len() >= 8
        && (INNER.iter().any(|inner| word.contains(inner))
            || word.starts_with("saint-")
            || word.starts_with("sainte-")
            || word.starts_with("st-"))
}

/// Whether "de" or "à" stands before an article that would melt into it, were it no part of a name: "l'agence de le Coteau".
fn contracted(page: &Page<'_>, at: usize) -> bool {
    at > 0
        && matches!(page.folded(at), "le" | "les")
        && matches!(page.folded(at - 1), "de" | "a")
        && page.follows(at)
        && page.follows(at + 1)
        && page.free_word(at)
}

/// How much the words before a token say that a place comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Before {
    Nothing,
    /// "de", which anything may follow.
    Of,
    /// "à", "vers".
    To,
    /// "agence de", "service de".
    At,
    /// "habite à", "mairie de": nothing else can follow.
    Sure,
}

fn sureness(page: &Page<'_>, at: usize) -> Before {
    if page.flags(at).any(Flags::SURELY) { Before::Sure } else { Before::At }
}

/// What stands before a token.
pub(super) fn before(page: &Page<'_>, at: usize) -> Before {
    let Some(last) = at.checked_sub(1).filter(|_| page.follows(at)) else { return Before::Nothing };
    let word = page.folded(last);
    let small = matches!(
        word,
        "a" | "de"
            | "d"
            | "du"
            | "des"
            | "la"
            | "le"
            | "l"
            | "vers"
            | "sur"
            | "au"
            | "aux"
            | "les"
            | "pres"
            | "en"
            | "depuis"
    );
    if page.flags(last).any(Flags::AT) && word != "ne" && !small {
        return sureness(page, last);
    }
    if !small {
        return Before::Nothing;
    }
    for far in (last.saturating_sub(3)..last).rev() {
        let word = page.folded(far);
        // "ne" is "né" only with its accent, or before "à".
        let born = word != "ne" || page.written(far).to_lowercase() != "ne" || page.folded(far + 1) == "a";
        if page.flags(far).any(Flags::AT) && born {
            return sureness(page, far);
        }
        if page.flags(far).any(Flags::SPOKEN) {
            return Before::Nothing;
        }
        if !page.flags(far).any(Flags::FUNCTION | Flags::PARTICLE) {
            break;
        }
    }
    match word {
        "a" | "vers" | "sur" | "depuis" | "pres" => Before::To,
        "de" | "d" | "du" | "des" | "la" | "le" | "l" => Before::Of,
        _ => Before::Nothing,
    }
}

/// Finds places that the words around make certain, or their form.
pub(super) fn certain(page: &mut Page<'_>) {
    for at in 0..page.tokens.len() {
        let elided = page.tokens[at].shape == Shape::Elided && !page.tokens[at].taken && page.folded(at) == "l";
        let small = page.flags(at).any(Flags::FUNCTION) && !matches!(page.folded(at), "la" | "le" | "les");
        if !elided && (!page.free_word(at) || small) {
            continue;
        }
        let said = before(page, at);
        let flags = page.flags(at);
        if let Some(end) = matched(page, at) {
            let several = end > at + 1 || page.folded(at).contains('-');
            let name = flags.any(Flags::NAME) || flags.any(Flags::WORD);
            let article = matches!(page.folded(at), "la" | "le" | "les") || page.tokens[at].shape == Shape::Elided;
            // "la réunion", "l'Union européenne".
            let lower = (!page.capital(at + 1) && !page.folded(at + 1).contains('-')) || page.case(at) == Case::Lower;
            let common = article && several && lower && page.flags(at + 1).any(Flags::WORD);
            if common && said < Before::Sure && !contracted(page, at) {
                continue;
            }
            let place = match said {
                Before::Sure => true,
                Before::At => page.capital(at) || !flags.any(Flags::WORD) || several || accented(page, at),
                Before::To => (page.capital(at) && !flags.any(Flags::FIRST)) || !name || several,
                Before::Of | Before::Nothing => several || !name,
            };
            // "Müret Servais" is somebody.
            let followed = end == at + 1
                && said < Before::To
                && page.capital(at)
                && page.capital(end)
                && page.free_word(end)
                && page.follows(end);
            if followed && !page.flags(end).any(Flags::FUNCTION | Flags::KNOWN) {
                continue;
            }
            if place && !page.flags(at).any(Flags::KNOWN) && !(lone_small(page, at, end)) {
                page.claim_tokens(Kind::Place, at..end);
                continue;
            }
        }
        let hyphens =
            said == Before::To && page.folded(at).contains('-') && page.folded(at).len() >= 8 && !page.capital(at);
        let form = formed(page.folded(at)) || (hyphens && !flags.any(Flags::NAME));
        if form && (page.capital(at) || !flags.any(Flags::WORD)) && !flags.any(Flags::FIRST) {
            let article = contracted(page, at.saturating_sub(1));
            page.claim_tokens(Kind::Place, if article { at - 1 } else { at }..at + 1);
        } else if contracted(page, at) && page.free_word(at + 1) && !page.flags(at + 1).any(Flags::WORD | Flags::KNOWN)
        {
            page.claim_tokens(Kind::Place, at..at + 2);
        } else if said >= Before::To {
            unknown(page, at, said);
        }
    }
}

/// Whether what was matched is nothing but a small word of lower case.
fn lone_small(page: &Page<'_>, at: usize, end: usize) -> bool {
    end == at + 1 && !page.capital(at) && (page.flags(at).any(Flags::FUNCTION) || page.folded(at).len() < 4)
}

/// A place that no list has, after words that announce one.
fn unknown(page: &mut Page<'_>, at: usize, said: Before) {
    let flags = page.flags(at);
    if flags.any(Flags::KNOWN | Flags::TITLE | Flags::FUNCTION | Flags::ROLE | Flags::BODY)
        && !matches!(page.folded(at), "la" | "le" | "les" | "l")
    {
        return;
    }
    if page.capital(at) {
        let name = flags.any(Flags::FIRST) || (said == Before::To && flags.any(Flags::NAME));
        let end = capitalised(page, at);
        let led = end.is_some_and(|end| {
            end > at + 1
                && page.case(end - 1) != Case::Upper
                && !page.flags(end - 1).any(Flags::KNOWN)
                && (!page.flags(end - 1).any(Flags::WORD) || page.folded(end - 1).contains('-'))
        });
        if let Some(end) = end
            .filter(|_| (!name && (!flags.any(Flags::WORD) || (said == Before::Sure && !page.tokens[at].opens))) || led)
            && page.case(at) != Case::Mixed
            && !(page.case(at) == Case::Upper && page.written(at).len() <= 6)
        {
            page.claim_tokens(Kind::Place, at..end);
        }
    } else if said < Before::At && beside_unknown(page, at) {
        // "merci à muratcan rolin": two such words are somebody's.
    } else if (said >= Before::At && !flags.any(Flags::FIRST) || accented(page, at) && !flags.any(Flags::NAME))
        && !flags.any(Flags::WORD | Flags::PARTICLE)
        && page.folded(at).len() >= if said == Before::Sure { 3 } else { 4 }
    {
        page.claim_tokens(Kind::Place, at..at + 1);
    } else if (said == Before::Sure || accented(page, at))
        && (matches!(page.folded(at), "la" | "le" | "les") || page.tokens[at].shape == Shape::Elided)
    {
        let flags = page.flags(at + 1);
        if page.free_word(at + 1) && page.follows(at + 1) && !flags.any(Flags::WORD | Flags::FUNCTION | Flags::KNOWN) {
            page.claim_tokens(Kind::Place, at..at + 2);
        }
    }
}

/// Whether a word that no list of common words has follows.
fn beside_unknown(page: &Page<'_>, at: usize) -> bool {
    page.free_word(at + 1)
        && page.follows(at + 1)
        && !page.flags(at + 1).any(Flags::WORD | Flags::FUNCTION | Flags::KNOWN)
}

/// Whether "à" stands before, with its accent: "a" is also a verb.
fn accented(page: &Page<'_>, at: usize) -> bool {
    at > 0 && matches!(page.written(at - 1), "à" | "À")
}

/// Finds the places of the lists that nothing else was found at.
pub(super) fn rest(page: &mut Page<'_>) {
    for at in 0..page.tokens.len() {
        let Some(end) = matched(page, at) else { continue };
        let flags = page.flags(at);
        let lower = !page.capital(at);
        let doubtful = flags.any(Flags::WORD | Flags::KNOWN | Flags::FUNCTION);
        let article = matches!(page.folded(at), "la" | "le" | "les") || page.tokens[at].shape == Shape::Elided;
        if article
            && end > at + 1
            && (!page.capital(at + 1) || page.case(at) == Case::Lower)
            && page.flags(at + 1).any(Flags::WORD)
        {
            continue;
        }
        // A capital within a sentence makes a proper noun of a common word: "…, Guéret."
        let proper = !lower && !page.tokens[at].opens && page.case(at) == Case::Capital && !flags.any(Flags::KNOWN);
        let weak = doubtful && (lower || (before(page, at) < Before::Of && !proper));
        if end == at + 1 && (weak || lower && page.folded(at).len() < 4) {
            continue;
        }
        page.claim_tokens(Kind::Place, at..end);
    }
}
