//! Companies, associations, schools: names after "société", "association", or beside a legal form.

use super::flags::Flags;
use super::kind::Kind;
use super::page::Page;
use super::tokens::{Case, Shape};

/// The most words of a name.
const WORDS: usize = 8;

/// Finds them.
pub(super) fn find(page: &mut Page<'_>) {
    for at in 0..page.tokens.len() {
        if !page.free_word(at) {
            continue;
        }
        let flags = page.flags(at);
        if flags.any(Flags::LEGAL) {
            beside_form(page, at);
        } else if flags.any(Flags::BODY) {
            // The trade belongs to the name, "société" does not.
            if !(matches!(page.folded(at), "transports" | "ateliers") && after_trade(page, at)) {
                after_body(page, at);
            }
        } else if page.flags(at).any(Flags::TRADE) {
            after_trade(page, at);
        } else if ends_name(page, at) && at > 0 && page.follows(at) {
            before_ending(page, at);
        } else if page.folded(at) == "chez" && page.follows(at + 1) {
            at_company(page, at + 1);
        }
    }
}

/// "SARL Durand", "Durand SARL".
fn beside_form(page: &mut Page<'_>, at: usize) {
    if page.follows(at + 1)
        && let Some((start, end)) = name(page, at + 1)
    {
        page.claim_tokens(Kind::Organisation, start..end);
        return;
    }
    let mut start = at;
    while start > 0 && page.follows(start) && at - start < WORDS {
        let before = start - 1;
        let small = page.flags(before).any(Flags::PARTICLE) && !page.capital(before)
            || matches!(page.folded(before), "et")
            || page.mark(before, '&');
        let named = page.free_word(before) && page.capital(before) && !page.flags(before).any(Flags::FUNCTION);
        let joins = small && before > 0 && page.capital(before - 1);
        if !named && !joins {
            break;
        }
        start = before;
    }
    if start < at {
        page.claim_tokens(Kind::Organisation, start..at);
    } else if page.follows(at + 1) {
        lower_name(page, at + 1);
    }
}

/// "l'association Les Amis du livre", "le lycée Victor-Hugo".
fn after_body(page: &mut Page<'_>, at: usize) {
    let mut next = at + 1;
    // "centre hospitalier", "école maternelle", "maison de retraite".
    for _ in 0..3 {
        let flags = page.flags(next);
        let plain = page.free_word(next)
            && !page.capital(next)
            && flags.any(Flags::WORD)
            && !flags.any(Flags::VERB | Flags::FUNCTION);
        let kind = matches!(
            page.folded(next),
            "hospitalier"
                | "maternelle"
                | "primaire"
                | "elementaire"
                | "retraite"
                | "sportive"
                | "sportif"
                | "culturelle"
                | "medical"
                | "dentaire"
                | "sociale"
                | "social"
                | "privee"
                | "prive"
                | "publique"
                | "public"
                | "professionnel"
                | "general"
                | "technique"
                | "universitaire"
                | "municipale"
                | "municipal"
                | "d'avocats"
                | "avocats"
                | "comptable"
                | "immobiliere"
                | "mutualiste"
                | "generale"
                | "technologique"
                | "polyvalent"
                | "polyvalente"
                | "de"
                | "d"
                | "dite"
                | "nommee"
                | "denommee"
                | "veterinaire"
        );
        if !(plain && kind || matches!(page.folded(next), "de" | "d") && !page.capital(next + 1)) || !page.follows(next)
        {
            break;
        }
        next += 1;
    }
    if !page.follows(next) {
        return;
    }
    if let Some((start, end)) = name(page, next) {
        page.claim_tokens(Kind::Organisation, start..end);
    } else if page.folded(at) == "association" && !page.capital(next) {
        lower_association(page, next);
    } else if matches!(page.folded(at), "college" | "lycee" | "ecole" | "hopital" | "clinique") {
        school(page, next);
    } else if matches!(
        page.folded(at),
        "societe" | "entreprise" | "garage" | "cabinet" | "pharmacie" | "association" | "boulangerie" | "restaurant"
    ) {
        lower_name(page, next);
    }
}

/// "collège jean moulin": a first name and what follows it.
fn school(page: &mut Page<'_>, at: usize) {
    let mut end = at;
    while end < at + 3
        && page.free_word(end)
        && page.follows(end)
        && page.flags(end).any(Flags::NAME)
        && !page.flags(end).any(Flags::FUNCTION | Flags::VERB)
    {
        end += 1;
    }
    let unknown = |next: usize| {
        page.free_word(next)
            && page.follows(next)
            && !page.flags(next).any(Flags::WORD | Flags::KNOWN | Flags::FUNCTION)
    };
    while end < at + 3 && unknown(end) {
        end += 1;
    }
    // "école firmin terrasse".
    let flags = page.flags(end);
    let sure = end == at + 1 && page.flags(at).any(Flags::FIRST) && page.free_word(end) && page.follows(end);
    if sure && !flags.any(Flags::FUNCTION | Flags::VERB | Flags::KNOWN) {
        end += 1;
    }
    if end > at + 1 {
        page.claim_tokens(Kind::Organisation, at..end);
    }
}

