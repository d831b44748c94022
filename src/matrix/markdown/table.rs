//! Tables for clients that have none. Tchap on Android and Element X drop `<table>` with its rows: cells run together.
//!
//! A table that fits into a phone in portrait is aligned text in a block of code. A wider one would be broken in the middle of its rows there,
//! so that it becomes a list, a point for each row and a line for each cell, with the column's title before it. So does a table with links,
//! because text in a block of code cannot be one; and one with text that is struck out, for the same reason.

use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, Tag, TagEnd};
use serde::Deserialize;
use unicode_width::UnicodeWidthStr as _;

use super::{
    reading::{PlainChange, Ranged},
    shield::Shielded,
};

/// The widest aligned table, in columns. A phone in portrait shows 35 to 40 characters of code in a line of a message.
pub(super) const COLUMNS: usize = 36;

/// The most characters of a column's title before each of its cells.
const LONGEST_TITLE: usize = 60;

/// A list repeats the titles. One that is more than so many times as long as its source, and so many bytes, is shown as its source.
const MOST_TIMES: usize = 4;
const MOST_BYTES: usize = 2_000;

/// How tables are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tables {
    /// As text, which every client shows.
    #[default]
    Text,
    /// As `<table>`.
    Html,
}

/// The events with their tables as text, and what the tables become in plain text.
pub(super) fn lay_out<'e>(events: Vec<Ranged<'e>>, shielded: &Shielded) -> (Vec<Ranged<'e>>, Vec<PlainChange>) {
    let (mut out, mut changes) = (Vec::with_capacity(events.len()), Vec::new());
    let mut events = events.into_iter();
    while let Some((event, range)) = events.next() {
        let Event::Start(Tag::Table(columns)) = event else {
            out.push((event, range));
            continue;
        };
        let table = Table::read(columns, &mut events);
        let source = &shielded.text[range.clone()];
        let plain = if let Some(text) = table.aligned() {
            block(&text, &range, &mut out);
            text
        } else {
            let text = table.listed_text();
            let repeats = text.len() > MOST_BYTES && text.len() > MOST_TIMES * source.len();
            if repeats {
                let source = shielded.source(source.trim_end());
                block(&source, &range, &mut out);
                source
            } else {
                table.list(&range, &mut out);
                text
            }
        };
        changes.push((range.clone(), in_place(&plain, &shielded.text, &range)));
    }
    (out, changes)
}

/// A text as a block of code.
fn block(text: &str, range: &Range<usize>, out: &mut Vec<Ranged<'_>>) {
    let kind = CodeBlockKind::Fenced(CowStr::Borrowed(""));
    out.push((Event::Start(Tag::CodeBlock(kind)), range.clone()));
    out.push((Event::Text(format!("{text}\n").into()), range.clone()));
    out.push((Event::End(TagEnd::CodeBlock), range.clone()));
}

/// The lines of a text where its source stood: in a list or a quotation each begins as the first one does.
fn in_place(plain: &str, whole: &str, range: &Range<usize>) -> String {
    let line = whole[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let prefix: String = whole[line..range.start].chars().map(|mark| if mark == '>' { '>' } else { ' ' }).collect();
    let mut text = plain.lines().collect::<Vec<_>>().join(&format!("\n{prefix}"));
    if whole[range.clone()].ends_with('\n') {
        text.push('\n');
    }
    text
}

struct Table<'e> {
    columns: Vec<Alignment>,
    head: Vec<Cell<'e>>,
    rows: Vec<Vec<Cell<'e>>>,
}

#[derive(Default)]
struct Cell<'e> {
    events: Vec<Ranged<'e>>,
    /// Its text.
    lines: Vec<String>,
    has_link: bool,
    has_struck: bool,
}

impl<'e> Cell<'e> {
    fn read(events: Vec<Ranged<'e>>) -> Self {
        let mut cell = Cell { lines: vec![String::new()], ..Self::default() };
        let mut links: Vec<(String, String)> = Vec::new();
        for (event, _) in &events {
            match event {
                Event::Text(text) | Event::Code(text) => {
                    cell.push(text);
                    for (_, shown) in &mut links {
                        shown.push_str(text);
                    }
                }
                _ if is_strike(event) => {
                    cell.has_struck = true;
                    cell.push("~~");
                }
                Event::HardBreak | Event::SoftBreak => cell.lines.push(String::new()),
                Event::Start(Tag::Link { dest_url, .. }) => {
                    cell.has_link = true;
                    links.push((dest_url.to_string(), String::new()));
                }
                Event::End(TagEnd::Link) => {
                    if let Some((address, shown)) = links.pop().filter(|(address, shown)| address != shown) {
                        let space = if shown.is_empty() { "" } else { " " };
                        cell.push(&format!("{space}({address})"));
                    }
                }
                _ => {}
            }
        }
        for line in &mut cell.lines {
            *line = line.trim().to_owned();
        }
        cell.lines.retain(|line| !line.is_empty());
        cell.events = events;
        cell
    }

    fn push(&mut self, text: &str) {
        let spaced = text.replace(['\t', '\n', '\r'], " ");
        if let Some(line) = self.lines.last_mut() {
            line.push_str(&spaced);
        }
    }

    fn width(&self) -> usize {
        self.lines.iter().map(|line| line.width()).max().unwrap_or(0)
    }

    /// As the title of a cell.
    fn title(&self) -> String {
        let whole = self.lines.join(" ");
        match whole.char_indices().nth(LONGEST_TITLE) {
            Some((end, _)) => format!("{}…", whole[..end].trim_end()),
            None => whole.trim_end_matches([':', ' ', '\u{a0}']).to_owned(),
        }
    }
}

