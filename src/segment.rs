//! A text of a file that can be taken out and put back changed: what translation and pseudonymisation work on.

use std::{collections::HashSet, fmt, ops::Range};

use serde::{Deserialize, Serialize};

/// A paragraph, a cell or a title of a file.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Segment {
    /// Its text, cut where the formatting changes or something stands in it that is no text. There is at least one run. A tab is a tab in
    /// it, and a line break within the paragraph is a line feed: where they are kept, so is what they stand for.
    pub runs: Vec<String>,
    /// It is none of the text that a reader reads: a deleted passage, the name of an author, a property of the file, the address of a link,
    /// code, a long number in a cell. A translation leaves it; a pseudonym is needed here as anywhere else.
    #[serde(default)]
    pub hidden: bool,
}

impl Segment {
    /// A segment that is shown.
    #[must_use]
    pub fn new(runs: Vec<String>) -> Self {
        Self { runs, hidden: false }
    }
}

impl fmt::Debug for Segment {
    /// Leaves the text out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<usize> = self.runs.iter().map(String::len).collect();
        formatter.debug_struct("Segment").field("bytes", &bytes).field("hidden", &self.hidden).finish()
    }
}

/// The text of a segment.
#[must_use]
pub fn plain(segment: &Segment) -> String {
    segment.runs.concat()
}

/// The text with a tag around each run, `<1>…</1>`, where there is more than one. The numbers begin above those that the text itself has in
/// such tags, so that none is taken for another.
#[must_use]
pub fn tagged(segment: &Segment) -> String {
    if segment.runs.len() < 2 {
        return plain(segment);
    }
    let first = first_tag(segment);
    let mut text = String::new();
    for (number, run) in (first..).zip(&segment.runs) {
        text.extend(["<", &number.to_string(), ">", run, "</", &number.to_string(), ">"]);
    }
    text
}

/// The runs of a text as [`tagged`] gave it and as a model changed it, and whether formatting was lost. There are as many runs as the segment
/// has. Runs stand where they stand in the file: what has changed its place in the sentence is read in the right order, in the formatting
/// of what is beside it. Where tags are lost, nested or doubled, the whole text is in the run that held most of the letters.
#[must_use]
pub fn untagged(text: &str, segment: &Segment) -> (Vec<String>, bool) {
    let count = segment.runs.len();
    let pieces = pieces(text, first_tag(segment), count);
    if count < 2 {
        let whole: String = pieces.iter().filter_map(Piece::text).collect();
        return (if count == 0 { Vec::new() } else { vec![spaced(whole, segment)] }, false);
    }
    let (mut runs, lost) = placed(&pieces, segment).unwrap_or_else(|| {
        let mut runs = vec![String::new(); count];
        let main = main_run(segment);
        runs[main] = pieces.iter().filter_map(Piece::text).collect();
        (runs, true)
    });
    space(&mut runs, segment);
    (runs, lost)
}

/// The runs with stretches of the plain text replaced, in bytes. A replacement stands in the run where its range begins. Ranges that overlap
/// are one, with the replacement of the first; one that ends within a character takes all of it.
#[must_use]
pub fn replaced(segment: &Segment, replacements: &[(Range<usize>, String)]) -> Vec<String> {
    let text = plain(segment);
    let mut sorted: Vec<(Range<usize>, &str)> = replacements
        .iter()
        .map(|(range, with)| {
            let start = text.floor_char_boundary(range.start);
            (start..text.ceil_char_boundary(range.end.max(start)), with.as_str())
        })
        .collect();
    sorted.sort_by_key(|(range, _)| range.start);
    let mut merged: Vec<(Range<usize>, &str)> = Vec::with_capacity(sorted.len());
    for (range, with) in sorted {
        match merged.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push((range, with)),
        }
    }
    let last = segment.runs.len().saturating_sub(1);
    let mut start = 0;
    let runs = segment.runs.iter().enumerate().map(|(number, run)| {
        let end = start + run.len();
        let (mut changed, mut at) = (String::with_capacity(run.len()), start);
        let here = |range: &Range<usize>| range.start >= start && (range.start < end || number == last);
        for (range, with) in merged.iter().filter(|(range, _)| range.start <= end && range.end >= start) {
            changed.push_str(text.get(at..range.start.clamp(at, end)).unwrap_or_default());
            if here(range) {
                changed.push_str(with);
            }
            at = at.max(range.end.min(end));
        }
        changed.push_str(text.get(at..end).unwrap_or_default());
        start = end;
        changed
    });
    runs.collect()
}

