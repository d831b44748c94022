//! XLSX and XLS, by calamine. Cells are read one by one where the format allows it: a sheet that claims to have 17 billion of them has only
//! those that are written down.

use std::io::Cursor;

use calamine::{Data, DataRef, DataType, ExcelDateTime, Reader, Xls, Xlsb, Xlsx};

use super::grid::Grid;
use crate::documents::{ExtractError, flow::Flow};

pub(in crate::documents) fn xlsx(bytes: &[u8], flow: &mut Flow) -> Result<(), ExtractError> {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|_| ExtractError::Damaged)?;
    for name in book.sheet_names() {
        // A chart has no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&name) else { continue };
        flow.sheet(&name)?;
        let mut grid = Grid::default();
        while let Some(cell) = cells.next_cell().map_err(|_| ExtractError::Damaged)? {
            let (row, column) = cell.get_position();
            grid.add(row, column, shown_ref(cell.get_value()))?;
        }
        grid.finish(flow)?;
    }
    Ok(())
}

pub(in crate::documents) fn xls(bytes: &[u8], flow: &mut Flow) -> Result<(), ExtractError> {
    let book = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
        calamine::XlsError::Password => ExtractError::Encrypted,
        _ => ExtractError::Damaged,
    })?;
    dense(book, flow)
}

pub(in crate::documents) fn xlsb(bytes: &[u8], flow: &mut Flow) -> Result<(), ExtractError> {
    dense(Xlsb::new(Cursor::new(bytes)).map_err(|_| ExtractError::Damaged)?, flow)
}

/// A book whose sheets are given whole.
fn dense<'a>(mut book: impl Reader<Cursor<&'a [u8]>>, flow: &mut Flow) -> Result<(), ExtractError> {
    for name in book.sheet_names() {
        let Ok(range) = book.worksheet_range(&name) else { continue };
        flow.sheet(&name)?;
        let mut grid = Grid::default();
        for (row, column, value) in range.used_cells() {
            grid.add(row as u32, column as u32, shown(value))?;
        }
        grid.finish(flow)?;
    }
    Ok(())
}

fn shown(value: &Data) -> String {
    match value {
        Data::DateTime(time) => date(time),
        Data::Float(number) => float(*number),
        value => value.as_string().unwrap_or_default(),
    }
}

fn shown_ref(value: &DataRef<'_>) -> String {
    match value {
        DataRef::DateTime(time) => date(time),
        DataRef::Float(number) => float(*number),
        value => value.as_string().unwrap_or_default(),
    }
}

/// As people write it: without the digits that only binary fractions have.
fn float(number: f64) -> String {
    let rounded = (number * 1e9).round() / 1e9;
    if rounded.is_finite() { rounded.to_string() } else { number.to_string() }
}

/// A date, a time or both, as ISO 8601 has them; a duration in hours.
fn date(time: &ExcelDateTime) -> String {
    if time.is_duration() {
        let minutes = (time.as_f64() * 24.0 * 60.0).round();
        return format!("{}:{:02}", (minutes / 60.0).trunc(), (minutes % 60.0).abs());
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let (day, clock) = (format!("{year:04}-{month:02}-{day:02}"), format!("{hour:02}:{minute:02}"));
    match time.as_f64() {
        number if number < 1.0 => clock,
        number if number.fract() == 0.0 => day,
        _ if second > 0 => format!("{day} {clock}:{second:02}"),
        _ => format!("{day} {clock}"),
    }
}
