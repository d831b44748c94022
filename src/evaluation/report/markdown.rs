//! The report in Markdown. What models and cases say is quoted so that none of it is markup.

use std::fmt::Write as _;

use super::shown::{cut, energy, incomplete, shown, visible};
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
    if let Some(sentence) = incomplete(run) {
        let _ = writeln!(text, "\n**{sentence}**\n");
    }
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
    let cut: String = visible(text).chars().take(most).collect();
    cut.lines().map(|line| format!("> {}", escaped(line.trim_end()))).collect::<Vec<_>>().join("\n")
}

/// A text within a line.
fn cell(text: &str) -> String {
    escaped(&visible(&beginning(text, 300)))
}

/// A line of which nothing is markup, and no address becomes a link. Its indentation stays, in spaces that make no code.
fn escaped(line: &str) -> String {
    let rest = line.trim_start();
    let mut escaped = "\u{a0}".repeat(line[..line.len() - rest.len()].chars().count());
    for (at, letter) in rest.char_indices() {
        let (before, behind) = (&rest.as_bytes()[..at], &rest[at..]);
        let plain = match letter {
            // The number of an item of a list.
            '.' | ')' if at > 0 && before.iter().all(u8::is_ascii_digit) => false,
            '.' => at < 3 || !before[at - 3..].eq_ignore_ascii_case(b"www"),
            ':' => at > 0 && !behind.starts_with("://"),
            ',' | ';' | '?' | '%' | '/' | '\'' | '"' | '(' | ')' => true,
            letter => !letter.is_ascii_punctuation(),
        };
        if !plain {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::{cell, quote};

    #[test]
    fn nothing_that_is_quoted_is_markup() {
        let hostile = "# Titre\n- un\n1. deux\n2) trois\n    code\n\tcode\n```\nfence\n```\n| a | b |\n|---|---|\n| c | d |\n<b>gras</b> \
                       <script>x</script>\n> cité\n***\n===\n[^1]: note\n$x$ ~~y~~ `z` [lien](https://x) ![](x)\n: sens\r\r# Dehors\r\n&amp; \
                       <https://x> https://x.fr www.x.fr - [ ] fait\0\u{1b}[31m";
        let options = Options::all().difference(Options::ENABLE_SMART_PUNCTUATION | Options::ENABLE_OLD_FOOTNOTES);
        let quoted = quote(hostile, 2_000);
        let mut text = String::new();
        for event in Parser::new_ext(&quoted, options) {
            match event {
                Event::Text(piece) => text.push_str(&piece),
                Event::SoftBreak => text.push('\n'),
                Event::Start(Tag::BlockQuote(_) | Tag::Paragraph) | Event::End(_) => {}
                other => panic!("{other:?} in\n{quoted}"),
            }
        }
        let plain = |text: &str| text.split(|letter: char| letter.is_whitespace()).collect::<String>();
        assert_eq!(plain(&text), plain(&super::visible(hostile)));
        assert!(!quoted.contains("https://") && !quoted.contains("www."), "some renderers link these: {quoted}");
        assert!(quoted.lines().all(|line| line.starts_with("> ")), "{quoted}");
        assert!(!cell("a\r\n| b").contains('\n') && cell("| b").starts_with("\\|"));
    }
}
