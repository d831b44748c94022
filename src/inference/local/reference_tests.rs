//! Our tokens against those of the reference tokenizers; `tests/reference/tokenizers/make.py` says how the cases are made.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization;

use super::Tokenizer;
use crate::inference::local::gguf::{Gguf, integer};
use crate::inference::local::vocabulary::Vocabulary;

/// The corpus of `corpus.py`: the texts as they are, or repeated, then those drawn from its alphabet.
fn corpus(folder: &Path) -> Vec<String> {
    let json: Json = serde_json::from_str(&fs::read_to_string(folder.join("corpus.json")).unwrap()).unwrap();
    let text = |entry: &Json| match entry {
        Json::Array(pair) => pair[0].as_str().unwrap().repeat(pair[1].as_u64().unwrap() as usize),
        other => other.as_str().unwrap().to_owned(),
    };
    let mut texts: Vec<String> = json["texts"].as_array().unwrap().iter().map(text).collect();
    let random = &json["random"];
    let alphabet: Vec<&str> =
        random["alphabet"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
    let mut state = random["seed"].as_u64().unwrap();
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    for _ in 0..random["count"].as_u64().unwrap() {
        let parts = 1 + below(random["longest"].as_u64().unwrap());
        texts.push((0..parts).map(|_| alphabet[below(alphabet.len() as u64) as usize]).collect());
    }
    texts
}

/// FNV-1a over the ids.
fn print(ids: &[u32]) -> u64 {
    let bytes = ids.iter().flat_map(|id| id.to_le_bytes());
    let hash = bytes.fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.into()
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "gguf"));
    paths.sort();
    paths
}

/// Compares one vocabulary with its reference, and checks what holds for every text: no reserved id, and the text comes back.
fn compare(path: &Path, json: Option<&Path>, texts: &[String]) -> (usize, Vec<String>) {
    let started = std::time::Instant::now();
    let gguf = Gguf::open(path, None, None).unwrap();
    let vocabulary = Arc::new(Vocabulary::read(&gguf).unwrap());
    let tokenizer = Tokenizer::load(&gguf, Arc::clone(&vocabulary), json).unwrap();
    let (loaded, started) = (started.elapsed(), std::time::Instant::now());
    let prints: Vec<u64> = gguf.list("reference.prints").iter().filter_map(integer).collect();
    assert_eq!(prints.len(), texts.len(), "{}: another corpus", path.display());
    let composes = gguf.text("tokenizer.ggml.pre") == Some("qwen2");
    let (mut total, mut apart) = (0, Vec::new());
    for (text, expected) in texts.iter().zip(prints) {
        let ids = tokenizer.text(text, true).unwrap();
        total += ids.len();
        if print(&ids) != expected {
            apart.push(format!("{:?}: {:?}", text.chars().take(60).collect::<String>(), &ids[..ids.len().min(30)]));
        }
        assert!(ids.iter().all(|id| !vocabulary.is_reserved(*id)), "{text:?}");
        let bytes: Vec<u8> = ids.iter().flat_map(|id| vocabulary.bytes(*id)).copied().collect();
        let back = String::from_utf8(bytes).unwrap();
        let written = if composes { text.nfc().collect() } else { text.clone() };
        // SentencePiece cannot tell its mark for a space from a space.
        let marked = gguf.text("tokenizer.ggml.model") == Some("llama");
        let written = if marked { written.replace('▁', " ") } else { written };
        let prefix = if vocabulary.space_prefix && !text.is_empty() { " " } else { "" };
        assert_eq!(back, format!("{prefix}{written}"), "{}", path.display());
    }
    println!(
        "{}: {} texts, {total} tokens, {} differences; loaded in {} ms, encoded in {} ms",
        json.unwrap_or(path).file_name().unwrap().display(),
        texts.len(),
        apart.len(),
        loaded.as_millis(),
        started.elapsed().as_millis()
    );
    assert_eq!(gguf.number("reference.tokens") == Some(total as u64), apart.is_empty(), "{}", path.display());
    (apart.len(), apart)
}

#[test]
fn same_tokens_as_the_references() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tokenizers");
    let texts = corpus(&committed);
    assert!(texts.len() > 2300);
    let mut paths = cases(&committed);
    assert_eq!(paths.len(), 9);
    // Real vocabularies, on top of the committed ones.
    paths.extend(std::env::var_os("COMPAGNON_TOKENIZERS").iter().flat_map(|folder| cases(Path::new(folder))));
    let beside: Vec<PathBuf> = paths.iter().map(|path| path.with_extension("json")).collect();
    assert!(beside.iter().any(|json| json.exists()));
    let alone = paths.iter().map(|path| (path, None));
    let with_json =
        paths.iter().zip(&beside).filter(|(_, json)| json.exists()).map(|(path, json)| (path, Some(json.as_path())));
    let mut wrong = Vec::new();
    for (path, json) in alone.chain(with_json) {
        let (count, apart) = compare(path, json, &texts);
        if count > 0 {
            wrong.push(format!("{}: {count}\n  {}", path.display(), apart[..count.min(8)].join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
