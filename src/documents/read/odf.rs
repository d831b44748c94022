//! ODT, ODP and ODS: one content with paragraphs, headings, lists, tables, slides and sheets. Comments, deleted text and tables of contents
//! are not read; notes follow their paragraph.

use super::{
    grid::Grid,
    ooxml::title,
    table::Table,
    xml::{Element, Piece, Xml, text},
};
use crate::documents::{ExtractError, archive::Archive, flow::Flow};

/// How often a cell that is not empty may be repeated.
const MOST_REPEATED: u32 = 64;

pub(in crate::documents) fn read(archive: &mut Archive<'_>, flow: &mut Flow) -> Result<(), ExtractError> {
    if archive.has("encrypted-package") {
        return Err(ExtractError::Encrypted);
    }
    let manifest = archive.read("META-INF/manifest.xml")?.unwrap_or_default();
    if text(&manifest).contains("encryption-data") {
        return Err(ExtractError::Encrypted);
    }
    if let Some(title) = title(archive, "meta.xml")? {
        flow.title(&title);
    }
    let content = text(&archive.need("content.xml")?);
    Content {
        flow,
        table: Table::default(),
        open: Vec::new(),
        lists: Vec::new(),
        sheet: None,
        notes: Vec::new(),
        column: 0,
        repeated: 1,
        in_notes: false,
    }
    .read(&content)
}

/// A paragraph or a heading that is being read.
struct Paragraph {
    text: String,
    level: Option<u8>,
}

/// A list that is being read.
struct List {
    items: u32,
    /// The item's first paragraph has its mark.
    marked: bool,
}

/// A sheet that is being read.
struct Sheet {
    grid: Grid,
    row: u32,
    text: String,
}

struct Content<'a> {
    flow: &'a mut Flow,
    table: Table,
    open: Vec<Paragraph>,
    lists: Vec<List>,
    sheet: Option<Sheet>,
    /// The texts of the notes of the paragraph that is being read.
    notes: Vec<String>,
    column: u32,
    repeated: u32,
    /// The speaker's notes begin with the next text.
    in_notes: bool,
}

impl Content<'_> {
    fn read(mut self, content: &str) -> Result<(), ExtractError> {
        let (mut xml, mut in_sheets, mut is_title) = (Xml::new(content), false, false);
        while let Some(piece) = xml.next()? {
            match piece {
                Piece::Open(element) => match element.name.as_str() {
                    "annotation" | "tracked-changes" | "table-of-content" | "note-citation" | "page-number"
                    | "styles" | "font-face-decls" | "automatic-styles" | "scripts" | "shapes" | "forms" | "object"
                    | "event-listeners" => xml.skip()?,
                    "spreadsheet" => in_sheets = true,
                    "page" => self.flow.slide()?,
                    "notes" => self.in_notes = true,
                    "frame" => is_title = matches!(element.get("class").as_deref(), Some("title")),
                    "table" if in_sheets && self.sheet.is_none() => {
                        self.flow.sheet(&element.get("name").unwrap_or_default())?;
                        self.sheet = Some(Sheet { grid: Grid::default(), row: 0, text: String::new() });
                    }
                    "p" => self.open.push(Paragraph { text: String::new(), level: is_title.then_some(1) }),
                    "h" => {
                        let level = element.number("outline-level").unwrap_or(1);
                        self.open.push(Paragraph { text: String::new(), level: u8::try_from(level).ok() });
                    }
                    _ => self.open_element(&element),
                },
                Piece::Text(text) => {
                    if let Some(paragraph) = self.open.last_mut() {
                        // White space is one space here, and line ends are none.
                        paragraph.text.push_str(&text.replace(['\n', '\r'], " "));
                    }
                }
                Piece::Close(name) if name == "frame" => is_title = false,
                Piece::Close(name) => self.close_element(&name)?,
            }
        }
        Ok(())
    }

    fn open_element(&mut self, element: &Element<'_>) {
        match element.name.as_str() {
            "tab" | "s" => self.push(" "),
            "line-break" => self.push("\n"),
            "list" => self.lists.push(List { items: 0, marked: true }),
            "list-item" | "list-header" => {
                if let Some(list) = self.lists.last_mut() {
                    list.items += 1;
                    list.marked = element.name == "list-header";
                }
            }
            "table" => self.table.begin(self.flow),
            "table-row" => {
                self.column = 0;
                self.table.begin_row();
            }
            "table-cell" | "covered-table-cell" => {
                self.repeated = element.number("number-columns-repeated").unwrap_or(1).max(1);
                match &mut self.sheet {
                    Some(sheet) => sheet.text.clear(),
                    None => self.table.begin_cell(),
                }
            }
            _ => {}
        }
    }

    fn close_element(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "p" | "h" => return self.end_paragraph(),
            "list" => drop(self.lists.pop()),
            "notes" => self.in_notes = false,
            _ => {}
        }
        let Some(sheet) = &mut self.sheet else {
            return match name {
                "table-cell" | "covered-table-cell" => self.table.end_cell(self.repeated as usize),
                "table-row" => self.table.end_row(self.flow),
                "table" => {
                    self.table.end(self.flow);
                    Ok(())
                }
                _ => Ok(()),
            };
        };
        match name {
            "table-cell" | "covered-table-cell" => {
                if !sheet.text.trim().is_empty() {
                    for copy in 0..self.repeated.min(MOST_REPEATED) {
                        sheet.grid.add(sheet.row, self.column.saturating_add(copy), sheet.text.clone())?;
                    }
                }
                self.column = self.column.saturating_add(self.repeated);
            }
            "table-row" => sheet.row += 1,
            "table" => {
                if let Some(sheet) = self.sheet.take() {
                    sheet.grid.finish(self.flow)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn push(&mut self, text: &str) {
        if let Some(paragraph) = self.open.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn end_paragraph(&mut self) -> Result<(), ExtractError> {
        let Some(Paragraph { text, level }) = self.open.pop() else { return Ok(()) };
        // A paragraph inside another is that of a note or of a text box: it follows.
        if !self.open.is_empty() {
            self.notes.push(text);
            return Ok(());
        }
        self.put(&text, level)?;
        for note in std::mem::take(&mut self.notes) {
            self.put(&note, None)?;
        }
        Ok(())
    }

    fn put(&mut self, text: &str, level: Option<u8>) -> Result<(), ExtractError> {
        if let Some(sheet) = &mut self.sheet {
            if !sheet.text.is_empty() {
                sheet.text.push(' ');
            }
            sheet.text.push_str(text);
            return Ok(());
        }
        if self.table.in_cell() {
            self.table.add(text);
            return Ok(());
        }
        if text.trim().is_empty() {
            return Ok(());
        }
        if std::mem::take(&mut self.in_notes) {
            self.flow.heading(2, "Notes")?;
        }
        let depth = self.lists.len().saturating_sub(1);
        match (level, self.lists.last_mut()) {
            (Some(level), _) => self.flow.heading(level, text),
            (None, Some(list)) if !list.marked => {
                list.marked = true;
                self.flow.item(depth, "-", text)
            }
            _ => self.flow.paragraph(text),
        }
    }
}
