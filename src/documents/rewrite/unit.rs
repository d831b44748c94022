//! A paragraph, a cell or a title as it stands in its source: which bytes are its text, and what stands between them.

use std::ops::Range;

use super::escape::Escape;
use crate::segment::Segment;

/// The most runs of a segment; what would be one more joins the last.
const MOST_RUNS: usize = 256;

/// A segment and where its text stands.
pub(super) struct Unit {
    pub runs: Vec<Run>,
    pub hidden: bool,
}

/// Text of one formatting, with nothing between its pieces that must stay beside them. At least one is a text.
#[derive(Default)]
pub(super) struct Run {
    pub pieces: Vec<Piece>,
}

/// A stretch of the source.
pub(super) struct Piece {
    pub range: Range<usize>,
    /// What it stands for.
    pub text: String,
    pub kind: Kind,
}

/// What a stretch of the source is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text. Another one is written in its place, escaped.
    Text(Escape),
    /// Something that stands for characters and stays, as a tab does.
    Fixed,
    /// Something that stands for characters and goes where the text has them no more, as a hyphen that is an element.
    Loose,
    /// A space at which the source begins a new line. It stays at a space, wherever that is now.
    Wrap,
}

impl Piece {
    /// A text without control characters: who is given it could not put them back.
    pub(super) fn text(range: Range<usize>, text: String, escape: Escape) -> Self {
        let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n');
        let text = if text.contains(is_control) { text.replace(is_control, " ") } else { text };
        Self { range, text, kind: Kind::Text(escape) }
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text(_))
    }
}

impl Run {
    pub(super) fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }
}

impl Unit {
    /// One text, all of it.
    pub(super) fn of(piece: Piece, hidden: bool) -> Option<Self> {
        let mut draft = Draft::new(hidden);
        draft.text("", piece);
        draft.finish()
    }

    pub(super) fn segment(&self) -> Segment {
        Segment { runs: self.runs.iter().map(Run::text).collect(), hidden: self.hidden }
    }

    /// Where in the source it begins.
    pub(super) fn start(&self) -> usize {
        self.runs.first().and_then(|run| run.pieces.first()).map_or(0, |piece| piece.range.start)
    }
}

/// A unit that is being read.
#[derive(Default)]
pub(super) struct Draft {
    runs: Vec<Run>,
    /// What the formatting of the last run is.
    key: String,
    /// What stands after the last text, up to where no run goes across, and behind that.
    marks: (Vec<Piece>, Vec<Piece>),
    cut: bool,
    hidden: bool,
    left: bool,
}

impl Draft {
    pub(super) fn new(hidden: bool) -> Self {
        Self { hidden, ..Self::default() }
    }

    /// A text of a formatting. One of another formatting begins a run, unless it is white space.
    pub(super) fn text(&mut self, key: &str, piece: Piece) {
        if piece.text.is_empty() {
            return;
        }
        let joins = !self.cut && (self.key == key || piece.text.trim().is_empty());
        let full = self.runs.len() >= MOST_RUNS;
        let (mut before, mut pieces) = std::mem::take(&mut self.marks);
        if let Some(run) = self.runs.last_mut() {
            run.pieces.append(&mut before);
            if joins || full {
                run.pieces.append(&mut pieces);
                run.pieces.push(piece);
                return;
            }
        }
        pieces.push(piece);
        self.runs.push(Run { pieces });
        key.clone_into(&mut self.key);
        self.cut = false;
    }

    /// Something that stands for characters. Before the first text and after the last one it is none of the segment's.
    pub(super) fn mark(&mut self, range: Range<usize>, text: &str, kind: Kind) {
        if !self.runs.is_empty() {
            let marks = if self.cut { &mut self.marks.1 } else { &mut self.marks.0 };
            marks.push(Piece { range, text: text.to_owned(), kind });
        }
    }

    /// Something that keeps its place in the text: no run goes across it.
    pub(super) fn cut(&mut self) {
        self.cut = true;
    }

    /// What is read now is no text of the document.
    pub(super) fn leave(&mut self) {
        self.left = true;
    }

    /// The unit, if there is anything in it to be read.
    pub(super) fn finish(mut self) -> Option<Unit> {
        // White space at the end stays where it is.
        let runs = self.runs.len();
        if let Some(pieces) = self.runs.last_mut().map(|run| &mut run.pieces) {
            let is_blank = |piece: &Piece| !piece.is_text() || piece.text.trim().is_empty();
            while pieces.last().is_some_and(is_blank) && pieces.iter().any(|piece| !is_blank(piece)) {
                pieces.pop();
            }
            if runs > 1 && pieces.iter().all(|piece| piece.text.trim().is_empty()) {
                self.runs.pop();
            }
        }
        let mut texts = self.runs.iter().flat_map(|run| &run.pieces).filter(|piece| piece.is_text());
        let worth = !self.left && texts.any(|piece| piece.text.contains(char::is_alphanumeric));
        worth.then_some(Unit { runs: self.runs, hidden: self.hidden })
    }
}
