//! What to change in a source so that its runs have other texts. What a text does not change stays as it is, byte by byte.

use std::ops::Range;

use super::{
    escape::{Edit, Escape},
    unit::{Kind, Piece, Run, Unit},
};
use crate::spreadsheet::harmless;

/// The source with changes, of which none overlaps another.
pub(super) fn apply(source: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut changed, mut at) = (String::with_capacity(source.len()), 0);
    for (range, with) in edits {
        changed.push_str(source.get(at..range.start).unwrap_or_default());
        changed.push_str(&with);
        at = range.end.max(at);
    }
    changed.push_str(source.get(at..).unwrap_or_default());
    changed
}

/// The changes that give a unit these texts, one for each of its runs.
pub(super) fn edits(unit: &Unit, texts: &[String], edits: &mut Vec<Edit>) {
    for (run, text) in unit.runs.iter().zip(texts) {
        if run.text() != *text {
            change(run, &allowed(text), edits);
        }
    }
}

/// Without what no file may have in it.
fn allowed(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\t' | '\n'))
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect()
}

/// A run between two marks that stay: what is to be written there.
struct Stretch<'a> {
    pieces: &'a [Piece],
    text: String,
}

fn change(run: &Run, text: &str, edits: &mut Vec<Edit>) {
    let mut stretches = stretches(run, text);
    // Between two marks may be no place for a text: it goes to what is before, or to the first place.
    let has_place = |stretch: &Stretch<'_>| stretch.pieces.iter().any(Piece::is_text);
    let first = stretches.iter().position(has_place).unwrap_or(0);
    let before: String = stretches.iter_mut().take(first).map(|stretch| std::mem::take(&mut stretch.text)).collect();
    let mut last = first;
    for index in first..stretches.len() {
        if has_place(&stretches[index]) {
            last = index;
        } else {
            let text = std::mem::take(&mut stretches[index].text);
            stretches[last].text.push_str(&text);
        }
    }
    stretches[first].text.insert_str(0, &before);
    for Stretch { pieces, text } in stretches {
        let old: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        if old != text {
            refill(pieces, &old, &text, edits);
        }
    }
}

/// Cuts a text where the run has marks that stay, which are tabs and line ends. Where one is gone from the text, what came after it stands before
/// it, up to the next one that is there; one that is new is a space.
fn stretches<'a>(run: &'a Run, text: &str) -> Vec<Stretch<'a>> {
    let is_mark = |at: &usize| run.pieces[*at].kind == Kind::Fixed;
    let marks: Vec<usize> = (0..run.pieces.len()).filter(is_mark).collect();
    let count = |text: &str| marks.iter().filter(|at| run.pieces[**at].text == text).count();
    let (mut tabs, mut lines) = (count("\t"), count("\n"));
    let (mut stretches, mut rest, mut start) = (Vec::new(), text, 0);
    for at in marks {
        let is_tab = run.pieces[at].text == "\t";
        let found = rest.char_indices().find(|(_, c)| (*c == '\t' && tabs > 0) || (*c == '\n' && lines > 0));
        let (section, left) = match found {
            Some((place, c)) if (c == '\t') == is_tab => (&rest[..place], &rest[place + 1..]),
            Some((place, _)) => rest.split_at(place),
            None => (rest, ""),
        };
        stretches.push(Stretch { pieces: &run.pieces[start..at], text: section.to_owned() });
        rest = left;
        start = at + 1;
        *(if is_tab { &mut tabs } else { &mut lines }) -= 1;
    }
    stretches.push(Stretch { pieces: &run.pieces[start..], text: rest.to_owned() });
    stretches
}

