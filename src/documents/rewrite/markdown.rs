//! Markdown by block: paragraphs, headings, items, cells. Code, addresses, HTML and front matter stay as they are.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{
    escape::Escape,
    text,
    unit::{Draft, Kind, Piece, Unit},
};

pub(super) fn units(source: &str) -> Vec<Unit> {
    let mut page = Page { source, units: Vec::new(), draft: Draft::default(), left: 0, cell: false, last: 0..0 };
    for (event, range) in Parser::new_ext(source, options()).into_offset_iter() {
        page.event(&event, range);
    }
    page.end();
    page.units
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
}

struct Page<'a> {
    source: &'a str,
    units: Vec<Unit>,
    draft: Draft,
    /// How many elements are open in which nothing is text.
    left: usize,
    cell: bool,
    /// The text that was read last: the next one may continue it.
    last: Range<usize>,
}

impl Page<'_> {
    fn event(&mut self, event: &Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock | Tag::MetadataBlock(_)) => {
                self.end();
                self.left += 1;
            }
            Event::End(TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::MetadataBlock(_)) => {
                self.left = self.left.saturating_sub(1);
            }
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(*tag),
            Event::Text(text) if self.left == 0 => self.text(text, range),
            Event::SoftBreak => self.line(range, Kind::Wrap),
            Event::HardBreak => self.line(range, Kind::Fixed),
            Event::Text(text) => self.code(text, &range, Escape::Line),
            Event::Code(text) if self.left == 0 => {
                self.draft.cut();
                self.code(text, &range, Escape::Code);
            }
            _ => self.draft.cut(),
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. } => {}
            Tag::TableCell => {
                self.end();
                self.cell = true;
                return;
            }
            _ => return self.end(),
        }
        self.draft.cut();
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image => {
                self.draft.cut();
            }
            _ => {
                self.end();
                self.cell = false;
            }
        }
    }

    fn text(&mut self, text: &str, mut range: Range<usize>) {
        let escaped = text.chars().next().is_some_and(|c| c.is_ascii_punctuation())
            && range.start > self.last.end
            && self.source.as_bytes().get(range.start - 1) == Some(&b'\\');
        if escaped {
            range.start -= 1;
        }
        self.last = range.clone();
        let escape = if self.cell { Escape::MarkdownCell } else { Escape::Markdown };
        // An entity or an escaped character is not written as it is read.
        if self.source.get(range.clone()) == Some(text) {
            text::add(&mut self.draft, self.source, &range, escape);
        } else {
            self.draft.text("", Piece::text(range, text.to_owned(), escape));
        }
    }

    /// Code: a translation leaves it, a name may be in it.
    fn code(&mut self, text: &str, range: &Range<usize>, escape: Escape) {
        let found = self.source.get(range.clone()).and_then(|whole| whole.find(text.trim_end()));
        let Some(start) = found.map(|at| range.start + at) else { return };
        let mut draft = Draft::new(true);
        text::add(&mut draft, self.source, &(start..start + text.trim_end().len()), escape);
        self.units.extend(draft.finish());
    }

    /// A line ends: what is between the two texts is the break with the marks of lists and quotations.
    fn line(&mut self, range: Range<usize>, kind: Kind) {
        let rest = self.source.get(range.end..).unwrap_or_default();
        let marks = rest.len() - rest.trim_start_matches([' ', '\t', '>']).len();
        let text = if kind == Kind::Wrap { " " } else { "\n" };
        self.draft.mark(range.start..range.end + marks, text, kind);
    }

    fn end(&mut self) {
        self.units.extend(std::mem::take(&mut self.draft).finish());
    }
}
