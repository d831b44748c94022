//! Text to tokens and back, as the GGUF file itself describes it.
//!
//! Control tokens are not in the vocabulary that text is encoded with: `<|im_start|>` in a message is eleven characters of text. Only
//! [`Tokenizer::control`], which the chat template's own markup goes through, gives their ids.

use std::collections::HashMap;

use tokenizers::{
    SplitDelimiterBehavior,
    models::bpe::BPE,
    normalizers::{NFC, Replace},
    pre_tokenizers::{PreTokenizerWrapper, byte_level::ByteLevel, digits::Digits, sequence::Sequence, split::Split},
};

use super::gguf::Metadata;

const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
const BYTE: u64 = 6;

/// How Llama 3 splits text before merging; numbers go by three digits.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How Qwen 2 does; numbers go digit by digit.
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A vocabulary and the way to it.
pub(super) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// The bytes of each token, by id.
    bytes: Vec<Vec<u8>>,
    /// The spellings of the tokens that are markup, longest first.
    controls: Vec<(String, u32)>,
    pub(super) bos: Option<u32>,
    pub(super) add_bos: bool,
    /// The tokens that end an answer.
    pub(super) ends: Vec<u32>,
}

/// A stretch of a prompt.
#[derive(Debug, PartialEq)]
pub(super) enum Stretch {
    /// A control token.
    Control(u32),
    /// Text, to be encoded as such.
    Text(String),
}

impl Tokenizer {
    /// Reads the tokenizer; the error is one sentence.
    pub(super) fn read(metadata: &Metadata) -> Result<Self, String> {
        let missing = |key: &str| format!("its tokenizer has no `{key}`");
        let model = metadata.text("tokenizer.ggml.model").ok_or_else(|| missing("tokenizer.ggml.model"))?;
        let tokens = metadata.texts("tokenizer.ggml.tokens").ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
        let types = types(metadata, tokens.len());
        let (inner, bytes) = match model {
            "gpt2" => {
                (byte_level(metadata, &tokens, &types)?, tokens.iter().map(|token| from_byte_level(token)).collect())
            }
            "llama" => {
                let bytes = tokens.iter().zip(&types).map(|(token, kind)| from_sentence_piece(token, *kind)).collect();
                (sentence_piece(metadata, &tokens, &types)?, bytes)
            }
            other => {
                return Err(format!("its tokenizer is of the kind `{other}`; this engine knows `gpt2` and `llama`"));
            }
        };
        let mut controls: Vec<(String, u32)> = tokens
            .iter()
            .zip(0_u32..)
            .filter(|(token, id)| matches!(types[*id as usize], CONTROL | USER_DEFINED) && !token.is_empty())
            .map(|(token, id)| ((*token).to_owned(), id))
            .collect();
        controls.sort_by_key(|(token, _)| std::cmp::Reverse(token.len()));
        let id = |key: &str| metadata.number(key).filter(|id| *id < tokens.len()).and_then(|id| u32::try_from(id).ok());
        let (bos, eos) = (id("tokenizer.ggml.bos_token_id"), id("tokenizer.ggml.eos_token_id"));
        let known_ends = ["<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>", "</s>"];
        let named = controls.iter().filter(|(token, _)| known_ends.contains(&token.as_str())).map(|(_, id)| *id);
        let ends = named.chain(eos).collect();
        let add_bos = metadata.flag("tokenizer.ggml.add_bos_token").unwrap_or(model == "llama");
        Ok(Self { inner, bytes, controls, bos, add_bos, ends })
    }

    /// Encodes text as text: no control token comes out, whatever is spelt in it.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, String> {
        self.inner.encode(text, false).map(|encoding| encoding.get_ids().to_vec()).map_err(|error| error.to_string())
    }

    /// The bytes of a token; a character may be spread over several tokens.
    pub(super) fn bytes(&self, id: u32) -> &[u8] {
        self.bytes.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// The id of the control token with this spelling.
    pub(super) fn control(&self, spelling: &str) -> Option<u32> {
        self.controls.iter().find(|(token, _)| token == spelling).map(|(_, id)| *id)
    }

    /// The spelling of a control token.
    pub(super) fn spelling(&self, id: u32) -> &str {
        self.controls.iter().find(|(_, control)| *control == id).map_or("", |(token, _)| token)
    }

    /// Splits a template's own markup into control tokens and plain text.
    pub(super) fn stretches(&self, markup: &str) -> Vec<Stretch> {
        let mut out = Vec::new();
        let mut text = String::new();
        let mut rest = markup;
        while let Some(character) = rest.chars().next() {
            if let Some((token, id)) = self.controls.iter().find(|(token, _)| rest.starts_with(token.as_str())) {
                if !text.is_empty() {
                    out.push(Stretch::Text(std::mem::take(&mut text)));
                }
                out.push(Stretch::Control(*id));
                rest = &rest[token.len()..];
            } else {
                text.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
        if !text.is_empty() {
            out.push(Stretch::Text(text));
        }
        out
    }

    #[cfg(test)]
    pub(super) fn is_control(&self, id: u32) -> bool {
        self.controls.iter().any(|(_, control)| *control == id)
    }
}

fn types(metadata: &Metadata, count: usize) -> Vec<u64> {
    let listed = metadata.list("tokenizer.ggml.token_type").unwrap_or_default();
    let kind = |value: &candle_core::quantized::gguf_file::Value| {
        value.to_i32().ok().and_then(|kind| u64::try_from(kind).ok()).or_else(|| value.to_u64().ok()).unwrap_or(1)
    };
    let mut types: Vec<u64> = listed.iter().take(count).map(kind).collect();
    types.resize(count, 1);
    types
}

/// The vocabulary without what is markup.
fn vocabulary<'a>(tokens: &[&'a str], types: &[u64]) -> HashMap<&'a str, u32> {
    let pairs = tokens.iter().copied().zip(0_u32..);
    pairs.filter(|(_, id)| !matches!(types[*id as usize], CONTROL | USER_DEFINED)).collect()
}

