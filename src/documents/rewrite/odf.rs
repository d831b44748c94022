//! The parts of ODT, ODS and ODP that hold text: the content, the headers and footers among the styles, and what is said of the document.

use std::{collections::HashMap, ops::Range};

use super::{
    escape::{Escape, Space},
    links,
    markup::{Markup, Tag, Token, unescaped},
    unit::{Draft, Kind, Piece, Unit},
};
use crate::documents::ExtractError;

/// A part of a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    Content,
    /// Of the styles, only what stands on pages.
    Styles,
    Meta,
}

/// Attributes of a style in which no reader sees a difference: when it was made, and its language.
const UNSEEN_ATTRIBUTES: [&str; 16] = [
    "rsid",
    "paragraph-rsid",
    "language",
    "country",
    "script",
    "rfc-language-tag",
    "language-asian",
    "country-asian",
    "script-asian",
    "rfc-language-tag-asian",
    "language-complex",
    "country-complex",
    "script-complex",
    "rfc-language-tag-complex",
    "letter-spacing",
    "letter-kerning",
];

/// What may stand between texts that are one to a reader.
const UNSEEN_BETWEEN: [&str; 14] = [
    "span",
    "soft-page-break",
    "bookmark",
    "bookmark-start",
    "bookmark-end",
    "reference-mark",
    "reference-mark-start",
    "reference-mark-end",
    "alphabetical-index-mark-start",
    "alphabetical-index-mark-end",
    "toc-mark-start",
    "toc-mark-end",
    "annotation-end",
    "s",
];

/// Elements that hold no text of their document: what is counted, how an index is made, programs, pictures, mathematics.
const LEFT: [&str; 14] = [
    "note-citation",
    "number",
    "table-of-content-source",
    "illustration-index-source",
    "table-index-source",
    "object-index-source",
    "user-index-source",
    "alphabetical-index-source",
    "bibliography-source",
    "forms",
    "scripts",
    "script",
    "binary-data",
    "math",
];

/// Elements that are one text, and whether it is hidden.
const LEAVES: [(&str, bool); 13] = [
    ("title", false),
    ("desc", false),
    ("subject", false),
    ("description", true),
    ("keyword", true),
    ("header-decl", false),
    ("footer-decl", false),
    ("creator", true),
    ("creator-initials", true),
    ("initial-creator", true),
    ("printed-by", true),
    ("user-defined", true),
    ("ruby-text", true),
];

/// The texts of a part.
pub(super) fn units(source: &str, part: Part) -> Result<Vec<Unit>, ExtractError> {
    let mut content = Content {
        markup: Markup::new(source),
        units: Vec::new(),
        styles: HashMap::new(),
        style: "",
        spaces: String::new(),
        open: Vec::new(),
        spans: Vec::new(),
        cells: Vec::new(),
        shown: part != Part::Styles,
        deleted: false,
    };
    while let Some(token) = content.markup.next()? {
        match token {
            Token::Open(tag) => content.open(&tag)?,
            Token::Text(range, text) => content.text(range, &text),
            Token::Close(name, range) => content.close(name, range),
        }
    }
    content.units.sort_by_key(Unit::start);
    Ok(content.units)
}

/// A paragraph or a text that is being read.
struct Open<'a> {
    name: &'a str,
    draft: Draft,
    /// White space that comes now is none.
    after_space: bool,
    is_leaf: bool,
}

/// What the text of a cell is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Text,
    /// A formula gave it.
    Made,
    /// A number or a date, as it is shown.
    Value,
}

struct Content<'a> {
    markup: Markup<'a>,
    units: Vec<Unit>,
    /// What a reader sees of the styles of spans.
    styles: HashMap<&'a str, String>,
    /// The style that is being read, where it is one of spans.
    style: &'a str,
    /// What the element of spaces stands for that is being read.
    spaces: String,
    /// Paragraphs that are open, one inside a text box or a note of another.
    open: Vec<Open<'a>>,
    spans: Vec<&'a str>,
    cells: Vec<Cell>,
    shown: bool,
    deleted: bool,
}

