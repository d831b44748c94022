//! Text to token ids, where only the template's own markup may become control tokens.
//!
//! The encoder is built *without* the reserved tokens: whatever is written in a message, there is no path from its text to
//! a control id. Markup is searched for reserved spellings here, by hand.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

use super::gguf::{Gguf, GgufError};
use super::vocabulary::{Kind, Spelling, Vocabulary};

const CONTRACTIONS: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A stretch of a prompt.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Span {
    /// Written by the template: reserved spellings are control tokens.
    Markup(String),
    /// Written by someone: text, whatever it looks like.
    Content(String),
}

/// Encodes prompts.
pub(super) struct Tokenizer {
    encoder: tokenizers::Tokenizer,
    vocabulary: Arc<Vocabulary>,
    /// Reserved spellings, the longest first.
    reserved: Vec<(String, u32)>,
    /// Whether spaces are written as `▁` here rather than by the encoder itself.
    marks_spaces: bool,
    bos: Option<u32>,
}

impl Tokenizer {
    /// Builds the encoder from the GGUF, or from a `tokenizer.json` that lies beside it.
    pub(super) fn load(gguf: &Gguf, vocabulary: Arc<Vocabulary>, json: Option<&Path>) -> Result<Self, GgufError> {
        let beside = json.map(std::fs::read).transpose()?;
        let (encoder, marks_spaces) = match (beside, vocabulary.spelling) {
            (Some(bytes), _) => (from_json(&bytes, &vocabulary)?, false),
            (None, Spelling::ByteLevel) => (byte_level(gguf, &vocabulary)?, false),
            (None, Spelling::SentencePiece) => (sentence_piece(gguf, &vocabulary)?, true),
        };
        let mut reserved: Vec<(String, u32)> = (0..vocabulary.tokens.len() as u32)
            .filter(|id| vocabulary.is_reserved(*id))
            .map(|id| (vocabulary.tokens[id as usize].clone(), id))
            .filter(|(token, _)| !token.trim().is_empty())
            .collect();
        reserved.sort_by_key(|(token, _)| std::cmp::Reverse(token.len()));
        // llama.cpp's default: SentencePiece models want their BOS, the others say so.
        let wants_bos = gguf.flag("tokenizer.ggml.add_bos_token").unwrap_or(marks_spaces);
        let bos = gguf.number("tokenizer.ggml.bos_token_id").map(|id| id as u32).filter(|_| wants_bos);
        Ok(Self { encoder, vocabulary, reserved, marks_spaces, bos })
    }

    /// A prompt's token ids, its BOS included when the model wants one. The error never holds content.
    pub(super) fn prompt(&self, spans: &[Span]) -> Result<Vec<u32>, String> {
        let mut ids = self.encode(spans)?;
        if let Some(bos) = self.bos
            && ids.first() != Some(&bos)
        {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// How many tokens a text is, as content.
    pub(super) fn count(&self, text: &str) -> usize {
        // An encoder that fails is met again, with its error, when the prompt is made.
        self.text(text).map_or(text.len(), |ids| ids.len())
    }

    /// Neighbouring stretches of text are encoded as one, so that the words across their border are those the model learnt.
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
                        ids.extend(self.text(&std::mem::take(&mut run))?);
                        ids.push(id);
                        rest = after;
                    }
                    run.push_str(rest);
                }
            }
        }
        ids.extend(self.text(&run)?);
        Ok(ids)
    }

    /// The first reserved spelling in `markup`: what stands before it, its id, and what follows.
    fn next_reserved<'a>(&self, markup: &'a str) -> Option<(&'a str, u32, &'a str)> {
        markup.char_indices().find_map(|(at, _)| {
            let (before, here) = markup.split_at(at);
            let (token, id) = self.reserved.iter().find(|(token, _)| here.starts_with(token.as_str()))?;
            Some((before, *id, &here[token.len()..]))
        })
    }

    fn text(&self, text: &str) -> Result<Vec<u32>, String> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let marked = self.marks_spaces.then(|| {
            let prefix = if self.vocabulary.space_prefix { "▁" } else { "" };
            format!("{prefix}{}", text.replace(' ', "▁"))
        });
        let encoding = self
            .encoder
            .encode_fast(marked.as_deref().unwrap_or(text), false)
            .map_err(|_| "the tokenizer failed on a text".to_owned())?;
        Ok(encoding.get_ids().to_vec())
    }
}

