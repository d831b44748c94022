//! HTML by block, each with its inline elements as runs. Nothing is parsed that a text does not need: a page is not corrected, and a tag that is
//! no tag to a browser is text here too.

use std::{cell::RefCell, ops::Range};

use encoding_rs::Encoding;
use html5ever::{
    tendril::StrTendril,
    tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};

use super::{
    escape::Escape,
    links,
    unit::{Draft, Kind, Piece, Unit},
};

/// How far into a page its encoding is named.
const NAMED_WITHIN: usize = 1_024;

/// The most inline elements inside one another.
const MOST_INLINE: usize = 64;

/// Elements whose content is no markup up to their end: what is in the first ones is text nonetheless.
const RAW: [&str; 9] = ["title", "textarea", "script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext"];

/// Elements in which every character is meant as it is. A translation leaves them; a name may be in them.
const VERBATIM: [&str; 6] = ["code", "kbd", "samp", "var", "pre", "listing"];

/// Elements that are one thing in the text, and hold none of it.
const LEFT: [&str; 3] = ["svg", "math", "template"];

/// Elements within a paragraph.
const INLINE: [&str; 33] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "data", "del", "dfn", "em", "font", "i", "ins", "label",
    "mark", "nobr", "q", "ruby", "s", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "rb",
    "output", "slot",
];

/// Elements in place of a text, which have no end.
const VOID: [&str; 8] = ["img", "input", "embed", "area", "source", "track", "meta", "link"];

/// Attributes that are shown as texts.
const SHOWN: [&str; 6] = ["alt", "title", "placeholder", "aria-label", "summary", "label"];

/// The encoding that a page names.
pub(super) fn named(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = String::from_utf8_lossy(bytes.get(..NAMED_WITHIN.min(bytes.len()))?).to_lowercase();
    let after = ["charset", "encoding"].iter().find_map(|word| start.split_once(word))?.1;
    let label = after.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.')));
    // A page in UTF-16 could not name it so.
    Encoding::for_label(label.get(..end.unwrap_or(label.len()))?.as_bytes())?.into()
}

pub(super) fn units(source: &str) -> Vec<Unit> {
    let mut page = Page { source, units: Vec::new(), draft: Draft::default(), inline: Vec::new(), after_space: true };
    let (mut at, mut start) = (0, 0);
    while let Some(found) = source.get(at..).and_then(|rest| rest.find('<')) {
        let open = at + found;
        let Some((tag, end)) = tag(source, open) else {
            at = open + 1;
            continue;
        };
        page.text(start..open);
        at = page.tag(&tag, end);
        start = at;
    }
    page.text(start..source.len());
    page.end();
    page.units.sort_by_key(Unit::start);
    page.units
}

/// The name of an attribute, where its value stands, and whether that is in quotes.
type Attribute<'a> = (&'a str, Range<usize>, bool);

/// A tag, a comment or a declaration.
enum Tag<'a> {
    Open {
        name: String,
        range: Range<usize>,
        attributes: Vec<Attribute<'a>>,
    },
    Close(String),
    /// What no reader sees.
    Other,
}

/// What begins at a `<`, and where it ends. Nothing, where that is text.
fn tag(source: &str, open: usize) -> Option<(Tag<'_>, usize)> {
    let rest = source.get(open + 1..)?;
    if let Some(comment) = rest.strip_prefix("!--") {
        return Some((Tag::Other, comment.find("-->").map_or(source.len(), |end| open + 4 + end + 3)));
    }
    if rest.starts_with(['!', '?']) {
        return Some((Tag::Other, rest.find('>').map_or(source.len(), |end| open + 2 + end)));
    }
    let is_end = rest.starts_with('/');
    let name_start = open + 1 + usize::from(is_end);
    let named = source.get(name_start..)?;
    if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let length = named.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).unwrap_or(named.len());
    let name = named.get(..length)?.to_ascii_lowercase();
    let (attributes, end) = attributes(source, name_start + length);
    let tag = if is_end { Tag::Close(name) } else { Tag::Open { name, range: open..end, attributes } };
    Some((tag, end))
}

/// Whether the end of an element ends no paragraph.
fn is_inline(name: &str) -> bool {
    let is_block = matches!(name, "pre" | "listing" | "title" | "textarea");
    let is_known = [&INLINE[..], &VERBATIM, &LEFT, &RAW, &VOID].concat().contains(&name);
    (is_known || matches!(name, "br" | "wbr")) && !is_block
}

