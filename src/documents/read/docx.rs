//! DOCX: headings by the styles' outline, lists, tables, foot- and endnotes at the end. What was deleted or is hidden is not read.

use std::collections::HashMap;

use super::{
    numbering::Numbering,
    ooxml::{relations, title},
    table::Table,
    xml::{Element, Piece, Xml, text},
};
use crate::documents::{ExtractError, archive::Archive, flow::Flow};

/// How many styles a style may be based on, one on another.
const MOST_BASES: usize = 16;

pub(in crate::documents) fn read(archive: &mut Archive<'_>, part: &str, flow: &mut Flow) -> Result<(), ExtractError> {
    if let Some(title) = title(archive, "docProps/core.xml")? {
        flow.title(&title);
    }
    let relations = relations(archive, part)?;
    let mut member = |kind: &str| match relations.iter().find(|relation| relation.kind == kind) {
        Some(relation) => Ok::<_, ExtractError>(archive.read(&relation.target)?.map(|bytes| text(&bytes))),
        None => Ok(None),
    };
    let styles = member("styles")?.map_or_else(|| Ok(Styles::default()), |text| Styles::read(&text))?;
    let numbering = member("numbering")?.map_or_else(|| Ok(Numbering::default()), |text| Numbering::read(&text))?;
    let notes = [member("footnotes")?, member("endnotes")?];
    let body = text(&archive.need(part)?);
    let mut reader = Body { styles, numbering, table: Table::default(), open: Vec::new(), span: 1 };
    reader.read(&body, flow)?;
    for notes in notes.into_iter().flatten() {
        reader.read(&notes, flow)?;
    }
    Ok(())
}

/// What a style makes of a paragraph.
#[derive(Default)]
struct Styles(HashMap<String, Style>);

#[derive(Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    list: Option<u32>,
}

impl Styles {
    fn read(text: &str) -> Result<Self, ExtractError> {
        let mut styles = HashMap::<String, Style>::new();
        let (mut xml, mut id) = (Xml::new(text), String::new());
        while let Some(piece) = xml.next()? {
            let Piece::Open(element) = piece else { continue };
            if element.name == "style" {
                id = element.get("styleId").unwrap_or_default();
            }
            let style = styles.entry(id.clone()).or_default();
            match element.name.as_str() {
                "name" => style.name = element.get("val").unwrap_or_default().to_lowercase(),
                "basedOn" => style.based_on = element.get("val"),
                "outlineLvl" => style.outline = outline(&element),
                "numId" => style.list = element.number("val"),
                _ => {}
            }
        }
        Ok(Self(styles))
    }

    /// Something of a style, or of the one that it is based on.
    fn find<T>(&self, id: &str, of: impl Fn(&Style) -> Option<T>) -> Option<T> {
        let mut style = self.0.get(id)?;
        for _ in 0..MOST_BASES {
            if let Some(found) = of(style) {
                return Some(found);
            }
            style = self.0.get(style.based_on.as_deref()?)?;
        }
        None
    }

    fn level(&self, id: &str) -> Option<u8> {
        self.find(id, |style| {
            let by_name = style.name.strip_prefix("heading ").and_then(|level| level.parse().ok());
            let title = matches!(style.name.as_str(), "title" | "titre").then_some(0);
            by_name.or(title).or(style.outline)
        })
    }

    /// A line of the table of contents, which says nothing that the headings do not say.
    fn is_contents(&self, id: &str) -> bool {
        self.find(id, |style| style.name.starts_with("toc ").then_some(())).is_some_and(|()| true)
    }
}

/// The level of a heading; 9 is that of a text.
fn outline(element: &Element<'_>) -> Option<u8> {
    let level = element.number("val").filter(|level| *level < 9)?;
    u8::try_from(level + 1).ok()
}

/// A paragraph that is being read. One in a text box is inside another.
#[derive(Default)]
struct Paragraph {
    text: String,
    level: Option<u8>,
    list: Option<u32>,
    depth: usize,
    is_contents: bool,
}

struct Body {
    styles: Styles,
    numbering: Numbering,
    table: Table,
    open: Vec<Paragraph>,
    span: usize,
}

impl Body {
    fn read(&mut self, text: &str, flow: &mut Flow) -> Result<(), ExtractError> {
        let (mut xml, mut in_text, mut hidden) = (Xml::new(text), false, false);
        while let Some(piece) = xml.next()? {
            match piece {
                Piece::Open(element) => match element.name.as_str() {
                    // The other form of what was read already; text that was moved away; what separates the notes from the text.
                    "Fallback" | "moveFrom" | "del" => xml.skip()?,
                    "footnote" | "endnote" if element.get("type").is_some() => xml.skip()?,
                    "t" => in_text = !hidden,
                    "r" => hidden = false,
                    "vanish" => {
                        hidden = element.get("val").is_none_or(|value| !matches!(value.as_str(), "0" | "false"));
                    }
                    "p" => self.open.push(Paragraph::default()),
                    _ => self.open_element(&element, flow),
                },
                Piece::Text(text) => {
                    if let Some(paragraph) = self.open.last_mut().filter(|_| in_text) {
                        paragraph.text.push_str(&text);
                    }
                }
                Piece::Close(name) => match name.as_str() {
                    "t" => in_text = false,
                    "p" => self.end_paragraph(flow)?,
                    "tc" => self.table.end_cell(self.span)?,
                    "tr" => self.table.end_row(flow)?,
                    "tbl" => self.table.end(flow),
                    _ => {}
                },
            }
        }
        Ok(())
    }

    fn open_element(&mut self, element: &Element<'_>, flow: &mut Flow) {
        match element.name.as_str() {
            "tbl" => return self.table.begin(flow),
            "tr" => return self.table.begin_row(),
            "tc" => {
                self.span = 1;
                return self.table.begin_cell();
            }
            "gridSpan" => self.span = element.number("val").unwrap_or(1) as usize,
            _ => {}
        }
        let Some(paragraph) = self.open.last_mut() else { return };
        match element.name.as_str() {
            "tab" | "ptab" => paragraph.text.push(' '),
            "br" | "cr" => paragraph.text.push('\n'),
            "noBreakHyphen" => paragraph.text.push('-'),
            "pStyle" => {
                let style = element.get("val").unwrap_or_default();
                paragraph.level = self.styles.level(&style);
                paragraph.is_contents = self.styles.is_contents(&style);
                paragraph.list = self.styles.find(&style, |style| style.list);
            }
            "outlineLvl" => paragraph.level = outline(element),
            "numId" => paragraph.list = element.number("val").filter(|list| *list > 0),
            "ilvl" => paragraph.depth = element.number("val").unwrap_or(0) as usize,
            _ => {}
        }
    }

    fn end_paragraph(&mut self, flow: &mut Flow) -> Result<(), ExtractError> {
        let Some(paragraph) = self.open.pop().filter(|paragraph| !paragraph.is_contents) else { return Ok(()) };
        if self.table.in_cell() {
            self.table.add(&paragraph.text);
            return Ok(());
        }
        if paragraph.text.trim().is_empty() {
            return Ok(());
        }
        let Paragraph { text, level, list, depth, .. } = paragraph;
        let mark = list.filter(|_| level.is_none()).map(|list| self.numbering.mark(list, depth));
        flow.block(level, mark.as_deref().map(|mark| (depth, mark)), &text)
    }
}
