//! People who are known by their names alone.

use std::ops::Range;

use super::claims::person;
use super::flags::Flags;
use super::kind::Kind;
use super::names::{Context, parse};
use super::page::Page;
use super::places::{Before, before, matched};
use super::tokens::{Case, Shape};

/// Finds those who stand beside somebody found: "Paul Durand, Hiltraud Vandaele et Tobiasz Jouve".
pub(super) fn listed(page: &mut Page<'_>) {
    let mut index = 0;
    // What is found is looked at in its turn.
    while index < page.hits.len() {
        let hit = &page.hits[index];
        index += 1;
        if hit.kind != Kind::Person {
            continue;
        }
        let at = page.tokens_in(&(hit.start..hit.end)).end;
        let joined = page.mark(at, ',') || matches!(page.folded(at), "et" | "ou" | "puis");
        let next = if page.mark(at, ',') && page.folded(at + 1) == "et" { at + 2 } else { at + 1 };
        let title = page.flags(next).any(Flags::TITLE | Flags::ROLE);
        if !joined || !page.follows(at) || !page.follows(next) || title || page.tokens[next].taken {
            continue;
        }
        let flags = page.flags(next);
        let and = page.folded(next - 1) == "et";
        let other =
            flags.any(Flags::KNOWN | Flags::BODY | Flags::FUNCTION | Flags::GREETING | Flags::STREET | Flags::VERB);
        let lower = uncommon(page, next) && !flags.any(Flags::PLACE)
            || (flags.any(Flags::FIRST) && and && ends_clause(page, next));
        let upper =
            !flags.any(Flags::WORD | Flags::PLACE) || flags.any(Flags::FIRST) || and || before_first(page, next);
        let sure = !other && if page.capital(next) { upper } else { lower };
        let context = if and && page.capital(next) { Context::Strong } else { Context::Likely };
        let end = if and && flags.any(Flags::FIRST) {
            parse(page, next, context).or(Some(next + 1))
        } else {
            parse(page, next, context)
        };
        if let Some(end) = end.filter(|_| sure) {
            person(page, next..end, None);
        }
    }
}

/// Finds them.
pub(super) fn find(page: &mut Page<'_>) {
    let mut at = 0;
    while at < page.tokens.len() {
        let found = if !page.free_word(at) {
            None
        } else if page.capital(at) {
            in_capitals(page, at)
        } else {
            in_lower_case(page, at)
        };
        at = match found {
            Some((range, sure)) => {
                let end = range.end;
                if sure {
                    person(page, range, None);
                }
                end.max(at + 1)
            }
            None => at + 1,
        };
    }
}

/// What a run of words with capitals is made of.
#[derive(Default)]
struct Count {
    words: usize,
    first: usize,
    /// Surnames that are no common words.
    surnames: usize,
    /// Common words that are also frequent surnames.
    doubtful: usize,
    unknown: usize,
    places: usize,
    ordinary: usize,
    /// A word in capitals after one that only begins with one, or before: "Wasila PORC".
    raised: bool,
}

/// The words with capitals from a token on, and whether they are a person.
fn in_capitals(page: &Page<'_>, start: usize) -> Option<(Range<usize>, bool)> {
    let mut start = start;
    let end = run(page, start)?;
    // "Depuis Karim", "Bonjour Karim": the first word of a sentence says little.
    while start < end
        && ordinary(page, start)
        && !before_first(page, start)
        && !(start + 1 < end && may_be_first(page, start))
    {
        start += 1;
    }
    let mut last = end;
    while last > start && ends_name(page, start, last - 1) {
        last -= 1;
    }
    if start >= last {
        return Some((start..end, false));
    }
    let count = count(page, start..last);
    let sure = if count.words == 1 { alone(page, start) } else { together(&count) };
    Some((start..last, sure))
}

/// Past the words with capitals, and the particles between them, from a token on.
fn run(page: &Page<'_>, start: usize) -> Option<usize> {
    if !in_run(page, start) {
        return None;
    }
    let mut end = start + 1;
    for _ in 0..8 {
        let mut next = end;
        if page.mark(next, '.') && page.case(next - 1) == Case::Initial && !page.tokens[next].space {
            next += 1;
        }
        while next < end + 3
            && page.follows(next)
            && page.flags(next).any(Flags::PARTICLE)
            && !page.capital(next)
            && !page.tokens[next].taken
        {
            next += 1;
        }
        if !page.follows(next) || !in_run(page, next) || page.tokens[next].opens {
            break;
        }
        end = next + 1;
    }
    Some(end)
}

