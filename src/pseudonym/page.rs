//! A text while it is searched: its tokens, what is known of its words, and what was found so far.

use std::collections::HashMap;
use std::ops::Range;

use super::flags::Flags;
use super::fold::fold;
use super::gazetteer::GAZETTEER;
use super::kind::Kind;
use super::tokens::{Case, Shape, Token, tokens};

/// Whether a title said that somebody is a woman or a man.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gender {
    Female,
    Male,
}

/// Something found.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    pub gender: Option<Gender>,
    /// Whether this is the same person as the finding before: "Nom : …", "Prénom : …".
    pub same: bool,
}

/// A word of the text, once however often it stands there.
pub(super) struct Word {
    pub folded: String,
    pub flags: Flags,
}

/// Where the word stands that is no name: the second one of all.
const LEFT: u32 = 1;

/// The words of a line, counted.
#[derive(Default)]
struct Line {
    words: usize,
    upper: usize,
    lower: usize,
    /// Articles and the like that begin with a capital.
    raised: usize,
    /// Small words of other languages, and of French.
    foreign: usize,
    french: usize,
}

/// The fewest words of a line that is judged.
const LINE_WORDS: usize = 5;

impl Line {
    fn of(page: &Page<'_>, tokens: Range<usize>) -> Self {
        let mut line = Self::default();
        for at in tokens {
            let token = &page.tokens[at];
            if token.shape != Shape::Word || token.case == Case::Initial {
                continue;
            }
            let flags = page.flags(at);
            line.words += 1;
            line.upper += usize::from(token.case == Case::Upper);
            line.lower += usize::from(token.case == Case::Lower);
            line.raised += usize::from(token.case == Case::Capital && !token.opens && flags.any(Flags::FUNCTION));
            let foreign = flags.any(Flags::FOREIGN);
            line.foreign += usize::from(foreign);
            line.french += usize::from(!foreign && flags.any(Flags::FUNCTION));
        }
        line
    }

    /// Whether nearly every word is in capitals, or begins with one as no name would.
    fn level(&self) -> bool {
        self.words >= LINE_WORDS
            && (self.upper * 4 >= self.words * 3 || (self.lower * 12 <= self.words && self.raised >= 2))
    }

    /// Whether most words are of another language.
    fn foreign(&self) -> bool {
        self.foreign >= 2 && self.foreign > self.french
    }
}

/// A text while it is searched.
pub(super) struct Page<'t> {
    pub text: &'t str,
    pub tokens: Vec<Token>,
    words: Vec<Word>,
    pub hits: Vec<Hit>,
}

impl<'t> Page<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut tokens = tokens(text);
        let no_word = Word { folded: String::new(), flags: Flags::default() };
        let left = Word { folded: String::new(), flags: Flags::FUNCTION };
        let mut words = vec![no_word, left];
        let mut known: HashMap<&str, u32> = HashMap::new();
        for token in &mut tokens {
            let written = match token.shape {
                Shape::Word | Shape::Code => &text[token.start..token.end],
                Shape::Elided => text[token.start..token.end].trim_end_matches(['\'', '’', 'ʼ']),
                _ => continue,
            };
            token.word = *known.entry(written).or_insert_with(|| {
                let folded = fold(written);
                let flags = if GAZETTEER.accented_word(written) { Flags::WORD } else { GAZETTEER.flags(&folded) };
                words.push(Word { folded, flags });
                u32::try_from(words.len() - 1).unwrap_or(0)
            });
        }
        let mut page = Self { text, tokens, words, hits: Vec::new() };
        page.read_lines();
        page
    }

    /// What the words of each line say together: whether its capitals say something, and whether it is French.
    fn read_lines(&mut self) {
        let mut start = 0;
        while start < self.tokens.len() {
            let end = (start + 1..self.tokens.len()).find(|at| self.tokens[*at].line).unwrap_or(self.tokens.len());
            let line = Line::of(self, start..end);
            let (level, foreign) = (line.level(), line.foreign());
            for token in &mut self.tokens[start..end] {
                token.foreign = foreign;
                if level {
                    token.case = Case::Lower;
                }
            }
            start = end;
        }
    }

    /// The folded word at a token; empty where there is none.
    pub(super) fn folded(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &self.words[token.word as usize].folded)
    }

    /// What the word at a token may be.
    pub(super) fn flags(&self, at: usize) -> Flags {
        self.tokens.get(at).map_or(Flags::default(), |token| self.words[token.word as usize].flags)
    }

    /// Whether a token is a whole word that nothing was found at.
    pub(super) fn free_word(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.shape == Shape::Word && !token.taken)
    }

    /// Whether a token is this mark.
    pub(super) fn mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.shape == Shape::Mark(mark))
    }

    /// Whether a word starts with a capital that says something.
    pub(super) fn capital(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.shape == Shape::Word && token.case != Case::Lower)
    }

    /// How a word is written.
    pub(super) fn case(&self, at: usize) -> Case {
        self.tokens.get(at).map_or(Case::Lower, |token| token.case)
    }

    /// Whether a token follows the one before on the same line, with nothing but space between.
    pub(super) fn follows(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| !token.line)
    }

    /// Whether what follows is what follows a subject.
    pub(super) fn verb_next(&self, at: usize) -> bool {
        self.follows(at + 1)
            && match self.tokens[at + 1].shape {
                Shape::Word => self.flags(at + 1).any(Flags::VERB),
                Shape::Elided => matches!(self.folded(at + 1), "m" | "n" | "s" | "l"),
                _ => false,
            }
    }

    /// The digits or letters of a token as they are written.
    pub(super) fn written(&self, at: usize) -> &'t str {
        self.tokens.get(at).map_or("", |token| &self.text[token.start..token.end])
    }

    /// The tokens of a range of bytes.
    pub(super) fn tokens_in(&self, range: &Range<usize>) -> Range<usize> {
        let first = self.tokens.partition_point(|token| token.end <= range.start);
        let last = self.tokens.partition_point(|token| token.start < range.end);
        first..last.max(first)
    }

    /// Notes that something stands at a range of bytes; not where something else was found before.
    pub(super) fn claim(&mut self, kind: Kind, range: Range<usize>) -> bool {
        let tokens = self.tokens_in(&range);
        if range.is_empty() || tokens.is_empty() || self.tokens[tokens.clone()].iter().any(|token| token.taken) {
            return false;
        }
        self.tokens[tokens].iter_mut().for_each(|token| token.taken = true);
        self.hits.push(Hit { kind, start: range.start, end: range.end, gender: None, same: false });
        true
    }

    /// The same, for a range of tokens.
    pub(super) fn claim_tokens(&mut self, kind: Kind, tokens: Range<usize>) -> bool {
        if tokens.is_empty() || tokens.end > self.tokens.len() {
            return false;
        }
        self.claim(kind, self.tokens[tokens.start].start..self.tokens[tokens.end - 1].end)
    }

    /// Notes that words name nobody, however they are written.
    pub(super) fn leave(&mut self, tokens: Range<usize>) {
        for token in &mut self.tokens[tokens] {
            (token.word, token.case) = (LEFT, Case::Lower);
        }
    }

    /// Whether what comes before a byte on its line has one of these words, the nearest first; at most so many tokens away.
    pub(super) fn before(&self, byte: usize, reach: usize) -> impl Iterator<Item = usize> {
        let end = self.tokens.partition_point(|token| token.start < byte);
        (end.saturating_sub(reach)..end).rev()
    }
}
