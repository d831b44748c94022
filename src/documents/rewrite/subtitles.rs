//! Subtitles, `SubRip` and `WebVTT`: the text of each cue. Numbers, times, places, and the marks in a text stay.

use std::ops::Range;

use super::{
    escape::Escape,
    html::decoded,
    unit::{Draft, Kind, Piece, Unit},
};

/// Between the two times of a cue.
const ARROW: &str = "-->";

/// How many lines into a file its first times stand.
const WITHIN: usize = 200;

/// The most bytes of a mark in a text.
const LONGEST_MARK: usize = 200;

/// Whether a text has the form of subtitles: by its name, and by the times in it.
pub(super) fn is(name: &str, text: &str) -> bool {
    let ending = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    matches!(ending.as_str(), "srt" | "vtt") && text.lines().take(WITHIN).any(is_time)
}

/// `00:00:01,000 --> 00:00:03,500`
fn is_time(line: &str) -> bool {
    let Some((start, end)) = line.split_once(ARROW) else { return false };
    let is_one = |text: &str| {
        let text = text.split_whitespace().next().unwrap_or_default();
        text.contains(':') && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b',' | b'.'))
    };
    is_one(start) && is_one(end)
}

pub(super) fn units(source: &str) -> Vec<Unit> {
    // In WebVTT some characters are written as in HTML.
    let is_web = source.starts_with("WEBVTT");
    let escape = if is_web { Escape::HtmlLine } else { Escape::Line };
    let (mut units, mut draft, mut in_cue, mut start) = (Vec::new(), Draft::default(), false, 0);
    let mut before: Option<usize> = None;
    for whole in source.split_inclusive('\n') {
        let line = whole.trim_end();
        let range = start + line.len() - line.trim_start().len()..start + line.len();
        start += whole.len();
        if line.trim().is_empty() || is_time(line) {
            units.extend(std::mem::take(&mut draft).finish());
            in_cue = is_time(line);
            before = None;
            continue;
        }
        if !in_cue {
            continue;
        }
        if let Some(end) = before {
            // Who speaks next begins a line; any other line ends because it is full.
            let kind = if line.trim_start().starts_with(['-', '–', '—']) { Kind::Fixed } else { Kind::Wrap };
            draft.mark(end..range.start, if kind == Kind::Fixed { "\n" } else { " " }, kind);
        }
        before = Some(range.end);
        text(source, range, &mut draft, escape);
    }
    units.extend(draft.finish());
    units
}

/// A line, without the marks in it: `<i>`, `{\an8}`.
fn text(source: &str, range: Range<usize>, draft: &mut Draft, escape: Escape) {
    let mut start = range.start;
    while let Some(rest) = source.get(start..range.end).filter(|rest| !rest.is_empty()) {
        let mark = rest.char_indices().find_map(|(at, c)| {
            let end = match c {
                '<' => '>',
                '{' if rest.get(at + 1..)?.starts_with('\\') => '}',
                _ => return None,
            };
            let near = rest.get(at..rest.floor_char_boundary(at + LONGEST_MARK))?;
            Some((at, at + near.find(end)? + 1))
        });
        let (end, after) = mark.unwrap_or((rest.len(), rest.len()));
        let bare = rest.get(..end).unwrap_or_default();
        let shown = if escape == Escape::HtmlLine { decoded(bare) } else { bare.to_owned() };
        draft.text("", Piece::text(start..start + end, shown, escape));
        if mark.is_some() {
            draft.cut();
        }
        start += after;
    }
}
