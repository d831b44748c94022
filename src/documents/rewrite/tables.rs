//! The columns of a sheet's tables, which are named as the cells above them: a book that names them differently is broken to its program.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{
    edit::apply,
    escape::Escape,
    markup::{Markup, Token, unescaped},
    source::Source,
};
use crate::documents::ExtractError;

/// The longest name of a column, in characters.
const LONGEST_NAME: usize = 255;

/// How a line end is written in a name.
const LINE_END: &str = "_x000a_";

/// A table, by the part that names its columns.
pub(super) struct Table {
    pub member: String,
    source: Source,
    columns: Vec<(Range<usize>, String)>,
    /// Formulas or other parts name its columns too.
    pub is_named: bool,
}

impl Table {
    pub(super) fn read(member: String, bytes: &[u8]) -> Result<Self, ExtractError> {
        let source = Source::of_xml(bytes).ok_or(ExtractError::Damaged)?;
        let (mut markup, mut columns) = (Markup::new(&source.text), Vec::new());
        let mut is_named = source.text.contains('[');
        while let Some(token) = markup.next()? {
            let Token::Open(tag) = token else { continue };
            is_named |= tag.name == "xmlColumnPr";
            if tag.name == "tableColumn" {
                is_named |= tag.place("queryTableFieldId").is_some();
                let Some(range) = tag.place("name") else { continue };
                let name = source.text.get(range.clone()).and_then(unescaped).ok_or(ExtractError::Damaged)?;
                columns.push((range, name.replace(LINE_END, "\n")));
            }
        }
        Ok(Self { member, source, columns, is_named })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(_, name)| name.as_str())
    }

    /// Whether its columns can have these names in place of theirs.
    fn takes(&self, names: &HashMap<&str, String>) -> bool {
        let mut taken = HashSet::new();
        self.names().all(|name| {
            let name = names.get(name).map_or(name, String::as_str);
            let is_line = !name.contains(|c: char| c.is_control() && c != '\n');
            let is_sound = is_line && !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME;
            is_sound && taken.insert(name.to_lowercase())
        })
    }

    /// The part with these names, if it is changed.
    pub(super) fn renamed(&self, names: &HashMap<&str, String>) -> Option<Vec<u8>> {
        let mut edits = Vec::new();
        for (range, name) in &self.columns {
            if let Some(new) = names.get(name.as_str()).filter(|new| *new != name) {
                Escape::Attribute.write(range, &new.replace('\n', LINE_END), &mut edits);
            }
        }
        (!edits.is_empty()).then(|| self.source.bytes(&apply(&self.source.text, edits)))
    }
}

/// Takes new names back until every table takes those that are left.
pub(super) fn settle<'a>(tables: &'a [Table], names: &mut HashMap<&'a str, String>) {
    while let Some(table) =
        tables.iter().find(|table| table.names().any(|name| names.contains_key(name)) && !table.takes(names))
    {
        for name in table.names() {
            names.remove(name);
        }
    }
}