/// Whether struck-out text begins or ends here.
fn is_strike(event: &Event<'_>) -> bool {
    match event {
        Event::Start(Tag::Strikethrough) | Event::End(TagEnd::Strikethrough) => true,
        Event::InlineHtml(tag) => matches!(&**tag, "<del>" | "</del>"),
        _ => false,
    }
}

impl<'e> Table<'e> {
    /// Reads a table up to its end.
    fn read(columns: Vec<Alignment>, events: &mut impl Iterator<Item = Ranged<'e>>) -> Self {
        let mut table = Table { columns, head: Vec::new(), rows: Vec::new() };
        let (mut row, mut cell) = (Vec::new(), Vec::new());
        for (event, range) in events {
            match event {
                Event::End(TagEnd::Table) => break,
                Event::Start(Tag::TableCell) => cell.clear(),
                Event::End(TagEnd::TableCell) => row.push(Cell::read(std::mem::take(&mut cell))),
                Event::End(TagEnd::TableHead) => table.head = std::mem::take(&mut row),
                Event::End(TagEnd::TableRow) => table.rows.push(std::mem::take(&mut row)),
                Event::Start(Tag::TableHead | Tag::TableRow) => row.clear(),
                other => cell.push((other, range)),
            }
        }
        table
    }

    fn all_rows(&self) -> impl Iterator<Item = &Vec<Cell<'e>>> {
        let has_titles = self.head.iter().any(|cell| !cell.lines.is_empty());
        has_titles.then_some(&self.head).into_iter().chain(&self.rows)
    }

    /// Aligned text, where it is narrow enough.
    fn aligned(&self) -> Option<String> {
        if self.all_rows().flatten().any(|cell| cell.has_link || cell.has_struck) {
            return None;
        }
        let width = |column: usize| self.all_rows().filter_map(|row| row.get(column)).map(Cell::width).max();
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| width(column).unwrap_or(0)).collect();
        let whole = widths.iter().fold(3 * widths.len().saturating_sub(1), |sum, width| sum.saturating_add(*width));
        if whole > COLUMNS {
            return None;
        }
        let mut lines = Vec::new();
        for row in self.all_rows() {
            let height = row.iter().map(|cell| cell.lines.len()).max().unwrap_or(0).max(1);
            lines.extend((0..height).map(|line| self.line(row, line, &widths)));
            if std::ptr::eq(row, &raw const self.head) {
                lines.push(widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("-+-"));
            }
        }
        Some(lines.join("\n"))
    }

    /// One line of a row.
    fn line(&self, row: &[Cell<'_>], line: usize, widths: &[usize]) -> String {
        let text = |column: usize| row.get(column).and_then(|cell| cell.lines.get(line)).map_or("", String::as_str);
        let last = (0..widths.len()).rev().find(|column| !text(*column).is_empty()).unwrap_or(0);
        let cells = widths.iter().enumerate().take(last + 1).map(|(column, width)| {
            let text = text(column);
            let gap = width.saturating_sub(text.width());
            let before = match self.columns.get(column) {
                Some(Alignment::Right) => gap,
                Some(Alignment::Center) => gap / 2,
                _ => 0,
            };
            format!("{}{text}{}", " ".repeat(before), " ".repeat(gap - before))
        });
        cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
    }

    /// A list with a point for each row; a table without rows is a line.
    fn list(self, range: &Range<usize>, out: &mut Vec<Ranged<'e>>) {
        let at = |event| (event, range.clone());
        let titles: Vec<String> = self.head.iter().map(Cell::title).collect();
        if self.rows.is_empty() {
            out.extend([at(Event::Start(Tag::Paragraph)), at(Event::Text(titles.join(" | ").into()))]);
            out.push(at(Event::End(TagEnd::Paragraph)));
            return;
        }
        out.push(at(Event::Start(Tag::List(None))));
        for row in self.rows {
            out.push(at(Event::Start(Tag::Item)));
            let mut first = true;
            for (column, cell) in row.into_iter().enumerate().filter(|(_, cell)| !cell.lines.is_empty()) {
                if !std::mem::take(&mut first) {
                    out.push(at(Event::HardBreak));
                }
                if let Some(title) = titles.get(column).filter(|title| !title.is_empty()) {
                    out.push(at(Event::Start(Tag::Strong)));
                    out.push(at(Event::Text(format!("{title}\u{a0}:").into())));
                    out.push(at(Event::End(TagEnd::Strong)));
                    out.push(at(Event::Text(" ".into())));
                }
                out.extend(cell.events);
            }
            out.push(at(Event::End(TagEnd::Item)));
        }
        out.push(at(Event::End(TagEnd::List(false))));
    }

    /// The same as text.
    fn listed_text(&self) -> String {
        let titles: Vec<String> = self.head.iter().map(Cell::title).collect();
        if self.rows.is_empty() {
            return titles.join(" | ");
        }
        let point = |row: &Vec<Cell<'_>>| {
            let lines = row.iter().enumerate().filter(|(_, cell)| !cell.lines.is_empty()).map(|(column, cell)| {
                let text = cell.lines.join("\n  ");
                match titles.get(column).filter(|title| !title.is_empty()) {
                    Some(title) => format!("{title}\u{a0}: {text}"),
                    None => text,
                }
            });
            format!("- {}", lines.collect::<Vec<_>>().join("\n  "))
        };
        self.rows.iter().map(point).collect::<Vec<_>>().join("\n")
    }
}
