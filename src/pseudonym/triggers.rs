//! People whom the words before them announce: titles, functions, kin, fields of forms, greetings and signatures.

use super::claims::person;
use super::flags::Flags;
use super::gazetteer::has;
use super::kind::Kind;
use super::names::{Context, accepts, parse};
use super::page::{Gender, Page};
use super::tokens::{Case, Shape};
use super::vocabulary::{ABBREVIATED, FEMALE, FIELD, MALE};

/// The most words of a field or of a signature that is a name.
const FIELD_WORDS: usize = 5;

/// Finds them.
pub(super) fn find(page: &mut Page<'_>) {
    for at in 0..page.tokens.len() {
        if page.tokens[at].taken {
            continue;
        }
        if let Some((after, context)) = title(page, at) {
            titled(page, at, after, context);
        }
        before_address(page, at);
        called(page, at);
        field(page, at);
        of_somebody(page, at);
        role(page, at);
        greeting(page, at);
    }
}

/// Past a title at a token, and how sure it makes a name.
fn title(page: &Page<'_>, at: usize) -> Option<(usize, Context)> {
    if !page.free_word(at) {
        return None;
    }
    let word = page.folded(at);
    let dotted = page.mark(at + 1, '.') && !page.tokens[at + 1].space;
    let after = if dotted { at + 2 } else { at + 1 };
    let elided = page.tokens.get(after).is_some_and(|next| next.shape == Shape::Elided) && page.capital(after + 1);
    let capital_next = (page.capital(after) || elided) && page.follows(after);
    match word {
        // "M. Durand", "m. durand"; not "m" alone.
        "m" | "mm" if dotted => Some((after, Context::Sure)),
        "m" | "mm" => (capital_next && page.case(at) != Case::Lower).then_some((after, Context::Strong)),
        // "signé chez me Barris".
        "me" if at > 0 && page.folded(at - 1) == "chez" => Some((after, Context::Sure)),
        "me" => (page.capital(at) && capital_next && !page.flags(after).any(Flags::WORD))
            .then_some((after, Context::Strong)),
        "maitre" => {
            let flags = page.flags(after);
            let name = page.follows(after)
                && page.free_word(after)
                && !flags.any(Flags::WORD | Flags::KNOWN | Flags::FUNCTION)
                && page.folded(after).len() >= 3;
            (capital_next || name).then_some((after, if capital_next { Context::Strong } else { Context::Likely }))
        }
        "veuve" | "feu" | "dame" | "sieur" | "pr" | "soeur" | "abbe" => {
            capital_next.then_some((after, Context::Likely))
        }
        _ if has(ABBREVIATED, word) => Some((after, Context::Sure)),
        _ => page.flags(at).any(Flags::TITLE).then_some((after, Context::Strong)),
    }
}

/// The name after a title, perhaps after "le maire".
fn titled(page: &mut Page<'_>, at: usize, after: usize, context: Context) {
    let word = page.folded(at);
    let gender = if has(FEMALE, word) { Some(Gender::Female) } else { has(MALE, word).then_some(Gender::Male) };
    if !page.follows(after) {
        return;
    }
    // "Madame, Monsieur", "Madame et Monsieur".
    let context = if context == Context::Sure && !sure_word(page, after) { Context::Strong } else { context };
    if let Some(end) = parse(page, after, context) {
        person(page, after..end, gender);
        return;
    }
    // "M. le maire, Paul Durand": the function's own rule finds it.
    if page.flags(after).any(Flags::ROLE)
        && let Some(end) =
            parse(page, after + 1, Context::Likely).filter(|_| page.capital(after + 1) && page.follows(after + 1))
    {
        person(page, after + 1..end, gender);
    }
}

/// Whether a word after "Mme" in lower case may be a name: not what she does.
fn sure_word(page: &Page<'_>, at: usize) -> bool {
    !page.flags(at).any(Flags::VERB | Flags::FUNCTION | Flags::ROLE | Flags::GREETING | Flags::KNOWN)
}

