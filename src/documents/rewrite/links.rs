//! Addresses of links that are those of people: of mail and of telephones. Others stay.

use std::ops::Range;

use super::{
    address::decoded,
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