fn byte_level(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<tokenizers::Tokenizer, GgufError> {
    let pre = gguf.text("tokenizer.ggml.pre").unwrap_or("absent");
    // The patterns are llama.cpp's (llama-vocab.cpp), which are those of the models' own tokenizers.
    let (patterns, ignore_merges): (&[&str], bool) = match pre {
        "gpt-2" | "gpt2" => (&[CONTRACTIONS], false),
        "smollm" => (&[r"\p{N}", CONTRACTIONS], false),
        "qwen2" => (&[QWEN2], false),
        "llama-bpe" | "llama3" | "llama-v3" => (&[LLAMA3], true),
        "default" => (&[r"[\p{P}\$\+<=>\^~\|]+", CONTRACTIONS, r"\p{N}+", "[0-9][0-9][0-9]"], false),
        _ => {
            return Err(GgufError::unsupported(format!(
                "how it splits words ({pre:?}) is not known here; put the model's tokenizer.json beside it"
            )));
        }
    };
    let merges = gguf
        .list("tokenizer.ggml.merges")
        .iter()
        .map(|merge| {
            let (left, right) = merge.to_string().ok()?.split_once(' ')?;
            Some((left.to_owned(), right.to_owned()))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| GgufError::damaged("its merges are not pairs of texts"))?;
    let mut steps = Vec::new();
    for pattern in patterns {
        let pattern = SplitPattern::Regex((*pattern).to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(tokenizer_error)?;
        steps.push(PreTokenizerWrapper::Split(split));
    }
    steps.push(PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, false)));
    let mut encoder = encoder(vocabulary, merges, ignore_merges, false)?;
    encoder.with_pre_tokenizer(Some(Sequence::new(steps)));
    Ok(encoder)
}

/// `SentencePiece` merges the pair whose union scores best; that is a BPE whose merges are ranked by the score of the union.
fn sentence_piece(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<tokenizers::Tokenizer, GgufError> {
    let scores: Vec<f32> = gguf.list("tokenizer.ggml.scores").iter().filter_map(|score| score.to_f32().ok()).collect();
    if scores.len() != vocabulary.tokens.len() {
        return Err(GgufError::damaged("its tokens and their scores are not as many"));
    }
    let texts: HashSet<&str> = (0..vocabulary.tokens.len())
        .filter(|id| vocabulary.kinds[*id] == Kind::Text)
        .map(|id| vocabulary.tokens[id].as_str())
        .collect();
    let mut ranked: Vec<(f32, &str, &str)> = Vec::new();
    for (token, score) in vocabulary.tokens.iter().zip(&scores) {
        if !texts.contains(token.as_str()) {
            continue;
        }
        let splits = token.char_indices().skip(1).map(|(at, _)| token.split_at(at));
        ranked.extend(
            splits.filter(|(l, r)| texts.contains(l) && texts.contains(r)).map(|(left, right)| (*score, left, right)),
        );
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let merges = ranked.into_iter().map(|(_, left, right)| (left.to_owned(), right.to_owned())).collect();
    encoder(vocabulary, merges, false, true)
}

/// A BPE over the ordinary tokens only.
fn encoder(
    vocabulary: &Vocabulary,
    mut merges: Vec<(String, String)>,
    ignore_merges: bool,
    byte_fallback: bool,
) -> Result<tokenizers::Tokenizer, GgufError> {
    let ordinary: Vocab = vocabulary
        .tokens
        .iter()
        .zip(0_u32..)
        .filter(|(_, id)| !vocabulary.is_reserved(*id))
        .map(|(token, id)| (token.clone(), id))
        .collect();
    // Candle's and Hugging Face's builders fail, or worse, on a merge whose parts are not tokens.
    merges.retain(|(left, right)| {
        ordinary.contains_key(left) && ordinary.contains_key(right) && ordinary.contains_key(&format!("{left}{right}"))
    });
    let bpe = BPE::builder()
        .vocab_and_merges(ordinary, merges)
        .ignore_merges(ignore_merges)
        .byte_fallback(byte_fallback)
        .build()
        .map_err(tokenizer_error)?;
    Ok(tokenizers::Tokenizer::new(bpe))
}

/// The model's own `tokenizer.json`, without its added tokens.
fn from_json(bytes: &[u8], vocabulary: &Vocabulary) -> Result<tokenizers::Tokenizer, GgufError> {
    let refuse = || GgufError::damaged("the tokenizer.json beside it is not a BPE tokenizer");
    let mut json: Json = serde_json::from_slice(bytes).map_err(|_| refuse())?;
    json["added_tokens"] = Json::Array(Vec::new());
    for key in ["post_processor", "truncation", "padding"] {
        json[key] = Json::Null;
    }
    let model = json["model"].as_object_mut().filter(|model| model.get("type").is_none_or(|kind| kind == "BPE"));
    let model = model.ok_or_else(refuse)?;
    model.insert("unk_token".to_owned(), Json::Null);
    let vocab = model.get_mut("vocab").and_then(Json::as_object_mut).ok_or_else(refuse)?;
    let same = |token: &str, id: &Json| {
        id.as_u64().and_then(|id| vocabulary.tokens.get(id as usize)).is_some_and(|known| known == token)
    };
    if !vocab.iter().all(|(token, id)| same(token, id)) {
        return Err(GgufError::damaged("the tokenizer.json beside it belongs to another model"));
    }
    vocab.retain(|_, id| !id.as_u64().is_some_and(|id| vocabulary.is_reserved(id as u32)));
    let known: HashSet<String> = vocab.keys().cloned().collect();
    let merges = model.get_mut("merges").and_then(Json::as_array_mut).ok_or_else(refuse)?;
    merges.retain(|merge| {
        let pair = match merge {
            Json::Array(pair) if pair.len() == 2 => pair[0].as_str().zip(pair[1].as_str()),
            other => other.as_str().and_then(|merge| merge.split_once(' ')),
        };
        pair.is_some_and(|(l, r)| known.contains(l) && known.contains(r) && known.contains(&format!("{l}{r}")))
    });
    let bytes = serde_json::to_vec(&json).map_err(|_| refuse())?;
    tokenizers::Tokenizer::from_bytes(bytes).map_err(tokenizer_error)
}

// The signature is the tokenizers crate's.
#[allow(clippy::needless_pass_by_value)]
fn tokenizer_error(error: tokenizers::Error) -> GgufError {
    GgufError::damaged(format!("its tokenizer cannot be built: {error}"))
}

#[cfg(test)]
#[path = "tokenizer_tests.rs"]
mod tests;
