//! Keeps out of Markdown's hands what is none of its markup: operators between figures (`5*4*3`) and formulas.
//!
//! Each is replaced by one character of a private-use plane, which Markdown reads as a letter, and put back into the texts that come out.
//! Code is left as it is.

use std::ops::Range;

use super::{
    fence::Fence,
    leaves::{Leaf, leaves},
    maths,
    operators::{Operators, Run},
    reading::Shown,
    tags,
};

/// The plane of the characters that stand for something; one that a text has itself is no character of any language.
const FIRST: u32 = 0xF_0000;
/// The most that is shielded in one text; the rest is left to Markdown.
const MOST: usize = 60_000;

/// A text and what its private-use characters stand for.
pub(super) struct Shielded {
    /// The Markdown to parse.
    pub text: String,
    entries: Vec<Entry>,
}

struct Entry {
    source: String,
    shown: Shown,
}

/// A piece of a text.
pub(super) enum Piece<'a> {
    /// Ordinary text.
    Plain(&'a str),
    /// What a character stands for, as text.
    Text(&'a str),
    /// The same as code.
    Code(&'a str),
}

/// What a range of the source becomes.
pub(super) type Change = (Range<usize>, Shown);

impl Shielded {
    /// Shields a text.
    pub fn new(markdown: &str) -> Self {
        let text = markdown.replace(|letter: char| is_ours(letter), "\u{fffd}");
        let mut shielded = Self { text, entries: Vec::new() };
        let whole = lines(&shielded.text);
        shielded.apply(whole);
        let changes: Vec<Change> =
            leaves(&shielded.text).iter().flat_map(|leaf| inline(&shielded.text, leaf)).collect();
        shielded.apply(changes);
        shielded
    }

    /// Replaces each range by a character that stands for it. The ranges are in order and apart.
    fn apply(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut text = String::with_capacity(self.text.len());
        let mut at = 0;
        for (range, shown) in changes {
            let Some(letter) = u32::try_from(self.entries.len()).ok().and_then(|index| char::from_u32(FIRST + index))
            else {
                break;
            };
            if self.entries.len() >= MOST || range.start < at {
                continue;
            }
            text.push_str(&self.text[at..range.start]);
            text.push(letter);
            at = range.end;
            let source = self.source(&self.text[range]);
            self.entries.push(Entry { source, shown });
        }
        text.push_str(&self.text[at..]);
        self.text = text;
    }

    /// A part of the text as it was written.
    pub fn source(&self, text: &str) -> String {
        let mut source = String::with_capacity(text.len());
        for letter in text.chars() {
            match self.entry(letter) {
                Some(entry) => source.push_str(&entry.source),
                None => source.push(letter),
            }
        }
        source
    }

    /// A part of the text in its pieces.
    pub fn pieces<'a>(&'a self, text: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let mut from = 0;
        for (at, letter) in text.char_indices() {
            let Some(entry) = self.entry(letter) else { continue };
            if from < at {
                pieces.push(Piece::Plain(&text[from..at]));
            }
            pieces.push(match &entry.shown {
                Shown::Text(text) => Piece::Text(text),
                Shown::Code(code) => Piece::Code(code),
            });
            from = at + letter.len_utf8();
        }
        if from < text.len() {
            pieces.push(Piece::Plain(&text[from..]));
        }
        pieces
    }

    /// Whether a text has something in it that stands for something else.
    pub fn has_any(&self, text: &str) -> bool {
        !self.entries.is_empty() && text.contains(is_ours)
    }

    fn entry(&self, letter: char) -> Option<&Entry> {
        let index = u32::from(letter).checked_sub(FIRST)?;
        self.entries.get(index as usize)
    }
}

fn is_ours(letter: char) -> bool {
    (FIRST..FIRST + 0x1_0000).contains(&u32::from(letter))
}

/// What whole lines decide: formulas between lines of `$$` or `\[`; and lines that begin with a harmless tag, which Markdown would take for
/// a block of HTML, with all that follows it.
fn lines(text: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut open: Option<Fence> = None;
    let mut at = 0;
    let mut rest = text.split_inclusive('\n').peekable();
    while let Some(line) = rest.next() {
        let start = at;
        at += line.len();
        let was_code = open.is_some();
        open = Fence::after(open, line.trim_end());
        if was_code || open.is_some() {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if let Some(end) = maths::block(&text[start..]) {
            while at < start + end {
                at += rest.next().map_or(end, str::len);
            }
            let range = start + indent..start + end;
            changes.push((range.clone(), maths::shown(&maths::inside_block(&text[range]))));
        } else if let Some(tag) = tags::line_start(line) {
            changes.push((start + tag..start + tag, Shown::Text(String::new())));
        }
    }
    changes
}

/// The operators and formulas of a paragraph, a title or a cell.
fn inline(text: &str, leaf: &Leaf) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut operators = Operators::default();
    let mut at = leaf.range.start;
    while at < leaf.range.end {
        if let Some(after) = leaf.hole_at(at) {
            at = after;
            continue;
        }
        let (before, rest) = (&text[leaf.range.start..at], &text[at..leaf.range.end]);
        let Some(letter) = rest.chars().next() else { break };
        let length = match letter {
            '\\' | '$' => match maths::inline(before, rest).filter(|(length, _)| !leaf.has_hole(at..at + length)) {
                Some((length, shown)) => {
                    changes.push((at..at + length, shown));
                    length
                }
                // A character with a backslash before it is no markup.
                None if letter == '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                None => rest.len() - rest.trim_start_matches('$').len(),
            },
            '*' | '~' => match operators.read(before, rest) {
                Run::Operator(length) => {
                    let sign = rest[..length].to_owned();
                    changes.push((at..at + length, Shown::Text(sign)));
                    length
                }
                Run::Markup(length) => length,
                Run::End(length) => {
                    // What stands for nothing is a letter to Markdown.
                    changes.push((at..at, Shown::Text(String::new())));
                    length
                }
            },
            other => other.len_utf8(),
        };
        at += length;
    }
    changes
}