/// "chez Dubrac".
fn at_company(page: &mut Page<'_>, at: usize) {
    let flags = page.flags(at);
    let company = page.free_word(at)
        && page.capital(at)
        && !flags.any(Flags::FIRST | Flags::KNOWN | Flags::TITLE | Flags::FUNCTION)
        && page.follows(at);
    if company && let Some((start, end)) = name(page, at) {
        page.claim_tokens(Kind::Organisation, start..end);
    } else if (!page.capital(at) && !flags.any(Flags::FIRST | Flags::TITLE))
        || (page.free_word(at) && with_ending(page, at + 1) > at + 1)
    {
        lower_name(page, at);
    }
}

/// The name that begins at a token: between quotation marks, or as long as there are capitals.
fn name(page: &Page<'_>, at: usize) -> Option<(usize, usize)> {
    if let Some(Shape::Mark('«' | '"' | '“')) = page.tokens.get(at).map(|token| token.shape) {
        let close = (at + 1..(at + 2 + WORDS).min(page.tokens.len())).find(|next| {
            matches!(page.tokens[*next].shape, Shape::Mark('»' | '"' | '”'))
                || page.tokens[*next].line
                || page.tokens[*next].taken
        })?;
        let closed = matches!(page.tokens[close].shape, Shape::Mark(_)) && !page.tokens[close].taken;
        return (closed && close > at + 1).then_some((at + 1, close));
    }
    let mut start = at;
    if page.tokens.get(at)?.shape == Shape::Elided && page.tokens[at].case != Case::Lower {
        start = at + 1;
    }
    if !in_name(page, start) {
        return None;
    }
    let mut end = start + 1;
    for _ in 0..WORDS {
        let mut next = end;
        while next < end + 3
            && page.follows(next)
            && !page.tokens[next].taken
            && (page.mark(next, '&')
                || page.tokens[next].shape == Shape::Elided
                || matches!(
                    page.folded(next),
                    "de" | "du"
                        | "des"
                        | "la"
                        | "le"
                        | "les"
                        | "et"
                        | "en"
                        | "d"
                        | "l"
                        | "aux"
                        | "pour"
                        | "sans"
                        | "sur"
                ))
            && !page.capital(next)
        {
            next += 1;
        }
        // "la société Durand à Lyon", but "Les Amis du livre".
        let word = page.free_word(next) && page.follows(next) && !page.tokens[next].opens;
        let known = page.flags(next).any(Flags::KNOWN | Flags::TITLE)
            && !ends_name(page, next)
            && !page.flags(next).any(Flags::COMMON);
        if !word || !page.capital(next) || known {
            break;
        }
        end = next + 1;
    }
    end = with_ending(page, end);
    let whole = if page.tokens[at].shape == Shape::Elided { at } else { start };
    Some((whole, end))
}

fn in_name(page: &Page<'_>, at: usize) -> bool {
    let flags = page.flags(at);
    let article =
        matches!(page.folded(at), "les" | "le" | "la" | "aux" | "au" | "mon" | "un" | "une" | "nos" | "tous" | "vers");
    page.free_word(at)
        && page.capital(at)
        && page.case(at) != Case::Initial
        && !flags.any(Flags::KNOWN | Flags::TITLE | Flags::LEGAL)
        && (!flags.any(Flags::FUNCTION) || (article && page.capital(at + 1) && page.follows(at + 1)))
}

/// What often ends a company's name.
fn ends_name(page: &Page<'_>, at: usize) -> bool {
    matches!(
        page.folded(at),
        "conseil"
            | "conseils"
            | "services"
            | "service"
            | "formation"
            | "international"
            | "france"
            | "groupe"
            | "freres"
            | "fils"
            | "associes"
            | "cie"
            | "energie"
            | "habitat"
    )
}

/// Past "et fils", "& associés", "conseil".
fn with_ending(page: &Page<'_>, end: usize) -> usize {
    let mut next = end;
    if page.mark(next, '&') || page.folded(next) == "et" {
        next += 1;
    }
    let ends = page.free_word(next) && page.follows(next) && page.follows(end) && ends_name(page, next);
    if ends { next + 1 } else { end }
}

/// "Menuiserie Deltour", "transports gublin": a trade with somebody's name.
fn after_trade(page: &mut Page<'_>, at: usize) -> bool {
    let next = at + 1;
    let flags = page.flags(next);
    let other = flags.any(Flags::FUNCTION | Flags::KNOWN | Flags::VERB | Flags::TITLE)
        || !page.free_word(next)
        || !page.follows(next);
    let lower = (flags.any(Flags::COMMON) || !flags.any(Flags::WORD)) && page.folded(next).len() >= 3;
    let named = if page.capital(at) { page.capital(next) } else { lower };
    let end = with_ending(page, next + 1);
    !other && named && !page.tokens[next].foreign && page.claim_tokens(Kind::Organisation, at..end)
}

