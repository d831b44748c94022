//! XML as the office formats have it, read piece by piece: no entity but the predefined ones is known, depth is bounded, and an element's
//! attributes are looked at up to a bound. Nothing outside is ever read.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::documents::{ExtractError, Limit};

/// The most levels of elements inside one another.
pub(in crate::documents) const MAX_DEPTH: usize = 512;

/// The attributes of an element that are looked at.
const MOST_ATTRIBUTES: usize = 256;

/// An XML document.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
}

/// A piece of it. Names are without their prefix.
pub(super) enum Piece<'a> {
    Open(Element<'a>),
    Close(String),
    Text(Cow<'a, str>),
}

/// The beginning of an element.
pub(super) struct Element<'a> {
    start: BytesStart<'a>,
    pub(super) name: String,
}

/// The text of a member: UTF-8, or UTF-16 with its mark.
pub(super) fn text(bytes: &[u8]) -> String {
    encoding_rs::UTF_8.decode(bytes).0.into_owned()
}

impl<'a> Xml<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, depth: 0 }
    }

    /// The next piece, or nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Piece<'a>>, ExtractError> {
        loop {
            match self.reader.read_event().map_err(|_| ExtractError::Damaged)? {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(ExtractError::TooLarge(Limit::Parts(MAX_DEPTH as u64)));
                    }
                    let name = start.local_name().as_ref().to_owned();
                    return Ok(Some(Piece::Open(Element { start, name })));
                }
                Event::End(end) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Piece::Close(end.local_name().as_ref().to_owned())));
                }
                Event::Text(text) => return Ok(Some(Piece::Text(text.into_inner()))),
                Event::CData(text) => return Ok(Some(Piece::Text(text.into_inner()))),
                Event::GeneralRef(reference) => {
                    if let Some(text) = resolve(&reference.into_inner()) {
                        return Ok(Some(Piece::Text(text.into())));
                    }
                }
                Event::Eof if self.depth > 0 => return Err(ExtractError::Damaged),
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }

    /// Goes behind the end of the element that was just opened.
    pub(super) fn skip(&mut self) -> Result<(), ExtractError> {
        let until = self.depth.saturating_sub(1);
        while self.depth > until {
            if self.next()?.is_none() {
                break;
            }
        }
        Ok(())
    }
}

impl Element<'_> {
    /// An attribute by its name without the prefix.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let mut attributes = self.start.attributes();
        let found = attributes
            .with_checks(false)
            .take(MOST_ATTRIBUTES)
            .flatten()
            .find(|attribute| attribute.key.local_name().as_ref() == name)?;
        Some(unescape(&found.value))
    }

    /// Whether an attribute has this value.
    pub(super) fn has(&self, value: &str) -> bool {
        let mut attributes = self.start.attributes();
        attributes.with_checks(false).take(MOST_ATTRIBUTES).flatten().any(|attribute| attribute.value == value)
    }

    /// An attribute that is a number.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.get(name)?.trim().parse().ok()
    }
}

/// What a reference stands for: a predefined entity or a character. Declared entities are not known.
pub(in crate::documents) fn resolve(name: &str) -> Option<String> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).map(String::from);
    }
    let text = match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return None,
    };
    Some(text.to_owned())
}

fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut parts = value.split('&');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match part.split_once(';') {
            Some((name, rest)) => {
                text.push_str(&resolve(name).unwrap_or_default());
                text.push_str(rest);
            }
            None => text.push_str(part),
        }
    }
    text
}
