//! From the blocks of a file to its passages: what is found, given to a model and quoted as a whole.
//!
//! A passage has 300 words at most, because encoders such as multilingual-e5 read 512 tokens, French has 1.5 of them a word, and the headings
//! are read with the text. What belongs together (a page or slide of one section) is cut into even pieces, so that none is a rest of a few
//! words, and a section of less than 40 words takes the next with it where both fit, because a passage of one sentence says little to a
//! search. A passage never goes on in the next page, slide or sheet: it is cited by the place where it begins.

use std::rc::Rc;

use super::{
    flow::{Block, Content, short},
    sentences::{sentences, words},
};
use crate::document::{Passage, Place};

/// The most words of a passage.
pub(super) const MOST_WORDS: usize = 300;

/// A section with fewer words shares a passage with the next.
const SHORT_SECTION: usize = 40;

/// The most words of sections that share a passage.
const SHARED: usize = 120;

/// A paragraph with more words may be cut, at its sentences.
const LONG_PARAGRAPH: usize = 100;

/// The most words of a table's header that each of its passages repeats.
const LONGEST_HEADER: usize = 75;

/// The longest heading in the path of a passage, in characters.
pub(super) const LONGEST_HEADING: usize = 160;

/// The passages of a file, in order.
pub(super) fn passages(blocks: &[Block]) -> Vec<Passage> {
    let mut sections = Sections::default();
    for block in blocks {
        sections.take(block);
    }
    let mut passages = Vec::new();
    for section in together(sections.finish()) {
        section.cut(&mut passages);
    }
    for (ordinal, passage) in (0..).zip(&mut passages) {
        passage.ordinal = ordinal;
    }
    passages
}

/// A heading with its level.
type Heading = (u8, Rc<str>);

/// Blocks that belong together: of one place, below one heading or below several short ones.
struct Section {
    place: Place,
    /// The headings above it, outermost first.
    path: Vec<Heading>,
    /// The headings above its end, where it is several sections together.
    tail: Vec<Heading>,
    pieces: Vec<Piece>,
    words: usize,
}

/// What is not cut any more.
struct Piece {
    text: String,
    words: usize,
    /// What stands between it and the piece before.
    gap: &'static str,
    /// The header of the table that it is a row of.
    header: Option<Rc<str>>,
}

/// The sections, as they are made from blocks.
#[derive(Default)]
struct Sections {
    done: Vec<Section>,
    path: Vec<Heading>,
    /// The place of the last heading, until something follows it.
    alone: Option<Place>,
    /// The header of the table whose rows come.
    header: Option<Rc<str>>,
    fresh: bool,
}

impl Sections {
    fn take(&mut self, block: &Block) {
        let last = self.alone.as_ref().or_else(|| self.done.last().map(|section| &section.place));
        // What a slide or a sheet is about, its own headings say.
        if last.is_some_and(|last| *last != block.place) && !matches!(block.place, Place::Page(_) | Place::Whole) {
            self.heading_alone(0);
            self.path.clear();
            self.fresh = true;
        }
        if let Content::Heading(level, text) = &block.content {
            self.heading_alone(*level);
            self.path.retain(|(above, _)| above < level);
            self.path.push((*level, short(&text.replace('\n', " "), LONGEST_HEADING).into()));
            self.alone = Some(block.place.clone());
            self.fresh = true;
            return;
        }
        self.alone = None;
        self.put(block);
    }

    /// The heading before has nothing below it when another of its level or above follows: it is a text then, or nobody would find it.
    fn heading_alone(&mut self, level: u8) {
        if let Some(place) = self.alone.take_if(|_| self.path.last().is_some_and(|(last, _)| *last >= level))
            && let Some((_, text)) = self.path.pop()
        {
            let mut section = Section::new(place, self.path.clone());
            section.push(&text, "\n\n", None);
            self.done.push(section);
            self.fresh = true;
        }
    }

    fn put(&mut self, block: &Block) {
        if self.fresh || self.done.last().is_none_or(|section| section.place != block.place) {
            self.done.push(Section::new(block.place.clone(), self.path.clone()));
            self.fresh = false;
        }
        let Some(section) = self.done.last_mut() else { return };
        match &block.content {
            Content::Heading(..) => {}
            Content::Paragraph(text) => section.text(text, "\n\n"),
            Content::Item(text) => section.text(text, "\n"),
            Content::Row { first: true, cells } => {
                let first = line(cells);
                let text = format!("{first}\n|{}", "---|".repeat(cells.len()));
                let count = words(&text);
                self.header = (count <= LONGEST_HEADER).then(|| text.as_str().into());
                // One that is too long for a passage heads nothing.
                if count <= MOST_WORDS {
                    section.push(&text, "\n\n", None);
                } else {
                    section.row(&first, None);
                }
            }
            Content::Row { first: false, cells } => section.row(&line(cells), self.header.as_ref()),
        }
    }