/// The most attributes of a tag that are looked at.
const MOST_ATTRIBUTES: usize = 256;

/// The attributes of a tag: names, where the values stand, and whether these are in quotes; and where the tag ends.
fn attributes(source: &str, mut at: usize) -> (Vec<Attribute<'_>>, usize) {
    let mut found = Vec::new();
    loop {
        let rest = source.get(at..).unwrap_or_default();
        at += rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/').len();
        let rest = source.get(at..).unwrap_or_default();
        if rest.is_empty() || rest.starts_with('>') {
            return (found, (at + 1).min(source.len()));
        }
        let length =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=')).unwrap_or(rest.len()).max(1);
        let length = rest.ceil_char_boundary(length);
        let name = rest.get(..length).unwrap_or_default();
        at += length;
        let rest = source.get(at..).unwrap_or_default();
        let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start) else { continue };
        let start = source.len() - value.len();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        let range = match quote {
            Some(quote) => {
                let length = value.get(1..).and_then(|value| value.find(quote)).unwrap_or(value.len() - 1);
                start + 1..start + 1 + length
            }
            None => start..start + value.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(value.len()),
        };
        at = (range.end + usize::from(quote.is_some())).min(source.len());
        if found.len() < MOST_ATTRIBUTES {
            found.push((name, range, quote.is_some()));
        }
    }
}

struct Page<'a> {
    source: &'a str,
    units: Vec<Unit>,
    draft: Draft,
    /// The inline elements that are open, with their tags.
    inline: Vec<(String, &'a str)>,
    /// White space that comes now is none.
    after_space: bool,
}

