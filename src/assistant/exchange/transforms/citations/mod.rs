//! An answer from documents, checked as it streams: marks without a passage are removed, quotations that are not verbatim lose their quotation
//! marks, and addresses that nobody has written are masked.
//!
//! What is decided at a place depends on the text from there on, up to a limit, and never on where the pieces end. So much is held back.

mod addresses;
mod brackets;
mod checks;
mod comparable;
mod quotations;
mod scan;

use std::sync::Arc;

use self::scan::Scan;
pub use self::{
    addresses::Placeholders,
    checks::{Checks, Extract, Mark},
    comparable::comparable,
};
use super::transform::Transform;

/// The transform.
pub struct Citations(Scan);

impl Citations {
    /// Checks an answer.
    pub fn new(checks: Arc<Checks>) -> Self {
        Self(Scan::new(checks))
    }

    /// Removes the marks of an answer that was given no passages, and looks at nothing else. What stands at the end of a word may be an index.
    pub fn unsourced() -> Self {
        Self(Scan::removing())
    }
}

impl Transform for Citations {
    fn push(&mut self, piece: &str, out: &mut String) {
        self.0.push(piece, out);
    }

    fn finish(&mut self, out: &mut String) {
        self.0.finish(out);
    }
}

/// The marks of an answer that was checked, in order. What stands in code is no mark.
pub fn marks(answer: &str) -> Vec<Mark> {
    let mut scan = Scan::reading();
    let mut out = String::with_capacity(answer.len());
    scan.push(answer, &mut out);
    scan.finish(&mut out);
    debug_assert_eq!(out, answer, "what was checked is not changed again");
    scan.into_marks()
}

/// An answer without its marks, as a conversation keeps it: later marks mean other passages.
pub fn without_marks(answer: &str) -> String {
    let mut plain = String::with_capacity(answer.len());
    let mut from = 0;
    for mark in marks(answer) {
        plain.push_str(answer.get(from..mark.place.start).unwrap_or_default());
        let spaced = plain.trim_end_matches([' ', '\t', '\u{a0}', '\u{202f}']).len();
        plain.truncate(spaced);
        from = mark.place.end;
    }
    plain.push_str(answer.get(from..).unwrap_or_default());
    plain
}

#[cfg(test)]
mod tests;
