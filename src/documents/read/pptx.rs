//! PPTX: the slides in the order of the presentation, each with its title, its texts, its tables and its speaker's notes.

use super::{
    ooxml::{Relation, relations, title},
    table::Table,
    xml::{Piece, Xml, text},
};
use crate::documents::{ExtractError, archive::Archive, flow::Flow};

pub(in crate::documents) fn read(archive: &mut Archive<'_>, part: &str, flow: &mut Flow) -> Result<(), ExtractError> {
    if let Some(title) = title(archive, "docProps/core.xml")? {
        flow.title(&title);
    }
    let slides = relations(archive, part)?;
    let presentation = text(&archive.need(part)?);
    let mut xml = Xml::new(&presentation);
    while let Some(piece) = xml.next()? {
        let Piece::Open(element) = piece else { continue };
        if element.name != "sldId" {
            continue;
        }
        // Two attributes are called `id`: the relation's is the one that begins so.
        let slide = slides.iter().find(|slide| slide.kind == "slide" && element.has(&slide.id));
        if let Some(slide) = slide {
            flow.slide()?;
            read_slide(archive, slide, flow)?;
        }
    }
    Ok(())
}

fn read_slide(archive: &mut Archive<'_>, slide: &Relation, flow: &mut Flow) -> Result<(), ExtractError> {
    let content = text(&archive.need(&slide.target)?);
    shapes(&content, flow, Only::Title)?;
    shapes(&content, flow, Only::Body)?;
    let notes = relations(archive, &slide.target)?.into_iter().find(|relation| relation.kind == "notesSlide");
    if let Some(notes) = notes
        && let Some(bytes) = archive.read(&notes.target)?
    {
        shapes(&text(&bytes), flow, Only::Notes)?;
    }
    Ok(())
}

/// Which shapes of a slide are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    Title,
    Body,
    Notes,
}

impl Only {
    /// Whether a shape with this placeholder is read. What repeats on each slide is not.
    fn reads(self, placeholder: Option<&str>) -> bool {
        match self {
            Self::Title => matches!(placeholder, Some("title" | "ctrTitle")),
            Self::Body => {
                !matches!(placeholder, Some("title" | "ctrTitle" | "sldNum" | "dt" | "ftr" | "hdr" | "sldImg"))
            }
            Self::Notes => matches!(placeholder, Some("body")),
        }
    }
}

fn shapes(content: &str, flow: &mut Flow, only: Only) -> Result<(), ExtractError> {
    let (mut xml, mut table) = (Xml::new(content), Table::default());
    let mut placeholder: Option<String> = None;
    let (mut in_text, mut paragraph, mut span) = (false, String::new(), 1);
    let (mut depth, mut is_item, mut noted) = (0, false, false);
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Open(element) => match element.name.as_str() {
                "Fallback" => xml.skip()?,
                "sp" | "graphicFrame" => placeholder = None,
                "ph" => placeholder = Some(element.get("type").unwrap_or_else(|| "body".to_owned())),
                "tbl" => table.begin(flow),
                "tr" => table.begin_row(),
                "tc" => {
                    span = element.number("gridSpan").unwrap_or(1) as usize;
                    table.begin_cell();
                }
                "p" => {
                    paragraph.clear();
                    depth = 0;
                    // The body of a slide is a list, unless a paragraph says otherwise.
                    is_item = only == Only::Body && placeholder.is_some();
                }
                "pPr" => depth = element.number("lvl").unwrap_or(0) as usize,
                "buNone" => is_item = false,
                "buChar" | "buAutoNum" => is_item = true,
                "t" => in_text = true,
                "br" | "tab" => paragraph.push('\n'),
                _ => {}
            },
            Piece::Text(text) if in_text => paragraph.push_str(&text),
            Piece::Text(_) => {}
            Piece::Close(name) => match name.as_str() {
                "t" => in_text = false,
                "tc" => table.end_cell(span)?,
                "tr" if only == Only::Body => table.end_row(flow)?,
                "tbl" => table.end(flow),
                "p" if table.in_cell() => table.add(&paragraph),
                "p" if only.reads(placeholder.as_deref()) && !paragraph.trim().is_empty() => match only {
                    Only::Title => flow.heading(1, &paragraph)?,
                    Only::Notes => {
                        if !std::mem::replace(&mut noted, true) {
                            flow.heading(2, "Notes")?;
                        }
                        flow.paragraph(&paragraph)?;
                    }
                    Only::Body if is_item => flow.item(depth, "-", &paragraph)?,
                    Only::Body => flow.paragraph(&paragraph)?,
                },
                _ => {}
            },
        }
    }
    Ok(())
}
