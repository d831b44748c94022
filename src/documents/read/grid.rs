//! The cells of a sheet, which may be anywhere in it: the columns that hold something become a table, with the first row as its header.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::{ExtractError, Limit, clean::clean, flow::Flow};

/// The most cells of a sheet that hold something.
const MOST_CELLS: u64 = 1_000_000;

/// A table with more columns is given as lines of names and values: its header would fill its passages.
const MOST_COLUMNS: usize = 16;

/// The cells of one sheet.
#[derive(Default)]
pub(super) struct Grid {
    rows: BTreeMap<u32, Vec<(u32, String)>>,
    cells: u64,
}

impl Grid {
    pub(super) fn add(&mut self, row: u32, column: u32, text: String) -> Result<(), ExtractError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.cells += 1;
        if self.cells > MOST_CELLS {
            return Err(ExtractError::TooLarge(Limit::Parts(MOST_CELLS)));
        }
        self.rows.entry(row).or_default().push((column, text));
        Ok(())
    }

    pub(super) fn finish(self, flow: &mut Flow) -> Result<(), ExtractError> {
        flow.table();
        let mut rows = self.rows.into_values().peekable();
        // Titles above the table: one cell alone, before the first row of several.
        while let Some(row) = rows.next_if(|row| row.len() == 1) {
            flow.paragraph(row.first().map_or("", |(_, text)| text.as_str()))?;
        }
        let rows: Vec<Vec<(u32, String)>> = rows.collect();
        let columns: BTreeSet<u32> = rows.iter().flatten().map(|(column, _)| *column).collect();
        if columns.len() > MOST_COLUMNS {
            return wide(&rows, flow);
        }
        for row in &rows {
            let cell = |column: &u32| row.iter().find(|(own, _)| own == column).map_or("", |(_, text)| text.as_str());
            flow.row(columns.iter().map(cell))?;
        }
        Ok(())
    }
}

/// Each row as a line: `Nom : Dupont ; Grade : Attaché`.
fn wide(rows: &[Vec<(u32, String)>], flow: &mut Flow) -> Result<(), ExtractError> {
    let Some((header, below)) = rows.split_first() else { return Ok(()) };
    // A row alone heads nothing.
    let (header, rows) = if below.is_empty() { (&[][..], rows) } else { (header.as_slice(), below) };
    let names: BTreeMap<u32, String> = header.iter().map(|(column, text)| (*column, clean(text))).collect();
    for row in rows {
        let mut line = String::new();
        for (column, text) in row {
            if !line.is_empty() {
                line.push_str(" ; ");
            }
            if let Some(name) = names.get(column) {
                line.push_str(name);
                line.push_str(" : ");
            }
            line.push_str(text.trim());
        }
        flow.item(0, "-", &line)?;
    }
    Ok(())
}