/// "je m'appelle", "nommé", "je suis".
fn called(page: &mut Page<'_>, at: usize) {
    if !page.free_word(at) {
        return;
    }
    let word = page.folded(at);
    let reflexive =
        at > 0 && page.tokens[at - 1].shape == Shape::Elided && matches!(page.folded(at - 1), "m" | "s" | "t");
    let introduced = match word {
        // "c'est Karim du service".
        "est" if word_before(page, at, "c") => unknown_with_article(page, at + 1),
        // "son ancien nom est", "mon nom de jeune fille est".
        "est" | "etait" => {
            (at.saturating_sub(5)..at).any(|before| matches!(page.folded(before), "nom" | "prenom" | "prenoms"))
                && page.follows(at)
        }
        "appelle" | "appelles" | "appel" | "appele" | "appelait" => reflexive,
        "suis" => at > 0 && page.folded(at - 1) == "je" || word_before(page, at, "c"),
        _ => page.flags(at).any(Flags::CALLED),
    };
    if !introduced {
        return;
    }
    let mut next = at + 1;
    while page.mark(next, ':')
        || page.mark(next, ',')
        || page.mark(next, '(')
        || page.mark(next, '«')
        || page.flags(next).any(Flags::TITLE)
    {
        next += 1;
    }
    let context = if word == "suis" && !page.flags(next).any(Flags::FIRST) && !page.capital(next) {
        Context::Likely
    } else {
        Context::Strong
    };
    if !page.follows(next) || page.tokens[next].taken {
        return;
    }
    let Some(end) = parse(page, next, context) else { return };
    // "je suis allocatair": one unknown word in lower case is a slip of the pen.
    let lone = end == next + 1 && !page.capital(next) && !page.flags(next).any(Flags::NAME);
    if word != "suis" || !lone {
        person(page, next..end, None);
    }
}

/// Whether a word that no common one is stands before "du", "de", "qui".
fn unknown_with_article(page: &Page<'_>, at: usize) -> bool {
    let flags = page.flags(at);
    let name =
        !flags.any(Flags::WORD | Flags::KNOWN | Flags::FUNCTION) || (flags.any(Flags::FIRST) && page.capital(at));
    name && page.free_word(at) && matches!(page.folded(at + 1), "du" | "de" | "qui")
}

fn word_before(page: &Page<'_>, at: usize, word: &str) -> bool {
    at > 0 && page.folded(at - 1) == word
}

/// "Nom : …", "Prénom : …".
fn field(page: &mut Page<'_>, at: usize) {
    if !page.free_word(at) || !page.mark(at + 1, ':') || !has(FIELD, page.folded(at)) {
        return;
    }
    let word = page.folded(at);
    // "Date de naissance", "Lieu de naissance".
    let of = |name: &str| page.before(page.tokens[at].start, 3).any(|before| page.folded(before) == name);
    if matches!(word, "naissance" | "usage" | "famille") && !of("nom") {
        return;
    }
    let named = matches!(word, "nom" | "prenom" | "prenoms" | "noms" | "naissance" | "usage" | "famille");
    let mut start = at + 2;
    while page.flags(start).any(Flags::TITLE) && page.follows(start) {
        start += if page.mark(start + 1, '.') { 2 } else { 1 };
    }
    if !page.follows(start) {
        return;
    }
    let end = if named { to_end_of_field(page, start) } else { parse(page, start, Context::Strong) };
    if let Some(end) = end {
        let given = matches!(word, "prenom" | "prenoms");
        let other = page.hits.last().filter(|hit| hit.kind == Kind::Person && hit.end <= page.tokens[at].start);
        // The surname's field right before, or the first name's.
        let same = other.is_some_and(|hit| {
            let last = page.tokens_in(&(hit.start..hit.end));
            last.end + 1 >= at.saturating_sub(2) && field_of(page, last.start).is_some_and(|surname| surname == given)
        });
        if person(page, start..end, None)
            && let Some(hit) = page.hits.last_mut()
        {
            hit.same = same && named;
        }
    }
}

/// Whether what begins at a token stands in a field of surnames; nothing where it stands in no field of names.
fn field_of(page: &Page<'_>, start: usize) -> Option<bool> {
    let name = start.checked_sub(2).filter(|_| page.mark(start - 1, ':'))?;
    match page.folded(name) {
        "nom" | "noms" => Some(true),
        "prenom" | "prenoms" => Some(false),
        _ => None,
    }
}

/// Every word up to the end of a field, where there are few.
fn to_end_of_field(page: &Page<'_>, start: usize) -> Option<usize> {
    let mut end = start;
    while end < start + FIELD_WORDS && page.follows(end) {
        let token = page.tokens[end];
        let word = matches!(token.shape, Shape::Word | Shape::Elided) && !token.taken;
        // The next field: "Nom : Petit Prénom : Julie".
        if !word
            || page.mark(end + 1, ':') && end > start
            || (page.flags(end).any(Flags::FUNCTION) && !page.flags(end).any(Flags::PARTICLE))
        {
            break;
        }
        end += 1;
    }
    (end > start).then_some(end)
}

