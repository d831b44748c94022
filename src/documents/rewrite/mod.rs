//! A file's texts taken out as segments and put back changed, all else in place.
//!
//! No format is written anew. A source (a text file, a part of a package) is read once for where its texts stand ([`unit::Unit`]); a changed
//! text is written over those bytes ([`edit`]), and everything between them stays as it is, byte by byte. This runs in the child.

mod address;
mod cells;
mod edit;
mod escape;
mod html;
mod links;
mod markdown;
mod markup;
mod odf;
mod office;
mod package;
mod parts;
mod source;
mod subtitles;
mod tables;
mod text;
mod unit;
mod values;

use std::{
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use self::{
    edit::{apply, edits},
    parts::{Part, Parts},
    source::Source,
    tables::{Table, settle},
    unit::Unit,
};
use super::{
    ExtractError, Format, Limit,
    extracted::Segments,
    limits::Limits,
    sniff::{Sniffed, sniff},
};
use crate::segment::plain;

/// The most segments of a file.
pub(super) const MOST_SEGMENTS: usize = 200_000;

/// Why a file is not rewritten.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotWritten {
    /// The file is such.
    File(ExtractError),
    /// The texts are not as many as the file has segments and runs.
    Misfit,
}

impl From<ExtractError> for NotWritten {
    fn from(error: ExtractError) -> Self {
        Self::File(error)
    }
}

/// The segments of a file, in the order in which they stand in its parts. What panics says that the file is damaged.
pub(super) fn segments(
    bytes: &[u8],
    name: &str,
    media_type: Option<&str>,
    limits: &Limits,
) -> Result<Segments, ExtractError> {
    let read = || read(bytes, name, media_type, limits);
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(ExtractError::Damaged))
}

/// The file with other texts: as many as it has segments, each of as many runs.
pub(super) fn rewritten(
    bytes: &[u8],
    name: &str,
    media_type: Option<&str>,
    texts: &[Vec<String>],
    limits: &Limits,
) -> Result<Vec<u8>, NotWritten> {
    let write = || write(bytes, name, media_type, texts, limits);
    catch_unwind(AssertUnwindSafe(write)).unwrap_or(Err(ExtractError::Damaged.into()))
}

/// [`segments`], and a panic is one.
pub(super) fn read(
    bytes: &[u8],
    name: &str,
    media_type: Option<&str>,
    limits: &Limits,
) -> Result<Segments, ExtractError> {
    let opened = open(bytes, name, media_type, limits)?;
    let segments: Vec<_> = opened.units().map(Unit::segment).collect();
    let letters: usize = segments.iter().flat_map(|segment| &segment.runs).map(String::len).sum();
    if segments.len() > MOST_SEGMENTS {
        return Err(ExtractError::TooLarge(Limit::Parts(MOST_SEGMENTS as u64)));
    }
    if letters as u64 > limits.output {
        return Err(ExtractError::TooLarge(Limit::Text(limits.output / 1_000_000)));
    }
    if segments.is_empty() {
        return Err(ExtractError::NoText);
    }
    Ok(Segments { format: opened.format, segments })
}

/// [`rewritten`], and a panic is one.
pub(super) fn write(
    bytes: &[u8],
    name: &str,
    media_type: Option<&str>,
    texts: &[Vec<String>],
    limits: &Limits,
) -> Result<Vec<u8>, NotWritten> {
    let opened = open(bytes, name, media_type, limits)?;
    let fits = opened.units().count() == texts.len()
        && opened.units().zip(texts).all(|(unit, texts)| unit.runs.len() == texts.len());
    if !fits {
        return Err(NotWritten::Misfit);
    }
    let written = opened.write(bytes, texts)?;
    if written.len() as u64 > limits.rewritten() {
        return Err(ExtractError::TooLarge(Limit::File(limits.file / 1_000_000)).into());
    }
    Ok(written)
}

/// A file whose texts were found.
struct Opened {
    format: Format,
    parts: Vec<Part>,
    tables: Vec<Table>,
}

fn open(bytes: &[u8], name: &str, media_type: Option<&str>, limits: &Limits) -> Result<Opened, ExtractError> {
    if bytes.is_empty() {
        return Err(ExtractError::NoText);
    }
    let (format, Parts { parts, tables }) = match sniff(bytes, name, media_type, limits)? {
        Sniffed::Text(format, _) => {
            let source = match format {
                Format::Html => Source::of_html(bytes, html::named(bytes)),
                _ => Source::of(bytes),
            };
            let source = source.ok_or(ExtractError::UnknownType)?;
            let units = match format {
                Format::Markdown => markdown::units(&source.text),
                Format::Html => html::units(&source.text),
                Format::Csv => values::units(&source.text),
                _ if subtitles::is(name, &source.text) => subtitles::units(&source.text),
                _ => text::units(&source.text),
            };
            let parts = vec![Part { member: None, source, units }];
            (format, Parts { parts, ..Parts::default() })
        }
        Sniffed::Package(format, mut archive, main) => (format, parts::of(format, &mut archive, &main)?),
        _ => return Err(ExtractError::FixedForm),
    };
    Ok(Opened { format, parts, tables })
}

impl Opened {
    fn units(&self) -> impl Iterator<Item = &Unit> {
        self.parts.iter().flat_map(|part| &part.units)
    }

    /// The new names of columns whose cells get other texts, those that their tables take.
    fn names(&self, texts: &[Vec<String>]) -> HashMap<&str, String> {
        let columns: HashSet<&str> = self.tables.iter().flat_map(Table::names).collect();
        let mut names: HashMap<&str, Option<String>> = HashMap::new();
        for (unit, texts) in self.units().zip(texts).filter(|(unit, _)| !columns.is_empty() && !unit.hidden) {
            let Some(name) = columns.get(plain(&unit.segment()).as_str()) else { continue };
            let new = names.entry(name).or_insert_with(|| Some(texts.concat()));
            // Cells that were alike and are not any more.
            if new.as_ref().is_some_and(|new| *new != texts.concat()) {
                *new = None;
            }
        }
        let mut names = names.into_iter().filter_map(|(name, new)| Some((name, new?))).collect();
        settle(&self.tables, &mut names);
        names
    }

    fn write(&self, bytes: &[u8], texts: &[Vec<String>]) -> Result<Vec<u8>, ExtractError> {
        let (names, mut members) = (self.names(texts), Vec::new());
        let columns: HashSet<&str> = self.tables.iter().flat_map(Table::names).collect();
        let mut texts = texts.iter();
        for part in &self.parts {
            let mut changes = Vec::new();
            for (unit, texts) in part.units.iter().zip(texts.by_ref()) {
                let keeps = !columns.is_empty() && !unit.hidden && {
                    let text = plain(&unit.segment());
                    columns.contains(text.as_str()) && !names.contains_key(text.as_str())
                };
                if !keeps {
                    edits(unit, texts, &mut changes);
                }
            }
            if changes.is_empty() {
                continue;
            }
            let rewritten = part.source.bytes(&apply(&part.source.text, changes));
            match &part.member {
                Some(member) => members.push((member.clone(), rewritten)),
                None => return Ok(rewritten),
            }
        }
        for table in &self.tables {
            members.extend(table.renamed(&names).map(|renamed| (table.member.clone(), renamed)));
        }
        if members.is_empty() {
            return Ok(bytes.to_vec());
        }
        package::replaced(bytes, &members)
    }
}

#[cfg(test)]
mod tests;
