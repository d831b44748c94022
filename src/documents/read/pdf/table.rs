//! Tables: lines of several cells, one below the other, whose cells stand in the same columns.

use super::{
    line::{Cell, Line},
    mark::mark,
};

/// How far a cell may begin from where its column begins, in points.
const ASIDE: f32 = 4.0;

/// How far below its row the next one may be, in sizes of the letters.
const ROW_GAP: f32 = 3.5;

/// The lines, with one in the place of each table.
pub(super) fn tables(lines: Vec<Line>) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::with_capacity(lines.len());
    let mut open: Option<Rows> = None;
    for line in lines {
        let Some(rows) = &mut open else {
            match Rows::begin(line) {
                Ok(rows) => open = Some(rows),
                Err(line) => found.push(*line),
            }
            continue;
        };
        if let Err(line) = rows.take(line) {
            if let Some(rows) = open.take() {
                found.extend(rows.end());
            }
            match Rows::begin(*line) {
                Ok(rows) => open = Some(rows),
                Err(line) => found.push(*line),
            }
        }
    }
    found.extend(open.into_iter().flat_map(Rows::end));
    found
}

/// Lines that may be a table.
struct Rows {
    lines: Vec<Line>,
    columns: Vec<(f32, f32)>,
    texts: Vec<Vec<String>>,
}

impl Rows {
    /// A line with several cells begins one, unless the first of them is the mark of an item.
    fn begin(line: Line) -> Result<Self, Box<Line>> {
        if line.cells.len() < 2 || mark(&line.text).is_some() {
            return Err(Box::new(line));
        }
        let columns = line.cells.iter().map(|cell| (cell.left, cell.right)).collect();
        let texts = vec![line.cells.iter().map(|cell| cell.text.trim().to_owned()).collect()];
        Ok(Self { lines: vec![line], columns, texts })
    }

    /// The next row, or what goes on in a cell of the row before.
    fn take(&mut self, line: Line) -> Result<(), Box<Line>> {
        let Some(last) = self.lines.last() else { return Err(Box::new(line)) };
        let (below, size) = (last.area.bottom - line.area.bottom, last.size.max(line.size));
        let near = below > 0.0 && below < size * ROW_GAP;
        let Some(places) = self.places(&line.cells).filter(|_| near) else { return Err(Box::new(line)) };
        let goes_on = matches!(places.as_slice(), [column] if *column > 0) && below < size * 1.6;
        if line.cells.len() < 2 && !goes_on {
            return Err(Box::new(line));
        }
        if !goes_on {
            self.texts.push(vec![String::new(); self.columns.len()]);
        }
        for (column, cell) in places.into_iter().zip(&line.cells) {
            if let Some(held) = self.texts.last_mut().and_then(|row| row.get_mut(column)) {
                if !held.is_empty() {
                    held.push(' ');
                }
                held.push_str(cell.text.trim());
            }
        }
        self.lines.push(line);
        Ok(())
    }

    /// The column of each cell, if each has one of its own.
    fn places(&self, cells: &[Cell]) -> Option<Vec<usize>> {
        let mut places: Vec<usize> = Vec::with_capacity(cells.len());
        for cell in cells {
            let begins = |(left, right): &(f32, f32)| {
                (cell.left - left).abs() <= ASIDE
                    || (cell.right - right).abs() <= ASIDE
                    || (cell.left < *right && cell.right > *left)
            };
            let next = places.last().map_or(0, |last| last + 1);
            places.push(next + self.columns.get(next..)?.iter().position(begins)?);
        }
        Some(places)
    }

    /// A table, if there is more than one row; the lines as they were otherwise.
    fn end(self) -> Vec<Line> {
        let Some(first) = self.lines.first().filter(|_| self.texts.len() > 1) else { return self.lines };
        let mut area = first.area;
        for line in &self.lines {
            area.join(&line.area);
        }
        vec![Line::of_table(area, self.texts)]
    }
}
