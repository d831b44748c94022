//! Tags of HTML that models write within Markdown: `<br>`, `<sup>2</sup>`, `<b>…</b>`.
//!
//! A tag without attributes from a short list is rendered, or dropped where it only arranges. Any other stays text, as does one that nothing
//! closes: it may be a placeholder (`<section>`), a comparison (`a<b>c`), or what the text is about. What is written is balanced, whatever
//! the text has.

use std::ops::Range;

use pulldown_cmark::{CowStr, Event, Tag as Element, TagEnd};

use super::{
    latex::raised,
    reading::{PlainChange, Ranged},
    symbols::{subscript, superscript},
};

/// The most of such elements inside one another.
const MAX_DEPTH: usize = 8;

/// A tag that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    /// Begins an element, by the name it is written with.
    Open(&'static str),
    /// Ends it.
    Close(&'static str),
    /// A line break.
    Break,
    /// A point of a list.
    Point,
    /// A line between paragraphs.
    Rule,
    /// Arranges text in a block: a line break where there is text before it.
    Block,
    /// Means nothing here.
    Nothing,
    /// As one of these two, if it has its other end.
    Part(Part),
}

/// A tag that arranges text or means nothing, and may be a placeholder as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    name: &'static str,
    closes: bool,
    is_block: bool,
}

const BLOCKS: [&str; 7] = ["center", "ul", "ol", "section", "article", "details", "summary"];
const SPANS: [&str; 7] = ["font", "small", "big", "mark", "abbr", "q", "nobr"];

/// Such a tag by its name.
fn part(name: &str, closes: bool) -> Option<Tag> {
    let found = |names: &[&'static str], is_block| {
        names.iter().find(|one| **one == name).map(|name| Tag::Part(Part { name, closes, is_block }))
    };
    found(&BLOCKS, true).or_else(|| found(&SPANS, false))
}

/// Reads a tag without attributes; `text` begins with it. The tag and its length.
fn read(text: &str) -> Option<(Tag, usize)> {
    let inside = text.strip_prefix('<')?;
    let (inside, _) = inside.split_once('>')?;
    let length = inside.len() + 2;
    let (name, closes) = match inside.strip_prefix('/') {
        Some(name) => (name, true),
        None => (inside.strip_suffix('/').unwrap_or(inside), false),
    };
    let name = name.trim_end();
    if name.len() > 10 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let element = |name| if closes { Tag::Close(name) } else { Tag::Open(name) };
    let tag = match &*name.to_ascii_lowercase() {
        "b" | "strong" => element("strong"),
        "i" | "em" | "cite" | "var" | "dfn" => element("em"),
        "u" | "ins" => element("u"),
        "s" | "del" | "strike" => element("del"),
        "sup" => element("sup"),
        "sub" => element("sub"),
        "code" | "kbd" | "tt" | "samp" => element("code"),
        "br" => Tag::Break,
        "hr" => Tag::Rule,
        "li" if !closes => Tag::Point,
        "li" | "span" | "wbr" => Tag::Nothing,
        "p" | "div" => Tag::Block,
        other => part(other, closes)?,
    };
    Some((tag, length))
}

/// The name of an element that would be written without its attributes.
fn with_attributes(source: &str) -> Option<&'static str> {
    let name = source.strip_prefix('<')?.split(|letter: char| !letter.is_ascii_alphanumeric()).next()?;
    match read(&format!("<{name}>"))? {
        (Tag::Open(name), _) => Some(name),
        _ => None,
    }
}

/// Where a line begins with a known tag, below its list or quotation marks.
pub(super) fn line_start(line: &str) -> Option<usize> {
    let at = line.find('<')?;
    let marks = line[..at].bytes().all(|byte| b" \t>-*+.)".contains(&byte) || byte.is_ascii_digit());
    (marks && read(&line[at..]).is_some()).then_some(at)
}

/// Whether an event begins or ends something within a line.
fn is_inline(event: &Event<'_>) -> bool {
    match event {
        Event::Start(tag) => matches!(
            tag,
            Element::Emphasis | Element::Strong | Element::Strikethrough | Element::Link { .. } | Element::Image { .. }
        ),
        Event::End(tag) => {
            matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
        }
        _ => true,
    }
}

/// What a tag of the document becomes.
struct Fate {
    tag: Tag,
    /// The other end of its element.
    partner: Option<usize>,
}

