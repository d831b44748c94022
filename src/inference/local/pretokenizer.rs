//! How byte-level vocabularies cut a text into words before they merge anything; `tokenizer.ggml.pre` names the way.
//!
//! The patterns are those of the models' own `tokenizer.json`. llama.cpp adapts them to its own engine, and where it is only
//! close (`tekken` and capitals with accents) the authors' pattern is the one here. An unknown name is refused: a prompt cut
//! otherwise than in training gives answers that are only a little worse, which nobody would notice.

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

/// A way to cut words, and what goes with it.
#[derive(Clone, Copy)]
pub(super) struct PreTokenizer {
    /// Each cuts what the one before left whole.
    patterns: &'static [&'static str],
    /// A word that is a token is that token, whatever its merges say.
    pub ignore_merges: bool,
    /// Whether a prompt starts with the BOS when the file does not say; llama.cpp's default.
    pub wants_bos: bool,
    /// Whether texts are first put in normal form C.
    pub composes: bool,
}

impl PreTokenizer {
    /// The way that a GGUF names; `None` when it is not known here.
    pub(super) fn named(name: &str) -> Option<Self> {
        let plain = Self { patterns: &[GPT2], ignore_merges: false, wants_bos: false, composes: false };
        let whole = Self { ignore_merges: true, ..plain };
        Some(match name {
            "gpt-2" | "gpt2" => plain,
            "smollm" => Self { patterns: &[r"\p{N}", GPT2], ..plain },
            "qwen2" | "deepseek-r1-qwen" => Self { patterns: &[QWEN2], composes: true, ..plain },
            "llama-bpe" | "llama3" | "llama-v3" => Self { patterns: &[LLAMA3], wants_bos: true, ..whole },
            // Llama 3's without its BOS: SmolLM3. llama.cpp forgets here that whole words are kept, the models' files do not.
            "smaug-bpe" => Self { patterns: &[LLAMA3], ..whole },
            "tekken" => Self { patterns: &[TEKKEN], wants_bos: true, ..whole },
            "default" => Self { patterns: &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"], ..plain },
            _ => return None,
        })
    }

    /// The steps that cut a text, the last of which writes bytes as characters.
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
