//! A table of a text, as its cells are read: a table in a cell is text of that cell.

use crate::documents::{ExtractError, Limit, flow::Flow};

/// The most cells of a row.
const MOST_CELLS: usize = 1_000;

/// The table that is being read.
#[derive(Default)]
pub(super) struct Table {
    depth: usize,
    cells: Vec<String>,
    cell: Option<String>,
}

impl Table {
    pub(super) fn begin(&mut self, flow: &mut Flow) {
        self.depth += 1;
        if self.depth == 1 {
            flow.table();
        }
    }

    pub(super) fn begin_row(&mut self) {
        if self.depth <= 1 {
            self.cells.clear();
            self.cell = None;
        }
    }

    pub(super) fn begin_cell(&mut self) {
        if self.depth == 1 {
            self.cell = Some(String::new());
        }
    }

    /// Whether text belongs to a cell.
    pub(super) fn in_cell(&self) -> bool {
        self.cell.is_some()
    }

    /// Text of the cell.
    pub(super) fn add(&mut self, text: &str) {
        if let Some(cell) = &mut self.cell {
            if !cell.is_empty() && !text.is_empty() {
                cell.push(' ');
            }
            cell.push_str(text);
        }
    }

    /// The cell ends, which is as wide as so many columns.
    pub(super) fn end_cell(&mut self, span: usize) -> Result<(), ExtractError> {
        if self.depth > 1 {
            return Ok(());
        }
        let Some(cell) = self.cell.take() else { return Ok(()) };
        self.cells.push(cell);
        self.cells.resize(self.cells.len() + span.clamp(1, MOST_CELLS) - 1, String::new());
        if self.cells.len() > MOST_CELLS {
            return Err(ExtractError::TooLarge(Limit::Parts(MOST_CELLS as u64)));
        }
        Ok(())
    }

    pub(super) fn end_row(&mut self, flow: &mut Flow) -> Result<(), ExtractError> {
        if self.depth > 1 {
            return Ok(());
        }
        let cells = std::mem::take(&mut self.cells);
        match cells.iter().filter(|cell| !cell.trim().is_empty()).count() {
            0 => Ok(()),
            // A table of one column, or a title over all columns: a frame around a text.
            1 if cells.len() == 1 || cells.iter().skip(1).all(String::is_empty) && !flow.in_table() => {
                flow.paragraph(cells.first().map_or("", String::as_str))
            }
            _ => flow.row(cells.iter().map(String::as_str)),
        }
    }

    /// The file ends, whatever is open.
    pub(super) fn finish(&mut self, flow: &mut Flow) -> Result<(), ExtractError> {
        if self.depth == 0 {
            return Ok(());
        }
        self.depth = 1;
        self.end_cell(1)?;
        self.end_row(flow)
    }

    pub(super) fn end(&mut self, flow: &mut Flow) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0 {
            self.cell = None;
            flow.table();
        }
    }
}
