//! `tokenizer.json` and the files beside it as the metadata of a GGUF. The merges are left out: the tokenizer itself is
//! read from `tokenizer.json`.

use std::collections::HashMap;
use std::path::Path;

use candle_core::quantized::gguf_file::Value;
use serde_json::Value as Json;

use super::super::gguf_error::GgufError;
use super::super::tokenizer_json;
use super::read::{LONGEST_TEXT, read_if_there};
use super::settings::Ends;

/// As for a GGUF.
const MOST_TOKENS: usize = 4_000_000;

/// As llama.cpp numbers them in `tokenizer.ggml.token_type`.
const TEXT: i32 = 1;
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const ADDED: i32 = 4;
const UNUSED: i32 = 5;
const BYTE: i32 = 6;

/// Adds the tokens, their types, the beginning and end tokens and the template. `rows` is the number of rows of the embedding.
pub(super) fn read(
    folder: &Path,
    rows: usize,
    ends: &Ends,
    metadata: &mut HashMap<String, Value>,
) -> Result<(), GgufError> {
    let json = parse(folder, "tokenizer.json", tokenizer_json::LONGEST)?
        .ok_or_else(|| GgufError::damaged("there is no tokenizer.json beside its safetensors"))?;
    let own = parse(folder, "tokenizer_config.json", LONGEST_TEXT)?.unwrap_or_default();
    let generation = parse(folder, "generation_config.json", LONGEST_TEXT)?.unwrap_or_default();
    let words = TokenList::read(&json, rows)?;

    let mut add = |name: &str, value| metadata.insert(format!("tokenizer.ggml.{name}"), value);
    add("model", Value::String(if words.pieces { "llama" } else { "gpt2" }.to_owned()));
    let named = |key: &str| words.id(own[key].as_str().or(own[key]["content"].as_str())?);
    let first = named("bos_token").or(ends.first);
    if let Some(id) = first {
        add("bos_token_id", id_value(id));
    }
    let last = named("eos_token").into_iter().chain(ends.last.iter().copied()).chain(Ends::of(&generation).last);
    let mut seen = Vec::new();
    for id in last {
        if !seen.contains(&id) {
            seen.push(id);
        }
    }
    // A GGUF has keys for the first three; further ones are known by their text.
    for (name, id) in ["eos_token_id", "eot_token_id", "eom_token_id"].iter().zip(seen) {
        add(name, id_value(id));
    }
    if let Some(wanted) = own["add_bos_token"].as_bool().or_else(|| puts_first(&json, first, &words)) {
        add("add_bos_token", Value::Bool(wanted));
    }
    if words.pieces {
        add("add_space_prefix", Value::Bool(prefixes_space(&json)));
    }
    add("tokens", Value::Array(words.texts.into_iter().map(Value::String).collect()));
    add("token_type", Value::Array(words.kinds.into_iter().map(Value::I32).collect()));
    if let Some(template) = template(folder, &own)? {
        metadata.insert("tokenizer.chat_template".to_owned(), Value::String(template));
    }
    Ok(())
}

fn id_value(id: u64) -> Value {
    Value::U64(id)
}

fn parse(folder: &Path, name: &str, longest: u64) -> Result<Option<Json>, GgufError> {
    let text = read_if_there(&folder.join(name), longest)?;
    let parsed = text.map(|text| serde_json::from_slice(&text)).transpose();
    parsed.map_err(|error| GgufError::damaged(format!("{name} cannot be read: {error}")))
}

/// The tokens by id.
struct TokenList {
    texts: Vec<String>,
    kinds: Vec<i32>,
    /// Whether they are `SentencePiece`'s, with `▁` for a space.
    pieces: bool,
}

impl TokenList {
    fn read(json: &Json, rows: usize) -> Result<Self, GgufError> {
        let damaged = |what: &str| GgufError::damaged(format!("tokenizer.json {what}"));
        let vocabulary = json["model"]["vocab"].as_object().ok_or_else(|| damaged("is not a BPE tokenizer"))?;
        if rows > MOST_TOKENS {
            return Err(GgufError::damaged("it has an absurd number of tokens"));
        }
        let pieces = json["model"]["byte_fallback"].as_bool() == Some(true);
        let mut words: Vec<Option<(String, i32)>> = vec![None; rows];
        for (text, id) in vocabulary {
            let byte = pieces && text.len() == 6 && text.starts_with("<0x") && text.ends_with('>');
            let place = id.as_u64().and_then(|id| words.get_mut(id as usize));
            let place = place.ok_or_else(|| damaged("has tokens that the model does not know"))?;
            if place.replace((text.clone(), if byte { BYTE } else { TEXT })).is_some() {
                return Err(damaged("gives one number to two tokens"));
            }
        }
        for token in json["added_tokens"].as_array().into_iter().flatten() {
            let place = token["id"].as_u64().and_then(|id| words.get_mut(id as usize));
            let text = token["content"].as_str().ok_or_else(|| damaged("has an added token without a text"))?;
            let special = token["special"].as_bool() == Some(true);
            let unknown = json["model"]["unk_token"].as_str() == Some(text) && pieces;
            let kind = if unknown {
                UNKNOWN
            } else if special {
                CONTROL
            } else {
                ADDED
            };
            *place.ok_or_else(|| damaged("has tokens that the model does not know"))? = Some((text.to_owned(), kind));
        }
        let unused = |id: usize| (format!("[PAD{id}]"), UNUSED);
        let words = words.into_iter().enumerate().map(|(id, word)| word.unwrap_or_else(|| unused(id)));
        let (texts, kinds) = words.unzip();
        Ok(Self { texts, kinds, pieces })
    }

    fn id(&self, text: &str) -> Option<u64> {
        self.texts.iter().position(|other| other == text).map(|id| id as u64)
    }
}

/// Whether the tokenizer adds the first token to a text by itself.
fn puts_first(json: &Json, first: Option<u64>, words: &TokenList) -> Option<bool> {
    let post = &json["post_processor"];
    let one = std::slice::from_ref(post);
    let all = post["processors"].as_array().map_or(one, Vec::as_slice);
    let template = all.iter().find(|step| step["type"] == "TemplateProcessing")?;
    let text = template["single"][0]["SpecialToken"]["id"].as_str();
    Some(text.is_some_and(|text| first.is_some() && words.id(text) == first))
}

/// Whether a space is added before the first word.
fn prefixes_space(json: &Json) -> bool {
    let steps = |place: &str, key: &str| {
        let step = &json[place];
        step[key].as_array().cloned().unwrap_or_else(|| vec![step.clone()])
    };
    let metaspace = |step: &Json| step["type"] == "Metaspace" && step["prepend_scheme"] != "never";
    steps("normalizer", "normalizers").iter().any(|step| step["type"] == "Prepend")
        || steps("pre_tokenizer", "pretokenizers").iter().any(metaspace)
}

/// The chat template: in a file of its own, or in the tokenizer's settings; of several, the one called `default`.
fn template(folder: &Path, own: &Json) -> Result<Option<String>, GgufError> {
    if let Some(text) = read_if_there(&folder.join("chat_template.jinja"), LONGEST_TEXT)? {
        return String::from_utf8(text).map(Some).map_err(|_| GgufError::damaged("chat_template.jinja is not a text"));
    }
    let one = &own["chat_template"];
    let several = one.as_array().into_iter().flatten();
    let default =
        several.filter(|template| template["name"] == "default").find_map(|template| template["template"].as_str());
    Ok(one.as_str().or(default).map(str::to_owned))
}