/// A tag in a text, with how many bytes it takes.
struct Tag {
    number: usize,
    is_end: bool,
    bytes: usize,
}

/// The most digits of a tag's number, and the most spaces that a model puts around it.
const LONGEST_NUMBER: usize = 6;
const MOST_SPACES: usize = 2;

/// The tag with which a text begins: `<2>`, `</2>`, `< / 2 >`.
fn tag(text: &str) -> Option<Tag> {
    let spaces = |text: &str| text.bytes().take(MOST_SPACES).take_while(|byte| *byte == b' ').count();
    let mut rest = text.strip_prefix('<')?;
    rest = rest.get(spaces(rest)..)?;
    let end = rest.strip_prefix('/');
    rest = end.unwrap_or(rest);
    rest = rest.get(spaces(rest)..)?;
    let digits = rest.bytes().take(LONGEST_NUMBER).take_while(u8::is_ascii_digit).count();
    let number = rest.get(..digits)?.parse().ok()?;
    rest = rest.get(digits..)?;
    rest = rest.get(spaces(rest)..)?.strip_prefix('>')?;
    Some(Tag { number, is_end: end.is_some(), bytes: text.len() - rest.len() })
}

/// The number of the first tag: above all that the text has itself.
fn first_tag(segment: &Segment) -> usize {
    let text = plain(segment);
    let own = text.match_indices('<').filter_map(|(at, _)| tag(text.get(at..)?)).map(|tag| tag.number).max();
    own.map_or(1, |own| own + 1)
}

/// What a text with tags consists of.
enum Piece<'a> {
    Text(&'a str),
    Begin(usize),
    End(usize),
}

