//! A model's own `tokenizer.json`, which is untrusted input: it is limited in length, and regular expressions that could take long on
//! some text are refused.
//!
//! The tokenizers crate runs them with backtracking; where that gives up after a million steps, it silently leaves the rest of the text
//! unsplit. So only what the `regex` crate compiles is accepted, whose matching is linear for every text; and one look-ahead of one
//! character, which nearly all models have.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use regex::RegexBuilder;
use serde_json::Value as Json;

use super::gguf_error::{GgufError, one_line};
use super::vocabulary::Vocabulary;

/// The most bytes of a file; the largest known has 33 MiB.
pub(super) const LONGEST: u64 = 64 << 20;

/// The longest known pattern has some 300 characters, and a tokenizer ten at most.
const LONGEST_PATTERN: usize = 2048;
const MOST_PATTERNS: usize = 64;

/// Bytes of a compiled pattern: those of `\p{L}` and its like are large.
const COMPILED: usize = 16 << 20;

/// White space except its last character, where a word follows.
const LOOK_AHEAD: &str = r"\s+(?!\S)";

/// Reads a file that is no longer than [`LONGEST`].
pub(super) fn read(path: &Path) -> Result<Vec<u8>, GgufError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        let most = LONGEST >> 20;
        return Err(GgufError::damaged(format!("the tokenizer.json beside it is longer than {most} MiB")));
    }
    Ok(bytes)
}

/// Refuses regular expressions whose time is not bounded.
pub(super) fn check_patterns(json: &Json) -> Result<(), GgufError> {
    let mut patterns = Vec::new();
    for step in ["normalizer", "pre_tokenizer"] {
        collect(&json[step], &mut patterns);
    }
    if patterns.len() > MOST_PATTERNS {
        return Err(GgufError::damaged("the tokenizer.json beside it has absurdly many regular expressions"));
    }
    patterns.into_iter().try_for_each(check)
}

/// Collects the regular expressions in a step at any depth; `serde_json` accepts at most 128 levels.
fn collect<'a>(step: &'a Json, patterns: &mut Vec<&'a str>) {
    match step {
        Json::Array(steps) => steps.iter().for_each(|step| collect(step, patterns)),
        Json::Object(fields) => {
            patterns.extend(fields.get("Regex").and_then(Json::as_str));
            fields.values().for_each(|step| collect(step, patterns));
        }
        _ => {}
    }
}

fn check(pattern: &str) -> Result<(), GgufError> {
    let linear = pattern.replace(LOOK_AHEAD, r"\s+");
    if pattern.len() <= LONGEST_PATTERN && RegexBuilder::new(&linear).size_limit(COMPILED).build().is_ok() {
        return Ok(());
    }
    let shown: String = one_line(pattern).chars().take(60).collect();
    Err(GgufError::unsupported(format!(
        "the tokenizer.json beside it cuts words by a regular expression whose time is not bounded: {shown}"
    )))
}

/// The model's own `tokenizer.json`, without its added tokens; and whether it adds a space before a prompt's first text.
pub(super) fn build(bytes: &[u8], vocabulary: &Vocabulary) -> Result<(tokenizers::Tokenizer, bool), GgufError> {
    let refuse = || GgufError::damaged("the tokenizer.json beside it is not a BPE tokenizer");
    let mut json: Json = serde_json::from_slice(bytes).ok().filter(Json::is_object).ok_or_else(refuse)?;
    let spaced_start = json.get_mut("pre_tokenizer").is_some_and(take_first_prefix);
    json["added_tokens"] = Json::Array(Vec::new());
    // Answers are decoded by the vocabulary.
    for key in ["post_processor", "truncation", "padding", "decoder"] {
        json[key] = Json::Null;
    }
    check_patterns(&json)?;
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
    Ok((tokenizers::Tokenizer::from_bytes(bytes).map_err(tokenizer_error)?, spaced_start))
}

/// Hugging Face's `Metaspace` can add a space before the first text of a prompt only. Here texts are encoded one by one, and each would
/// count as the first: this scheme is removed, and true returned if there was one.
fn take_first_prefix(step: &mut Json) -> bool {
    if let Some(steps) = step.get_mut("pretokenizers").and_then(Json::as_array_mut) {
        let mut found = false;
        for step in steps {
            found |= take_first_prefix(step);
        }
        return found;
    }
    let first = step.get("prepend_scheme").is_some_and(|scheme| scheme == "first");
    if first {
        step["prepend_scheme"] = "never".into();
    }
    first
}

// The signature is the tokenizers crate's.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn tokenizer_error(error: tokenizers::Error) -> GgufError {
    GgufError::damaged(format!("its tokenizer cannot be built: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{LONGEST, check, read};

    #[test]
    fn the_patterns_of_known_models_are_let_in() {
        // GPT-2, Llama 3, Qwen 2, Tekken, cl100k with its possessive repetitions, o200k, DeepSeek, and single classes.
        for pattern in [
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r"(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}|\s+(?!\S)|\s+",
            r"[!#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r"\p{N}",
            " ",
        ] {
            check(pattern).unwrap();
        }
    }

    #[test]
    fn patterns_without_a_bound_are_refused() {
        let long = "a".repeat(5000);
        for pattern in [r"(a+)+\1", r"(?=(a+)+$)a", r"(?<!a)b", r"(a|a)*(?!b)", r"(\p{L}{1000}){1000}", "(", &long] {
            let error = check(pattern).expect_err(pattern).to_string();
            assert!(error.contains("regular expression") && error.len() < 250, "{error}");
        }
    }

    #[test]
    fn a_file_of_any_length_costs_no_more_memory_than_the_longest() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"{}").unwrap();
        assert_eq!(read(file.path()).unwrap(), b"{}");
        file.as_file().set_len(LONGEST + 1).unwrap();
        assert!(read(file.path()).unwrap_err().to_string().contains("64 MiB"));
    }
}
