//! Texts as tokens: the model's own `tokenizer.json`, with the special tokens that it puts around a text or a pair of texts.

use std::path::Path;

use tokenizers::{TruncationDirection, TruncationParams, TruncationStrategy};

use super::super::gguf_error::GgufError;
use super::super::tokenizer_json::{check_patterns, read, tokenizer_error};

/// No token has as many characters on average: what is beyond so many for each would be cut anyway.
const CHARACTERS_PER_TOKEN: usize = 64;

/// A text, or a query with a passage.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Input {
    Text(String),
    Pair(String, String),
    /// What is tokens already.
    Ready(Sequence),
}

/// The tokens of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sequence {
    pub ids: Vec<u32>,
    /// Which of two texts each belongs to.
    pub types: Vec<u32>,
}

/// A tokenizer that cuts at the model's context.
pub(super) struct Tokens {
    tokenizer: tokenizers::Tokenizer,
    context: usize,
}

impl Tokens {
    /// Reads the `tokenizer.json` of a folder, for a model that knows so many tokens.
    pub(super) fn open(folder: &Path, vocabulary: usize, context: usize) -> Result<Self, GgufError> {
        let mut tokenizer = open_tokenizer(folder, vocabulary)?;
        let truncation = TruncationParams {
            max_length: context,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
            direction: TruncationDirection::Right,
        };
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(tokenizer_error)?;
        Ok(Self { tokenizer, context })
    }

    /// The tokens of an input, at most as many as the context has. The error is one sentence without content.
    pub(super) fn encode(&self, input: &Input) -> Result<Sequence, String> {
        let cut = |text: &str| -> String { text.chars().take(self.context * CHARACTERS_PER_TOKEN).collect() };
        let encoded = match input {
            Input::Text(text) => self.tokenizer.encode(cut(text), true),
            Input::Pair(first, second) => self.tokenizer.encode((cut(first), cut(second)), true),
            Input::Ready(sequence) => return Ok(sequence.clone()),
        };
        let encoded = encoded.map_err(|_| "its tokenizer cannot encode a text".to_owned())?;
        let sequence = Sequence { ids: encoded.get_ids().to_vec(), types: encoded.get_type_ids().to_vec() };
        if sequence.ids.is_empty() || sequence.ids.len() > self.context || sequence.types.len() != sequence.ids.len() {
            return Err("its tokenizer made no tokens of a text, or too many".to_owned());
        }
        Ok(sequence)
    }
}

/// The `tokenizer.json` of a folder, checked, for a model that knows so many tokens.
pub(super) fn open_tokenizer(folder: &Path, vocabulary: usize) -> Result<tokenizers::Tokenizer, GgufError> {
    let path = folder.join("tokenizer.json");
    if !path.exists() {
        return Err(GgufError::damaged("there is no tokenizer.json beside its safetensors"));
    }
    let bytes = read(&path)?;
    let parsed = serde_json::from_slice(&bytes);
    let json: serde_json::Value =
        parsed.map_err(|error| GgufError::damaged(format!("tokenizer.json cannot be read: {error}")))?;
    check_patterns(&json)?;
    drop(json);
    let tokenizer = tokenizers::Tokenizer::from_bytes(&bytes).map_err(tokenizer_error)?;
    if tokenizer.get_vocab(true).values().any(|id| *id as usize >= vocabulary) {
        return Err(GgufError::damaged(
            "its tokenizer.json has tokens that the model has no rows for: it is another model's",
        ));
    }
    Ok(tokenizer)
}