fn in_run(page: &Page<'_>, at: usize) -> bool {
    let flags = page.flags(at);
    if page.free_word(at) && page.case(at) == Case::Initial && page.mark(at + 1, '.') {
        return true;
    }
    let excluded = flags.any(Flags::FUNCTION | Flags::TITLE | Flags::BODY | Flags::LEGAL | Flags::STREET)
        && !flags.any(Flags::PARTICLE);
    page.free_word(at) && page.capital(at) && !excluded && !flags.any(Flags::KNOWN)
}

/// Whether the first word of a sentence, a common one, may be the first name before a surname: "Acacia Pogeant", not "Dossier Pogeant".
fn may_be_first(page: &Page<'_>, at: usize) -> bool {
    let word = page.folded(at);
    let flags = page.flags(at);
    let other = flags.any(Flags::NO_NAME);
    let verbal = ["er", "ez", "ant", "ir", "re", "on", "ment", "e", "s"].iter().any(|ending| word.ends_with(ending));
    let next = page.flags(at + 1);
    !other
        && (!verbal || !page.tokens[at].opens)
        && word.len() >= 4
        && page.follows(at + 1)
        && page.free_word(at + 1)
        && page.capital(at + 1)
        && !next.any(Flags::WORD | Flags::KNOWN)
        && (!next.any(Flags::PLACE) || next.any(Flags::NAME))
}

/// Whether a frequent surname, or any word in capitals, stands before a first name: "BEY Yoan".
fn before_first(page: &Page<'_>, at: usize) -> bool {
    let next = page.flags(at + 1);
    let upper = page.case(at) == Case::Upper && page.written(at).len() >= 4 && page.case(at + 1) == Case::Capital;
    (upper || page.flags(at).any(Flags::COMMON))
        && page.follows(at + 1)
        && page.capital(at + 1)
        && next.any(Flags::FIRST)
        && !next.any(Flags::WORD)
}

/// Whether each part of a word begins with a capital: "Ravier-Goujon".
fn compound(page: &Page<'_>, at: usize) -> bool {
    let written = page.written(at);
    written.contains('-')
        && page.case(at) == Case::Capital
        && written.split('-').all(|part| part.starts_with(char::is_uppercase))
}

/// Whether a first name, and nothing else, stands before: "Giselle Cinq".
fn after_first(page: &Page<'_>, at: usize) -> bool {
    let before = page.flags(at.saturating_sub(1));
    let kept =
        page.flags(at).any(Flags::KNOWN | Flags::ROLE | Flags::BODY | Flags::FUNCTION | Flags::GREETING | Flags::VERB);
    // "Sevsevil Terrasse": a word that no list has, within a sentence.
    let unknown = before == Flags::default()
        && page.case(at.saturating_sub(1)) == Case::Capital
        && !page.tokens[at.saturating_sub(1)].opens;
    let first = before.any(Flags::FIRST) || unknown || (compound(page, at) && !before.any(Flags::KNOWN | Flags::PLACE));
    at > 0 && first && !before.any(Flags::WORD) && !kept
}

/// Whether the last word of a run belongs to no name.
fn ends_name(page: &Page<'_>, start: usize, at: usize) -> bool {
    let kept = (at == start + 1 && after_first(page, at)) || raised(page, at) || after_particle(page, start, at);
    trailing(page, at) || (ordinary(page, at) && !kept)
}

/// Whether a particle within the name stands before: "Jeana d'Serrure".
fn after_particle(page: &Page<'_>, start: usize, at: usize) -> bool {
    at > start + 1 && page.flags(at - 1).any(Flags::PARTICLE)
}

/// A common word that is not used as a name here.
fn ordinary(page: &Page<'_>, at: usize) -> bool {
    let flags = page.flags(at);
    let opens = page.tokens[at].opens;
    flags.any(Flags::WORD) && !flags.any(Flags::FIRST) && (opens || !flags.any(Flags::COMMON))
}

fn trailing(page: &Page<'_>, at: usize) -> bool {
    page.tokens[at].shape != Shape::Word || (page.flags(at).any(Flags::PARTICLE) && !page.flags(at).any(Flags::NAME))
}

fn count(page: &Page<'_>, range: Range<usize>) -> Count {
    let mut count = Count::default();
    for at in range {
        if page.tokens[at].shape != Shape::Word || (!page.capital(at)) {
            continue;
        }
        let flags = page.flags(at);
        // "La" within a name.
        if flags.any(Flags::PARTICLE) && flags.any(Flags::FUNCTION | Flags::WORD) {
            continue;
        }
        count.words += 1;
        let acronym = page.case(at) == Case::Upper && page.written(at).len() <= 3;
        count.raised |= raised(page, at);
        let within = at > 0 && page.flags(at - 1).any(Flags::PARTICLE) && page.follows(at) && count.words > 1;
        match flags {
            flags if flags.any(Flags::FIRST) => count.first += 1,
            // "Turgay Van Bourre", "Ravier-Goujon".
            flags if flags.any(Flags::WORD) && (within || compound(page, at)) => count.surnames += 1,
            flags if flags.any(Flags::WORD) && count.words == 2 && after_first(page, at) => count.surnames += 1,
            flags if flags.any(Flags::WORD) && flags.any(Flags::COMMON) => count.doubtful += 1,
            flags if flags.any(Flags::WORD) => count.ordinary += 1,
            flags if flags.any(Flags::NAME) => count.surnames += 1,
            flags if flags.any(Flags::PLACE) => count.places += 1,
            _ if acronym => count.ordinary += 1,
            _ => count.unknown += 1,
        }
    }
    count
}

