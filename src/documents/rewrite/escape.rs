//! How a text is written where it stands.

use std::ops::Range;

use super::edit::Edit;

/// The kind of place that a text stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Escape {
    /// As it is.
    Plain,
    /// In Markdown.
    Markdown,
    /// In a cell of a table of Markdown.
    MarkdownCell,
}

impl Escape {
    /// The change that writes a text over a stretch of the source.
    pub(super) fn write(self, source: &str, range: &Range<usize>, text: &str, edits: &mut Vec<Edit>) {
        let _ = source;
        let written = match self {
            Self::Plain => text.to_owned(),
            Self::Markdown => markdown(text, false),
            Self::MarkdownCell => markdown(text, true),
        };
        edits.push((range.clone(), written));
    }
}

/// Text in Markdown: one line, in which nothing is markup.
fn markdown(text: &str, in_cell: bool) -> String {
    let mut written = String::with_capacity(text.len());
    let text = text.replace(['\n', '\t'], " ");
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |(_, next)| *next);
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
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
