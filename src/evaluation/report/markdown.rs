//! The report in Markdown. What models and cases say is quoted so that none of it is markup.

use std::fmt::Write as _;

use super::shown::{cut, energy, shown};
use crate::evaluation::{CaseResult, Change, Comparison, Run, Share, words::beginning};

/// The most characters of an answer in a report.
const LONGEST_ANSWER: usize = 2_000;

/// The report as a document.
#[must_use]
pub fn markdown(run: &Run, comparison: Option<&Comparison<'_>>) -> String {
    let mut text = format!("# Evaluation of {}\n\n", cell(&run.model));
    let _ = writeln!(
        text,
        "{} {}, {}. {}.",
        env!("CARGO_PKG_NAME"),
        cell(&run.version),
        cell(&run.date),
        shown(run.share())
    );
    if let Some(judge) = &run.judge {
        let _ = writeln!(text, "Rubrics were judged by {}.", cell(judge));
    }
    if let Some(energy) = energy(run) {
        let _ = writeln!(text, "{energy}");
    }
    table(&mut text, "Compagnon", &run.by_compagnon());
    table(&mut text, "Kind", &run.by_kind());
    if let Some(comparison) = comparison {
        against(&mut text, comparison);
    }
    if let Some((sentence, cases)) = cut(run) {
        let _ = writeln!(text, "\n## Answers that were cut\n\n{sentence}.\n");
        for case in cases {
            let _ = writeln!(text, "- {} · {}", cell(&case.compagnon), cell(&case.name));
        }
    }
    let failed: Vec<&CaseResult> = run.cases.iter().filter(|case| !case.passed()).collect();
    let _ = writeln!(text, "\n## Cases that fail ({})\n", failed.len());
    for case in failed {
        one(&mut text, case);
    }
    text
}

fn table(text: &mut String, heading: &str, rows: &[(&str, Share)]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n| {heading} | passed | of | % | 95 % |\n|---|---|---|---|---|");
    for (name, share) in rows {
        let interval = share.interval();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.1} | {:.1} to {:.1} |",
            cell(name),
            share.passed,
            share.of,
            share.percent(),
            interval.low,
            interval.high
        );
    }
}

fn against(text: &mut String, comparison: &Comparison<'_>) {
    let _ = writeln!(
        text,
        "\n## Against the baseline\n\n{} before, {} now, over the cases that both have. By chance alone: p = {:.3}.\n",
        shown(comparison.before),
        shown(comparison.after),
        comparison.chance
    );
    for (change, case) in &comparison.changes {
        let change = match change {
            Change::Better => "better",
            Change::Worse => "**worse**",
            Change::New => "new",
            Change::Gone => "gone",
        };
        let _ = writeln!(text, "- {change}: {} · {}", cell(&case.compagnon), cell(&case.name));
    }
}

fn one(text: &mut String, case: &CaseResult) {
    let _ = writeln!(text, "### {} · {}\n", cell(&case.compagnon), cell(&case.name));
    let _ = writeln!(text, "{}\n", quote(&case.query, LONGEST_ANSWER));
    for reason in case.reasons() {
        let _ = writeln!(text, "- {}", cell(&reason.to_string()));
    }
    let wrong = case.attempts.iter().find(|attempt| !attempt.failed.is_empty());
    if let Some(attempt) = wrong.filter(|attempt| !attempt.answer.is_empty()) {
        let cut = if attempt.cut() { ", cut" } else { "" };
        let _ = writeln!(text, "\nThe answer{cut}:\n\n{}\n", quote(&attempt.answer, LONGEST_ANSWER));
    }
    for (index, passage) in case.passages.iter().enumerate() {
        let _ = writeln!(text, "\nPassage {}:\n\n{}\n", index + 1, quote(passage, LONGEST_ANSWER));
    }
}

/// A text as a quotation, of which nothing is markup.
fn quote(text: &str, most: usize) -> String {
    let cut: String = text.chars().take(most).collect();
    cut.lines().map(|line| format!("> {}", escaped(line))).collect::<Vec<_>>().join("\n")
}

/// A text within a line.
fn cell(text: &str) -> String {
    escaped(&beginning(text, 300))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_punctuation()
            && !matches!(letter, '.' | ',' | ':' | ';' | '?' | '%' | '/' | '\'' | '"' | '(' | ')')
        {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
