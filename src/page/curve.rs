//! Curves as SVG: where the lines go. The labels are text of the page beside them, which stays as large as any text where the drawing is small.

use std::fmt::Write as _;

use serde::Serialize;

/// The drawing's own measures, whatever its size on the page.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 200.0;
/// What stays free around the lines, so that their marks are whole.
const MARGIN: f64 = 8.0;

/// A drawing of one measure.
#[derive(Debug, Serialize)]
pub(super) struct Curve {
    /// Which, in the page.
    pub(super) id: &'static str,
    /// What it shows.
    pub(super) title: String,
    /// What can be seen in it, in words.
    pub(super) description: String,
    /// What its top and its bottom stand for.
    pub(super) scale: String,
    /// Its first and its last week.
    pub(super) from: String,
    pub(super) to: String,
    /// Its lines.
    pub(super) lines: Vec<Line>,
}

/// A line of a drawing.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    /// What it is; told where there are several.
    pub(super) name: String,
    /// How it is drawn: a number from 1.
    pub(super) style: usize,
    /// The path of the line. Weeks without a figure interrupt it.
    pub(super) path: String,
    /// The points, in the drawing's measures.
    pub(super) points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// The lines of some series of values, and the value of the top; each series has a value or none for each week.
pub(super) fn lines(series: &[(String, Vec<Option<f64>>)], least_top: f64) -> (Vec<Line>, f64) {
    let largest = series.iter().flat_map(|(_, values)| values).flatten().copied().fold(least_top, f64::max);
    let top = round_up(largest);
    let line = |(index, (name, values)): (usize, &(String, Vec<Option<f64>>))| {
        let points = points(values, top);
        Line {
            name: name.clone(),
            style: index + 1,
            path: path(&points),
            points: points.into_iter().flatten().collect(),
        }
    };
    (series.iter().enumerate().map(line).collect(), top)
}

/// The next number of one or two digits that is not smaller.
fn round_up(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let unit = 10_f64.powf(value.log10().floor());
    [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * unit)
        .find(|step| *step >= value)
        .unwrap_or(value)
}

#[expect(clippy::cast_precision_loss, reason = "weeks of a few years")]
fn points(values: &[Option<f64>], top: f64) -> Vec<Option<Point>> {
    let steps = values.len().saturating_sub(1).max(1) as f64;
    let tenth = |value: f64| (value * 10.0).round() / 10.0;
    let point = |(index, value): (usize, &Option<f64>)| {
        let height = ((*value)? / top).clamp(0.0, 1.0) * (HEIGHT - 2.0 * MARGIN);
        let x = MARGIN + index as f64 / steps * (WIDTH - 2.0 * MARGIN);
        Some(Point { x: tenth(x), y: tenth(HEIGHT - MARGIN - height) })
    };
    values.iter().enumerate().map(point).collect()
}

fn path(points: &[Option<Point>]) -> String {
    let mut path = String::new();
    let mut drawn = false;
    for point in points {
        if let Some(Point { x, y }) = point {
            let letter = if drawn { 'L' } else { 'M' };
            let _ = write!(path, "{letter}{x} {y}");
        }
        drawn = point.is_some();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::{lines, round_up};

    #[test]
    fn a_line_is_interrupted_where_nothing_is_known() {
        let series = [("a".to_owned(), vec![Some(0.0), Some(50.0), None, Some(100.0), None, Some(20.0)])];
        let (lines, top) = lines(&series, 0.0);
        assert_eq!((top, lines[0].points.len()), (100.0, 4));
        assert_eq!(lines[0].path, "M8 192L132.8 100M382.4 8M632 155.2");
        let none = super::lines(&[("a".to_owned(), vec![None])], 0.0);
        assert_eq!((none.0[0].path.as_str(), none.1), ("", 1.0));
    }

    #[test]
    fn the_top_is_a_round_number() {
        for (value, top) in [
            (0.0, 1.0),
            (f64::NAN, 1.0),
            (f64::INFINITY, 1.0),
            (0.25, 0.3),
            (11.0, 15.0),
            (100.0, 100.0),
            (801.0, 1_000.0),
        ] {
            assert!((round_up(value) - top).abs() < 1e-9, "{value}");
        }
    }
}
