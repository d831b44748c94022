//! How a text is written where it stands.

use std::ops::Range;

use super::address;

/// A stretch of a source, and what stands there afterwards.
pub(super) type Edit = (Range<usize>, String);

/// The kind of place that a text stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Escape {
    /// As it is.
    Plain,
    /// In Markdown.
    Markdown,
    /// In a cell of a table of Markdown.
    MarkdownCell,
    /// In an element of XML.
    Xml(Space),
    /// In an attribute of XML.
    Attribute,
    /// In HTML.
    Html,
    /// In HTML where white space is kept.
    Verbatim,
    /// In an attribute of HTML in quotes.
    HtmlAttribute,
    /// In one without.
    HtmlBare,
    /// In a line of plain text.
    Line,
    /// In a line with references as HTML has them.
    HtmlLine,
    /// In a cell of a sheet in place of its number: its type is said at that place.
    Cell(usize),
    /// In the address of a link.
    Address,
    /// In code of Markdown.
    Code,
    /// In a field with quotes.
    Quoted,
    /// In a field without, by what ends it.
    Field(u8),
}

/// What white space in an element is, with the place where it is said that white space at its ends counts, if that is to be said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Space {
    /// Spaces, in one line.
    OneLine(Option<usize>),
    /// What it is: lines are lines.
    Kept(Option<usize>),
    /// Spaces and tabs.
    Tabs,
}

impl Escape {
    /// The change that writes a text over a stretch of the source.
    pub(super) fn write(self, range: &Range<usize>, text: &str, edits: &mut Vec<Edit>) {
        let place = match self {
            Self::Xml(Space::OneLine(place) | Space::Kept(place)) if text.trim() != text => place,
            _ => None,
        };
        if let Self::Cell(place) = self {
            edits.push((place..place, " t=\"inlineStr\"".to_owned()));
        }
        edits.extend(place.map(|place| (place..place, " xml:space=\"preserve\"".to_owned())));
        let line = || text.replace(['\n', '\t'], " ");
        let written = match self {
            Self::Html | Self::HtmlAttribute | Self::HtmlLine => html(&line()),
            Self::Verbatim => html(text),
            Self::HtmlBare => format!("\"{}\"", html(&line())),
            Self::Cell(_) => format!("<is><t>{}</t></is>", xml(&line())),
            Self::Address => address::encoded(text),
            Self::Line => line(),
            Self::Code => line().replace('`', "'"),
            Self::Quoted => text.replace('"', "\"\""),
            Self::Field(delimiter) if text.contains(['"', '\n', '\r', delimiter as char]) => {
                format!("\"{}\"", text.replace('"', "\"\""))
            }
            Self::Xml(Space::Kept(_)) => xml(text),
            Self::Xml(Space::Tabs) => xml(&text.replace('\n', " ")),
            Self::Xml(Space::OneLine(_)) | Self::Attribute => xml(&line()),
            Self::Plain | Self::Field(_) => text.to_owned(),
            Self::Markdown => markdown(text, false),
            Self::MarkdownCell => markdown(text, true),
        };
        edits.push((range.clone(), written));
    }
}

/// Text in XML, in an element as in an attribute.
fn xml(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            c => written.push(c),
        }
    }
    written
}

/// Text in HTML.
fn html(text: &str) -> String {
    xml(text).replace('\u{a0}', "&nbsp;")
}

/// How far it is looked ahead for what would end markup.
const LOOKED_AT: usize = 500;

/// Text in Markdown: one line, in which nothing is markup.
fn markdown(text: &str, in_cell: bool) -> String {
    let mut written = String::with_capacity(text.len());
    let text = text.replace(['\n', '\t'], " ");
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |(_, next)| *next);
        let rest = text.get(at + c.len_utf8()..text.floor_char_boundary(at + LOOKED_AT)).unwrap_or_default();
        let escaped = match c {
            '*' | '`' | '~' => true,
            '\\' => next.is_ascii_punctuation() || next == ' ',
            '_' => !(before.is_alphanumeric() && next.is_alphanumeric()),
            '[' => {
                rest.find(']').and_then(|end| rest.get(end + 1..)).is_some_and(|rest| rest.starts_with(['(', '[', ':']))
            }
            '<' => next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'),
            '&' => rest
                .split_once(';')
                .is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#')),
            '|' => in_cell,
            _ => false,
        };
        // What begins a block at the beginning of a line.
        let begins = written.trim().is_empty()
            && (matches!(c, '#' | '>') || (matches!(c, '+' | '-' | '=') && (next == ' ' || next == c)));
        if escaped || begins {
            written.push('\\');
        }
        written.push(c);
        if is_number(&written) && matches!(next, '.' | ')') && rest.get(1..).is_some_and(|rest| rest.starts_with(' ')) {
            written.push('\\');
        }
        before = c;
    }
    written
}

fn is_number(text: &str) -> bool {
    let text = text.trim_start();
    !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}
