//! Figures and texts as all reports show them.

use crate::evaluation::{Attempt, CaseResult, Incomplete, Interval, Run, Share};

/// A share with its interval.
pub(super) fn shown(share: Share) -> String {
    let Interval { low, high } = share.interval();
    format!("{:.1} % ({} of {}; 95 %: {low:.1} to {high:.1})", share.percent(), share.passed, share.of)
}

/// What the answers took, as a sentence; nothing where none was written.
pub(super) fn energy(run: &Run) -> Option<String> {
    let per_token = run.joules_per_token()?;
    Some(format!("Energy: {}, {per_token:.2} J a token written.", run.energy().shown()))
}

/// That a run was stopped, as a sentence.
pub(super) fn incomplete(run: &Run) -> Option<String> {
    let Incomplete { asked, of } = run.incomplete?;
    let more = match run.unfinished.len() {
        0 => String::new(),
        more => format!("; {more} more were asked in part, and count nowhere"),
    };
    Some(format!("Incomplete: stopped after {asked} of {of} cases{more}."))
}

/// How many answers were cut, as a sentence without its end, and the cases in which; nothing where none was.
pub(super) fn cut(run: &Run) -> Option<(String, Vec<&CaseResult>)> {
    let cases: Vec<&CaseResult> = run.cases.iter().filter(|case| case.attempts.iter().any(Attempt::cut)).collect();
    let Share { passed, of } = run.cut();
    let sentence = format!(
        "{passed} of {of} answers were cut, by `max_tokens`, by the limit of time or by the end of the context"
    );
    (passed > 0).then_some((sentence, cases))
}

/// A text in which every sign can be seen and none is an order: a report is read in terminals, where an escape is one, and NUL may stand in no HTML.
/// Lines end with line feeds.
pub(super) fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let picture = |letter: char| match letter {
        '\n' | '\t' => letter,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(letter)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}' => char::REPLACEMENT_CHARACTER,
        letter => letter,
    };
    text.chars().map(picture).collect()
}
