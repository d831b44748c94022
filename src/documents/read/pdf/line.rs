//! From runs of text to lines. What stands far from the rest of its line is a cell of it.

/// A gap between words, and one between cells, in sizes of the letters.
const WORD_GAP: f32 = 0.15;
const CELL_GAP: f32 = 0.8;

/// A rectangle on a page, with its origin at the bottom left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Area {
    pub left: f32,
    pub bottom: f32,
    pub right: f32,
    pub top: f32,
}

impl Area {
    pub(super) fn join(&mut self, other: &Self) {
        self.left = self.left.min(other.left);
        self.bottom = self.bottom.min(other.bottom);
        self.right = self.right.max(other.right);
        self.top = self.top.max(other.top);
    }
}

/// A page as its lines, top to bottom and column by column.
pub(super) struct Page {
    pub lines: Vec<Line>,
    pub height: f32,
}

/// A run of text in one font.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub text: String,
    pub area: Area,
    pub size: f32,
    pub bold: bool,
}

/// A line of text, or a table in the place of its lines.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub text: String,
    pub area: Area,
    /// The size of most of its letters.
    pub size: f32,
    /// All of its letters are bold.
    pub bold: bool,
    /// Its cells: one, unless there are gaps in it.
    pub cells: Vec<Cell>,
    /// The rows of a table, which stands for all of their lines.
    pub table: Vec<Vec<String>>,
}

/// A part of a line between gaps.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub left: f32,
    pub right: f32,
    pub text: String,
}

/// The lines of a page.
pub(super) fn lines(runs: &[Run]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for run in runs.iter().filter(|run| !run.text.trim().is_empty()) {
        match lines.last_mut().filter(|line| line.continues(run)) {
            Some(line) => line.add(run),
            None => lines.push(Line::of(run)),
        }
    }
    lines
}

impl Line {
    fn of(run: &Run) -> Self {
        let Run { text, area, size, bold } = run.clone();
        let cells = vec![Cell { left: area.left, right: area.right, text: text.trim().to_owned() }];
        Self { text, area, size, bold, cells, table: Vec::new() }
    }

    /// A table in the place of its lines.
    pub(super) fn of_table(area: Area, table: Vec<Vec<String>>) -> Self {
        Self { text: String::new(), area, size: 0.0, bold: false, cells: Vec::new(), table }
    }

    /// Whether a run stands on this line, behind it.
    fn continues(&self, run: &Run) -> bool {
        let size = self.size.max(run.size).max(1.0);
        let (own, next) =
            (f32::midpoint(self.area.bottom, self.area.top), f32::midpoint(run.area.bottom, run.area.top));
        (own - next).abs() < size * 0.5 && run.area.left > self.area.right - size
    }

    fn add(&mut self, run: &Run) {
        let gap = run.area.left - self.area.right;
        let spaced = self.text.ends_with(char::is_whitespace) || run.text.starts_with(char::is_whitespace);
        let space = if gap > run.size * WORD_GAP && !spaced { " " } else { "" };
        match self.cells.last_mut().filter(|_| gap < run.size * CELL_GAP) {
            Some(cell) => {
                cell.text.push_str(space);
                cell.text.push_str(&run.text);
                cell.right = run.area.right;
            }
            None => self.cells.push(Cell { left: run.area.left, right: run.area.right, text: run.text.clone() }),
        }
        self.text.push_str(space);
        // The size of the longer part is the line's: a mark of a note is small.
        if run.text.trim().chars().count() > self.text.trim().chars().count() {
            self.size = run.size;
        }
        self.bold &= run.bold;
        self.text.push_str(&run.text);
        self.area.join(&run.area);
    }
}
