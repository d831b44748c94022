//! The vocabulary: the bytes of each token, and whether it is a control token.

use std::collections::HashMap;

use super::gguf::{Gguf, integer};
use super::gguf_error::GgufError;

/// The tokens that end a turn in the supported families; a file names only one of them as its end.
const ENDS: [&str; 8] =
    ["<|im_end|>", "</s>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|end_of_text|>", "<|endoftext|>", "<end_of_turn>"];

/// Whether a token is a control token whatever type the file gives it; `</s>` is left out, since it is also HTML.
fn is_mark(token: &str) -> bool {
    token == "<|im_start|>" || (ENDS.contains(&token) && token != "</s>")
}

/// How a vocabulary writes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// GPT-2: each byte is one printable character.
    ByteLevel,
    /// `SentencePiece`: text, with `▁` for a space and `<0x0A>` for a single byte.
    SentencePiece,
}

/// The type of a token, as llama.cpp numbers it in `tokenizer.ggml.token_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenType {
    /// Ordinary text.
    Text,
    /// Control tokens: never shown.
    Control,
    /// Text that only a template can encode as one token (`<think>`).
    Added,
    /// A single byte, `<0x0A>`.
    Byte,
}

/// The tokens of a model, by id.
#[derive(Debug)]
pub(super) struct Vocabulary {
    pub spelling: Spelling,
    pub tokens: Vec<String>,
    pub types: Vec<TokenType>,
    bytes: Vec<Vec<u8>>,
    ends: Vec<u32>,
    /// The token that starts a prompt, for models that want one.
    pub bos: Option<u32>,
    /// Whether the first text of an answer begins with a space that belongs to the tokenizer (`SentencePiece`).
    pub space_prefix: bool,
}

impl Vocabulary {
    /// Reads the tokens of a GGUF.
    pub(super) fn read(gguf: &Gguf) -> Result<Self, GgufError> {
        let spelling = match gguf.text("tokenizer.ggml.model") {
            Some("gpt2") => Spelling::ByteLevel,
            Some("llama") => Spelling::SentencePiece,
            other => {
                return Err(GgufError::unsupported(format!(
                    "its tokenizer is {:?}; only \"gpt2\" and \"llama\" are supported",
                    other.unwrap_or("absent")
                )));
            }
        };
        let tokens: Vec<String> =
            gguf.list("tokenizer.ggml.tokens").iter().filter_map(|token| token.to_string().ok().cloned()).collect();
        if tokens.is_empty() || tokens.len() != gguf.list("tokenizer.ggml.tokens").len() {
            return Err(GgufError::damaged("its list of tokens is missing or not made of texts"));
        }
        let listed = gguf.list("tokenizer.ggml.token_type");
        if !listed.is_empty() && listed.len() != tokens.len() {
            return Err(GgufError::damaged("its tokens and their types are not as many"));
        }
        let mut types = vec![TokenType::Text; tokens.len()];
        for (kind, value) in types.iter_mut().zip(listed) {
            *kind = match integer(value) {
                Some(2 | 3 | 5) => TokenType::Control,
                Some(4) => TokenType::Added,
                Some(6) => TokenType::Byte,
                _ => TokenType::Text,
            };
        }
        for (kind, _) in types.iter_mut().zip(&tokens).filter(|(_, token)| is_mark(token)) {
            *kind = TokenType::Control;
        }
        let named = ["eos", "eot", "eom", "bos"].map(|name| gguf.number(&format!("tokenizer.ggml.{name}_token_id")));
        for id in named.into_iter().flatten() {
            // A file without types still names its control tokens.
            let kind = types.get_mut(id as usize);
            *kind.ok_or_else(|| GgufError::damaged("a control token is not in the list of tokens"))? =
                TokenType::Control;
        }
        let ends = named[..3].iter().flatten().map(|id| *id as u32).collect();
        let space_prefix =
            spelling == Spelling::SentencePiece && gguf.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true);
        let bos = named[3].map(|id| id as u32);
        // SentencePiece's own numbering, where the file does not say.
        let spm = spelling == Spelling::SentencePiece && tokens.get(1).is_some_and(|token| token == "<s>");
        let bos = bos.or(spm.then_some(1));
        Ok(Self { bos, ..Self::new(spelling, tokens, types, ends, space_prefix) })
    }

    /// A vocabulary from its parts; `ends` are the ids that end an answer, beside the well-known spellings.
    pub(super) fn new(
        spelling: Spelling,
        tokens: Vec<String>,
        types: Vec<TokenType>,
        mut ends: Vec<u32>,
        space_prefix: bool,
    ) -> Self {
        let alphabet: HashMap<char, u8> = (0..=u8::MAX).map(|byte| (byte_character(byte), byte)).collect();
        let bytes = tokens
            .iter()
            .zip(&types)
            .map(|(token, kind)| match (kind, spelling) {
                (TokenType::Control, _) => Vec::new(),
                (TokenType::Added, _) => token.clone().into_bytes(),
                (TokenType::Text, Spelling::ByteLevel) => byte_level(token, &alphabet),
                _ => sentence_piece(token, *kind),
            })
            .collect();
        ends.extend(
            tokens
                .iter()
                .enumerate()
                .filter(|(id, token)| types[*id] != TokenType::Text && ENDS.contains(&token.as_str()))
                .map(|(id, _)| id as u32),
        );
        Self { spelling, tokens, types, bytes, ends, bos: None, space_prefix }
    }

    /// The bytes of a token; none for control tokens and ids that do not exist.
    pub(super) fn bytes(&self, id: u32) -> &[u8] {
        self.bytes.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// Whether a token ends the answer.
    pub(super) fn ends(&self, id: u32) -> bool {
        self.ends.contains(&id)
    }

    /// The tokens that end an answer.
    pub(super) fn all_ends(&self) -> &[u32] {
        &self.ends
    }

    /// Whether a token is reserved to templates: no message can be encoded to it.
    pub(super) fn is_reserved(&self, id: u32) -> bool {
        matches!(self.types.get(id as usize), Some(TokenType::Control | TokenType::Added))
    }

    /// The id of a reserved token, by its spelling.
    pub(super) fn reserved(&self, spelling: &str) -> Option<u32> {
        self.tokens
            .iter()
            .position(|token| token == spelling)
            .map(|index| index as u32)
            .filter(|id| self.is_reserved(*id))
    }
}

