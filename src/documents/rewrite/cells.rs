//! What stands in the cells of a sheet and is no text of theirs, and may say who somebody is: long numbers, as those of persons, firms and
//! telephones are, and texts that a formula gave.

use super::{
    escape::{Escape, Space},
    markup::{Markup, Token},
    unit::{Piece, Unit},
};
use crate::documents::ExtractError;

/// The least digits of a number that may be one of a person or a firm: a telephone's without its zero.
const LEAST_DIGITS: usize = 9;

pub(super) fn units(source: &str) -> Result<Vec<Unit>, ExtractError> {
    let (mut markup, mut units) = (Markup::new(source), Vec::new());
    // Where a type can be said of the cell, what it is, and whether a formula made its value.
    let (mut place, mut kind, mut is_made) = (0, "", false);
    let mut value = None;
    while let Some(token) = markup.next()? {
        match token {
            Token::Open(tag) if tag.name == "c" => {
                (place, kind, is_made) = (tag.name_end(), tag.raw("t").unwrap_or_default(), false);
                value = None;
            }
            Token::Open(tag) if tag.name == "f" => is_made = true,
            Token::Text(range, text) if markup.ancestor(0) == "v" => value = Some((range, text)),
            Token::Close("v", whole) => {
                let Some((range, text)) = value.take() else { continue };
                let is_long = text.len() >= LEAST_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
                let piece = match kind {
                    "str" if is_made => Piece::text(range, text, Escape::Xml(Space::Kept(None))),
                    "" if is_long && !is_made => Piece::text(whole, text, Escape::Cell(place)),
                    _ => continue,
                };
                units.extend(Unit::of(piece, true));
            }
            _ => {}
        }
    }
    Ok(units)
}