impl Page<'_> {
    /// Takes a tag that ends there, and says where to go on.
    fn tag(&mut self, tag: &Tag<'_>, end: usize) -> usize {
        match tag {
            Tag::Other => end,
            Tag::Close(name) => {
                self.close(name);
                end
            }
            Tag::Open { name, range, attributes } => {
                self.attributes(name, attributes);
                let name = name.as_str();
                if RAW.contains(&name) {
                    return self.raw(name, end);
                }
                let is_empty = self.source.get(..end).is_some_and(|before| before.ends_with("/>"));
                if (VERBATIM.contains(&name) || LEFT.contains(&name)) && !is_empty {
                    return self.verbatim(name, end);
                }
                self.open(name, range.clone(), is_empty);
                end
            }
        }
    }

    fn open(&mut self, name: &str, range: Range<usize>, is_empty: bool) {
        if name == "br" {
            self.draft.mark(range, "\n", Kind::Fixed);
            self.after_space = true;
        } else if name == "wbr" {
            self.draft.mark(range, "", Kind::Loose);
        } else if VOID.contains(&name) {
            self.draft.cut();
            self.after_space = false;
        } else if INLINE.contains(&name) {
            let tag = self.source.get(range).unwrap_or_default();
            // A language alone is not seen.
            let is_plain = name == "span" && !["class", "style", "id"].iter().any(|seen| tag.contains(seen));
            if matches!(name, "a" | "ruby" | "label" | "bdo" | "q") {
                self.draft.cut();
            }
            if !is_empty && self.inline.len() < MOST_INLINE {
                self.inline.push((name.to_owned(), if is_plain { "" } else { tag }));
            }
        } else {
            self.end();
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(at) = self.inline.iter().rposition(|(open, _)| open == name) {
            self.inline.remove(at);
        }
        if matches!(name, "a" | "ruby" | "label" | "bdo" | "q") {
            self.draft.cut();
        } else if !is_inline(name) {
            self.end();
        }
    }

    /// What stands up to the end of an element that has no markup.
    fn raw(&mut self, name: &str, start: usize) -> usize {
        let end = self.end_of(name, start);
        match name {
            "title" | "textarea" => {
                self.end();
                self.text(start..end);
                self.end();
            }
            // What a browser shows as it is, or in place of what it shows.
            _ => self.draft.cut(),
        }
        end
    }

    /// What stands up to the end of an element in which the characters are meant as they are.
    fn verbatim(&mut self, name: &str, start: usize) -> usize {
        if name == "pre" || name == "listing" {
            self.end();
        }
        self.draft.cut();
        self.after_space = false;
        let end = self.end_of(name, start);
        if !LEFT.contains(&name) {
            let (mut draft, mut at, mut text) = (Draft::new(true), start, start);
            while let Some(found) = self.source.get(at..end).and_then(|rest| rest.find('<')) {
                at += found;
                let Some((_, after)) = tag(self.source, at) else {
                    at += 1;
                    continue;
                };
                self.verbatim_text(&mut draft, text..at);
                draft.cut();
                at = after.min(end);
                text = at;
            }
            self.verbatim_text(&mut draft, text..end);
            self.units.extend(draft.finish());
        }
        end
    }

    fn verbatim_text(&self, draft: &mut Draft, range: Range<usize>) {
        let text = self.source.get(range.clone()).unwrap_or_default();
        draft.text("", Piece::text(range, decoded(text), Escape::Verbatim));
    }

    /// Where the end tag of an element begins, or the page ends.
    fn end_of(&self, name: &str, start: usize) -> usize {
        let mut at = start;
        while let Some(found) = self.source.get(at..).and_then(|rest| rest.find("</")) {
            at += found + 2;
            let named = self.source.get(at..).unwrap_or_default();
            let after = named.get(name.len()..).unwrap_or_default();
            if named.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name))
                && (after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || matches!(c, '/' | '>')))
            {
                return at - 2;
            }
        }
        self.source.len()
    }

    fn text(&mut self, range: Range<usize>) {
        let Some(text) = self.source.get(range.clone()).filter(|text| !text.is_empty()) else { return };
        let mut shown = String::with_capacity(text.len());
        for c in decoded(text).chars().filter(|c| *c != '\u{ad}') {
            if !(is_space(c) && self.after_space) {
                shown.push(if is_space(c) { ' ' } else { c });
            }
            self.after_space = is_space(c);
        }
        let key: String = self.inline.iter().map(|(_, tag)| *tag).collect();
        // A line end before a tag is none of the text where a block ends there.
        let blank = text.trim_start_matches(is_space).len();
        let start = if shown.starts_with(' ') { range.start } else { range.end - blank };
        let end = range.start + text.trim_end_matches(is_space).len();
        if end > start && range.end > end && shown.ends_with(' ') {
            shown.pop();
            self.draft.text(&key, Piece::text(start..end, shown, Escape::Html));
            self.draft.text(&key, Piece::text(end..range.end, " ".to_owned(), Escape::Html));
        } else {
            self.draft.text(&key, Piece::text(start..range.end, shown, Escape::Html));
        }
    }

    fn attributes(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        let value = |wanted: &str| {
            let found = attributes.iter().find(|(name, ..)| name.eq_ignore_ascii_case(wanted));
            found.and_then(|(_, range, _)| self.source.get(range.clone())).unwrap_or_default().to_ascii_lowercase()
        };
        let is_button = name == "input" && matches!(value("type").as_str(), "submit" | "button" | "reset");
        let about = if name == "meta" { [value("name"), value("property")].concat() } else { String::new() };
        let mut found = Vec::new();
        for (key, range, quoted) in attributes {
            if key.eq_ignore_ascii_case("href") {
                found.extend(links::unit(self.source, range));
                continue;
            }
            let hidden = match key.to_ascii_lowercase().as_str() {
                "value" => !is_button,
                "content" if matches!(about.as_str(), "description" | "keywords" | "og:title" | "og:description") => {
                    false
                }
                "content" if matches!(about.as_str(), "author" | "creator" | "dc.creator" | "changedby") => true,
                key if SHOWN.contains(&key) => false,
                _ => continue,
            };
            let text = decoded(self.source.get(range.clone()).unwrap_or_default());
            let escape = if *quoted { Escape::HtmlAttribute } else { Escape::HtmlBare };
            found.extend(Unit::of(Piece::text(range.clone(), text, escape), hidden));
        }
        self.units.extend(found);
    }

    fn end(&mut self) {
        self.units.extend(std::mem::take(&mut self.draft).finish());
        self.after_space = true;
    }
}

/// What HTML has for white space.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\n' | '\t' | '\r' | '\u{c}')
}

/// A text without its references, as a browser reads it.
pub(super) fn decoded(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    // What is no tag here is none there.
    let (input, sink) = (BufferQueue::default(), Sink(RefCell::new(String::with_capacity(text.len()))));
    input.push_back(StrTendril::from_slice(&text.replace('<', "&lt;")));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// The characters that a browser reads.
struct Sink(RefCell<String>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let Token::CharacterTokens(text) = token {
            self.0.borrow_mut().push_str(&text);
        }
        TokenSinkResult::Continue
    }
}
