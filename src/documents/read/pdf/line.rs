//! From runs of text to lines.

/// A rectangle on a page, with its origin at the bottom left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Area {
    pub left: f32,
    pub bottom: f32,
    pub right: f32,
    pub top: f32,
}

impl Area {
    fn holds(&self, other: &Self) -> bool {
        let (x, y) = (f32::midpoint(other.left, other.right), f32::midpoint(other.bottom, other.top));
        (self.left - 1.0..=self.right + 1.0).contains(&x) && (self.bottom - 1.0..=self.top + 1.0).contains(&y)
    }

    fn join(&mut self, other: &Self) {
        self.left = self.left.min(other.left);
        self.bottom = self.bottom.min(other.bottom);
        self.right = self.right.max(other.right);
        self.top = self.top.max(other.top);
    }
}

/// A run of text in one font.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub text: String,
    pub area: Area,
    pub size: f32,
    pub bold: bool,
    pub column: Option<usize>,
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
    pub column: Option<usize>,
    pub table: Vec<Vec<String>>,
}

/// The lines of a page. Runs inside a table are not lines: the table stands where the first of them was.
pub(super) fn lines(runs: &[Run], tables: &[(Area, Vec<Vec<String>>)]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut placed = vec![false; tables.len()];
    let mut fresh = true;
    for run in runs.iter().filter(|run| !run.text.trim().is_empty()) {
        let inside = tables.iter().position(|(area, _)| area.holds(&run.area));
        if let Some((index, (area, rows))) = inside.and_then(|index| Some((index, tables.get(index)?))) {
            if let Some(placed) = placed.get_mut(index).filter(|placed| !**placed) {
                *placed = true;
                lines.push(Line::table(*area, rows.clone()));
            }
            fresh = true;
            continue;
        }
        match lines.last_mut().filter(|line| !fresh && line.continues(run)) {
            Some(line) => line.add(run),
            None => lines.push(Line::of(run)),
        }
        fresh = false;
    }
    lines
}

impl Line {
    fn of(run: &Run) -> Self {
        let Run { text, area, size, bold, column } = run.clone();
        Self { text, area, size, bold, column, table: Vec::new() }
    }

    fn table(area: Area, table: Vec<Vec<String>>) -> Self {
        Self { text: String::new(), area, size: 0.0, bold: false, column: None, table }
    }

    /// Whether a run stands on this line, behind it.
    fn continues(&self, run: &Run) -> bool {
        let size = self.size.max(run.size).max(1.0);
        let (own, next) =
            (f32::midpoint(self.area.bottom, self.area.top), f32::midpoint(run.area.bottom, run.area.top));
        (own - next).abs() < size * 0.5 && run.area.left > self.area.right - size && self.column == run.column
    }

    fn add(&mut self, run: &Run) {
        let gap = run.area.left - self.area.right;
        let spaced = self.text.ends_with(char::is_whitespace) || run.text.starts_with(char::is_whitespace);
        if gap > run.size * 0.15 && !spaced {
            self.text.push(' ');
        }
        // The size of the longer part is the line's: a mark of a note is small.
        if run.text.trim().chars().count() > self.text.trim().chars().count() {
            self.size = run.size;
        }
        self.bold &= run.bold;
        self.text.push_str(&run.text);
        self.area.join(&run.area);
    }
}
