//! XML with the place of everything in it: no entity but the predefined ones is known, and depth is bounded.

use std::ops::Range;

use quick_xml::{Reader, events};

use crate::documents::{
    ExtractError, Limit,
    read::xml::{MAX_DEPTH, resolve},
};

/// The attributes of an element that are looked at.
const MOST_ATTRIBUTES: usize = 256;

/// An XML document that is read from its beginning to its end.
pub(super) struct Markup<'a> {
    pub source: &'a str,
    reader: Reader<&'a [u8]>,
    /// The names of the elements that are open, without their prefixes, with where each begins.
    path: Vec<(&'a str, usize)>,
    waiting: Option<Waiting<'a>>,
}

/// An element's beginning or end that was read while a text was.
enum Waiting<'a> {
    Open(Tag<'a>),
    Close(usize),
}

/// A piece of it. Names are without their prefix.
pub(super) enum Token<'a> {
    Open(Tag<'a>),
    /// The end of an element, and where all of it stands.
    Close(&'a str, Range<usize>),
    /// Text, decoded, with references and CDATA sections in it.
    Text(Range<usize>, String),
}

/// The beginning of an element.
pub(super) struct Tag<'a> {
    pub name: &'a str,
    /// The tag in the source.
    pub range: Range<usize>,
    source: &'a str,
}

impl<'a> Markup<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let mut reader = Reader::from_str(source);
        reader.config_mut().expand_empty_elements = true;
        Self { source, reader, path: Vec::new(), waiting: None }
    }

    /// The name of the element around the one that was just opened.
    pub(super) fn parent(&self) -> &'a str {
        self.ancestor(1)
    }

    /// The name of an open element, from the innermost, which is 0: the one that was just opened, or that a text stands in.
    pub(super) fn ancestor(&self, distance: usize) -> &'a str {
        let at = self.path.len().checked_sub(distance + 1);
        at.and_then(|at| self.path.get(at)).map_or("", |(name, _)| name)
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.path.len()
    }

    /// The next piece, or nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, ExtractError> {
        let mut text: Option<(Range<usize>, String)> = None;
        loop {
            if self.waiting.is_some() {
                if let Some((range, text)) = text {
                    return Ok(Some(Token::Text(range, text)));
                }
                return self.deliver();
            }
            let start = self.position();
            let event = self.reader.read_event().map_err(|_| ExtractError::Damaged)?;
            let range = start..self.position();
            let read = match &event {
                events::Event::Text(read) => Some(read.replace("\r\n", "\n")),
                events::Event::CData(read) => Some(read.to_string()),
                // What is declared in the document itself is not known, and would be lost.
                events::Event::GeneralRef(name) => Some(resolve(name).ok_or(ExtractError::Damaged)?),
                events::Event::DocType(_) => return Err(ExtractError::Damaged),
                _ => None,
            };
            if let Some(read) = read {
                let (whole, text) = text.get_or_insert((range.clone(), String::new()));
                whole.end = range.end;
                text.push_str(&read);
                continue;
            }
            match event {
                events::Event::Start(_) => {
                    let name = name(self.source.get(range.start + 1..range.end).unwrap_or_default());
                    self.waiting = Some(Waiting::Open(Tag { name, range, source: self.source }));
                }
                events::Event::End(_) => self.waiting = Some(Waiting::Close(range.end)),
                events::Event::Eof if !self.path.is_empty() => return Err(ExtractError::Damaged),
                events::Event::Eof => return Ok(text.map(|(range, text)| Token::Text(range, text))),
                // A comment or an instruction: what is on its two sides are two texts.
                _ => {
                    if let Some((range, text)) = text {
                        return Ok(Some(Token::Text(range, text)));
                    }
                }
            }
        }
    }

    /// What waits becomes what was read last.
    fn deliver(&mut self) -> Result<Option<Token<'a>>, ExtractError> {
        match self.waiting.take() {
            Some(Waiting::Open(tag)) => {
                self.path.push((tag.name, tag.range.start));
                if self.path.len() > MAX_DEPTH {
                    return Err(ExtractError::TooLarge(Limit::Parts(MAX_DEPTH as u64)));
                }
                Ok(Some(Token::Open(tag)))
            }
            Some(Waiting::Close(end)) => {
                let (name, start) = self.path.pop().ok_or(ExtractError::Damaged)?;
                Ok(Some(Token::Close(name, start..end)))
            }
            None => Ok(None),
        }
    }

    fn position(&self) -> usize {
        self.reader.buffer_position() as usize
    }

    /// Goes behind the end of the element that was just opened.
    pub(super) fn skip(&mut self) -> Result<(), ExtractError> {
        let until = self.depth().saturating_sub(1);
        loop {
            match self.next()? {
                Some(Token::Close(..)) if self.depth() <= until => return Ok(()),
                Some(_) => {}
                None => return Err(ExtractError::Damaged),
            }
        }
    }
}

