//! `config.json` as the metadata of a GGUF.
//!
//! The default of the model's class in `transformers` for a missing key is used only where old files rely on it; otherwise the key is
//! required.

use std::collections::{BTreeMap, HashMap};

use candle_core::quantized::gguf_file::Value;
use serde_json::Value as Json;

use super::super::gguf_error::GgufError;
use super::super::model;
use super::stored::StoredTensor;

/// The settings of a model.
pub(super) struct Settings {
    pub metadata: HashMap<String, Value>,
    pub ends: Ends,
    /// Llama 3's divisors of the `RoPE` frequencies.
    pub rope_factors: Option<Vec<f32>>,
    /// The rows of a head, where the halves of heads are to be interleaved.
    interleaved: Option<usize>,
    /// Whether the embedding is also the output; older files do not say.
    tied: Option<bool>,
}

/// The ids of the tokens that begin and end a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    pub first: Option<u64>,
    pub last: Vec<u64>,
}

impl Ends {
    /// Those that a JSON object names.
    pub(super) fn of(json: &Json) -> Self {
        let last = match &json["eos_token_id"] {
            Json::Array(ids) => ids.iter().filter_map(Json::as_u64).collect(),
            id => id.as_u64().into_iter().collect(),
        };
        Self { first: json["bos_token_id"].as_u64(), last }
    }
}

/// The architectures by `model_type`. A `mistral3` has its decoder's own settings in `text_config`.
const ARCHITECTURES: [(&str, &str); 6] = [
    ("llama", "llama"),
    ("mistral", "llama"),
    ("ministral3", "mistral3"),
    ("qwen2", "qwen2"),
    ("qwen3", "qwen3"),
    ("smollm3", "smollm3"),
];

/// The prefixes of the decoder's tensors in a multimodal model.
const PREFIXES: [&str; 2] = ["language_model.", "model.language_model."];

/// The prefixes of the vision tensors, which are not read.
const VISION: [&str; 4] =
    ["vision_tower.", "model.vision_tower.", "multi_modal_projector.", "model.multi_modal_projector."];

const LAYER: [(&str, &str); 11] = [
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// One decoder's settings, and the metadata they become.
pub(super) struct Translation<'a> {
    pub json: &'a Json,
    pub kind: &'a str,
    architecture: &'static str,
    metadata: HashMap<String, Value>,
}

impl Settings {
    /// Translates the settings of a supported family.
    pub(super) fn read(whole: &Json) -> Result<Self, GgufError> {
        let json = whole.get("text_config").filter(|text| text.is_object()).unwrap_or(whole);
        let kind = json["model_type"].as_str().unwrap_or("absent");
        let architecture = ARCHITECTURES.iter().find(|(name, _)| *name == kind).map(|(_, architecture)| *architecture);
        let architecture = architecture.ok_or_else(|| {
            GgufError::unsupported(format!("config.json says its model_type is {kind:?}, which is not known"))
        })?;
        if [whole, json].iter().any(|json| !json["quantization_config"].is_null()) {
            return Err(GgufError::unsupported("it is quantised in a way of its own; take it as GGUF"));
        }
        let mut translation = Translation { json, kind, architecture, metadata: HashMap::new() };
        let dim = translation.shape()?;
        translation.window()?;
        translation.layers()?;
        let rope_factors = translation.rope(dim)?;
        let tied = json["tie_word_embeddings"].as_bool().or(whole["tie_word_embeddings"].as_bool());
        let mut ends = Ends::of(json);
        if ends.last.is_empty() {
            ends = Ends::of(whole);
        }
        let interleaved = model::interleaves(architecture).then_some(dim);
        Ok(Self { metadata: translation.metadata, ends, rope_factors, interleaved, tied })
    }

    /// Keeps the decoder's tensors under their plain names, without an unused output matrix.
    pub(super) fn choose(&self, tensors: &mut BTreeMap<String, StoredTensor>) -> Result<(), GgufError> {
        for (name, stored) in std::mem::take(tensors) {
            let sees = VISION.iter().any(|prefix| name.starts_with(prefix));
            // A buffer in old files; it is computed from the settings.
            if sees || name.ends_with(".rotary_emb.inv_freq") {
                continue;
            }
            let inner = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix));
            let plain = match inner {
                Some(inner) if inner.starts_with("model.") || inner.starts_with("lm_head.") => inner.to_owned(),
                Some(inner) => format!("model.{inner}"),
                None => name.clone(),
            };
            if plain == "lm_head.weight" && self.tied == Some(true) {
                continue;
            }
            if tensors.insert(plain, stored).is_some() {
                return Err(GgufError::damaged(format!("it has the tensor {name} twice")));
            }
        }
        if self.tied == Some(false) && !tensors.contains_key("lm_head.weight") {
            return Err(GgufError::damaged("the tensor lm_head.weight is missing"));
        }
        Ok(())
    }

    /// The rows of a head of a tensor (by its new name) in which the halves of heads are to be interleaved.
    pub(super) fn head_to_interleave(&self, name: &str) -> Option<usize> {
        let part = name.split('.').nth(2);
        self.interleaved.filter(|_| name.starts_with("blk.") && matches!(part, Some("attn_q" | "attn_k")))
    }
}

