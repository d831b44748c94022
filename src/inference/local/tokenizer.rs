//! Text to token ids, where only the template's own markup can become control tokens.
//!
//! The encoder is built *without* the reserved tokens, so that no text of a message can be encoded to a control token. The template's
//! markup is searched for reserved spellings here.

use std::path::Path;
use std::sync::Arc;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::NFC;

use super::gguf::Gguf;
use super::gguf_error::GgufError;
use super::pretokenizer::PreTokenizer;
use super::spm::SentencePieceEncoder;
use super::tokenizer_json::{self, tokenizer_error};
use super::vocabulary::{Spelling, Vocabulary};

/// A part of a prompt.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Span {
    /// Written by the template: reserved spellings are control tokens.
    Markup(String),
    /// The text of a message: never a control token, whatever it looks like.
    Content(String),
}

/// Encodes a text without control tokens.
enum Encoder {
    /// BPE with ranked merges.
    Bpe(Box<tokenizers::Tokenizer>),
    /// BPE with scores, over a text with `▁` for each space.
    SentencePiece(SentencePieceEncoder),
}

/// Encodes prompts.
pub(super) struct Tokenizer {
    encoder: Encoder,
    vocabulary: Arc<Vocabulary>,
    /// Reserved spellings, the longest first.
    reserved: Vec<(String, u32)>,
    /// The first bytes of the reserved spellings: most positions of a text begin with none of them.
    starts: [bool; 256],
    /// A `tokenizer.json` may want a space before a prompt that starts with text, and nowhere else.
    spaced_start: bool,
    bos: Option<u32>,
}

impl Tokenizer {
    /// Builds the encoder from the GGUF, or from a `tokenizer.json` beside it.
    pub(super) fn load(gguf: &Gguf, vocabulary: Arc<Vocabulary>, json: Option<&Path>) -> Result<Self, GgufError> {
        let beside = json.map(tokenizer_json::read).transpose()?;
        let kind = gguf.text("tokenizer.ggml.pre").and_then(PreTokenizer::named);
        let mut spaced_start = false;
        let encoder = match (beside, vocabulary.spelling) {
            (Some(bytes), _) => {
                let bpe;
                (bpe, spaced_start) = tokenizer_json::build(&bytes, &vocabulary)?;
                Encoder::Bpe(Box::new(bpe))
            }
            (None, Spelling::ByteLevel) => Encoder::Bpe(Box::new(byte_level(gguf, &vocabulary)?)),
            (None, Spelling::SentencePiece) => Encoder::SentencePiece(SentencePieceEncoder::read(gguf, &vocabulary)?),
        };
        let mut reserved: Vec<(String, u32)> = (0..vocabulary.tokens.len() as u32)
            .filter(|id| vocabulary.is_reserved(*id))
            .map(|id| (vocabulary.tokens[id as usize].clone(), id))
            .filter(|(token, _)| !token.trim().is_empty())
            .collect();
        reserved.sort_by_key(|(token, _)| std::cmp::Reverse(token.len()));
        let mut starts = [false; 256];
        for (token, _) in &reserved {
            starts[usize::from(token.as_bytes()[0])] = true;
        }
        // llama.cpp's defaults, where the file does not say.
        let by_default = match vocabulary.spelling {
            Spelling::SentencePiece => true,
            Spelling::ByteLevel => kind.is_some_and(|kind| kind.wants_bos),
        };
        let bos = gguf.flag("tokenizer.ggml.add_bos_token").unwrap_or(by_default).then_some(vocabulary.bos).flatten();
        Ok(Self { encoder, vocabulary, reserved, starts, spaced_start, bos })
    }

