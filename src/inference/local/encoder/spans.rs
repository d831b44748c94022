//! From the chances of tokens to what stands in a text: tokens to words, words to names. Pure.
//!
//! A word is as likely a name as the likeliest of its tokens. Models differ in which tokens of a word they were trained on (the first, or all), and
//! a tokenizer may put a mark of its own before it; the likeliest token is right for all of them. Where it says too much, a word is replaced that
//! comes back; where another rule says too little, a name is read.

use std::ops::Range;

use super::labels::{KINDS, Labels};
use super::windows::Window;
use crate::pseudonym::Suggestion;

/// A run of letters and digits of a text, and what its tokens say of it.
struct Word {
    range: Range<usize>,
    chances: [f32; KINDS.len()],
    /// Whether something begins here, as its first token says; nothing before a token was read.
    begins: Option<[bool; KINDS.len()]>,
}

/// What stands in a text, in order. `chances` are those of each window's tokens, label by label; what is less likely than `threshold` is left out.
pub(super) fn spans(
    text: &str,
    windows: &[Window],
    chances: &[Vec<f32>],
    labels: &Labels,
    threshold: f32,
) -> Vec<Suggestion> {
    let mut words = words(text);
    for (window, chances) in windows.iter().zip(chances) {
        let rows = chances.chunks_exact(labels.len()).skip(window.first);
        for (place, row) in window.judged.iter().zip(rows) {
            weigh(text, &mut words, place, labels.weigh(row));
        }
    }
    let mut found: Vec<Suggestion> = Vec::new();
    let mut last = None;
    for word in words {
        let best = word.chances.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
        let kind = best.filter(|(_, chance)| **chance >= threshold).map(|(kind, _)| kind);
        if let Some(kind) = kind {
            let begins = word.begins.is_some_and(|begins| begins[kind]);
            match found.last_mut().filter(|_| last == Some(kind)) {
                Some(open) if joins(text, &open.range, &word.range, begins) => open.range.end = word.range.end,
                _ => found.push(Suggestion { kind: KINDS[kind], range: word.range }),
            }
        }
        last = kind;
    }
    found
}

/// The words of a text.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for (at, letter) in text.char_indices().filter(|(_, letter)| letter.is_alphanumeric()) {
        let end = at + letter.len_utf8();
        match words.last_mut().filter(|word| word.range.end == at) {
            Some(word) => word.range.end = end,
            None => words.push(Word { range: at..end, chances: [0.0; KINDS.len()], begins: None }),
        }
    }
    words
}

/// Notes what a token says of the words that it stands in. One that is nothing but space belongs to the word after it.
fn weigh(text: &str, words: &mut [Word], place: &Range<usize>, said: [(f32, bool); KINDS.len()]) {
    let first = words.partition_point(|word| word.range.end <= place.start);
    let mut last = words.partition_point(|word| word.range.start < place.end);
    let blank = text[place.clone()].chars().all(char::is_whitespace);
    if blank && words.get(first).is_some_and(|word| word.range.start == place.end) {
        last = first + 1;
    }
    for word in words.get_mut(first..last).unwrap_or_default() {
        for (chance, (said, _)) in word.chances.iter_mut().zip(said) {
            *chance = chance.max(said);
        }
        word.begins.get_or_insert(said.map(|(_, begins)| begins));
    }
}

/// Whether a word goes on with what stands before it.
fn joins(text: &str, before: &Range<usize>, word: &Range<usize>, begins: bool) -> bool {
    let between = &text[before.end..word.start];
    if between.chars().all(|mark| "-‐‑'’".contains(mark)) {
        return true;
    }
    let initial = text[before.clone()].chars().next_back().is_some_and(char::is_uppercase)
        && text[before.clone()].chars().nth_back(1).is_none_or(|letter| !letter.is_alphanumeric());
    let spaced = between.strip_prefix('.').filter(|_| initial).unwrap_or(between);
    let spaced =
        spaced.len() <= 4 && spaced.chars().all(|mark| mark.is_whitespace() && !"\n\r\u{2028}\u{2029}".contains(mark));
    spaced && !begins
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tokens::Sequence;
    use super::{Labels, Suggestion, Window, spans};
    use crate::pseudonym::Kind;

    /// The labels of the tests: nothing, a person who begins, a person, a place.
    fn labels() -> Labels {
        Labels::read(&json!({"id2label": {"0": "O", "1": "B-PER", "2": "I-PER", "3": "I-LOC"}})).unwrap()
    }

    /// One window over a text: each token with its label and how likely that is.
    fn found(text: &str, tokens: &[(&str, usize, f32)]) -> Vec<(Kind, String)> {
        let (mut judged, mut chances, mut at) = (Vec::new(), Vec::new(), 0);
        for (token, label, chance) in tokens {
            let start = at + text[at..].find(token).expect("a token of the text");
            at = start + token.len();
            judged.push(start..at);
            let mut row = [0.0; 4];
            row[*label] = *chance;
            row[0] += 1.0 - chance;
            chances.extend(row);
        }
        let window = Window { sequence: Sequence::default(), judged, first: 0 };
        let found = spans(text, &[window], &[chances], &labels(), 0.5);
        found.into_iter().map(|Suggestion { kind, range }| (kind, text[range].to_owned())).collect()
    }

    fn persons(names: &[&str]) -> Vec<(Kind, String)> {
        names.iter().map(|name| (Kind::Person, (*name).to_owned())).collect()
    }

    #[test]
    fn a_word_is_what_its_likeliest_token_is() {
        let text = "Vu Zbrwkova hier";
        assert_eq!(
            found(text, &[("Vu", 0, 0.9), ("Zb", 2, 0.3), ("rw", 2, 0.8), ("kova", 0, 0.9)]),
            persons(&["Zbrwkova"])
        );
        assert_eq!(found(text, &[("Vu", 0, 0.9), ("Zb", 2, 0.3), ("rw", 2, 0.4), ("kova", 0, 0.9)]), persons(&[]));
        // A mark of the tokenizer's own before the word.
        assert_eq!(found(text, &[("Vu", 0, 0.9), (" ", 1, 0.8), ("Zb", 0, 0.9)]), persons(&["Zbrwkova"]));
    }

    #[test]
    fn words_are_one_name_unless_another_begins() {
        let text = "Paul Le Goff, Jean-Marc Li et J. Roy. Anne";
        let all: Vec<(&str, usize, f32)> =
            ["Paul", "Le", "Goff", "Jean", "Marc", "Li", "J", "Roy", "Anne"].map(|token| (token, 2, 0.9)).to_vec();
        assert_eq!(found(text, &all), persons(&["Paul Le Goff", "Jean-Marc Li", "J. Roy", "Anne"]));
        assert_eq!(found("Paul Anne", &[("Paul", 1, 0.9), ("Anne", 1, 0.9)]), persons(&["Paul", "Anne"]));
        assert_eq!(found("Jean-Marc", &[("Jean", 1, 0.9), ("Marc", 1, 0.9)]), persons(&["Jean-Marc"]));
        assert_eq!(found("Paul\nAnne", &[("Paul", 2, 0.9), ("Anne", 2, 0.9)]), persons(&["Paul", "Anne"]));
        let mixed = found("Paul Paris", &[("Paul", 2, 0.9), ("Paris", 3, 0.9)]);
        assert_eq!(mixed, [(Kind::Person, "Paul".to_owned()), (Kind::Place, "Paris".to_owned())]);
    }
}
