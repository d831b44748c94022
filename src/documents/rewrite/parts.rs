//! The parts of a package in which texts stand, as its relations name them.

use std::collections::{HashSet, VecDeque};

use super::{
    links, odf,
    office::{self, Dialect},
    source::Source,
    tables::Table,
    unit::Unit,
};
use crate::{
    documents::{
        ExtractError, Format,
        archive::Archive,
        read::ooxml::{path, relations},
    },
    segment::plain,
};

/// A source of texts: the file itself, or a member of a package.
pub(super) struct Part {
    pub member: Option<String>,
    pub source: Source,
    pub units: Vec<Unit>,
}

/// What a package holds of texts.
#[derive(Default)]
pub(super) struct Parts {
    /// Its parts, in the order in which they are named from the main one.
    pub parts: Vec<Part>,
    /// Tables whose columns are named as their cells are.
    pub tables: Vec<Table>,
}

/// The parts of a package.
pub(super) fn of(format: Format, archive: &mut Archive<'_>, main: &str) -> Result<Parts, ExtractError> {
    match format {
        Format::Docx => office(archive, main, Dialect::Word),
        Format::Pptx => office(archive, main, Dialect::Drawing),
        Format::Xlsx => office(archive, main, Dialect::Sheet),
        _ => opened(archive, format).map(|parts| Parts { parts, tables: Vec::new() }),
    }
}

fn office(archive: &mut Archive<'_>, main: &str, own: Dialect) -> Result<Parts, ExtractError> {
    let (mut parts, mut known) = (Vec::new(), HashSet::from([main.to_owned()]));
    let mut waiting = VecDeque::from([(main.to_owned(), own)]);
    let about = relations(archive, "")?.into_iter().filter_map(|relation| {
        let kind = relation.kind.as_str();
        matches!(kind, "core-properties" | "extended-properties" | "custom-properties")
            .then_some((relation.target, Dialect::Properties))
    });
    let about: Vec<_> = about.collect();
    // Whether formulas or pivots may name the columns of tables.
    let (mut tables, mut are_named) = (Vec::new(), false);
    while let Some((name, dialect)) = waiting.pop_front() {
        for relation in relations(archive, &name)? {
            are_named |= matches!(relation.kind.as_str(), "pivotCacheDefinition" | "pivotTable" | "connections");
            if relation.kind == "table" && known.insert(relation.target.clone()) {
                let Some(bytes) = archive.read(&relation.target)? else { continue };
                tables.push(Table::read(relation.target, &bytes)?);
                continue;
            }
            let Some(dialect) = dialect_of(&relation.kind, own) else { continue };
            if known.insert(relation.target.clone()) {
                waiting.push_back((relation.target, dialect));
            }
        }
        let links = path(&name);
        let formulas = own == Dialect::Sheet && (dialect == Dialect::Cells || name == main);
        add(archive, &mut parts, name, |text| {
            are_named |= formulas && text.contains('[');
            office::units(text, dialect)
        })?;
        add(archive, &mut parts, links, links::units)?;
    }
    for (name, dialect) in about {
        if known.insert(name.clone()) {
            add(archive, &mut parts, name, |text| office::units(text, dialect))?;
        }
    }
    // Those whose columns are named elsewhere keep their names, and so do the cells that are named alike.
    let fixed: HashSet<&str> = tables
        .iter()
        .filter(|table| are_named || table.is_named)
        .flat_map(|table| table.names().map(str::trim))
        .collect();
    // One that is not named exactly as its cell could not follow it.
    let exact: HashSet<&str> = tables.iter().flat_map(Table::names).collect();
    let close: HashSet<&str> = exact.iter().map(|name| name.trim()).collect();
    for part in &mut parts {
        part.units.retain(|unit| {
            let text = if tables.is_empty() || unit.hidden { return true } else { plain(&unit.segment()) };
            let is_close = close.contains(text.trim()) && !exact.contains(text.as_str());
            !fixed.contains(text.trim()) && !is_close
        });
    }
    Ok(Parts { parts, tables })
}

/// What a part is to which there is a relation of a kind, where it holds text.
fn dialect_of(kind: &str, own: Dialect) -> Option<Dialect> {
    match kind {
        "header" | "footer" | "footnotes" | "endnotes" | "people" => Some(Dialect::Word),
        "comments" => Some(own),
        "slide" | "notesSlide" | "chart" | "diagramData" | "diagramDrawing" | "drawing" | "chartUserShapes"
        | "commentAuthors" | "authors" => Some(Dialect::Drawing),
        "worksheet" => Some(Dialect::Cells),
        "sharedStrings" | "threadedComment" | "person" => Some(Dialect::Sheet),
        _ => None,
    }
}

fn opened(archive: &mut Archive<'_>, format: Format) -> Result<Vec<Part>, ExtractError> {
    if archive.has("encrypted-package") {
        return Err(ExtractError::Encrypted);
    }
    let manifest = archive.read("META-INF/manifest.xml")?.unwrap_or_default();
    if String::from_utf8_lossy(&manifest).contains("encryption-data") {
        return Err(ExtractError::Encrypted);
    }
    let mut parts = Vec::new();
    let mut kinds = vec![("content.xml".to_owned(), odf::Part::Content)];
    // What is on the master pages of slides is no text of theirs.
    if format != Format::Odp {
        kinds.push(("styles.xml".to_owned(), odf::Part::Styles));
    }
    let objects = archive.names().filter(|name| name.ends_with("/content.xml"));
    kinds.extend(objects.map(|name| (name, odf::Part::Content)));
    kinds.push(("meta.xml".to_owned(), odf::Part::Meta));
    for (name, kind) in kinds {
        add(archive, &mut parts, name, |text| odf::units(text, kind))?;
    }
    Ok(parts)
}

/// Reads a part, if the package has it.
fn add(
    archive: &mut Archive<'_>,
    parts: &mut Vec<Part>,
    name: String,
    units: impl FnOnce(&str) -> Result<Vec<Unit>, ExtractError>,
) -> Result<(), ExtractError> {
    let Some(bytes) = archive.read(&name)? else { return Ok(()) };
    let source = Source::of_xml(&bytes).ok_or(ExtractError::Damaged)?;
    let units = units(&source.text)?;
    if !units.is_empty() {
        parts.push(Part { member: Some(name), source, units });
    }
    Ok(())
}
