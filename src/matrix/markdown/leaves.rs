//! Where the running text of a Markdown document is: its paragraphs, titles and cells, without code and addresses.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};

use super::reading::OPTIONS;

/// A paragraph, a title or a cell.
pub(super) struct Leaf {
    /// Where it is.
    pub range: Range<usize>,
    /// What in it is no running text, in order.
    holes: Vec<Range<usize>>,
}

impl Leaf {
    /// The end of the hole that a place is in.
    pub fn hole_at(&self, at: usize) -> Option<usize> {
        let index = self.holes.partition_point(|hole| hole.end <= at);
        self.holes.get(index).filter(|hole| hole.start <= at).map(|hole| hole.end)
    }

    /// Whether a range touches a hole.
    pub fn has_hole(&self, range: Range<usize>) -> bool {
        let index = self.holes.partition_point(|hole| hole.end <= range.start);
        self.holes.get(index).is_some_and(|hole| hole.start < range.end)
    }
}

/// The leaves of a text, in order.
pub(super) fn leaves(text: &str) -> Vec<Leaf> {
    let mut reader = Reader { text, leaves: Vec::new(), open: None, links: Vec::new() };
    let mut code = false;
    for (event, range) in Parser::new_ext(text, OPTIONS).into_offset_iter() {
        match &event {
            Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock) => {
                reader.end();
                code = true;
            }
            Event::End(TagEnd::CodeBlock | TagEnd::HtmlBlock) => code = false,
            _ if code => {}
            Event::Start(Tag::Link { link_type, .. } | Tag::Image { link_type, .. }) => {
                reader.extend(&range);
                let automatic = matches!(link_type, LinkType::Autolink | LinkType::Email);
                // The address comes after the text, or is the text.
                reader.links.push(if automatic { range.start } else { range.start + 1 });
            }
            Event::End(TagEnd::Link | TagEnd::Image) => reader.end_link(&range),
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough)
            | Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough) => reader.extend(&range),
            Event::Text(_) | Event::SoftBreak | Event::HardBreak => reader.inline(&range),
            Event::Code(_) | Event::InlineHtml(_) => {
                reader.inline(&range);
                reader.hole(range);
            }
            _ => reader.end(),
        }
    }
    reader.end();
    reader.leaves
}

struct Reader<'a> {
    text: &'a str,
    leaves: Vec<Leaf>,
    open: Option<Leaf>,
    /// For each link being read, where its text has ended so far.
    links: Vec<usize>,
}

impl Reader<'_> {
    fn extend(&mut self, range: &Range<usize>) {
        // A character with a backslash before it comes without it.
        let start = range.start - usize::from(self.text[..range.start].ends_with('\\'));
        let leaf = self.open.get_or_insert_with(|| Leaf { range: start..range.end, holes: Vec::new() });
        leaf.range.end = leaf.range.end.max(range.end);
    }

    fn inline(&mut self, range: &Range<usize>) {
        self.extend(range);
        if let Some(end) = self.links.last_mut() {
            *end = range.end;
        }
    }

    fn hole(&mut self, hole: Range<usize>) {
        let Some(leaf) = &mut self.open else { return };
        if !hole.is_empty() && leaf.holes.last().is_none_or(|last| last.end <= hole.start) {
            leaf.holes.push(hole);
        }
    }

    fn end_link(&mut self, range: &Range<usize>) {
        let Some(text_end) = self.links.pop() else { return };
        let whole = self.text[range.clone()].starts_with('<');
        self.hole(if whole { range.clone() } else { text_end.max(range.start)..range.end });
        if let Some(outer) = self.links.last_mut() {
            *outer = range.end;
        }
    }

    fn end(&mut self) {
        self.links.clear();
        self.leaves.extend(self.open.take());
    }
}
