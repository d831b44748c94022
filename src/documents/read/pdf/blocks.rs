//! From lines to headings, paragraphs, items and tables.

use std::collections::{BTreeMap, HashSet};

use super::{
    line::{Line, Page},
    mark::mark,
};
use crate::documents::{ExtractError, flow::Flow};

/// How much larger than the text a heading is.
const LARGER: f32 = 1.12;

/// The most words of a heading.
const LONGEST_HEADING: usize = 20;

/// The most words of a heading that only bold letters show.
const LONGEST_BOLD: usize = 12;

/// Line ends with a hyphen that belongs to what follows: `a-t-il`, `vous-même`.
const KEPT: [&str; 22] = [
    "il", "elle", "on", "ils", "elles", "vous", "nous", "je", "tu", "ce", "ci", "là", "la", "le", "les", "lui", "leur",
    "moi", "toi", "même", "mêmes", "t",
];

/// Puts the pages into the flow.
pub(super) fn put(pages: &[Page], flow: &mut Flow) -> Result<(), ExtractError> {
    let document = Document::of(pages);
    for page in pages {
        flow.page()?;
        document.page(page, flow)?;
    }
    Ok(())
}

/// What is known of all pages together.
struct Document {
    /// The size of most letters, in tenths of points.
    body: u32,
    /// The sizes of headings, largest first.
    sizes: Vec<u32>,
    /// The words that stand unbroken in a line.
    words: HashSet<String>,
}

#[allow(clippy::cast_sign_loss)] // It is clamped to what is positive.
fn tenths(size: f32) -> u32 {
    (size.clamp(0.0, 1_000.0) * 10.0).round() as u32
}

impl Document {
    fn of(pages: &[Page]) -> Self {
        let lines = || pages.iter().flat_map(|page| &page.lines).filter(|line| line.table.is_empty());
        let mut letters: BTreeMap<u32, usize> = BTreeMap::new();
        for line in lines() {
            *letters.entry(tenths(line.size)).or_default() += line.text.chars().count();
        }
        let body = letters.iter().max_by_key(|(_, count)| **count).map_or(0, |(size, _)| *size);
        let mut sizes: Vec<u32> = lines().filter(|line| is_larger(line, body)).map(|line| tenths(line.size)).collect();
        sizes.sort_unstable_by(|one, other| other.cmp(one));
        // Sizes that are nearly the same are one level.
        sizes.dedup_by(|next, kept| *kept - *next <= 5);
        let words = lines().flat_map(|line| line.text.split(|c: char| !c.is_alphanumeric() && c != '-'));
        Self { body, sizes, words: words.filter(|word| word.len() > 3).map(str::to_lowercase).collect() }
    }

    fn level(&self, line: &Line) -> Option<u8> {
        let short = line.text.split_whitespace().count() <= LONGEST_BOLD;
        if is_larger(line, self.body) {
            let size = tenths(line.size);
            let level = self.sizes.iter().position(|own| own.abs_diff(size) <= 5).unwrap_or(self.sizes.len());
            return u8::try_from(level + 1).ok();
        }
        let ends = line.text.trim_end().ends_with(['.', ';', ',', ':', '!', '…']);
        let bold = line.bold && short && !ends && line.text.chars().any(char::is_alphabetic);
        bold.then(|| u8::try_from(self.sizes.len() + 1).unwrap_or(9))
    }

    fn page(&self, page: &Page, flow: &mut Flow) -> Result<(), ExtractError> {
        let mut open: Option<Open> = None;
        for line in &page.lines {
            if !line.table.is_empty() {
                end(open.take(), flow)?;
                flow.table();
                for row in &line.table {
                    flow.row(row.iter().map(String::as_str))?;
                }
                flow.table();
                continue;
            }
            let level = self.level(line);
            if let Some(paragraph) = &mut open
                && paragraph.takes(line, level)
            {
                self.join(&mut paragraph.text, line.text.trim());
                paragraph.right = paragraph.right.max(line.area.right);
                paragraph.last = line.clone();
                continue;
            }
            end(open.take(), flow)?;
            open = Some(Open::new(line, level));
        }
        end(open, flow)
    }

    /// Puts a line behind a text; a word that a hyphen broke becomes one, unless the hyphen is its own.
    fn join(&self, text: &mut String, line: &str) {
        let first = line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let broken =
            text.ends_with(['-', '\u{2010}', '\u{ad}']) && first.chars().next().is_some_and(char::is_lowercase);
        if !broken {
            text.push(' ');
        } else if !self.keeps_hyphen(text, first) {
            text.pop();
        }
        text.push_str(line);
    }

    fn keeps_hyphen(&self, text: &str, first: &str) -> bool {
        let before = text.get(..text.len() - text.chars().next_back().map_or(0, char::len_utf8)).unwrap_or_default();
        let last = before.rsplit(|c: char| !c.is_alphanumeric() && c != '-').next().unwrap_or_default().to_lowercase();
        let first = first.to_lowercase();
        if self.words.contains(&format!("{last}{first}")) {
            return false;
        }
        self.words.contains(&format!("{last}-{first}")) || KEPT.contains(&first.as_str()) || last.contains('-')
    }
}

fn is_larger(line: &Line, body: u32) -> bool {
    let letters = line.text.chars().any(char::is_alphabetic);
    letters
        && tenths(line.size) as f32 >= body as f32 * LARGER
        && line.text.split_whitespace().count() <= LONGEST_HEADING
}

/// A block whose lines come.
struct Open {
    text: String,
    level: Option<u8>,
    item: Option<String>,
    last: Line,
    right: f32,
    gap: Option<f32>,
}

impl Open {
    fn new(line: &Line, level: Option<u8>) -> Self {
        let trimmed = line.text.trim();
        let item = if level.is_none() { mark(trimmed) } else { None };
        let text = item.as_ref().map_or(trimmed, |(_, rest)| rest).to_owned();
        Self { text, level, item: item.map(|(mark, _)| mark), last: line.clone(), right: line.area.right, gap: None }
    }

    /// Whether a line goes on with this block.
    fn takes(&mut self, line: &Line, level: Option<u8>) -> bool {
        if self.level != level || mark(line.text.trim()).is_some() {
            return false;
        }
        let distance = self.last.area.bottom - line.area.bottom;
        let size = self.last.size.max(line.size);
        // Upwards is another column; more than two lines down is another paragraph, as is more than the distance of the lines so far.
        let near =
            distance > -size * 0.3 && distance < size * 2.0 && self.gap.is_none_or(|gap| distance < gap * 1.25 + 1.0);
        if !near {
            return false;
        }
        // A last line is short, and ends a sentence.
        let ended =
            self.text.trim_end().ends_with(['.', '!', '?', ':', ';']) && self.last.area.right < self.right - size * 4.0;
        if ended && self.level.is_none() {
            return false;
        }
        self.gap = Some(self.gap.map_or(distance, |gap| gap.min(distance)));
        true
    }
}

fn end(open: Option<Open>, flow: &mut Flow) -> Result<(), ExtractError> {
    match open {
        Some(Open { text, level, item, .. }) => flow.block(level, item.as_deref().map(|mark| (0, mark)), &text),
        None => Ok(()),
    }
}
