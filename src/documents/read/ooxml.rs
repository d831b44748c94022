//! What DOCX, PPTX and XLSX have in common: relations between the parts of a package, and the title.

use super::xml::{Piece, Xml, text};
use crate::documents::{ExtractError, archive::Archive};

/// A relation of a part to another.
pub(in crate::documents) struct Relation {
    /// As the part names it.
    pub id: String,
    /// The last word of its type: `officeDocument`, `slide`, `notesSlide`.
    pub kind: String,
    /// The path of the other part in the package.
    pub target: String,
}

/// Where the relations of a part stand in the package.
pub(in crate::documents) fn path(part: &str) -> String {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    format!("{folder}{}_rels/{name}.rels", if folder.is_empty() { "" } else { "/" })
}

/// The relations of a part; of the package itself where the name is empty.
pub(in crate::documents) fn relations(archive: &mut Archive<'_>, part: &str) -> Result<Vec<Relation>, ExtractError> {
    let folder = part.rsplit_once('/').map_or("", |(folder, _)| folder);
    let Some(bytes) = archive.read(&path(part))? else { return Ok(Vec::new()) };
    let (text, mut relations) = (text(&bytes), Vec::new());
    let mut xml = Xml::new(&text);
    while let Some(piece) = xml.next()? {
        let Piece::Open(element) = piece else { continue };
        let inside = element.get("TargetMode").is_none_or(|mode| mode != "External");
        if element.name == "Relationship" && inside {
            let (id, kind) = (element.get("Id").unwrap_or_default(), element.get("Type").unwrap_or_default());
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            relations.push(Relation { id, kind, target: resolve(folder, &element.get("Target").unwrap_or_default()) });
        }
    }
    Ok(relations)
}

/// The path of a target that a part of `folder` names.
fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in target.split('/') {
        match name {
            "." | "" => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path.join("/")
}

/// The part that the package is about.
pub(in crate::documents) fn main_part(archive: &mut Archive<'_>) -> Result<Option<String>, ExtractError> {
    let relations = relations(archive, "")?;
    Ok(relations.into_iter().find(|relation| relation.kind == "officeDocument").map(|relation| relation.target))
}

/// The title in the properties of the package (`docProps/core.xml`, `meta.xml`).
pub(super) fn title(archive: &mut Archive<'_>, part: &str) -> Result<Option<String>, ExtractError> {
    let Some(bytes) = archive.read(part)? else { return Ok(None) };
    let text = text(&bytes);
    let (mut xml, mut inside) = (Xml::new(&text), false);
    // A broken title is no broken document.
    while let Ok(Some(piece)) = xml.next() {
        match piece {
            Piece::Open(element) => inside = element.name == "title",
            Piece::Text(text) if inside => return Ok(Some(text.into_owned())),
            Piece::Text(_) => {}
            Piece::Close(_) => inside = false,
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn targets_stay_in_the_package() {
        assert_eq!(resolve("ppt", "slides/slide1.xml"), "ppt/slides/slide1.xml");
        assert_eq!(resolve("ppt/slides", "../notesSlides/n.xml"), "ppt/notesSlides/n.xml");
        assert_eq!(resolve("ppt", "/xl/a.xml"), "xl/a.xml");
        assert_eq!(resolve("a", "../../../../etc/passwd"), "etc/passwd");
    }
}
