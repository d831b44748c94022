//! Cuts a section into passages: whole parts stay together when they fit, long ones are cut at lines and sentences.

use super::blocks::{Item, Section};

/// A passage with fewer words joins a neighbour.
pub(super) const LEAST: usize = 100;
/// The words that a passage is filled to.
const GOAL: usize = 220;
/// The most words of a passage.
pub(super) const MOST: usize = 300;
/// The most words of two that are joined.
const JOINED: usize = 330;

/// A passage with the titles above it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cut {
    pub(super) path: Vec<String>,
    pub(super) text: String,
}

/// How many words a text has.
pub(super) fn words(text: &str) -> usize {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty()).count()
}

/// A part that is put into a passage with its neighbours.
struct Unit<'a> {
    text: String,
    /// Where it is a section by itself.
    section: Option<&'a Section>,
}

/// The passages of a section, below these titles.
pub(super) fn pack(section: &Section, path: &[String]) -> Vec<Cut> {
    let mut packing = Packing { path, cuts: Vec::new(), units: Vec::new(), words: 0 };
    for item in &section.items {
        match item {
            Item::Lines(lines) => {
                for text in split_long(lines) {
                    packing.add(Unit { text, section: None });
                }
            }
            Item::Section(inner) if words(&inner.text()) <= MOST => {
                packing.add(Unit { text: inner.text(), section: Some(inner) });
            }
            Item::Section(inner) => {
                packing.flush();
                let title = Some(inner.title.clone()).filter(|title| !title.is_empty());
                let below: Vec<String> = path.iter().cloned().chain(title).collect();
                packing.cuts.extend(pack(inner, &below));
            }
        }
    }
    packing.flush();
    join_short(packing.cuts)
}

struct Packing<'a> {
    path: &'a [String],
    cuts: Vec<Cut>,
    units: Vec<Unit<'a>>,
    words: usize,
}

impl<'a> Packing<'a> {
    fn add(&mut self, unit: Unit<'a>) {
        let more = words(&unit.text);
        if !self.units.is_empty() && self.words + more > MOST || self.words >= GOAL && more >= LEAST {
            self.flush();
        }
        self.units.push(unit);
        self.words += more;
    }

    /// Ends the passage that is being filled.
    fn flush(&mut self) {
        let units = std::mem::take(&mut self.units);
        self.words = 0;
        let cut = match &units[..] {
            [] => return,
            [Unit { section: Some(section), .. }] if !section.title.is_empty() => Cut {
                path: self.path.iter().chain([&section.title]).cloned().collect(),
                text: Section { title: String::new(), items: section.items.clone() }.text(),
            },
            _ => Cut {
                path: self.path.to_vec(),
                text: units.iter().map(|unit| unit.text.as_str()).collect::<Vec<_>>().join("\n"),
            },
        };
        self.cuts.push(cut);
    }
}

/// Lines of too many words, cut at lines, then at sentences, then anywhere.
fn split_long(text: &str) -> Vec<String> {
    if words(text) <= MOST {
        return vec![text.to_owned()];
    }
    let mut bits: Vec<&str> = text.split('\n').collect();
    let mut join = "\n";
    if bits.len() == 1 {
        bits = sentences(text);
        join = " ";
        if bits.len() == 1 {
            let words: Vec<&str> = text.split_whitespace().collect();
            return words.chunks(GOAL).map(|part| part.join(" ")).collect();
        }
    }
    let (mut cuts, mut filled, mut count) = (Vec::new(), Vec::new(), 0);
    for bit in bits.into_iter().flat_map(split_long) {
        let more = words(&bit);
        if !filled.is_empty() && count + more > GOAL {
            cuts.push(std::mem::take(&mut filled).join(join));
            count = 0;
        }
        filled.push(bit);
        count += more;
    }
    if !filled.is_empty() {
        cuts.push(filled.join(join));
    }
    cuts
}

/// Cut at the spaces between the end of a sentence and what begins one.
fn sentences(text: &str) -> Vec<&str> {
    let begins =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || matches!(letter, 'À'..='Ý' | '«');
    let (mut found, mut from) = (Vec::new(), 0);
    for (at, _) in text.match_indices(' ') {
        let (before, after) = (&text[..at], &text[at + 1..]);
        if before.ends_with(['.', ';', ':', '?', '!']) && after.starts_with(begins) {
            found.push(&text[from..at]);
            from = at + 1;
        }
    }
    found.push(&text[from..]);
    found
}

/// Joins short passages with the shorter of their neighbours, below the titles that both have.
fn join_short(mut cuts: Vec<Cut>) -> Vec<Cut> {
    let mut at = 0;
    while at < cuts.len() {
        let length = |at: usize| cuts.get(at).map_or(usize::MAX, |cut| words(&cut.text));
        if length(at) < LEAST && cuts.len() > 1 {
            let after = at + 1 < cuts.len() && (at == 0 || length(at + 1) <= length(at - 1));
            let first = if after { at } else { at - 1 };
            if length(first) + length(first + 1) <= JOINED {
                let second = cuts.remove(first + 1);
                if let Some(first) = cuts.get_mut(first) {
                    *first = joined(first, &second);
                }
                at = first.saturating_sub(1);
                continue;
            }
        }
        at += 1;
    }
    cuts
}

fn joined(one: &Cut, other: &Cut) -> Cut {
    let common = one.path.iter().zip(&other.path).take_while(|(one, other)| one == other).count();
    let part = |cut: &Cut| match &cut.path[common..] {
        [] => cut.text.clone(),
        titles => format!("{} :\n{}", titles.join(" > "), cut.text),
    };
    Cut { path: one.path[..common].to_vec(), text: format!("{}\n{}", part(one), part(other)) }
}
