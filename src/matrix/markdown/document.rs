//! A text of Markdown with its events for HTML and its plain text.

use std::{cmp::Reverse, ops::Range};

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Parser, Tag, TagEnd, TextMergeWithOffset};

use super::{
    reading::{OPTIONS, PlainChange, Ranged},
    shield::{Piece, Shielded},
    table::{self, Tables},
    tags,
};

/// A text that was read.
pub(in crate::matrix) struct Document {
    pub(super) shielded: Shielded,
}

impl Document {
    /// Reads a text.
    pub fn new(markdown: &str) -> Self {
        Self { shielded: Shielded::new(markdown) }
    }

    /// Its events for HTML. What is raw HTML among them is written here, and balanced.
    pub fn events(&self, tables: Tables) -> Vec<Event<'_>> {
        let (events, _) = self.resolved();
        let events = match tables {
            Tables::Text => table::lay_out(events, &self.shielded).0,
            Tables::Html => events,
        };
        events.into_iter().map(|(event, _)| event).collect()
    }

    /// The Markdown for clients that show it as it is: tables aligned, formulas as text, without HTML.
    pub fn plain(&self) -> String {
        let (events, mut changes) = self.resolved();
        changes.extend(table::lay_out(events, &self.shielded).1);
        // Of a table and of what is in it, the table comes first.
        changes.sort_by_key(|(range, _)| (range.start, Reverse(range.end)));
        let text = &self.shielded.text;
        let mut plain = String::with_capacity(text.len());
        let mut at = 0;
        for (range, change) in changes {
            if range.start < at {
                continue;
            }
            self.push_plain(&text[at..range.start], &mut plain);
            plain.push_str(&change);
            at = range.end;
        }
        self.push_plain(&text[at..], &mut plain);
        plain
    }

    fn push_plain(&self, text: &str, plain: &mut String) {
        for piece in self.shielded.pieces(text) {
            match piece {
                Piece::Plain(text) | Piece::Text(text) => plain.push_str(text),
                Piece::Code(code) => plain.push_str(&in_backticks(code)),
            }
        }
    }

    fn resolved(&self) -> (Vec<Ranged<'_>>, Vec<PlainChange>) {
        tags::resolve(self.unshielded())
    }

    /// The events with what was shielded put back.
    fn unshielded(&self) -> Vec<Ranged<'_>> {
        let parser = Parser::new_ext(&self.shielded.text, OPTIONS).into_offset_iter();
        let mut parser = TextMergeWithOffset::new(parser).peekable();
        let mut events: Vec<Ranged<'_>> = Vec::new();
        let mut in_code = false;
        while let Some((event, range)) = parser.next() {
            match event {
                Event::Start(Tag::CodeBlock(_)) => in_code = true,
                Event::End(TagEnd::CodeBlock) => in_code = false,
                _ => {}
            }
            let event = match event {
                Event::Text(text) if !in_code && self.shielded.has_any(&text) => {
                    let ends = matches!(parser.peek(), Some((Event::End(TagEnd::Paragraph), _)));
                    match self.only_code(&text).filter(|_| ends && starts_paragraph(&events)) {
                        // A formula that is a paragraph.
                        Some(code) => {
                            events.pop();
                            parser.next();
                            let kind = CodeBlockKind::Fenced(CowStr::Borrowed(""));
                            events.push((Event::Start(Tag::CodeBlock(kind)), range.clone()));
                            events.push((Event::Text(format!("{code}\n").into()), range.clone()));
                            events.push((Event::End(TagEnd::CodeBlock), range));
                        }
                        None => self.push_pieces(&text, &range, &mut events),
                    }
                    continue;
                }
                Event::Text(text) => Event::Text(self.source(text)),
                Event::Code(code) => Event::Code(self.source(code)),
                Event::Html(html) => Event::Html(self.source(html)),
                Event::InlineHtml(html) => Event::InlineHtml(self.source(html)),
                Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                    Event::Start(Tag::Link { link_type, dest_url: self.source(dest_url), title, id })
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(self.source(info))))
                }
                other => other,
            };
            events.push((event, range));
        }
        events
    }

    /// The text as it was written.
    fn source<'e>(&self, text: CowStr<'e>) -> CowStr<'e> {
        if self.shielded.has_any(&text) { self.shielded.source(&text).into() } else { text }
    }

    /// The code that is all of a text.
    fn only_code(&self, text: &str) -> Option<String> {
        match &self.shielded.pieces(text)[..] {
            [Piece::Code(code)] => Some((*code).to_owned()),
            _ => None,
        }
    }

    fn push_pieces(&self, text: &str, range: &Range<usize>, events: &mut Vec<Ranged<'_>>) {
        let mut open = String::new();
        for piece in self.shielded.pieces(text) {
            match piece {
                Piece::Plain(text) | Piece::Text(text) => open.push_str(text),
                Piece::Code(code) => {
                    if !open.is_empty() {
                        events.push((Event::Text(std::mem::take(&mut open).into()), range.clone()));
                    }
                    events.push((Event::Code(code.to_owned().into()), range.clone()));
                }
            }
        }
        if !open.is_empty() {
            events.push((Event::Text(open.into()), range.clone()));
        }
    }
}

fn starts_paragraph(events: &[Ranged<'_>]) -> bool {
    matches!(events.last(), Some((Event::Start(Tag::Paragraph), _)))
}

/// A source between backticks: a block where it has several lines.
fn in_backticks(code: &str) -> String {
    if code.contains('\n') { format!("```\n{code}\n```") } else { format!("`{code}`") }
}

/// The text for clients that show it as it is.
pub(in crate::matrix) fn plain(markdown: &str) -> String {
    Document::new(markdown).plain()
}
