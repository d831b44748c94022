//! A text of any length as the windows that a model can read, which overlap: every token is judged where it has words on both sides.

use std::ops::Range;
use std::path::Path;

use super::super::gguf_error::GgufError;
use super::tokens::{Sequence, open_tokenizer};

/// The most bytes that are made tokens at once: a long file is no burden to the memory. The words at the two ends of such a piece are not read
/// together.
const PIECE: usize = 16 << 10;

/// The share of a window that the next one reads, too: a fourth.
const OVERLAP: usize = 4;

/// The fewest tokens of a window, beside the special ones.
const FEWEST: usize = 8;

/// Makes windows.
pub(super) struct Windows {
    tokenizer: tokenizers::Tokenizer,
    /// The special tokens before and after a text.
    before: Vec<u32>,
    after: Vec<u32>,
    /// How many tokens of a text a window has.
    room: usize,
}

/// A part of a text as the model reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub sequence: Sequence,
    /// Where the tokens stand in the text, in bytes, that are judged here: the others are in the window before or after.
    pub judged: Vec<Range<usize>>,
    /// The place of the first of them in `sequence`.
    pub first: usize,
}

impl Windows {
    /// Reads the `tokenizer.json` of a folder, for a model that knows so many tokens and reads so many at once.
    pub(super) fn open(folder: &Path, vocabulary: usize, context: usize) -> Result<Self, GgufError> {
        let mut tokenizer = open_tokenizer(folder, vocabulary)?;
        let cut = |_| GgufError::damaged("its tokenizer.json cannot be used for texts of any length");
        tokenizer.with_padding(None).with_truncation(None).map_err(cut)?;
        let wrapped = tokenizer.encode("a", true);
        let wrapped = wrapped.map_err(|_| GgufError::damaged("its tokenizer cannot encode a text"))?;
        let (ids, special) = (wrapped.get_ids(), wrapped.get_special_tokens_mask());
        let leading = special.iter().take_while(|mask| **mask == 1).count();
        let trailing = special[leading..].iter().rev().take_while(|mask| **mask == 1).count();
        let room = context.saturating_sub(leading + trailing);
        if room < FEWEST {
            return Err(GgufError::damaged("its context has no room for a text"));
        }
        let (before, after) = (ids[..leading].to_vec(), ids[ids.len() - trailing..].to_vec());
        Ok(Self { tokenizer, before, after, room })
    }

    /// The windows of a text, in order. The error is one sentence without content.
    pub(super) fn of(&self, text: &str) -> Result<Vec<Window>, String> {
        let mut windows = Vec::new();
        for piece in pieces(text) {
            let encoded = self.tokenizer.encode(&text[piece.clone()], false);
            let encoded = encoded.map_err(|_| "its tokenizer cannot encode a text".to_owned())?;
            let (ids, offsets) = (encoded.get_ids(), encoded.get_offsets());
            if ids.len() != offsets.len() {
                return Err("its tokenizer does not say where its tokens stand".to_owned());
            }
            let place = |(start, end): &(usize, usize)| {
                let byte = |at: usize| text.floor_char_boundary((piece.start + at).min(piece.end));
                byte(*start)..byte(*end).max(byte(*start))
            };
            let places: Vec<Range<usize>> = offsets.iter().map(place).collect();
            windows.extend(cut(ids.len(), self.room).map(|(read, judged)| {
                let ids: Vec<u32> = [&self.before[..], &ids[read.clone()], &self.after].concat();
                Window {
                    sequence: Sequence { types: vec![0; ids.len()], ids },
                    first: self.before.len() + judged.start - read.start,
                    judged: places[judged].to_vec(),
                }
            }));
        }
        Ok(windows)
    }
}

/// For each window of so many tokens: those that it reads, and those that are judged in it.
fn cut(tokens: usize, room: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let step = (room - room / OVERLAP).max(1);
    let count = if tokens == 0 { 0 } else { 1 + tokens.saturating_sub(room).div_ceil(step) };
    // The last one is as long as the others, so that its first words have as much before them.
    let read = move |at: usize| {
        let start = (at * step).min(tokens.saturating_sub(room));
        start..(start + room).min(tokens)
    };
    let middle = move |at: usize| usize::midpoint(read(at + 1).start, read(at).end);
    (0..count).map(move |at| {
        let start = at.checked_sub(1).map_or(0, middle);
        let end = if at + 1 < count { middle(at) } else { tokens };
        (read(at), start..end)
    })
}

/// A text in pieces of at most [`PIECE`] bytes, which end at a line where they can, or else between words.
fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start >= text.len() {
            return None;
        }
        let most = text.floor_char_boundary((start + PIECE).min(text.len()));
        let within = &text[start..most];
        let end = if most == text.len() {
            most
        } else {
            let after = |at: usize| start + at + within[at..].chars().next().map_or(0, char::len_utf8);
            let cut = within.rfind('\n').or_else(|| within.rfind(char::is_whitespace));
            cut.map_or(most, after)
        };
        let piece = start..end;
        start = end;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::{PIECE, cut, pieces};

    #[test]
    fn every_token_is_judged_once_and_with_words_around_it() {
        for (tokens, room) in [(0, 8), (1, 8), (8, 8), (9, 8), (14, 8), (15, 8), (1000, 8), (511, 510), (5000, 510)] {
            let windows: Vec<_> = cut(tokens, room).collect();
            let mut next = 0;
            for (read, judged) in &windows {
                assert!(read.len() <= room && judged.start >= read.start && judged.end <= read.end, "{tokens}, {room}");
                assert!(judged.start == next && !judged.is_empty(), "{tokens}, {room}");
                next = judged.end;
                let around = |inside: usize, outside: usize| outside == inside || inside.abs_diff(outside) >= room / 8;
                assert!(judged.start == 0 || around(judged.start, read.start), "{tokens}, {room}: {windows:?}");
                assert!(judged.end == tokens || around(judged.end, read.end), "{tokens}, {room}: {windows:?}");
            }
            assert_eq!(next, tokens);
            assert!(tokens > room || windows.len() == usize::from(tokens > 0), "what fits is one window");
        }
    }

    #[test]
    fn a_text_is_cut_between_lines_and_words_and_nothing_is_left_out() {
        for unit in ["Une ligne.\n", "mot ", "é", "Nom\u{a0}"] {
            let text = unit.repeat(PIECE);
            let pieces: Vec<_> = pieces(&text).collect();
            assert!(pieces.len() > 1 && pieces.iter().all(|piece| (1..=PIECE).contains(&piece.len())));
            assert_eq!(pieces.iter().map(|piece| &text[piece.clone()]).collect::<String>(), text);
            if unit != "é" {
                assert!(pieces.iter().all(|piece| text[piece.clone()].ends_with(unit)), "{unit}");
            }
        }
    }
}
