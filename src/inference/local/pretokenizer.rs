//! The pre-tokenizers of byte-level vocabularies, which split a text into words before BPE; `tokenizer.ggml.pre` names them.
//!
//! The patterns are those of the models' own `tokenizer.json`. Where llama.cpp's adaptation of a pattern is only close (`tekken` and
//! capitals with accents), the original is used. An unknown name is refused: another split than in training makes answers a little
//! worse, which nobody would notice.

use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A pre-tokenizer, and the settings that go with it.
#[derive(Clone, Copy)]
pub(super) struct PreTokenizer {
    /// Patterns; each splits what the one before has left.
    patterns: &'static [&'static str],
    /// Whether a word that is a token is encoded as that token without merges.
    pub ignore_merges: bool,
    /// Whether a prompt starts with the BOS when the file does not say; llama.cpp's default.
    pub wants_bos: bool,
    /// Whether texts are normalised to NFC first.
    pub composes: bool,
}

impl PreTokenizer {
    /// The pre-tokenizer that a GGUF names; `None` when it is not supported.
    pub(super) fn named(name: &str) -> Option<Self> {
        let plain = Self { patterns: &[GPT2], ignore_merges: false, wants_bos: false, composes: false };
        let whole = Self { ignore_merges: true, ..plain };
        Some(match name {
            "gpt-2" | "gpt2" => plain,
            "smollm" => Self { patterns: &[r"\p{N}", GPT2], ..plain },
            "qwen2" | "deepseek-r1-qwen" => Self { patterns: &[QWEN2], composes: true, ..plain },
            "llama-bpe" | "llama3" | "llama-v3" => Self { patterns: &[LLAMA3], wants_bos: true, ..whole },
            // Llama 3's without its BOS: SmolLM3. llama.cpp does not set `ignore_merges` here, the models' files do.
            "smaug-bpe" => Self { patterns: &[LLAMA3], ..whole },
            "tekken" => Self { patterns: &[TEKKEN], wants_bos: true, ..whole },
            "default" => Self { patterns: &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"], ..plain },
            _ => return None,
        })
    }

    /// The steps that split a text; the last one maps bytes to characters.
    pub(super) fn steps(self) -> Result<Sequence, tokenizers::Error> {
        let mut steps = Vec::new();
        for pattern in self.patterns {
            let pattern = SplitPattern::Regex((*pattern).to_owned());
            steps.push(PreTokenizerWrapper::Split(Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?));
        }
        steps.push(PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, false)));
        Ok(Sequence::new(steps))
    }
}
