//! The marks of list items in a DOCX: which lists are numbered, and the number that comes next.

use std::collections::HashMap;

use super::xml::{Piece, Xml};
use crate::documents::ExtractError;

/// The deepest level that is told apart.
const LEVELS: usize = 9;

/// The lists of a document.
#[derive(Default)]
pub(super) struct Numbering {
    /// By the identifier of an abstract list: its numbered levels.
    kinds: HashMap<u32, [bool; LEVELS]>,
    /// By the identifier of a list: its abstract list.
    lists: HashMap<u32, u32>,
    counts: HashMap<u32, [u32; LEVELS]>,
}

impl Numbering {
    pub(super) fn read(text: &str) -> Result<Self, ExtractError> {
        let mut numbering = Self::default();
        let (mut kind, mut level, mut list) = (None, 0, None);
        let mut xml = Xml::new(text);
        while let Some(piece) = xml.next()? {
            let Piece::Open(element) = piece else { continue };
            match element.name.as_str() {
                "abstractNum" => kind = element.number("abstractNumId"),
                "lvl" => level = element.number("ilvl").unwrap_or(0) as usize,
                "numFmt" => {
                    let numbered = element.get("val").is_some_and(|format| format != "bullet" && format != "none");
                    if let (Some(kind), true) = (kind, level < LEVELS) {
                        numbering.kinds.entry(kind).or_default()[level] = numbered;
                    }
                }
                "num" => list = element.number("numId"),
                "abstractNumId" => {
                    if let (Some(list), Some(kind)) = (list, element.number("val")) {
                        numbering.lists.insert(list, kind);
                    }
                }
                _ => {}
            }
        }
        Ok(numbering)
    }

    /// The mark of the next item of a list at a level: `-` or `3.`.
    pub(super) fn mark(&mut self, list: u32, level: usize) -> String {
        let level = level.min(LEVELS - 1);
        let kind = self.lists.get(&list).copied();
        let numbered = kind.and_then(|kind| self.kinds.get(&kind)).is_some_and(|levels| levels[level]);
        let counts = self.counts.entry(kind.unwrap_or(list)).or_default();
        counts[level] = counts[level].saturating_add(1);
        for deeper in counts.iter_mut().skip(level + 1) {
            *deeper = 0;
        }
        if numbered { format!("{}.", counts[level]) } else { "-".to_owned() }
    }
}
