//! Addresses of links that are those of people: of mail and of telephones. Others stay.

use std::ops::Range;

use super::{
    escape::Escape,
    markup::{Markup, Token},
    unit::{Piece, Unit},
};
use crate::documents::ExtractError;

/// What such an address begins with.
const SCHEMES: [&str; 4] = ["mailto:", "tel:", "sip:", "callto:"];

/// The unit of an address that stands in a source, if it is somebody's.
pub(super) fn unit(source: &str, range: &Range<usize>) -> Option<Unit> {
    let address = source.get(range.clone())?;
    let scheme = SCHEMES
        .iter()
        .find(|scheme| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))?;
    let rest = address.get(scheme.len()..)?;
    let length = rest.find(['?', '&']).unwrap_or(rest.len());
    let start = range.start + scheme.len();
    Unit::of(Piece::text(start..start + length, decoded(rest.get(..length)?), Escape::Address), true)
}

/// Those among the relations of a part of a package.
pub(super) fn units(source: &str) -> Result<Vec<Unit>, ExtractError> {
    let (mut markup, mut units) = (Markup::new(source), Vec::new());
    while let Some(token) = markup.next()? {
        let Token::Open(tag) = token else { continue };
        units.extend(tag.place("Target").and_then(|range| unit(source, &range)));
    }
    Ok(units)
}

/// An address with its escaped characters.
fn decoded(address: &str) -> String {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.bytes();
    while let Some(byte) = rest.next() {
        let mut after = rest.clone();
        let digits = [after.next(), after.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
        match digits {
            [Some(high), Some(low)] if byte == b'%' => {
                bytes.push((high * 16 + low) as u8);
                rest = after;
            }
            _ => bytes.push(byte),
        }
    }
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control));
    text.unwrap_or_else(|| address.to_owned())
}

/// An address in which no character ends it, in XML as in HTML.
pub(super) fn encoded(text: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"@.-_+~:;,!$()*".contains(&byte);
    let encode = |byte: u8| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}