/// The name at the beginning of a text, without its prefix.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=')).unwrap_or(text.len());
    let whole = text.get(..end).unwrap_or_default();
    whole.rsplit(':').next().unwrap_or(whole)
}

impl<'a> Tag<'a> {
    /// Where the element's name ends in the source.
    pub(super) fn name_end(&self) -> usize {
        let inside = self.inside();
        self.range.start
            + 1
            + inside.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).unwrap_or(inside.len())
    }

    fn inside(&self) -> &'a str {
        self.source.get(self.range.start + 1..self.range.end).unwrap_or_default()
    }

    /// The attributes: each with its name, prefix and all, and where its value stands.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'a str, Range<usize>)> + use<'a> {
        let (source, end) = (self.source, self.range.end);
        let mut at = self.name_end();
        let attributes = std::iter::from_fn(move || {
            let rest = source.get(at..end)?;
            let start = at + rest.len() - rest.trim_start().len();
            let equals = start + source.get(start..end)?.find('=')?;
            let quoted = source.get(equals + 1..end)?;
            let open = equals + 1 + quoted.len() - quoted.trim_start().len();
            let quote = source.get(open..end)?.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let close = open + 1 + source.get(open + 1..end)?.find(quote)?;
            at = close + 1;
            Some((source.get(start..equals)?.trim(), open + 1..close))
        });
        attributes.take(MOST_ATTRIBUTES)
    }

    /// Where the value of an attribute stands, by its name without the prefix.
    pub(super) fn place(&self, wanted: &str) -> Option<Range<usize>> {
        self.attributes().find(|(key, _)| name(key) == wanted).map(|(_, range)| range)
    }

    /// The value of an attribute as it is written.
    pub(super) fn raw(&self, wanted: &str) -> Option<&'a str> {
        self.source.get(self.place(wanted)?)
    }
}

/// A value without its references.
pub(super) fn unescaped(value: &str) -> Option<String> {
    let mut text = String::with_capacity(value.len());
    let mut parts = value.split('&');
    text.push_str(parts.next()?);
    for part in parts {
        let (name, rest) = part.split_once(';')?;
        text.push_str(&resolve(name)?);
        text.push_str(rest);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{Markup, Token};
    use crate::documents::ExtractError;

    fn shown(source: &str) -> Result<String, ExtractError> {
        let (mut markup, mut shown) = (Markup::new(source), String::new());
        while let Some(token) = markup.next()? {
            let token = match token {
                Token::Open(tag) => {
                    let attributes = tag.attributes().map(|(name, at)| format!(" {name}={}", &source[at]));
                    format!("<{}{}>", tag.name, attributes.collect::<String>())
                }
                Token::Close(name, range) => format!("</{name}:{}>", &source[range]),
                Token::Text(range, text) => format!("[{}={text}]", &source[range]),
            };
            shown.push_str(&token);
        }
        Ok(shown)
    }

    #[test]
    fn everything_has_its_place() {
        let source = "<?xml version=\"1.0\"?>\n<a:b c = 'd&gt;' e:f=\"g\"><h/>é&amp;<![CDATA[<i>]]>j<!-- k -->l</a:b>";
        assert_eq!(
            shown(source).unwrap(),
            "[\n=\n]<b c=d&gt; e:f=g><h></h:<h/>>[é&amp;<![CDATA[<i>]]>j=é&<i>j][l=l]</b:<a:b c = 'd&gt;' e:f=\"g\"><h/>é&amp;<![CDATA[<i>]]>j<!-- k -->l</a:b>>"
        );
    }

    #[test]
    fn what_is_no_xml_of_an_office_is_refused() {
        for source in ["<a>", "<a></b>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a>&b;</a>", "<a", "</a>"] {
            assert_eq!(shown(source), Err(ExtractError::Damaged), "{source}");
        }
        assert!(matches!(shown(&"<a>".repeat(100_000)), Err(ExtractError::TooLarge(_))));
    }
}