    /// A prompt's token ids, its BOS included when the model wants one. The error never contains content.
    pub(super) fn prompt(&self, spans: &[Span]) -> Result<Vec<u32>, String> {
        let mut ids = self.encode(spans)?;
        if let Some(bos) = self.bos
            && ids.first() != Some(&bos)
        {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// How many tokens a text has, as content.
    pub(super) fn count(&self, text: &str) -> usize {
        // If the encoder fails, it fails again when the prompt is encoded, and the error is reported there.
        self.text(text, true).map_or(text.len(), |ids| ids.len())
    }

    /// Adjacent parts of text are encoded as one, so that words across their border are tokenised as in training.
    fn encode(&self, spans: &[Span]) -> Result<Vec<u32>, String> {
        let mut ids = Vec::new();
        let mut run = String::new();
        for span in spans {
            match span {
                Span::Content(text) => run.push_str(text),
                Span::Markup(text) => {
                    let mut rest = text.as_str();
                    while let Some((before, id, after)) = self.next_reserved(rest) {
                        run.push_str(before);
                        ids.extend(self.text(&std::mem::take(&mut run), ids.is_empty())?);
                        ids.push(id);
                        rest = after;
                    }
                    run.push_str(rest);
                }
            }
        }
        ids.extend(self.text(&run, ids.is_empty())?);
        Ok(ids)
    }

    /// The first reserved spelling in `markup`: the text before it, its id, and the text after it.
    fn next_reserved<'a>(&self, markup: &'a str) -> Option<(&'a str, u32, &'a str)> {
        markup.char_indices().find_map(|(at, _)| {
            let (before, here) = markup.split_at(at);
            if !self.starts[usize::from(here.as_bytes()[0])] {
                return None;
            }
            let (token, id) = self.reserved.iter().find(|(token, _)| here.starts_with(token.as_str()))?;
            Some((before, *id, &here[token.len()..]))
        })
    }

    /// The ids of a text without control tokens; `first` when it begins its prompt.
    fn text(&self, text: &str, first: bool) -> Result<Vec<u32>, String> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        match &self.encoder {
            Encoder::SentencePiece(pieces) => {
                let prefix = if self.vocabulary.space_prefix { "▁" } else { "" };
                Ok(pieces.encode(&format!("{prefix}{}", text.replace(' ', "▁"))))
            }
            Encoder::Bpe(bpe) => {
                let spaced = (first && self.spaced_start && !text.starts_with([' ', '▁'])).then(|| format!(" {text}"));
                let encoding = bpe.encode_fast(spaced.as_deref().unwrap_or(text), false);
                Ok(encoding.map_err(|_| "the tokenizer failed on a text".to_owned())?.get_ids().to_vec())
            }
        }
    }
}

fn byte_level(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<tokenizers::Tokenizer, GgufError> {
    let name = gguf.text("tokenizer.ggml.pre").unwrap_or("absent");
    let kind = PreTokenizer::named(name).ok_or_else(|| {
        GgufError::unsupported(format!(
            "how it splits words ({name:?}) is not known here; put the model's tokenizer.json beside it"
        ))
    })?;
    let merges = gguf
        .list("tokenizer.ggml.merges")
        .iter()
        .map(|merge| {
            let (left, right) = merge.to_string().ok()?.split_once(' ')?;
            Some((left.to_owned(), right.to_owned()))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| GgufError::damaged("its merges are not pairs of texts"))?;
    let mut encoder = encoder(vocabulary, merges, kind.ignore_merges)?;
    encoder.with_normalizer(kind.composes.then_some(NFC)).map_err(tokenizer_error)?;
    encoder.with_pre_tokenizer(Some(kind.steps().map_err(tokenizer_error)?));
    Ok(encoder)
}

/// A BPE over the ordinary tokens only.
fn encoder(
    vocabulary: &Vocabulary,
    mut merges: Vec<(String, String)>,
    ignore_merges: bool,
) -> Result<tokenizers::Tokenizer, GgufError> {
    let ordinary: Vocab = vocabulary
        .tokens
        .iter()
        .zip(0_u32..)
        .filter(|(_, id)| !vocabulary.is_reserved(*id))
        .map(|(token, id)| (token.clone(), id))
        .collect();
    // The builders of candle and of Hugging Face fail or panic on a merge whose parts are not tokens.
    merges.retain(|(left, right)| {
        ordinary.contains_key(left) && ordinary.contains_key(right) && ordinary.contains_key(&format!("{left}{right}"))
    });
    let bpe = BPE::builder()
        .vocab_and_merges(ordinary, merges)
        .ignore_merges(ignore_merges)
        .build()
        .map_err(tokenizer_error)?;
    Ok(tokenizers::Tokenizer::new(bpe))
}

#[cfg(test)]
#[path = "tokenizer_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "reference_tests.rs"]
mod reference;
