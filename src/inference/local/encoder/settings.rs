//! `config.json` of an encoder, checked; and what the files beside it say about how it is used.

use std::path::{Component, Path};

use serde_json::Value as Json;

use super::super::gguf_error::GgufError;
use super::super::safetensors::{LONGEST_TEXT, read_if_there};
use crate::inference::Prefixes;
use crate::inference::config::Pooling;

/// The shape of an encoder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub width: usize,
    pub layers: usize,
    pub heads: usize,
    pub hidden: usize,
    pub vocabulary: usize,
    /// Rows of the table of positions.
    pub positions: usize,
    /// The row of a text's first token: those of XLM-R begin after the padding token's.
    pub first_position: usize,
    pub token_types: usize,
    pub epsilon: f32,
    /// BERT, and not one of the `RoBERTa` family.
    pub bert: bool,
}

impl Shape {
    /// Reads `config.json`.
    pub(super) fn read(json: &Json) -> Result<Self, GgufError> {
        let kind = json["model_type"].as_str().unwrap_or_default();
        let bert = match kind {
            "bert" => true,
            "xlm-roberta" | "roberta" | "camembert" => false,
            other => {
                return Err(GgufError::unsupported(format!(
                    "its model_type is {other:?}, and only bert and xlm-roberta (roberta, camembert) are supported"
                )));
            }
        };
        refuse_others(json)?;
        let padding = count(json, "pad_token_id", 0..=1 << 20)
            .or_else(|error| if json["pad_token_id"].is_null() { Ok(usize::from(!bert)) } else { Err(error) })?;
        let epsilon = json["layer_norm_eps"].as_f64().filter(|epsilon| (1e-15..1.0).contains(epsilon));
        let shape = Self {
            width: count(json, "hidden_size", 1..=16_384)?,
            layers: count(json, "num_hidden_layers", 1..=256)?,
            heads: count(json, "num_attention_heads", 1..=1024)?,
            hidden: count(json, "intermediate_size", 1..=65_536)?,
            vocabulary: count(json, "vocab_size", 1..=4_000_000)?,
            positions: count(json, "max_position_embeddings", 1..=1 << 20)?,
            first_position: if bert { 0 } else { padding + 1 },
            token_types: count(json, "type_vocab_size", 1..=1024)?,
            epsilon: epsilon.ok_or_else(|| absurd("layer_norm_eps"))? as f32,
            bert,
        };
        if !shape.width.is_multiple_of(shape.heads) {
            return Err(absurd("num_attention_heads"));
        }
        if shape.positions <= shape.first_position + 2 {
            return Err(absurd("max_position_embeddings"));
        }
        Ok(shape)
    }

    /// The most tokens that a text may have.
    pub(super) fn context(&self) -> usize {
        self.positions - self.first_position
    }
}

/// Refuses what would be computed wrongly.
fn refuse_others(json: &Json) -> Result<(), GgufError> {
    let is = |key: &str, usual: &str| json[key].as_str().is_none_or(|value| value == usual);
    for (key, usual) in [("hidden_act", "gelu"), ("position_embedding_type", "absolute")] {
        if !is(key, usual) {
            let message = format!("its {key} is {}, and only {usual} is supported", json[key]);
            return Err(GgufError::unsupported(message));
        }
    }
    if json["is_decoder"].as_bool() == Some(true) || !json["quantization_config"].is_null() {
        return Err(GgufError::unsupported("it is a decoder, or quantised: neither is supported"));
    }
    Ok(())
}

fn count(json: &Json, key: &str, bounds: std::ops::RangeInclusive<u64>) -> Result<usize, GgufError> {
    let value = json[key].as_u64().filter(|value| bounds.contains(value));
    value.map(|value| value as usize).ok_or_else(|| absurd(key))
}

fn absurd(key: &str) -> GgufError {
    GgufError::damaged(format!("the {key} of its config.json is missing or absurd"))
}

/// How a model is used, as the files of `sentence-transformers` beside it say.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    /// How the vectors of tokens become one.
    pub pooling: Option<Pooling>,
    /// What comes before a text.
    pub prefixes: Option<Prefixes>,
    /// The most tokens of a text.
    pub context: Option<usize>,
}

impl Usage {
    /// Reads the files of a folder that are there.
    pub(super) fn read(folder: &Path) -> Result<Self, GgufError> {
        let mut usage = Self::default();
        let modules = json(folder, "modules.json")?;
        for module in modules.as_array().into_iter().flatten() {
            let kind = module["type"].as_str().unwrap_or_default();
            match kind.rsplit('.').next().unwrap_or_default() {
                "Transformer" | "Normalize" => {}
                "Pooling" => usage.pooling = pooling(folder, module["path"].as_str().unwrap_or_default())?,
                other => {
                    return Err(GgufError::unsupported(format!(
                        "its modules.json has a step {other:?}, which is not supported"
                    )));
                }
            }
        }
        if modules.is_null() {
            usage.pooling = pooling(folder, "1_Pooling")?;
        }
        usage.context = json(folder, "sentence_bert_config.json")?["max_seq_length"].as_u64().map(|most| most as usize);
        let settings = json(folder, "config_sentence_transformers.json")?;
        let prompt = |names: [&str; 2]| {
            let mut prompts = names.iter().filter_map(|name| settings["prompts"][name].as_str());
            prompts.next().unwrap_or_default().to_owned()
        };
        let (query, passage) = (prompt(["query", "search_query"]), prompt(["passage", "document"]));
        usage.prefixes = (!query.is_empty() || !passage.is_empty()).then_some(Prefixes { query, passage });
        Ok(usage)
    }
}

/// The prefixes that families of models were trained with, by the model's name.
pub(super) fn usual_prefixes(name: &str) -> Prefixes {
    let name = name.to_lowercase();
    let (query, passage) = if name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == "e5") {
        ("query: ", "passage: ")
    } else if name.contains("solon") {
        ("query : ", "")
    } else {
        ("", "")
    };
    Prefixes { query: query.to_owned(), passage: passage.to_owned() }
}

fn json(folder: &Path, name: &str) -> Result<Json, GgufError> {
    let text = read_if_there(&folder.join(name), LONGEST_TEXT)?;
    let parsed = text.map(|text| serde_json::from_slice(&text)).transpose();
    let parsed = parsed.map_err(|error| GgufError::damaged(format!("{name} cannot be read: {error}")))?;
    Ok(parsed.unwrap_or_default())
}

/// The pooling that a folder of the model's folder asks for.
fn pooling(folder: &Path, path: &str) -> Result<Option<Pooling>, GgufError> {
    if !matches!(Path::new(path).components().collect::<Vec<_>>()[..], [Component::Normal(_)]) {
        return Err(GgufError::damaged("its modules.json names a folder that is not its own"));
    }
    let json = json(folder, &format!("{path}/config.json"))?;
    let Some(settings) = json.as_object() else { return Ok(None) };
    let asked =
        settings.iter().filter(|(key, value)| key.starts_with("pooling_mode_") && value.as_bool() == Some(true));
    let mut names: Vec<&str> = asked.map(|(key, _)| key.trim_start_matches("pooling_mode_")).collect();
    names.extend(settings.get("pooling_mode").and_then(Json::as_str));
    match names[..] {
        ["mean_tokens" | "mean"] => Ok(Some(Pooling::Mean)),
        ["cls_token" | "cls"] => Ok(Some(Pooling::Cls)),
        [] => Ok(None),
        _ => Err(GgufError::unsupported(format!(
            "it asks for the pooling {}, and only mean and cls are supported",
            names.join(" and ")
        ))),
    }
}