impl<'a> Content<'a> {
    fn open(&mut self, tag: &Tag<'a>) -> Result<(), ExtractError> {
        // Within a paragraph they are fields of it.
        let leaf = LEAVES
            .iter()
            .find(|(name, _)| *name == tag.name && !matches!(self.markup.parent(), "p" | "h" | "span" | "a"));
        if tag.name == "a" {
            self.units.extend(tag.place("href").and_then(|range| links::unit(self.markup.source, &range)));
        }
        match tag.name {
            "date" | "date-string" if matches!(self.markup.parent(), "annotation" | "change-info") => {
                self.markup.skip()?;
            }
            name if LEFT.contains(&name) => {
                self.cut();
                self.markup.skip()?;
            }
            "user-defined" if tag.raw("value-type").is_some_and(|kind| kind != "string") => {}
            "style" => self.begin_style(tag),
            "text-properties" => self.style_properties(tag),
            "master-styles" => self.shown = true,
            "tracked-changes" => self.deleted = true,
            "table-cell" | "covered-table-cell" => self.cell(tag),
            "p" | "h" if self.shown => {
                let cell = self.cells.last().copied().filter(|_| self.markup.parent().ends_with("table-cell"));
                let mut draft = Draft::new(self.deleted || cell == Some(Cell::Made));
                if cell == Some(Cell::Value) {
                    draft.leave();
                }
                self.begin(tag.name, draft, false);
            }
            _ if let Some((_, hidden)) = leaf.filter(|_| self.shown) => self.begin(tag.name, Draft::new(*hidden), true),
            "span" => {
                let style = tag.raw("style-name").unwrap_or_default();
                self.spans.push(style);
            }
            "s" => {
                let spaces = tag.raw("c").and_then(|count| count.parse().ok()).unwrap_or(1_usize);
                self.spaces = " ".repeat(spaces.min(MOST_SPACES));
            }
            "tab" | "line-break" => {}
            name if UNSEEN_BETWEEN.contains(&name) => {}
            _ => self.cut(),
        }
        Ok(())
    }

    fn begin(&mut self, name: &'a str, draft: Draft, is_leaf: bool) {
        self.cut();
        self.open.push(Open { name, draft, after_space: true, is_leaf });
    }

    fn cut(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.draft.cut();
        }
    }

    fn begin_style(&mut self, tag: &Tag<'a>) {
        self.style = "";
        let Some(name) = tag.raw("name").filter(|_| tag.raw("family") == Some("text")) else { return };
        let based_on = tag.raw("parent-style-name").unwrap_or_default();
        self.styles.insert(name, based_on.to_owned());
        self.style = name;
    }

    fn style_properties(&mut self, tag: &Tag<'a>) {
        if self.markup.parent() != "style" {
            return;
        }
        let Some(seen) = self.styles.get_mut(self.style) else { return };
        for (name, range) in tag.attributes() {
            let bare = name.rsplit(':').next().unwrap_or(name);
            if !UNSEEN_ATTRIBUTES.contains(&bare) {
                seen.push_str(name);
                seen.push_str(self.markup.source.get(range).unwrap_or_default());
            }
        }
    }

    fn cell(&mut self, tag: &Tag<'a>) {
        let is_made = tag.place("formula").is_some();
        let text = tag.place("string-value");
        self.cells.push(match tag.raw("value-type") {
            None | Some("string") if is_made => Cell::Made,
            None | Some("string") if text.is_none() => Cell::Text,
            _ => Cell::Value,
        });
        let Some(range) = text.filter(|_| is_made) else { return };
        if let Some(text) = self.markup.source.get(range.clone()).and_then(unescaped) {
            self.units.extend(Unit::of(Piece::text(range, text, Escape::Attribute), true));
        }
    }

    fn text(&mut self, range: Range<usize>, text: &str) {
        let around = self.markup.ancestor(0);
        let Some(open) = self.open.last_mut() else { return };
        if open.is_leaf {
            if around == open.name {
                open.draft.text("", Piece::text(range, text.to_owned(), Escape::Xml(Space::Kept(None))));
            }
            return;
        }
        if text.trim().is_empty() && !matches!(around, "p" | "h" | "span" | "a") {
            return;
        }
        // White space is one space here, and line ends are none.
        let mut shown = String::with_capacity(text.len());
        for c in text.chars().filter(|c| *c != '\u{ad}') {
            let is_space = matches!(c, ' ' | '\n' | '\t' | '\r');
            if !(is_space && open.after_space) {
                shown.push(if is_space { ' ' } else { c });
            }
            open.after_space = is_space;
        }
        let key: String =
            self.spans.iter().map(|style| self.styles.get(style).map_or(*style, String::as_str)).collect();
        open.draft.text(&key, Piece::text(range, shown, Escape::Xml(Space::OneLine(None))));
    }

    fn close(&mut self, name: &'a str, range: Range<usize>) {
        match name {
            "tracked-changes" => self.deleted = false,
            "master-styles" => self.shown = false,
            "table-cell" | "covered-table-cell" => drop(self.cells.pop()),
            "span" => drop(self.spans.pop()),
            _ => {}
        }
        if self.open.last().is_some_and(|open| open.name == name) {
            let draft = self.open.pop().map(|open| open.draft);
            self.units.extend(draft.and_then(Draft::finish));
            return;
        }
        let Some(open) = self.open.last_mut() else { return };
        let mark = match name {
            "s" => (self.spaces.as_str(), Kind::Loose),
            "tab" => ("\t", Kind::Fixed),
            "line-break" => ("\n", Kind::Fixed),
            _ if UNSEEN_BETWEEN.contains(&name) => return,
            _ => return open.draft.cut(),
        };
        open.draft.mark(range, mark.0, mark.1);
        open.after_space = false;
    }
}

/// The most spaces that one element stands for.
const MOST_SPACES: usize = 100;
