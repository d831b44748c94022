//! Headers and footers that a PDF does not mark as such: lines at the top or bottom that recur on most pages, but for their numbers.

use std::collections::HashMap;

use super::line::{Line, Page};

/// How many lines from the top and from the bottom are looked at.
const LINES: usize = 3;

/// The part of a page's height that holds them, at the top and at the bottom.
const MARGIN: f32 = 0.14;

/// Drops what recurs, and the numbers of pages.
pub(super) fn drop_repeated(pages: &mut [Page]) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for page in &*pages {
        let mut shapes: Vec<String> = margin(page).into_iter().filter_map(|at| page.lines.get(at)).map(shape).collect();
        shapes.sort_unstable();
        shapes.dedup();
        for shape in shapes {
            *counts.entry(shape).or_default() += 1;
        }
    }
    let most = (pages.len() / 2 + 1).max(2);
    for page in pages {
        let mut dropped = margin(page);
        dropped.retain(|at| {
            page.lines
                .get(*at)
                .map(shape)
                .is_some_and(|shape| is_number(&shape) || counts.get(&shape).is_some_and(|count| *count >= most))
        });
        dropped.sort_unstable();
        for at in dropped.into_iter().rev() {
            page.lines.remove(at);
        }
    }
}

/// Which lines of a page are in its margins.
fn margin(page: &Page) -> Vec<usize> {
    let mut order: Vec<(usize, f32)> = page
        .lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.table.is_empty())
        .map(|(at, line)| (at, line.area.bottom))
        .collect();
    order.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let (low, high) = (page.height * MARGIN, page.height * (1.0 - MARGIN));
    let top = order.iter().take(LINES).filter(|(_, bottom)| *bottom > high);
    let bottom = order.iter().rev().take(LINES).filter(|(_, bottom)| *bottom < low);
    let mut found: Vec<usize> = top.chain(bottom).map(|(at, _)| *at).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A line without its numbers.
fn shape(line: &Line) -> String {
    let mut shape = String::new();
    for c in line.text.trim().chars() {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if !(c == '#' && shape.ends_with('#')) {
            shape.push(c);
        }
    }
    shape
}

/// `3`, `- 3 -`, `3/7`, `Page 3 sur 7`.
fn is_number(shape: &str) -> bool {
    let bare: String = shape.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '#').collect();
    matches!(
        bare.as_str(),
        "#" | "##" | "page#" | "p#" | "page##" | "page#sur#" | "page#of#" | "#sur#" | "#of#" | "page#de#"
    )
}
