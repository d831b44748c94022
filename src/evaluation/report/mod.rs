//! Reports of a run: for a terminal, in Markdown and in HTML. JSON is the run itself.

mod html;
mod markdown;
mod terminal;

pub use self::{html::html, markdown::markdown, terminal::terminal};

use super::{Share, run::Interval};

/// A share with its interval.
fn shown(share: Share) -> String {
    let Interval { low, high } = share.interval();
    format!("{:.1} % ({} of {}; 95 %: {low:.1} to {high:.1})", share.percent(), share.passed, share.of)
}

/// The beginning of a text on one line.
fn beginning(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