/// "ma conseillère Julie", "mon fils kevin".
fn role(page: &mut Page<'_>, at: usize) {
    if !page.free_word(at) || !page.flags(at).any(Flags::ROLE) {
        return;
    }
    let mut next = at + 1;
    if page.mark(next, ',') || page.mark(next, ':') || page.mark(next, '(') {
        next += 1;
    }
    while page.flags(next).any(Flags::TITLE) && page.follows(next) {
        next += 1;
    }
    if !page.follows(next) || !page.free_word(next) {
        return;
    }
    let flags = page.flags(next);
    let first = (flags.any(Flags::FIRST) && (!flags.any(Flags::WORD) || subject(page, next)))
        || (page.capital(next)
            && (subject(page, next) || paired(page, next))
            && super::signatures::name_like(page, next));
    let capital =
        page.capital(next) && page.case(next) != Case::Mixed && accepts(page, next, 0, Context::Likely, false);
    let acronym = page.case(next) == Case::Upper && page.written(next).len() <= 4 && !flags.any(Flags::NAME);
    let listed = flags.any(Flags::WORD | Flags::KNOWN | Flags::PLACE | Flags::FUNCTION);
    let unknown = !listed && !page.tokens[next].foreign && page.folded(next).len() >= 4;
    let particle = flags.any(Flags::PARTICLE) && page.capital(next);
    if (first || (capital && !acronym) || unknown || particle)
        && let Some(end) = parse(page, next, Context::Strong)
    {
        person(page, next..end, None);
    }
}

/// Whether a word with a capital, which no common word is, follows.
fn paired(page: &Page<'_>, at: usize) -> bool {
    page.free_word(at + 1)
        && page.follows(at + 1)
        && page.capital(at + 1)
        && !page.flags(at + 1).any(Flags::WORD | Flags::KNOWN)
}

/// Whether a word is followed by what follows a subject, or by the end of its clause.
fn subject(page: &Page<'_>, at: usize) -> bool {
    !page.flags(at).any(Flags::VERB | Flags::FUNCTION)
        && (page.verb_next(at)
            || matches!(page.tokens.get(at + 1).map(|next| next.shape), Some(Shape::Mark(',' | '.' | ')'))))
}

/// "le dossier de élise furet", "la fiche d'alice".
fn of_somebody(page: &mut Page<'_>, at: usize) {
    let file = page.flags(at).any(Flags::OWNED);
    if !file || !page.free_word(at) || !matches!(page.folded(at + 1), "de" | "d") || !page.follows(at + 2) {
        return;
    }
    let flags = page.flags(at + 2);
    if page.free_word(at + 2)
        && (flags.any(Flags::FIRST)
            || !flags.any(Flags::WORD | Flags::KNOWN | Flags::PLACE | Flags::FUNCTION)
                && page.folded(at + 2).len() >= 4)
        && !page.tokens[at].foreign
        && let Some(end) = parse(page, at + 2, Context::Strong)
    {
        person(page, at + 2..end, None);
    }
}

/// "Bonjour Karim", "Chère Julie".
fn greeting(page: &mut Page<'_>, at: usize) {
    if !page.free_word(at) || !page.flags(at).any(Flags::GREETING) || !page.follows(at + 1) || !page.free_word(at + 1) {
        return;
    }
    let next = if page.folded(at) == "merci" && page.folded(at + 1) == "a" { at + 2 } else { at + 1 };
    let flags = page.flags(next);
    let alone = page.tokens.get(next + 1).is_none_or(|token| token.line || token.shape == Shape::Mark(','));
    let name = flags.any(Flags::FIRST) && (!flags.any(Flags::WORD) || page.capital(next) || alone)
        || (alone
            && page.capital(next)
            && (flags.any(Flags::NAME) || !matches!(page.folded(at), "cher" | "chere" | "chers" | "cheres"))
            && super::signatures::name_like(page, next));
    let unknown = !flags.any(Flags::WORD | Flags::KNOWN | Flags::FUNCTION) && page.folded(next).len() >= 4;
    if page.follows(next)
        && (name || unknown)
        && let Some(end) = parse(page, next, if alone { Context::Strong } else { Context::Likely })
    {
        person(page, next..end, None);
    }
}

/// The name before an e-mail address in angle brackets.
fn before_address(page: &mut Page<'_>, at: usize) {
    if !page.mark(at, '<') || !page.tokens.get(at + 1).is_some_and(|token| token.taken) {
        return;
    }
    let mut start = at;
    while start > 0 && at - start < FIELD_WORDS && page.follows(start) {
        let token = page.tokens[start - 1];
        if token.taken || !matches!(token.shape, Shape::Word | Shape::Elided) {
            break;
        }
        start -= 1;
    }
    if start < at {
        person(page, start..at, None);
    }
}
