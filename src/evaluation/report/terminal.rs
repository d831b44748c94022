//! The report that is read in a terminal: what failed, and the figures at the end, where the eye is.

use std::fmt::Write as _;

use super::shown::{cut, energy, incomplete, shown, visible};
use crate::evaluation::{CaseResult, Change, Comparison, Run, words::beginning};

/// The report as lines.
#[must_use]
pub fn terminal(run: &Run, comparison: Option<&Comparison<'_>>) -> String {
    let mut text = String::new();
    for case in run.cases.iter().filter(|case| !case.passed()) {
        let _ = writeln!(text, "✗ {}", failed(case));
    }
    if let Some(comparison) = comparison {
        let _ = writeln!(text, "{}", against(comparison));
    }
    for (name, share) in run.by_kind() {
        let _ = writeln!(text, "{name:>20}  {}", shown(share));
    }
    let compagnons = run.by_compagnon();
    if compagnons.len() > 1 {
        for (name, share) in compagnons {
            let _ = writeln!(text, "{name:>20}  {}", shown(share));
        }
    }
    if let Some(sentence) = incomplete(run) {
        let _ = writeln!(text, "{sentence}");
    }
    if let Some((sentence, cases)) = cut(run) {
        let _ = writeln!(text, "{sentence}:");
        for case in cases {
            let _ = writeln!(text, "  cut  {} · {}", case.compagnon, case.name);
        }
    }
    if let Some(energy) = energy(run) {
        let _ = writeln!(text, "{energy}");
    }
    let _ = writeln!(text, "{}: {} in {:.1} s", run.model, shown(run.share()), run.seconds);
    visible(&text)
}

fn failed(case: &CaseResult) -> String {
    let reasons = case.reasons().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let repeats = match case.attempts.len() {
        0 | 1 => String::new(),
        of => format!(" ({} of {of} repeats passed)", case.repeats_passed()),
    };
    format!("{} · {}{repeats}: {}", case.compagnon, case.name, beginning(&reasons, 300))
}

fn against(comparison: &Comparison<'_>) -> String {
    let mut text = format!(
        "Against the baseline: {} → {}; {} better, {} worse, {} new, {} gone (by chance alone: p = {:.3})",
        shown(comparison.before),
        shown(comparison.after),
        comparison.count(Change::Better),
        comparison.count(Change::Worse),
        comparison.count(Change::New),
        comparison.count(Change::Gone),
        comparison.chance
    );
    for (change, case) in &comparison.changes {
        let sign = match change {
            Change::Better => "better",
            Change::Worse => "worse ",
            Change::New | Change::Gone => continue,
        };
        let _ = write!(
            text,
            "\n  {sign}  {}",
            if case.passed() { format!("{} · {}", case.compagnon, case.name) } else { failed(case) }
        );
    }
    text
}