impl<'a> Piece<'a> {
    fn text(&self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// Cut at the tags that are ours; others are text.
fn pieces(text: &str, first: usize, count: usize) -> Vec<Piece<'_>> {
    let (mut pieces, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('<')) {
        at += found;
        let ours = text.get(at..).and_then(tag).filter(|tag| (first..first + count).contains(&tag.number));
        let Some(Tag { number, is_end, bytes }) = ours else {
            at += 1;
            continue;
        };
        pieces.push(Piece::Text(text.get(start..at).unwrap_or_default()));
        pieces.push(if is_end { Piece::End(number - first) } else { Piece::Begin(number - first) });
        at += bytes;
        start = at;
    }
    pieces.push(Piece::Text(text.get(start..).unwrap_or_default()));
    pieces
}

/// The texts by run, or nothing where the tags do not say.
fn placed(pieces: &[Piece<'_>], segment: &Segment) -> Option<(Vec<String>, bool)> {
    // In the order of the text, with what follows a run before the next one begins.
    let mut seen: Vec<(usize, String, String)> = Vec::new();
    let (mut before, mut open, mut begun) = (String::new(), false, HashSet::new());
    for piece in pieces {
        match (piece, seen.last_mut()) {
            (Piece::Text(text), Some((_, inside, after))) => if open { inside } else { after }.push_str(text),
            (Piece::Text(text), None) => before.push_str(text),
            (Piece::Begin(run), _) if !open && begun.insert(*run) => {
                seen.push((*run, String::new(), String::new()));
                open = true;
            }
            (Piece::End(run), Some((last, ..))) if open && last == run => open = false,
            _ => return None,
        }
    }
    if open || seen.is_empty() {
        return None;
    }
    let missing = (0..segment.runs.len()).any(|run| letters(&segment.runs[run]) > 0 && !begun.contains(&run));
    let stray = letters(&before) > 0 || seen.iter().any(|(_, _, after)| letters(after) > 0);
    if missing && stray {
        return None;
    }
    let kept = in_order(&seen);
    let lost = missing || stray || kept.iter().any(|kept| !kept);
    let mut runs = vec![String::new(); segment.runs.len()];
    // What goes into the next run that is kept, and the run into which all else goes.
    let (mut waiting, mut current) = (before, None);
    let weight = |run: Option<usize>| run.and_then(|run| segment.runs.get(run)).map_or(0, |run| letters(run));
    for (index, (run, inside, after)) in seen.iter().enumerate() {
        if kept[index] {
            current = Some(*run);
            runs[*run].push_str(&std::mem::take(&mut waiting));
            runs[*run].push_str(inside);
        } else if let Some(current) = current {
            runs[current].push_str(inside);
        } else {
            waiting.push_str(inside);
        }
        let next = seen.iter().zip(&kept).skip(index + 1).find(|(_, kept)| **kept).map(|((run, ..), _)| *run);
        // Words between two runs belong to the one that is more of the text.
        match current.filter(|_| letters(after) == 0 || weight(current) >= weight(next)) {
            Some(current) => runs[current].push_str(after),
            None => waiting.push_str(after),
        }
    }
    Some((runs, lost))
}

/// Which of the runs stay where they are, so that they follow one another as in the file: those with most letters.
fn in_order(seen: &[(usize, String, String)]) -> Vec<bool> {
    let weights: Vec<usize> = seen.iter().map(|(_, inside, _)| letters(inside) * 2 + 1).collect();
    // The heaviest sequence that ends with each, and the one before it in that sequence.
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(seen.len());
    for (index, (run, ..)) in seen.iter().enumerate() {
        let before = (0..index).filter(|other| seen[*other].0 < *run).max_by_key(|other| best[*other].0);
        best.push((weights[index] + before.map_or(0, |before| best[before].0), before));
    }
    let mut kept = vec![false; seen.len()];
    let mut at = (0..seen.len()).max_by_key(|index| best[*index].0);
    while let Some(index) = at {
        kept[index] = true;
        at = best[index].1;
    }
    kept
}

/// The run with most letters.
fn main_run(segment: &Segment) -> usize {
    let by_letters = segment.runs.iter().enumerate().rev().max_by_key(|(_, run)| letters(run));
    by_letters.map_or(0, |(run, _)| run)
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// White space that stood at an end of a text or of one of its runs.
fn leading(text: &str) -> &str {
    &text[..text.len() - text.trim_start().len()]
}

fn trailing(text: &str) -> &str {
    &text[text.trim_end().len()..]
}

/// A text with the white space around it that the segment has: models take it away.
fn spaced(text: String, segment: &Segment) -> String {
    let original = plain(segment);
    if text.trim().is_empty() || original.trim().is_empty() {
        return text;
    }
    let before = if leading(&text).is_empty() { leading(&original) } else { "" };
    let after = if trailing(&text).is_empty() { trailing(&original) } else { "" };
    format!("{before}{text}{after}")
}

/// Puts white space back that stood between two runs, and around all.
fn space(runs: &mut [String], segment: &Segment) {
    let filled: Vec<usize> = (0..runs.len()).filter(|run| !runs[*run].is_empty()).collect();
    let (Some(first), Some(last)) = (filled.first(), filled.last()) else { return };
    for pair in filled.windows(2) {
        let &[one, other] = pair else { continue };
        if one + 1 != other || !trailing(&runs[one]).is_empty() || !leading(&runs[other]).is_empty() {
            continue;
        }
        runs[one].push_str(trailing(&segment.runs[one]));
        runs[other].insert_str(0, leading(&segment.runs[other]));
    }
    let original = plain(segment);
    if leading(&runs[*first]).is_empty() {
        runs[*first].insert_str(0, leading(&original));
    }
    if trailing(&runs[*last]).is_empty() {
        runs[*last].push_str(trailing(&original));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Segment, plain, replaced, tagged, untagged};

    fn segment(runs: &[&str]) -> Segment {
        Segment::new(runs.iter().map(ToString::to_string).collect())
    }

    fn back(text: &str, runs: &[&str]) -> (Vec<String>, bool) {
        untagged(text, &segment(runs))
    }

    fn is(text: &str, runs: &[&str], expected: &[&str], lost: bool) {
        assert_eq!(back(text, runs), (expected.iter().map(ToString::to_string).collect(), lost), "{text}");
    }

    #[test]
    fn tags_are_not_those_of_the_text() {
        assert_eq!(tagged(&segment(&["seul <1>"])), "seul <1>");
        assert_eq!(tagged(&segment(&["a ", "b"])), "<1>a </1><2>b</2>");
        assert_eq!(tagged(&segment(&["balise </ 7> ", "b"])), "<8>balise </ 7> </8><9>b</9>");
        is("<8>tag </ 7> </8><9>b</9>", &["balise </ 7> ", "b"], &["tag </ 7> ", "b"], false);
    }

    #[test]
    fn what_a_model_does_to_tags_is_understood() {
        let runs = ["Objet : ", "demande"];
        is("<1>Subject: </1><2>request</2>", &runs, &["Subject: ", "request"], false);
        // White space that was trimmed, or put between the tags.
        is("<1>Subject:</1><2>request</2>", &runs, &["Subject: ", "request"], false);
        is("<1>Subject:</1> <2>request</2>\n", &runs, &["Subject: ", "request\n"], false);
        is("< 1 >Subject:< / 1 ><2>request</ 2>", &runs, &["Subject: ", "request"], false);
        // An empty run is no loss of formatting.
        is("<1></1><2>request</2>", &runs, &["", "request"], false);
    }

    #[test]
    fn tags_that_say_nothing_are_given_up() {
        let runs = ["Le ", "décret du 3 mai", " s’applique."];
        for text in [
            "The <2>decree of 3 May</2> applies.",
            "<1>The <2>decree of 3 May</1></2><3> applies.</3>",
            "<1>The </1><2>decree of</2><1> 3 May</1><3> applies.</3>",
            "<1>The decree of 3 May applies.",
            "The decree of 3 May applies.",
            "</3>The decree of 3 May applies.",
        ] {
            let (found, lost) = back(text, &runs);
            assert!(lost, "{text}");
            let words: String = found.concat().split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words, "The decree of 3 May applies.", "{text}");
            assert!(found[0].is_empty() && found[2].is_empty(), "{found:?}");
        }
    }

    #[test]
    fn what_changes_its_place_is_read_in_the_right_order() {
        is(
            "<2>red </2><1>car</1><3> is mine</3>",
            &["voiture ", "rouge", " est à moi"],
            &["red car", "", " is mine"],
            true,
        );
        is("<1>A</1> and <2>the long one</2>", &["A", "la longue"], &["A", " and the long one"], true);
        let (runs, lost) = back("<3>c</3><2>b</2><1>a</1>", &["x", "y", "z"]);
        assert_eq!((runs.concat().as_str(), lost), ("cba", true));
    }

    #[test]
    fn ranges_are_replaced_where_they_begin() {
        let name = segment(&["M. Jean ", "Dupont", " est né."]);
        let swap = |ranges: &[(std::ops::Range<usize>, &str)]| {
            replaced(&name, &ranges.iter().map(|(range, with)| (range.clone(), (*with).to_owned())).collect::<Vec<_>>())
        };
        assert_eq!(swap(&[]), name.runs);
        assert_eq!(swap(&[(3..14, "[PERSONNE_1]")]), ["M. [PERSONNE_1]", "", " est né."]);
        assert_eq!(swap(&[(8..14, "X")]), ["M. Jean ", "X", " est né."]);
        assert_eq!(swap(&[(20..999, "X"), (3..7, "Y")]), ["M. Y ", "Dupont", " est nX"]);
        assert_eq!(swap(&[(3..9, "Y"), (5..14, "Z")]), ["M. Y", "", " est né."]);
        assert_eq!(swap(&[(20..21, "")]), ["M. Jean ", "Dupont", " est n."], "a whole character");
        assert_eq!(swap(&[(999..1_000, "!")]), ["M. Jean ", "Dupont", " est né.!"]);
        assert_eq!(swap(&[(0..0, ">")]), [">M. Jean ", "Dupont", " est né."]);
    }

    proptest! {
        #[test]
        fn tags_round_trip(runs in prop::collection::vec("[a-zé<>/0-9 \t]{0,8}", 1..6)) {
            let segment = Segment::new(runs.clone());
            let (found, lost) = untagged(&tagged(&segment), &segment);
            prop_assert_eq!(found, runs);
            prop_assert!(!lost);
        }

        #[test]
        fn nothing_is_lost_of_any_answer(runs in prop::collection::vec("[a-z ]{0,6}", 1..5), text in "(</?[0-9]>|[a-z]{1,3}| |<|é|>){0,16}") {
            let segment = Segment::new(runs);
            let (found, _) = untagged(&text, &segment);
            prop_assert_eq!(found.len(), segment.runs.len());
            let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
            prop_assert_eq!(letters(&found.concat()), letters(&text));
        }

        #[test]
        fn replacements_are_as_in_the_plain_text(runs in prop::collection::vec("[aé😀]{0,6}", 1..5), from in 0..20_usize, length in 0..20_usize) {
            let segment = Segment::new(runs);
            let text = plain(&segment);
            let (start, end) = (text.floor_char_boundary(from), text.ceil_char_boundary(from + length));
            let found = replaced(&segment, &[(from..from + length, "X".to_owned())]);
            prop_assert_eq!(found.len(), segment.runs.len());
            prop_assert_eq!(found.concat(), format!("{}X{}", &text[..start], &text[end..]));
        }
    }
}
