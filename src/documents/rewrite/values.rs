//! Separated values: each field is a text.

use super::{
    escape::Escape,
    unit::{Piece, Unit},
};
use crate::documents::read::csv::delimiter;

pub(super) fn units(source: &str) -> Vec<Unit> {
    let (delimiter, bytes) = (delimiter(source), source.as_bytes());
    let (mut units, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let is_quoted = bytes.get(at) == Some(&b'"');
        let start = at + usize::from(is_quoted);
        let mut end = start;
        if is_quoted {
            while let Some(byte) = bytes.get(end) {
                if *byte == b'"' {
                    if bytes.get(end + 1) != Some(&b'"') {
                        break;
                    }
                    end += 1;
                }
                end += 1;
            }
            end = end.min(bytes.len());
        } else {
            let ends = |byte: &u8| *byte == delimiter || matches!(byte, b'\n' | b'\r');
            end += bytes.get(end..).and_then(|rest| rest.iter().position(ends)).unwrap_or(bytes.len() - end);
        }
        if let Some(field) = source.get(start..end) {
            let text = if is_quoted { field.replace("\"\"", "\"") } else { field.to_owned() };
            let escape = if is_quoted { Escape::Quoted } else { Escape::Field(delimiter) };
            let text = text.replace("\r\n", "\n");
            units.extend(Unit::of(Piece::text(start..end, text, escape), false));
        }
        // Past the quote, whatever stands before the delimiter, and the delimiter.
        at = end + usize::from(is_quoted);
        let ends = |byte: &u8| *byte == delimiter || *byte == b'\n';
        at += bytes.get(at..).and_then(|rest| rest.iter().position(ends)).map_or(bytes.len(), |found| found + 1);
    }
    units
}
