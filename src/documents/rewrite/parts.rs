//! The parts of a package in which texts stand, as its relations name them.

use std::collections::{HashSet, VecDeque};

use super::{
    links,
    markup::{Markup, Token, unescaped},
    odf,
    office::{self, Dialect},
    source::Source,
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

/// The parts, in the order in which they are named from the main one.
pub(super) fn of(format: Format, archive: &mut Archive<'_>, main: &str) -> Result<Vec<Part>, ExtractError> {
    match format {
        Format::Docx => office(archive, main, Dialect::Word),
        Format::Pptx => office(archive, main, Dialect::Drawing),
        Format::Xlsx => office(archive, main, Dialect::Sheet),
        _ => opened(archive, format),
    }
}

fn office(archive: &mut Archive<'_>, main: &str, own: Dialect) -> Result<Vec<Part>, ExtractError> {
    let (mut parts, mut known) = (Vec::new(), HashSet::from([main.to_owned()]));
    let mut waiting = VecDeque::from([(main.to_owned(), own)]);
    let about = relations(archive, "")?.into_iter().filter_map(|relation| {
        let kind = relation.kind.as_str();
        matches!(kind, "core-properties" | "extended-properties" | "custom-properties")
            .then_some((relation.target, Dialect::Properties))
    });
    let about: Vec<_> = about.collect();
    let mut columns = HashSet::new();
    while let Some((name, dialect)) = waiting.pop_front() {
        for relation in relations(archive, &name)? {
            if relation.kind == "table" {
                columns.extend(archive.read(&relation.target)?.map_or_else(|| Ok(Vec::new()), |bytes| names(&bytes))?);
            }
            let Some(dialect) = dialect_of(&relation.kind, own) else { continue };
            if known.insert(relation.target.clone()) {
                waiting.push_back((relation.target, dialect));
            }
        }
        let links = path(&name);
        add(archive, &mut parts, name, |text| office::units(text, dialect))?;
        add(archive, &mut parts, links, links::units)?;
    }
    for (name, dialect) in about {
        if known.insert(name.clone()) {
            add(archive, &mut parts, name, |text| office::units(text, dialect))?;
        }
    }
    // Formulas name the columns of a table, and a book whose tables and cells name them differently is broken.
    for part in &mut parts {
        part.units.retain(|unit| unit.hidden || columns.is_empty() || !columns.contains(plain(&unit.segment()).trim()));
    }
    Ok(parts)
}

/// The names of the columns of a table.
fn names(bytes: &[u8]) -> Result<Vec<String>, ExtractError> {
    let source = Source::of_xml(bytes).ok_or(ExtractError::Damaged)?;
    let (mut markup, mut names) = (Markup::new(&source.text), Vec::new());
    while let Some(token) = markup.next()? {
        let Token::Open(tag) = token else { continue };
        if tag.name == "tableColumn" {
            names.extend(
                tag.raw("name").and_then(unescaped).map(|name| name.replace("_x000a_", "\n").trim().to_owned()),
            );
        }
    }
    Ok(names)
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