/// The events with their tags resolved: what is still raw HTML afterwards is ours, and balanced. And what the tags become in plain text.
pub(super) fn resolve(events: Vec<Ranged<'_>>) -> (Vec<Ranged<'_>>, Vec<PlainChange>) {
    let mut fates = fates(&events);
    for index in left_open(&fates) {
        fates[index] = None;
    }
    let mut writer = Writer { out: Vec::with_capacity(events.len()), changes: Vec::new() };
    let mut events = events.into_iter().zip(fates).enumerate().peekable();
    while let Some((index, ((event, range), fate))) = events.next() {
        let Some(Fate { tag, partner }) = fate else {
            writer.other(event, range);
            continue;
        };
        match (tag, partner) {
            (Tag::Open(name @ ("sup" | "sub")), Some(partner)) if partner == index + 2 => {
                // What is between the two tags is one event.
                let content = events.next_if(|(_, ((event, _), _))| matches!(event, Event::Text(_)));
                match content {
                    Some((_, (content, _))) => {
                        let end = events.next().map_or(range.end, |(_, ((_, end), _))| end.end);
                        writer.script(name, content, range, end);
                    }
                    None => writer.element(format!("<{name}>"), range),
                }
            }
            (Tag::Open(name), Some(_)) => writer.element(format!("<{name}>"), range),
            (Tag::Close(name), Some(_)) => writer.element(format!("</{name}>"), range),
            (Tag::Open(_) | Tag::Close(_), None) => writer.alone(event, range),
            (Tag::Nothing | Tag::Part(Part { is_block: false, .. }), _) => writer.changes.push((range, String::new())),
            (Tag::Break, _) => writer.line_break(range, ""),
            (Tag::Point, _) => writer.line_break(range, "• "),
            (Tag::Block | Tag::Part(_), _) => writer.line_break_within(range),
            (Tag::Rule, _) => {
                let ends = |(event, _): &Ranged<'_>| matches!(event, Event::End(TagEnd::Paragraph));
                if writer.at_paragraph() && events.next_if(|(_, (next, _))| ends(next)).is_some() {
                    writer.out.pop();
                    writer.out.push((Event::Rule, range.clone()));
                    writer.changes.push((range, "---".to_owned()));
                } else {
                    writer.line_break(range, "");
                }
            }
        }
    }
    (writer.out, writer.changes)
}