fn byte_level(token: &str, alphabet: &HashMap<char, u8>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(token.len());
    for character in token.chars() {
        match alphabet.get(&character) {
            Some(byte) => bytes.push(*byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

fn sentence_piece(token: &str, kind: TokenType) -> Vec<u8> {
    let hexadecimal = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    match hexadecimal.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
        Some(byte) if kind == TokenType::Byte => vec![byte],
        _ => token.replace('▁', " ").into_bytes(),
    }
}

/// GPT-2's printable character for a byte (`bytes_to_unicode` in the `encoder.py` of GPT-2).
pub(super) fn byte_character(byte: u8) -> char {
    let code = u32::from(byte);
    let stand_in = match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => code,
        0..=0x20 => 0x100 + code,
        0x7f..=0xa0 => 0x100 + 33 + code - 0x7f,
        _ => 0x100 + 67,
    };
    char::from_u32(stand_in).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::{Spelling, TokenType, Vocabulary, byte_character};

    #[test]
    fn each_byte_has_its_own_stand_in() {
        let all: std::collections::HashSet<char> = (0..=u8::MAX).map(byte_character).collect();
        assert_eq!(all.len(), 256);
        assert_eq!([b' ', b'\n', 0x7f, 0xa0, 0xad, b'A'].map(byte_character), ['Ġ', 'Ċ', 'ġ', 'ł', 'Ń', 'A']);
    }

    #[test]
    fn tokens_give_their_bytes_and_controls_none() {
        let tokens = ["<s>", "▁le", "<0x0A>", "<0x0A>"].map(str::to_owned).to_vec();
        let types = vec![TokenType::Control, TokenType::Text, TokenType::Byte, TokenType::Text];
        let vocabulary = Vocabulary::new(Spelling::SentencePiece, tokens, types, vec![], true);
        let texts: Vec<&[u8]> = (0..5).map(|id| vocabulary.bytes(id)).collect();
        assert_eq!(texts, [b"".as_slice(), b" le", b"\n", b"<0x0A>", b""]);
    }

    #[test]
    fn a_well_known_end_counts_only_as_control() {
        let tokens = ["</s>", "<|im_end|>", "a"].map(str::to_owned).to_vec();
        let types = vec![TokenType::Text, TokenType::Control, TokenType::Control];
        let vocabulary = Vocabulary::new(Spelling::SentencePiece, tokens, types, vec![2], true);
        assert_eq!([0, 1, 2].map(|id| vocabulary.ends(id)), [false, true, true]);
    }
}
