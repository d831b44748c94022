//! Plain text: paragraphs. A line that goes on in the next one is joined with it; a line that stands for itself is a paragraph.

use std::ops::Range;

use super::{
    escape::Escape,
    unit::{Draft, Kind, Piece, Unit},
};

/// A line that breaks because it is full has at least this part of the longest line…
const FULL: (usize, usize) = (3, 5);

/// …where that is no longer than this: text that nobody wrapped has longer ones.
const WIDEST: usize = 120;

/// …and has at least so many characters: verses and addresses have fewer.
const LEAST: usize = 40;

pub(super) fn units(text: &str) -> Vec<Unit> {
    let lines = lines(text);
    let widest = lines.iter().map(|line| width(text, line)).max().unwrap_or(0);
    let (mut units, mut draft) = (Vec::new(), Draft::default());
    let mut before: Option<&Range<usize>> = None;
    for line in &lines {
        let goes_on = before.is_some_and(|before| widest <= WIDEST && goes_on(text, before, line, widest));
        match before.filter(|_| goes_on) {
            Some(before) => draft.mark(before.end..line.start, " ", Kind::Wrap),
            None => units.extend(std::mem::take(&mut draft).finish()),
        }
        add(&mut draft, text, line, Escape::Plain);
        before = Some(line);
    }
    units.extend(draft.finish());
    units
}

/// The lines without the white space around them. An empty one is an empty range.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let at = start;
        start += line.len();
        let from = at + line.len() - line.trim_start().len();
        from.min(at + line.trim_end().len())..at + line.trim_end().len()
    });
    lines.collect()
}

fn width(text: &str, line: &Range<usize>) -> usize {
    text.get(line.clone()).map_or(0, |line| line.chars().count())
}

/// Whether a line ended only because it was full.
fn goes_on(text: &str, line: &Range<usize>, next: &Range<usize>, widest: usize) -> bool {
    let (chars, next) = (width(text, line), text.get(next.clone()).unwrap_or_default());
    let Some(first) = next.chars().next() else { return false };
    let ends = text.get(line.clone()).is_some_and(|line| line.ends_with(['.', ':', ';', '!', '?', '|']));
    let is_item = matches!(first, '-' | '*' | '•' | '–' | '—' | '>' | '|' | '+' | '#');
    chars >= LEAST && chars * FULL.1 >= widest * FULL.0 && !is_item && (!ends || chars * 10 >= widest * 9)
}

/// Adds a stretch of a text. Control characters stay where they are, and no text goes across them.
pub(super) fn add(draft: &mut Draft, text: &str, range: &Range<usize>, escape: Escape) {
    let Some(stretch) = text.get(range.clone()) else { return };
    let mut start = range.start;
    for part in stretch.split_inclusive(|c: char| c.is_control() && c != '\t') {
        let bare = part.trim_end_matches(|c: char| c.is_control() && c != '\t');
        draft.text("", Piece::text(start..start + bare.len(), bare.to_owned(), escape));
        if bare.len() < part.len() {
            draft.cut();
        }
        start += part.len();
    }
}
