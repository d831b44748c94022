//! Names that the text or the conversation has shown to be somebody's: found wherever they stand, in any spelling.

use std::collections::HashSet;

use super::claims::person;
use super::flags::Flags;
use super::gazetteer::has;
use super::kind::Kind;
use super::page::Page;
use super::tokens::Shape;
use super::vocabulary::GENERIC;

/// The fewest letters of a name that is looked for everywhere.
const LETTERS: usize = 3;
/// The most words that are remembered.
const MOST: usize = 50_000;

/// Finds them; `before` are those of earlier texts.
pub(super) fn find(page: &mut Page<'_>, before: &HashSet<String>) {
    let mut known: HashSet<String> = HashSet::new();
    for index in 0..page.hits.len() {
        let (kind, range) = (page.hits[index].kind, page.hits[index].start..page.hits[index].end);
        match kind {
            Kind::Person => {
                let tokens = page.tokens_in(&range);
                for at in tokens.clone() {
                    if page.tokens[at].shape == Shape::Word {
                        known.extend(parts(page.folded(at)));
                        if at > tokens.start && page.flags(at - 1).any(Flags::PARTICLE) {
                            known.insert(pair(page, at));
                        }
                    }
                }
            }
            Kind::Email | Kind::Account => known.extend(of_address(&page.text[range])),
            _ => {}
        }
        if known.len() > MOST {
            break;
        }
    }
    for index in 0..page.hits.len() {
        let hit = &page.hits[index];
        let mut at = page.tokens_in(&(hit.start..hit.end)).start;
        // "de la Ferrali", where only the last word was found.
        for _ in 0..3 {
            let led = page.hits[index].kind == Kind::Person && at > 0 && page.follows(at) && !page.tokens[at - 1].taken;
            if !led || !(known.contains(&pair(page, at)) || before.contains(&pair(page, at))) {
                break;
            }
            at -= 1;
            page.tokens[at].taken = true;
            page.hits[index].start = page.tokens[at].start;
        }
    }
    let mut at = 0;
    while at < page.tokens.len() {
        let mut end = at;
        while end < at + 6
            && page.free_word(end)
            && (end == at || page.follows(end))
            && is_known(page, end, &known, before)
        {
            end += 1;
        }
        if end > at {
            let led = at > 0
                && page.follows(at)
                && !page.tokens[at - 1].taken
                && (known.contains(&pair(page, at)) || before.contains(&pair(page, at)));
            person(page, if led { at - 1 } else { at }..end, None);
        }
        at = end.max(at + 1);
    }
}

/// A word with the particle before it.
fn pair(page: &Page<'_>, at: usize) -> String {
    format!("{} {}", page.folded(at.saturating_sub(1)), page.folded(at))
}

/// The words by which a name is found again.
pub(super) fn parts(folded: &str) -> Vec<String> {
    let mut parts = vec![folded.to_owned()];
    if folded.contains('-') {
        parts.extend(folded.split('-').map(str::to_owned));
    }
    parts.retain(|part| part.len() >= LETTERS);
    parts
}

/// The names in the part before the at sign.
fn of_address(address: &str) -> Vec<String> {
    let local = address.trim_start_matches('@').split(['@', ':', '(', '[', ' ']).next().unwrap_or_default();
    local
        .split(|c: char| !c.is_alphabetic())
        .take(6)
        .map(super::fold::fold)
        .filter(|part| part.len() > LETTERS && !has(GENERIC, part))
        .collect()
}

fn is_known(page: &Page<'_>, at: usize, known: &HashSet<String>, before: &HashSet<String>) -> bool {
    let flags = page.flags(at);
    if flags.any(Flags::FUNCTION | Flags::TITLE) || (flags.any(Flags::KNOWN) && !page.capital(at)) {
        return false;
    }
    let word = page.folded(at);
    let has = |word: &str| known.contains(word) || before.contains(word);
    let whole = has(word) || (word.contains('-') && word.split('-').all(has));
    if !whole {
        return false;
    }
    // "petit" is also a word: only with a capital that is not the sentence's.
    let led =
        at > 0 && matches!(page.folded(at - 1), "sans" | "avec" | "par" | "chez" | "que" | "et" | "pour" | "mme" | "a");
    let lower = flags.any(Flags::FIRST) && (led || page.verb_next(at));
    let capital = !page.tokens[at].opens || flags.any(Flags::FIRST) || page.verb_next(at);
    !flags.any(Flags::WORD) || if page.capital(at) { capital } else { lower }
}