/// "Hedoux et Fils", "Boudaoud & Associés", "Rondel Conseil": what the last word makes a company of.
fn before_ending(page: &mut Page<'_>, at: usize) {
    let joined = page.mark(at - 1, '&')
        || (page.folded(at - 1) == "et" && matches!(page.folded(at), "fils" | "associes" | "cie" | "freres"));
    let last = if joined { at.checked_sub(2) } else { at.checked_sub(1) };
    let Some(last) = last.filter(|last| page.free_word(*last)) else { return };
    let fits = |word: usize| {
        let flags = page.flags(word);
        let other = flags.any(Flags::FUNCTION | Flags::KNOWN | Flags::TITLE | Flags::ROLE | Flags::BODY | Flags::VERB)
            && !flags.any(Flags::COMMON);
        page.free_word(word) && !other
    };
    let capital = page.capital(last);
    // "mon fils et associés", "le service formation": words, unless they begin with a capital.
    let named = if joined {
        capital || !page.flags(last).any(Flags::WORD)
    } else {
        (capital && page.capital(at) && !page.flags(last).any(Flags::WORD))
            || (!page.flags(last).any(Flags::WORD | Flags::FIRST) && page.folded(at) == "conseil")
    };
    if !named || !fits(last) {
        return;
    }
    let mut start = last;
    while capital
        && start > 0
        && last - start < 3
        && page.follows(start)
        && page.capital(start - 1)
        && !page.tokens[start - 1].opens
    {
        let particle = page.flags(start - 1).any(Flags::PARTICLE);
        if !particle && !fits(start - 1) {
            break;
        }
        start -= 1;
    }
    page.claim_tokens(Kind::Organisation, start..at + 1);
}

/// The name of an association in lower case: from its article up to what no name goes on with.
fn lower_association(page: &mut Page<'_>, at: usize) {
    if !page.free_word(at) && page.tokens[at].shape != Shape::Elided {
        return;
    }
    // "association solidarité noyon", "association espoir et partage".
    let plain = |next: usize| {
        page.free_word(next)
            && page.follows(next)
            && !page.flags(next).any(Flags::FUNCTION | Flags::VERB | Flags::KNOWN)
    };
    if plain(at) && page.folded(at + 1) == "et" && plain(at + 2) && page.folded(at).len() >= 4 {
        page.claim_tokens(Kind::Organisation, at..at + 3);
        return;
    }
    if plain(at) && plain(at + 1) && page.flags(at).any(Flags::WORD) && !page.flags(at + 1).any(Flags::WORD) {
        let end = super::places::matched(page, at + 1).unwrap_or(at + 2);
        page.claim_tokens(Kind::Organisation, at..end);
        return;
    }
    let led = matches!(page.folded(at), "les" | "le" | "un" | "une" | "la")
        || (page.tokens[at].shape == Shape::Elided && page.folded(at) == "l");
    let mut end = at;
    let (mut words, mut content) = (0, false);
    while led && words < WORDS && end < page.tokens.len() && (end == at || page.follows(end)) && !page.tokens[end].taken
    {
        let flags = page.flags(end);
        let small = matches!(
            page.folded(end),
            "les" | "le" | "un" | "une" | "la" | "de" | "du" | "des" | "d" | "l" | "pour" | "et" | "sur"
        );
        let word = matches!(page.tokens[end].shape, Shape::Word | Shape::Elided);
        if !word || (!small && flags.any(Flags::FUNCTION | Flags::VERB)) || (content && page.folded(end) == "et") {
            break;
        }
        // One more word after a name that no list has would be the verb.
        content |= !small;
        words += 1;
        end += 1;
        if content && !small && !flags.any(Flags::WORD) {
            break;
        }
    }
    while end > at && (page.flags(end - 1).any(Flags::FUNCTION) || page.tokens[end - 1].shape == Shape::Elided) {
        end -= 1;
    }
    if content && end > at {
        page.claim_tokens(Kind::Organisation, at..end);
    }
}

/// A name in lower case: words that are no common ones.
fn lower_name(page: &mut Page<'_>, at: usize) {
    let mut end = at;
    if page.free_word(at) && page.flags(at).any(Flags::TRADE) && page.follows(at + 1) {
        end += 1;
        // "menuiserie martel".
        if page.free_word(end)
            && page.flags(end).any(Flags::NAME)
            && !page.flags(end).any(Flags::FUNCTION | Flags::VERB)
            && page.flags(end).any(Flags::WORD)
        {
            page.claim_tokens(Kind::Organisation, at..end + 1);
            return;
        }
    }
    let start = end;
    while end < at + 3 && page.free_word(end) && page.follows(end) {
        let flags = page.flags(end);
        if flags.any(Flags::WORD | Flags::KNOWN | Flags::FUNCTION) || page.folded(end).len() < 3 {
            break;
        }
        end += 1;
    }
    // "chez blanc et fils".
    if end == start
        && with_ending(page, end + 1) > end + 1
        && page.free_word(end)
        && !page.flags(end).any(Flags::FUNCTION)
    {
        end += 1;
    }
    if end > start {
        end = with_ending(page, end);
        page.claim_tokens(Kind::Organisation, at..end);
    }
}