/// What each event is as a tag, and its partner within the same text and the same markup.
fn fates(events: &[Ranged<'_>]) -> Vec<Option<Fate>> {
    let mut fates: Vec<Option<Fate>> = Vec::with_capacity(events.len());
    // The elements that are open: tags by their index, Markdown's own without.
    let mut open: Vec<Option<(usize, &'static str)>> = Vec::new();
    for (index, (event, _)) in events.iter().enumerate() {
        let tag = match event {
            Event::InlineHtml(source) => read(source).filter(|(_, length)| *length == source.len()).map(|(tag, _)| tag),
            _ => None,
        };
        let mut fate = tag.map(|tag| Fate { tag, partner: None });
        match (event, tag) {
            (Event::InlineHtml(source), None) => {
                if let Some(name) = with_attributes(source) {
                    open.push(Some((index, name)));
                }
            }
            (_, Some(Tag::Open(name))) if open.iter().flatten().count() < MAX_DEPTH => open.push(Some((index, name))),
            (_, Some(Tag::Close(name))) => {
                let within = open.iter().rposition(Option::is_none).map_or(0, |markup| markup + 1);
                let found = open[within..].iter().rposition(|one| one.is_some_and(|(_, other)| other == name));
                if let Some(found) = found {
                    let partner = open[within + found].map(|(partner, _)| partner);
                    open.truncate(within + found);
                    match partner.and_then(|partner| fates.get_mut(partner)) {
                        Some(Some(first)) => {
                            first.partner = Some(index);
                            fate = fate.map(|fate| Fate { partner, ..fate });
                        }
                        // Its counterpart has attributes and stays text: so does it.
                        _ => fate = None,
                    }
                }
            }
            (Event::Start(_), _) if is_inline(event) => open.push(None),
            (Event::End(_), _) if is_inline(event) => {
                let markup = open.iter().rposition(Option::is_none).unwrap_or(0);
                open.truncate(markup);
            }
            (Event::Start(_) | Event::End(_), _) => open.clear(),
            _ => {}
        }
        fates.push(fate);
    }
    fates
}

/// Where tags are that nothing closes.
pub(super) fn unclosed(events: &[Ranged<'_>]) -> Vec<Range<usize>> {
    left_open(&fates(events)).into_iter().map(|index| events[index].1.clone()).collect()
}

/// The tags that nothing closes in the whole text, which stay text. Those that are closed elsewhere than in their own text do nothing.
fn left_open(fates: &[Option<Fate>]) -> Vec<usize> {
    let mut open: Vec<(usize, &'static str)> = Vec::new();
    for (index, fate) in fates.iter().enumerate() {
        let Some(Fate { tag, partner: None }) = fate else { continue };
        match tag {
            Tag::Open(name) | Tag::Part(Part { name, closes: false, .. }) => open.push((index, name)),
            Tag::Close(name) | Tag::Part(Part { name, closes: true, .. }) => {
                if let Some(found) = open.iter().rposition(|(_, other)| other == name) {
                    open.remove(found);
                }
            }
            _ => {}
        }
    }
    open.into_iter().map(|(index, _)| index).collect()
}

struct Writer<'e> {
    out: Vec<Ranged<'e>>,
    /// What parts of the source become in plain text.
    changes: Vec<PlainChange>,
}

impl<'e> Writer<'e> {
    fn other(&mut self, event: Event<'e>, range: Range<usize>) {
        let event = match event {
            // Raw HTML is shown as its source.
            Event::InlineHtml(source) | Event::Html(source) => Event::Text(source),
            // The line is broken already.
            Event::SoftBreak | Event::HardBreak if self.is_fresh() => {
                self.changes.push((range, String::new()));
                return;
            }
            // A paragraph of which nothing is left.
            Event::End(TagEnd::Paragraph) if self.at_paragraph() => {
                self.out.pop();
                return;
            }
            other => other,
        };
        self.out.push((event, range));
    }

    fn element(&mut self, html: String, range: Range<usize>) {
        let plain = if matches!(&*html, "<del>" | "</del>") { "~~" } else { "" };
        self.out.push((Event::InlineHtml(html.into()), range.clone()));
        self.changes.push((range, plain.to_owned()));
    }

    /// A tag whose counterpart is elsewhere: a single letter right behind another may be a comparison.
    fn alone(&mut self, event: Event<'e>, range: Range<usize>) {
        let compares = matches!(self.out.last(), Some((Event::Text(text), _)) if text.ends_with(char::is_alphanumeric));
        match event {
            Event::InlineHtml(source) if compares && source.len() == "<b>".len() => {
                self.out.push((Event::Text(source), range));
            }
            _ => self.changes.push((range, String::new())),
        }
    }

    /// A raised or lowered text with its first tag and the end of its last: in the characters that Unicode has for it, since many clients
    /// drop these elements, and 10⁶ must not become 106.
    fn script(&mut self, name: &'static str, content: Ranged<'e>, tag: Range<usize>, end: usize) {
        let text = match &content.0 {
            Event::Text(text) => text.trim(),
            _ => "",
        };
        let map = if name == "sup" { superscript } else { subscript };
        let has_figures = text.contains(|letter: char| letter.is_numeric());
        let small = text.chars().map(map).collect::<Option<String>>().filter(|small| !small.is_empty());
        let shown = match small {
            Some(small) if has_figures || text.chars().count() == 1 => small,
            _ if has_figures && !text.starts_with(['[', '(']) && name == "sup" => raised(text),
            _ => {
                let last = content.1.end..end;
                self.element(format!("<{name}>"), tag);
                self.out.push(content);
                self.element(format!("</{name}>"), last);
                return;
            }
        };
        let whole = tag.start..end;
        self.changes.push((whole.clone(), shown.clone()));
        self.out.push((Event::Text(CowStr::from(shown)), whole));
    }

    fn at_paragraph(&self) -> bool {
        matches!(self.out.last(), Some((Event::Start(Element::Paragraph), _)))
    }

    fn at_break(&self) -> bool {
        matches!(self.out.last(), Some((Event::HardBreak, _)))
    }

    /// A line break, and what the new line begins with.
    fn line_break(&mut self, range: Range<usize>, start: &'static str) {
        let fresh = self.is_fresh();
        if !fresh || (start.is_empty() && self.at_break()) {
            self.out.push((Event::HardBreak, range.clone()));
        }
        if !start.is_empty() {
            self.out.push((Event::Text(start.into()), range.clone()));
        }
        self.changes.push((range, if fresh { start.to_owned() } else { format!("\n{start}") }));
    }

    /// A line break, unless there is one.
    fn line_break_within(&mut self, range: Range<usize>) {
        if self.is_fresh() {
            self.changes.push((range, String::new()));
        } else {
            self.line_break(range, "");
        }
    }

    /// Whether nothing stands in the line yet.
    fn is_fresh(&self) -> bool {
        match self.out.last() {
            None | Some((Event::SoftBreak | Event::HardBreak, _)) => true,
            Some((event @ (Event::Start(_) | Event::End(_)), _)) => !is_inline(event),
            _ => false,
        }
    }
}