    fn finish(mut self) -> Vec<Section> {
        self.heading_alone(0);
        self.done
    }
}

/// A row of a table as Markdown has it.
fn line(cells: &[String]) -> String {
    let mut line = String::from("|");
    for cell in cells {
        line.push(' ');
        line.push_str(&cell.replace('|', "\\|"));
        line.push_str(" |");
    }
    line
}

impl Section {
    fn new(place: Place, path: Vec<Heading>) -> Self {
        Self { place, tail: path.clone(), path, pieces: Vec::new(), words: 0 }
    }

    fn push(&mut self, text: &str, gap: &'static str, header: Option<Rc<str>>) {
        let words = words(text);
        self.words += words;
        self.pieces.push(Piece { text: text.to_owned(), words, gap, header });
    }

    /// A paragraph or an item, in sentences where it is long.
    fn text(&mut self, text: &str, gap: &'static str) {
        if words(text) <= LONG_PARAGRAPH {
            return self.push(text, gap, None);
        }
        let mut gap = gap;
        for sentence in sentences(text, LONG_PARAGRAPH) {
            self.push(sentence, gap, None);
            gap = " ";
        }
    }

    /// A row, in pieces where it alone is too long for a passage.
    fn row(&mut self, line: &str, header: Option<&Rc<str>>) {
        if words(line) <= MOST_WORDS - LONGEST_HEADER {
            return self.push(line, "\n", header.cloned());
        }
        let mut gap = "\n\n";
        for sentence in sentences(line, LONG_PARAGRAPH) {
            self.push(sentence, gap, None);
            gap = " ";
        }
    }

    /// Cuts it into even passages.
    fn cut(self, passages: &mut Vec<Passage>) {
        let even = self.words / self.words.div_ceil(MOST_WORDS).max(1);
        let headings: Vec<String> = self.path.iter().map(|(_, text)| text.to_string()).collect();
        let (mut text, mut held) = (String::new(), 0);
        let mut finish = |text: &mut String| {
            if !text.is_empty() {
                let (place, headings, text) = (self.place.clone(), headings.clone(), std::mem::take(text));
                passages.push(Passage { ordinal: 0, place, headings, text });
            }
        };
        for piece in &self.pieces {
            // Half of a piece may be beyond the even share, but nothing beyond the limit.
            if held > 0 && (held + piece.words > MOST_WORDS || held + piece.words / 2 >= even.max(1)) {
                finish(&mut text);
                held = 0;
            }
            if !text.is_empty() {
                text.push_str(piece.gap);
            } else if let Some(header) = &piece.header {
                held += words(header);
                text.push_str(header);
                text.push('\n');
            }
            text.push_str(&piece.text);
            held += piece.words;
        }
        finish(&mut text);
    }
}

/// Short sections of one place with the ones that follow them: their headings stand in the text then.
fn together(sections: Vec<Section>) -> Vec<Section> {
    let mut joined: Vec<Section> = Vec::with_capacity(sections.len());
    for section in sections {
        let Some(before) = joined.last_mut().filter(|before| before.takes(&section)) else {
            joined.push(section);
            continue;
        };
        let known = before.tail.iter().zip(&section.path).take_while(|(ours, theirs)| ours == theirs).count();
        for (_, heading) in section.path.iter().skip(known) {
            before.push(heading, "\n\n", None);
        }
        before.words += section.words;
        before.tail = section.path;
        before.pieces.extend(section.pieces);
    }
    joined
}

impl Section {
    /// Whether the next section may stand in a passage with it: not if that is of a part of the document above its own.
    fn takes(&self, next: &Self) -> bool {
        let above = self.path.len().saturating_sub(1);
        self.place == next.place
            && self.words < SHORT_SECTION
            && self.words + next.words <= SHARED
            && next.path.len() >= self.path.len()
            && self.path.iter().zip(&next.path).take(above).all(|(ours, theirs)| ours == theirs)
    }
}

#[cfg(test)]
mod tests;
