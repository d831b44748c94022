//! What a model has found, beside the rules: persons, places and organisations that nothing announces and no list has.
//!
//! It is claimed after all that the rules are sure of: a suggestion never takes a part of an identifier, and where a rule has found a part of a
//! name, the rest joins it.

use std::collections::HashMap;
use std::ops::Range;

use super::claims::person;
use super::flags::Flags;
use super::gazetteer::has;
use super::kind::Kind;
use super::page::Page;
use super::suggestion::Suggestion;
use super::tokens::Shape;
use super::vocabulary::ABBREVIATED;

/// The most words of a name that is looked for in the rest of the text.
const REPEATED: usize = 8;

/// Where the findings begin and end, in bytes: which of the page's hits that is.
struct Edges {
    starts: HashMap<usize, usize>,
    ends: HashMap<usize, usize>,
}

/// Claims what is suggested and free, and the same places and organisations wherever else they stand.
pub(super) fn find(page: &mut Page<'_>, suggestions: &[Suggestion]) {
    if suggestions.is_empty() {
        return;
    }
    let all = || page.hits.iter().enumerate();
    let mut edges = Edges {
        starts: all().map(|(index, hit)| (hit.start, index)).collect(),
        ends: all().map(|(index, hit)| (hit.end, index)).collect(),
    };
    let mut named = Vec::new();
    for Suggestion { kind, range } in suggestions {
        if !matches!(kind, Kind::Person | Kind::Place | Kind::Organisation) {
            continue;
        }
        let tokens = page.tokens_in(range);
        let mut at = tokens.start;
        while at < tokens.end {
            if page.tokens[at].taken {
                at += 1;
                continue;
            }
            let start = at;
            while at < tokens.end && !page.tokens[at].taken && (at == start || page.follows(at)) {
                at += 1;
            }
            if let Some(claimed) = claim(page, &mut edges, *kind, start..at, &tokens)
                && *kind != Kind::Person
            {
                named.push((*kind, claimed));
            }
        }
    }
    repeated(page, &named);
}

/// Claims a run of free tokens of a suggestion; gives what was claimed as a name of its own.
fn claim(
    page: &mut Page<'_>,
    edges: &mut Edges,
    kind: Kind,
    run: Range<usize>,
    suggestion: &Range<usize>,
) -> Option<Range<usize>> {
    if join(page, edges, kind, &run, suggestion) {
        return None;
    }
    let run = trimmed(page, run);
    if !run.clone().any(|at| names(page, at, kind)) {
        return None;
    }
    let claimed =
        if kind == Kind::Person { person(page, run.clone(), None) } else { page.claim_tokens(kind, run.clone()) };
    let index = page.hits.len().checked_sub(1).filter(|_| claimed)?;
    edges.starts.insert(page.hits[index].start, index);
    edges.ends.insert(page.hits[index].end, index);
    Some(run)
}

/// Joins a run to a name of the same kind that a rule has found beside it, in the same suggestion.
fn join(page: &mut Page<'_>, edges: &mut Edges, kind: Kind, run: &Range<usize>, suggestion: &Range<usize>) -> bool {
    let beside = |place: Option<&usize>| place.copied().filter(|index| page.hits[*index].kind == kind);
    let before = (run.start > suggestion.start && page.follows(run.start))
        .then(|| beside(edges.ends.get(&page.tokens[run.start - 1].end)))
        .flatten();
    if let Some(index) = before {
        // "Zbrw M.": the title is the next name's.
        let kept = trimmed(page, run.clone());
        if !kept.is_empty() {
            page.tokens[run.start..kept.end].iter_mut().for_each(|token| token.taken = true);
            edges.ends.remove(&page.hits[index].end);
            page.hits[index].end = page.tokens[kept.end - 1].end;
            edges.ends.insert(page.hits[index].end, index);
        }
        return true;
    }
    let after = (run.end < suggestion.end && page.follows(run.end))
        .then(|| beside(edges.starts.get(&page.tokens[run.end].start)))
        .flatten();
    let Some(index) = after else { return false };
    let kept = trimmed(page, run.clone());
    if !kept.is_empty() {
        let start = kept.start;
        page.tokens[start..run.end].iter_mut().for_each(|token| token.taken = true);
        edges.starts.remove(&page.hits[index].start);
        page.hits[index].start = page.tokens[start].start;
        edges.starts.insert(page.hits[index].start, index);
    }
    true
}

/// Without the titles, articles and marks around a name.
fn trimmed(page: &Page<'_>, run: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = run;
    let around = |at: usize| {
        !matches!(page.tokens[at].shape, Shape::Word | Shape::Code | Shape::Number)
            || page.flags(at).any(Flags::TITLE | Flags::GREETING)
            || (page.mark(at + 1, '.') && (has(ABBREVIATED, page.folded(at)) || page.folded(at) == "m"))
            || (page.flags(at).any(Flags::FUNCTION) && !page.capital(at))
    };
    while start < end && around(start) {
        start += 1;
    }
    while end > start && around(end - 1) {
        end -= 1;
    }
    start..end
}

/// Whether a word names somebody or something: not where all of a suggestion are words of every day, or of what names nobody (services of the
/// State, countries, months).
fn names(page: &Page<'_>, at: usize, kind: Kind) -> bool {
    if !matches!(page.tokens[at].shape, Shape::Word | Shape::Code) {
        return false;
    }
    let flags = page.flags(at);
    if flags.any(Flags::FUNCTION | Flags::KNOWN | Flags::TITLE | Flags::GREETING) {
        return false;
    }
    let raised = page.capital(at) && !page.tokens[at].opens;
    match kind {
        Kind::Person => !flags.any(Flags::WORD) || flags.any(Flags::NAME) || raised,
        Kind::Place => !flags.any(Flags::WORD) || flags.any(Flags::PLACE) || raised,
        // "Caisse d’allocations familiales" is a service.
        _ => !flags.any(Flags::WORD | Flags::BODY) || flags.any(Flags::NAME),
    }
}

/// Claims the same words wherever else they stand with a capital.
fn repeated(page: &mut Page<'_>, named: &[(Kind, Range<usize>)]) {
    let mut known: HashMap<String, Vec<(Kind, Vec<String>)>> = HashMap::new();
    for (kind, tokens) in named.iter().filter(|(_, tokens)| tokens.len() <= REPEATED) {
        let words: Vec<String> = tokens.clone().map(|at| page.folded(at).to_owned()).collect();
        let Some(first) = words.first().filter(|first| !first.is_empty()).cloned() else { continue };
        let alike = known.entry(first).or_default();
        if alike.len() < REPEATED && !alike.iter().any(|(_, known)| *known == words) {
            alike.push((*kind, words));
        }
    }
    if known.is_empty() {
        return;
    }
    for at in 0..page.tokens.len() {
        if !page.free_word(at) || !page.capital(at) {
            continue;
        }
        let same = |words: &Vec<String>| {
            words.iter().enumerate().all(|(index, word)| {
                let token = at + index;
                let free = page.tokens.get(token).is_some_and(|token| !token.taken);
                free && (index == 0 || page.follows(token)) && page.folded(token) == word
            })
        };
        let longest = known.get(page.folded(at)).into_iter().flatten().filter(|(_, words)| same(words));
        if let Some((kind, length)) =
            longest.max_by_key(|(_, words)| words.len()).map(|(kind, words)| (*kind, words.len()))
        {
            page.claim_tokens(kind, at..at + length);
        }
    }
}