/// Whether a word in capitals stands beside one that is in none, as a surname does.
fn raised(page: &Page<'_>, at: usize) -> bool {
    let mixed = |one: usize, other: usize| {
        page.case(one) == Case::Upper
            && page.written(one).len() >= 4
            && page.case(other) == Case::Capital
            && !page.flags(other).any(Flags::WORD | Flags::KNOWN)
    };
    at > 0 && page.follows(at) && page.tokens[at - 1].shape == Shape::Word && (mixed(at, at - 1) || mixed(at - 1, at))
}

/// Whether several words with capitals are a person.
fn together(count: &Count) -> bool {
    let Count { words, first, surnames, doubtful, unknown, ordinary, .. } = *count;
    if words == 0 {
        return false;
    }
    let others = words - first;
    (first > 0 && (others == 0 || surnames + doubtful + unknown > 0 || ordinary < words))
        || (surnames + unknown > 0 && ordinary == 0)
        || (count.raised && unknown + surnames > 0)
}

/// Whether one word with a capital is a person.
fn alone(page: &Page<'_>, at: usize) -> bool {
    let flags = page.flags(at);
    let (opens, verb) = (page.tokens[at].opens, page.verb_next(at));
    let case = page.case(at);
    // "Can you help": the first word of a sentence in another language.
    if opens && page.tokens[at].foreign {
        return false;
    }
    if matches!(case, Case::Initial | Case::Mixed) && !flags.any(Flags::NAME) {
        return false;
    }
    // Words of services that are also first names.
    if matches!(page.folded(at), "albert" | "noel" | "toussaint") {
        return verb && !opens;
    }
    if flags.any(Flags::FIRST) {
        return !flags.any(Flags::WORD) || !opens || verb;
    }
    if flags.any(Flags::PLACE) && (!flags.any(Flags::SURNAME) || matched(page, at) == Some(at + 1)) {
        return false;
    }
    if flags.any(Flags::SURNAME) && !flags.any(Flags::WORD) {
        let acronym = case == Case::Upper && page.written(at).len() <= 4;
        return !acronym && (!flags.any(Flags::PLACE) || before(page, at) == Before::Nothing);
    }
    // "que Wolfram sera absent", not "la Carte est".
    if flags.any(Flags::WORD) {
        let joined = at > 0
            && page.follows(at)
            && matches!(
                page.folded(at - 1),
                "que" | "qu" | "et" | "avec" | "par" | "a" | "or" | "mais" | "si" | "car" | "puis"
            );
        let other = flags.any(Flags::KNOWN | Flags::ROLE | Flags::BODY | Flags::STREET | Flags::GREETING);
        return !opens && !other && case == Case::Capital && verb && (joined || flags.any(Flags::COMMON));
    }
    if case == Case::Upper {
        return page.written(at).len() >= 7 && pronounceable(page.folded(at));
    }
    !flags.any(Flags::WORD) && (!opens || verb) && page.folded(at).len() >= 3
}

/// Whether a clause ends after a token.
fn ends_clause(page: &Page<'_>, at: usize) -> bool {
    matches!(page.tokens.get(at + 1).map(|next| next.shape), None | Some(Shape::Mark(',' | '.' | ')' | ';' | '!')))
}

/// Whether letters can be said: vowels between consonants.
fn pronounceable(word: &str) -> bool {
    let vowels = word.bytes().filter(|byte| b"aeiouy".contains(byte)).count();
    vowels * 4 >= word.len() && vowels * 4 <= word.len() * 3
}

/// A word that no common one is, nor the name of a place.
fn uncommon(page: &Page<'_>, at: usize) -> bool {
    let flags = page.flags(at);
    let other = flags.any(Flags::WORD | Flags::KNOWN | Flags::FUNCTION | Flags::TITLE)
        || (flags.any(Flags::PLACE) && !flags.any(Flags::NAME));
    page.free_word(at) && !page.capital(at) && !other && page.folded(at).len() >= 3
}

