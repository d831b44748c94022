//! `SentencePiece` BPE: of all adjacent pairs that form a piece, the pair with the best score is merged, the leftmost first.
//!
//! Ranked merges cannot express this: all pairs that form the same piece have one score, and then the position in the text decides.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use super::gguf::Gguf;
use super::gguf_error::GgufError;
use super::vocabulary::{TokenType, Vocabulary};

/// The pieces of a `SentencePiece` vocabulary.
pub(super) struct SentencePieceEncoder {
    /// Id and score by the text of a piece.
    pieces: HashMap<String, (u32, f32)>,
    /// The byte tokens, for characters that are no piece.
    bytes: Vec<u32>,
}

/// An adjacent pair that may be merged.
struct Bigram {
    score: f32,
    left: usize,
    right: usize,
    /// Its length in bytes: when it has changed, one of the two was merged in the meantime.
    length: usize,
}

impl Ord for Bigram {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Bigram {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Bigram {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Bigram {}

/// A part of the text that becomes a token: one character at first, empty once it is merged into its left neighbour.
struct Symbol {
    start: usize,
    length: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

impl SentencePieceEncoder {
    /// Reads the ordinary pieces of a GGUF, with their scores.
    pub(super) fn read(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Self, GgufError> {
        let scores: Vec<f32> =
            gguf.list("tokenizer.ggml.scores").iter().filter_map(|score| score.to_f32().ok()).collect();
        if scores.len() != vocabulary.tokens.len() {
            return Err(GgufError::damaged("its tokens and their scores are not as many"));
        }
        let mut pieces = HashMap::new();
        for ((token, kind), (id, score)) in vocabulary.tokens.iter().zip(&vocabulary.types).zip((0..).zip(&scores)) {
            if *kind == TokenType::Text && !token.is_empty() {
                pieces.insert(token.clone(), (id, *score));
            }
        }
        // A file made from a tokenizer.json alone has no scores, only a constant in their place.
        let mut unions = pieces.iter().filter(|(piece, _)| piece.chars().nth(1).is_some()).map(|(_, (_, score))| score);
        if let Some(first) = unions.next()
            && unions.clone().next().is_some()
            && unions.all(|score| score.total_cmp(first).is_eq())
        {
            return Err(GgufError::unsupported(
                "all its tokens have one score, which says nothing of how words are cut; put the model's tokenizer.json beside it",
            ));
        }
        let ids: HashMap<&str, u32> = vocabulary
            .tokens
            .iter()
            .map(String::as_str)
            .zip(0..)
            .filter(|(token, id)| token.starts_with("<0x") && !vocabulary.is_reserved(*id))
            .collect();
        let bytes = (0..=u8::MAX).map(|byte| ids.get(format!("<0x{byte:02X}>").as_str()).copied());
        let bytes = bytes.collect::<Option<Vec<u32>>>().ok_or_else(|| {
            GgufError::unsupported("it has no token for some bytes, so that some texts could not be written")
        })?;
        Ok(Self { pieces, bytes })
    }

    /// The tokens of a text whose spaces are already written `▁`.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut symbols: Vec<Symbol> = text
            .char_indices()
            .enumerate()
            .map(|(index, (start, character))| {
                let length = character.len_utf8();
                let next = (start + length < text.len()).then_some(index + 1);
                Symbol { start, length, previous: index.checked_sub(1), next }
            })
            .collect();
        let mut queue: BinaryHeap<Bigram> =
            (1..symbols.len()).filter_map(|right| self.bigram(text, &symbols, right - 1, right)).collect();
        while let Some(Bigram { left, right, length, .. }) = queue.pop() {
            let (first, second) = (&symbols[left], &symbols[right]);
            if first.length == 0 || second.length == 0 || first.length + second.length != length {
                continue;
            }
            let next = second.next;
            symbols[left].length = length;
            symbols[left].next = next;
            symbols[right].length = 0;
            if let Some(next) = next {
                symbols[next].previous = Some(left);
                queue.extend(self.bigram(text, &symbols, left, next));
            }
            if let Some(previous) = symbols[left].previous {
                queue.extend(self.bigram(text, &symbols, previous, left));
            }
        }
        let mut ids = Vec::new();
        for symbol in symbols.iter().filter(|symbol| symbol.length > 0) {
            let piece = &text[symbol.start..symbol.start + symbol.length];
            match self.pieces.get(piece) {
                Some((id, _)) => ids.push(*id),
                None => ids.extend(piece.bytes().map(|byte| self.bytes[usize::from(byte)])),
            }
        }
        ids
    }

    /// An adjacent pair, if it forms a piece.
    fn bigram(&self, text: &str, symbols: &[Symbol], left: usize, right: usize) -> Option<Bigram> {
        let length = symbols[left].length + symbols[right].length;
        let start = symbols[left].start;
        let (_, score) = self.pieces.get(&text[start..start + length])?;
        Some(Bigram { score: *score, left, right, length })
    }
}