/// The name that a GGUF has for a tensor of a decoder.
pub(super) fn rename(name: &str) -> Result<String, GgufError> {
    let layer = || {
        let (number, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
        let (part, end) = rest.rsplit_once('.')?;
        let (_, new) = LAYER.iter().find(|(old, _)| *old == part)?;
        Some(format!("blk.{number}.{new}.{end}"))
    };
    match name {
        "model.embed_tokens.weight" => Ok("token_embd.weight".to_owned()),
        "model.norm.weight" => Ok("output_norm.weight".to_owned()),
        "lm_head.weight" => Ok("output.weight".to_owned()),
        _ => layer().ok_or_else(|| {
            GgufError::unsupported(format!(
                "it holds the tensor {name}, which this engine would ignore and so answer wrongly"
            ))
        }),
    }
}

impl Translation<'_> {
    pub(super) fn add(&mut self, name: &str, value: Value) {
        self.metadata.insert(format!("{}.{name}", self.architecture), value);
    }

    fn count(&self, key: &str) -> Result<u64, GgufError> {
        self.json[key].as_u64().ok_or_else(|| absurd(key))
    }

    /// Sizes and counts; the result is the size of a head.
    fn shape(&mut self) -> Result<usize, GgufError> {
        self.metadata.insert("general.architecture".to_owned(), Value::String(self.architecture.to_owned()));
        for (name, key) in [
            ("block_count", "num_hidden_layers"),
            ("embedding_length", "hidden_size"),
            ("feed_forward_length", "intermediate_size"),
            ("attention.head_count", "num_attention_heads"),
            ("context_length", "max_position_embeddings"),
        ] {
            self.add(name, Value::U64(self.count(key)?));
        }
        let heads = self.count("num_attention_heads")?;
        let kv_heads = match &self.json["num_key_value_heads"] {
            // The first llama models had no such key.
            Json::Null if self.kind == "llama" => heads,
            _ => self.count("num_key_value_heads")?,
        };
        self.add("attention.head_count_kv", Value::U64(kv_heads));
        let epsilon = self.json["rms_norm_eps"].as_f64().ok_or_else(|| absurd("rms_norm_eps"))?;
        self.add("attention.layer_norm_rms_epsilon", Value::F64(epsilon));
        let activation = self.json["hidden_act"].as_str().unwrap_or("silu");
        if activation != "silu" {
            return Err(GgufError::unsupported(format!(
                "its hidden_act is {activation:?}, only \"silu\" is supported"
            )));
        }
        let dim = match &self.json["head_dim"] {
            Json::Null => self.count("hidden_size")?.checked_div(heads).ok_or_else(|| absurd("num_attention_heads"))?,
            _ => self.count("head_dim")?,
        };
        if !(2..=1024).contains(&dim) {
            return Err(absurd("head_dim"));
        }
        for name in ["attention.key_length", "attention.value_length"] {
            self.add(name, Value::U64(dim));
        }
        Ok(dim as usize)
    }

    fn window(&mut self) -> Result<(), GgufError> {
        let slides = |kinds: &Vec<Json>| kinds.iter().any(|kind| kind == "sliding_attention");
        let in_use = match self.kind {
            "qwen2" | "qwen3" | "smollm3" => {
                self.json["use_sliding_window"].as_bool() == Some(true)
                    || self.json["layer_types"].as_array().is_some_and(slides)
            }
            _ => true,
        };
        match self.json.get("sliding_window").filter(|_| in_use) {
            // The default of its class in `transformers`.
            None if self.kind == "mistral" => self.add("attention.sliding_window", Value::U64(4096)),
            None | Some(Json::Null) => {}
            Some(_) => self.add("attention.sliding_window", Value::U64(self.count("sliding_window")?)),
        }
        Ok(())
    }

    /// Checks that the kind of each layer is the one that this engine computes at its index.
    fn layers(&self) -> Result<(), GgufError> {
        let unlike = |key: &str| {
            GgufError::unsupported(format!(
                "config.json sets {key}, which this engine would ignore and so answer wrongly"
            ))
        };
        let known = |kind: &Json| kind == "full_attention" || kind == "sliding_attention";
        if self.json["layer_types"].as_array().is_some_and(|kinds| !kinds.iter().all(known)) {
            return Err(unlike("layer_types"));
        }
        if self.kind == "smollm3" {
            let as_here = |(layer, rotates): (usize, &Json)| rotates.as_u64() == Some(u64::from(layer % 4 != 3));
            if self.json["no_rope_layers"].as_array().is_some_and(|layers| !layers.iter().enumerate().all(as_here)) {
                return Err(unlike("no_rope_layers"));
            }
            if self.json["no_rope_layer_interval"].as_u64().is_some_and(|interval| interval != 4) {
                return Err(unlike("no_rope_layer_interval"));
            }
        }
        Ok(())
    }
}

pub(super) fn absurd(key: &str) -> GgufError {
    GgufError::damaged(format!("{key} is missing from config.json, or absurd"))
}