/// Two such words around a particle that French has not: "filofteia da valla".
fn around_particle(page: &Page<'_>, at: usize) -> bool {
    let particle = matches!(
        page.folded(at + 1),
        "da" | "di" | "el" | "al" | "ben" | "ait" | "van" | "von" | "der" | "dos" | "do" | "le" | "la" | "ould" | "bin"
    );
    particle && uncommon(page, at + 2) && page.follows(at + 1) && page.follows(at + 2) && page.folded(at).len() >= 4
}

/// Two words in a row that are no common ones, or one after "avec".
fn unknown_in_lower_case(page: &Page<'_>, at: usize) -> Option<(Range<usize>, bool)> {
    if !uncommon(page, at) || page.tokens[at].foreign {
        return None;
    }
    let (first, second) = (page.flags(at), page.flags(at + 1));
    let named = first.any(Flags::NAME) || second.any(Flags::NAME) || page.folded(at).len() >= 4;
    let surname = second.any(Flags::COMMON)
        && !second.any(Flags::VERB | Flags::FUNCTION)
        && page.free_word(at + 1)
        && page.folded(at + 1).len() >= 4;
    let ends = page.verb_next(at + 1)
        || page.flags(at + 2).any(Flags::FUNCTION)
        || page.tokens.get(at + 2).is_none_or(|next| next.line)
        || matches!(page.tokens.get(at + 2).map(|next| next.shape), Some(Shape::Mark(',' | ')' | '.' | '(')));
    if surname && ends && page.follows(at + 1) && page.folded(at).len() >= 4 {
        return Some((at..at + 2, true));
    }
    let pair = (uncommon(page, at + 1) && page.follows(at + 1) && named) || around_particle(page, at);
    let before = if page.follows(at) && at > 0 { page.folded(at - 1) } else { "" };
    let led = matches!(
        before,
        "avec"
            | "par"
            | "chez"
            | "selon"
            | "surtout"
            | "sans"
            | "contre"
            | "envers"
            | "voir"
            | "rappeler"
            | "rappele"
            | "que"
            | "qu"
            | "joindre"
            | "contacter"
    ) || (matches!(before, "a" | "de" | "d" | "et" | "pour")
        && (first.any(Flags::NAME) || page.folded(at).len() >= 5)
        && spoken(page, at));
    let subject = page.folded(at).len() >= 4
        && page.verb_next(at)
        && (first.any(Flags::NAME) || page.tokens[at].opens || matches!(before, "et" | "que"));
    (pair || (led && page.folded(at).len() >= 4) || subject).then(|| {
        let end = parse(page, at, Context::Likely).unwrap_or(at + 1);
        (at..end, true)
    })
}

/// Whether a verb of speech, or a word as "dossier", stands shortly before.
fn spoken(page: &Page<'_>, at: usize) -> bool {
    (at.saturating_sub(4)..at).any(|before| {
        let word = page.folded(before);
        page.flags(before).any(Flags::SPOKEN)
            || matches!(
                word,
                "dossier"
                    | "fiche"
                    | "situation"
                    | "demande"
                    | "nom"
                    | "fils"
                    | "fille"
                    | "enfants"
                    | "mere"
                    | "pere"
                    | "famille"
                    | "compte"
                    | "presence"
            )
    })
}

/// A first name in lower case, with what follows.
fn in_lower_case(page: &Page<'_>, at: usize) -> Option<(Range<usize>, bool)> {
    let flags = page.flags(at);
    if flags.any(Flags::FUNCTION | Flags::KNOWN | Flags::TITLE | Flags::ROLE) {
        return None;
    }
    let sure_first = |at: usize| {
        page.free_word(at) && page.flags(at).any(Flags::FIRST) && !page.flags(at).any(Flags::WORD | Flags::FUNCTION)
    };
    if sure_first(at) {
        let end = parse(page, at, Context::None)?;
        let place = flags.any(Flags::PLACE) && before(page, at) > Before::Nothing;
        let long = page.folded(at).len() >= 4 || end > at + 1;
        return Some((at..end, long && !place));
    }
    let follows = page.follows(at + 1);
    if let Some(found) = unknown_in_lower_case(page, at) {
        return Some(found);
    }
    // "dupont marie".
    if flags.any(Flags::SURNAME) && !flags.any(Flags::WORD) && follows && sure_first(at + 1) {
        return parse(page, at, Context::Likely).map(|end| (at..end, true));
    }
    // "claire dubois": a word that is also a first name, before a surname that is nothing else.
    let next = page.flags(at + 1);
    let surname_next = page.free_word(at + 1)
        && (next.any(Flags::COMMON) && !next.any(Flags::WORD)
            || uncommon(page, at + 1) && page.folded(at + 1).len() >= 4);
    if flags.any(Flags::FIRST) && follows && surname_next {
        return parse(page, at, Context::Likely).or(Some(at + 2)).map(|end| (at..end.max(at + 2), true));
    }
    None
}