fn bpe(
    vocabulary: &HashMap<&str, u32>,
    merges: Vec<(String, String)>,
    adapt: fn(tokenizers::models::bpe::BpeBuilder) -> tokenizers::models::bpe::BpeBuilder,
) -> Result<BPE, String> {
    let vocabulary = vocabulary.iter().map(|(token, id)| ((*token).to_owned(), *id)).collect::<Vec<_>>();
    let builder =
        BPE::builder().vocab_and_merges(vocabulary.into_iter().collect::<tokenizers::models::bpe::Vocab>(), merges);
    adapt(builder).build().map_err(|error| format!("its tokenizer cannot be built: {error}"))
}

fn byte_level(metadata: &Metadata, tokens: &[&str], types: &[u64]) -> Result<tokenizers::Tokenizer, String> {
    let kind = metadata.text("tokenizer.ggml.pre").unwrap_or("default");
    let regex = |pattern: &str| -> Result<PreTokenizerWrapper, String> {
        let pattern = tokenizers::pre_tokenizers::split::SplitPattern::Regex(pattern.to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(|error| error.to_string())?;
        let bytes = ByteLevel::new(false, false, false);
        Ok(Sequence::new(vec![split.into(), bytes.into()]).into())
    };
    let whole = ByteLevel::new(false, false, true);
    let before: PreTokenizerWrapper = match kind {
        "gpt-2" | "default" => whole.into(),
        "smollm" => Sequence::new(vec![Digits::new(true).into(), whole.into()]).into(),
        "llama-bpe" | "llama3" => regex(LLAMA3)?,
        "qwen2" => regex(QWEN2)?,
        other => {
            return Err(format!("its tokenizer splits text in the way `{other}`, which this engine does not know"));
        }
    };
    let vocabulary = vocabulary(tokens, types);
    let merges = metadata.texts("tokenizer.ggml.merges").ok_or("its tokenizer has no `tokenizer.ggml.merges`")?;
    let merges = merges
        .into_iter()
        .map(|pair| pair.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned())))
        .collect::<Option<Vec<_>>>()
        .ok_or("one of its merges is not a pair")?;
    let whole_words = matches!(kind, "llama-bpe" | "llama3");
    let model =
        bpe(&vocabulary, merges, if whole_words { |builder| builder.ignore_merges(true) } else { |builder| builder })?;
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(before));
    if kind == "qwen2" {
        tokenizer.with_normalizer(Some(NFC)).map_err(|error| error.to_string())?;
    }
    Ok(tokenizer)
}

/// SentencePiece's BPE has scores in place of merges: a pair may be merged when the whole is a piece, the better score first.
fn sentence_piece(metadata: &Metadata, tokens: &[&str], types: &[u64]) -> Result<tokenizers::Tokenizer, String> {
    let scores = metadata.list("tokenizer.ggml.scores").ok_or("its tokenizer has no `tokenizer.ggml.scores`")?;
    let score = |id: u32| scores.get(id as usize).and_then(|value| value.to_f32().ok()).unwrap_or(f32::MIN);
    let vocabulary = vocabulary(tokens, types);
    let mut merges = Vec::new();
    for (piece, id) in &vocabulary {
        for (at, _) in piece.char_indices().skip(1) {
            let (left, right) = piece.split_at(at);
            if let (Some(first), Some(second)) = (vocabulary.get(left), vocabulary.get(right)) {
                merges.push((score(*id), *first, *second, (left.to_owned(), right.to_owned())));
            }
        }
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let merges = merges.into_iter().map(|(.., pair)| pair).collect();
    let model =
        bpe(&vocabulary, merges, |builder| builder.byte_fallback(true).fuse_unk(true).unk_token("<unk>".to_owned()))?;
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    let spaces = Replace::new(" ", "▁").map_err(|error| error.to_string())?;
    tokenizer.with_normalizer(Some(spaces)).map_err(|error| error.to_string())?;
    Ok(tokenizer)
}

/// GPT-2 writes each byte as a visible character: printable Latin-1 as itself, the others from U+0100 on, in order.
fn from_byte_level(token: &str) -> Vec<u8> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let hidden: Vec<u8> = (0..=255).filter(|byte| !printable(*byte)).collect();
    let byte = |character: char| match u32::from(character) {
        code @ 0..=255 => u8::try_from(code).ok().filter(|byte| printable(*byte)),
        code => hidden.get(code as usize - 256).copied(),
    };
    // A token with any other character is markup or damage: it is kept as it is written.
    token.chars().map(byte).collect::<Option<Vec<u8>>>().unwrap_or_else(|| token.as_bytes().to_vec())
}

fn from_sentence_piece(token: &str, kind: u64) -> Vec<u8> {
    let byte = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    match byte.filter(|_| kind == BYTE).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
        Some(byte) => vec![byte],
        None => token.replace('▁', " ").into_bytes(),
    }
}