/// Writes a text over pieces of which those that are no text may go.
fn refill(pieces: &[Piece], old: &str, text: &str, edits: &mut Vec<Edit>) {
    // The pieces from `start` on are not written yet, of which those before the mark have `length` bytes, at `offset` of the old text.
    let (mut rest, mut start, mut length, mut offset) = (text, 0, 0, 0);
    for (at, mark) in pieces.iter().enumerate() {
        offset += mark.text.len();
        if mark.is_text() {
            length += mark.text.len();
            continue;
        }
        let before = offset - mark.text.len();
        let place = match mark.kind {
            Kind::Wrap => nearest_space(rest, length, old.len() - (before - length)),
            _ => find_loose(rest, &mark.text, old.get(..before).is_some_and(|before| before.ends_with(' '))),
        };
        let texts = &pieces[start..at];
        // On both sides there must be a place for what is to stand there.
        let has_places = |place: &Range<usize>| {
            (place.start == 0 || texts.iter().any(Piece::is_text))
                && (place.end == rest.len() || pieces[at..].iter().any(Piece::is_text))
        };
        let Some(place) = place.filter(has_places) else {
            edits.push((mark.range.clone(), String::new()));
            length += mark.text.len();
            continue;
        };
        spread(texts, &rest[..place.start], edits);
        rest = &rest[place.end..];
        start = at + 1;
        length = 0;
    }
    spread(&pieces[start..], rest, edits);
}

/// Where what stands for these characters may stay.
fn find_loose(text: &str, mark: &str, after_space: bool) -> Option<Range<usize>> {
    if mark.is_empty() {
        return None;
    }
    let whole = if after_space { format!(" {mark}") } else { mark.to_owned() };
    let end = text.find(&whole)? + whole.len();
    Some(end - mark.len()..end)
}

/// The space of a text that is nearest to where it was: so far of so much.
fn nearest_space(text: &str, was: usize, of: usize) -> Option<Range<usize>> {
    let wanted = text.floor_char_boundary(text.len() * was.min(of) / of.max(1));
    let (before, after) = text.split_at(wanted);
    let spaces = [before.rfind(' '), after.find(' ').map(|at| at + wanted)];
    spaces.into_iter().flatten().min_by_key(|at| at.abs_diff(wanted)).map(|at| at..at + 1)
}

/// Writes a text over texts: what it shares with them at both ends stays where it is, if that is most of it.
fn spread(pieces: &[Piece], text: &str, edits: &mut Vec<Edit>) {
    let texts: Vec<&Piece> = pieces.iter().filter(|piece| piece.is_text()).collect();
    let old: String = texts.iter().map(|piece| piece.text.as_str()).collect();
    if old == text {
        return;
    }
    let (mut before, mut after) = shared(&old, text);
    if (before + after) * 2 < old.len().max(text.len()) {
        // White space at the ends stays where it is in any case.
        let blank = |part: &str, at_start: bool| {
            if at_start { part.len() - part.trim_start().len() } else { part.len() - part.trim_end().len() }
        };
        (before, after) = (blank(&old[..before], true), blank(&old[old.len() - after..], false));
    }
    let (kept, middle) = (old.len() - after, &text[before..text.len() - after]);
    let mut start = 0;
    let last = texts.len().saturating_sub(1);
    for (number, piece) in texts.iter().enumerate() {
        let end = start + piece.text.len();
        let mut new = String::new();
        new.push_str(&piece.text[..before.clamp(start, end) - start]);
        if before >= start && (before < end || number == last) {
            new.push_str(middle);
        }
        new.push_str(&piece.text[kept.clamp(start, end).max(before.clamp(start, end)) - start..]);
        if new != piece.text
            && let Kind::Text(escape) = piece.kind
        {
            // What was no formula becomes none.
            let is_value = matches!(escape, Escape::Quoted | Escape::Field(_)) && harmless(&piece.text) == piece.text;
            let new = if is_value { harmless(&new) } else { new };
            escape.write(&piece.range, &new, edits);
        }
        start = end;
    }
}

/// How many bytes two texts share at their beginning and at their end, without counting any twice.
fn shared(one: &str, other: &str) -> (usize, usize) {
    let before: usize = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
    let (one, other) = (&one[before..], &other[before..]);
    let ends = one.chars().rev().zip(other.chars().rev());
    (before, ends.take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum())
}
