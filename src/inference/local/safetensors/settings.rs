//! `config.json` as the metadata of a GGUF.
//!
//! What the model's class in `transformers` takes when a key is missing is taken here only where old files rely on it; otherwise
//! the key is asked for.

use std::collections::{BTreeMap, HashMap};

use candle_core::quantized::gguf_file::Value;
use serde_json::Value as Json;

use super::super::gguf::GgufError;
use super::super::model;
use super::Stored;

/// What `config.json` says.
pub(super) struct Settings {
    pub metadata: HashMap<String, Value>,
    pub ends: Ends,
    /// Llama 3's divisors of the rotation's frequencies.
    pub rope_factors: Option<Vec<f32>>,
    /// The rows of a head, where the halves of heads are to be interleaved.
    interleaved: Option<usize>,
    /// Whether the embedding is also the output; older files do not say.
    tied: Option<bool>,
}

/// The ids of the tokens at a text's ends.
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

/// Where `transformers` puts the decoder within a model that sees as well.
const PREFIXES: [&str; 2] = ["language_model.", "model.language_model."];

/// Parts that see.
const SIGHT: [&str; 4] =
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
struct Translation<'a> {
    json: &'a Json,
    kind: &'a str,
    architecture: &'static str,
    metadata: HashMap<String, Value>,
}

impl Settings {
    /// Translates the settings of a family that this engine has.
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

    /// Keeps the decoder's tensors under their plain names, and no output that is not used.
    pub(super) fn choose(&self, tensors: &mut BTreeMap<String, Stored>) -> Result<(), GgufError> {
        for (name, stored) in std::mem::take(tensors) {
            let sees = SIGHT.iter().any(|prefix| name.starts_with(prefix));
            // A buffer of old files, which follows from the settings.
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
    fn add(&mut self, name: &str, value: Value) {
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
            // The first llamas had none of their own.
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
            // The default of its class.
            None if self.kind == "mistral" => self.add("attention.sliding_window", Value::U64(4096)),
            None | Some(Json::Null) => {}
            Some(_) => self.add("attention.sliding_window", Value::U64(self.count("sliding_window")?)),
        }
        Ok(())
    }

    /// Whether each layer is what its place makes it here.
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

    /// How heads are rotated; the result are llama 3's factors, if it is stretched as these are.
    fn rope(&mut self, dim: usize) -> Result<Option<Vec<f32>>, GgufError> {
        // The newer place, the older one, the oldest.
        let places = ["rope_parameters", "rope_scaling"].map(|key| &self.json[key]);
        if places.iter().any(|place| place.as_object().is_some_and(|place| place.values().any(Json::is_object))) {
            return Err(GgufError::unsupported("its layers rotate in several ways, which is not supported"));
        }
        let json = self.json;
        let get = |key: &str| places.iter().map(|place| &place[key]).chain([&json[key]]).find(|value| !value.is_null());
        let number = |key: &str| get(key).map(|value| value.as_f64().ok_or_else(|| absurd(key))).transpose();
        let base = match number("rope_theta")? {
            None if matches!(self.kind, "llama" | "mistral") => 1e4,
            base => base.ok_or_else(|| absurd("rope_theta"))?,
        };
        self.add("rope.freq_base", Value::F64(base));
        let share = number("partial_rotary_factor")?.unwrap_or(1.0);
        if share.total_cmp(&1.0).is_ne() {
            return Err(GgufError::unsupported("its partial_rotary_factor is not 1, which is not supported"));
        }
        self.add("rope.dimension_count", Value::U64(dim as u64));
        if let Some(scale) = number("llama_4_scaling_beta")? {
            self.add("attention.temperature_scale", Value::F64(scale));
        }
        let original = number("original_max_position_embeddings")?;
        let factor = number("factor")?;
        // "type" is the older name; beside these places, the word stands for other things.
        let mut kinds = places.iter().flat_map(|place| [&place["rope_type"], &place["type"]]);
        match kinds.find_map(|kind| kind.as_str()).unwrap_or("default") {
            "default" => {}
            "llama3" => {
                let need = |key: &str| number(key)?.ok_or_else(|| absurd(key));
                let original = original.ok_or_else(|| absurd("original_max_position_embeddings"))?;
                let stretch = Llama3 {
                    factor: need("factor")?,
                    low: need("low_freq_factor")?,
                    high: need("high_freq_factor")?,
                    original,
                };
                return Ok(Some((0..dim / 2).map(|pair| stretch.divisor(base, pair, dim)).collect()));
            }
            kind => {
                self.add("rope.scaling.type", Value::String(kind.to_owned()));
                let factor = factor.ok_or_else(|| absurd("factor"))?;
                self.add("rope.scaling.factor", Value::F64(factor));
                if kind == "yarn" {
                    if get("truncate").and_then(Json::as_bool) == Some(false) {
                        return Err(GgufError::unsupported("its YaRN is not truncated, which is not supported"));
                    }
                    // The GGUF's own factor is what remains beside the usual growth.
                    let usual = growth(factor, 1.0);
                    let magnitude = match (number("attention_factor")?, number("mscale")?, number("mscale_all_dim")?) {
                        (Some(given), ..) => given,
                        (None, Some(one), Some(all)) if one != 0.0 && all != 0.0 => {
                            growth(factor, one) / growth(factor, all)
                        }
                        _ => usual,
                    };
                    self.add("rope.scaling.attn_factor", Value::F64(magnitude / usual));
                    for (name, key) in [("yarn_beta_fast", "beta_fast"), ("yarn_beta_slow", "beta_slow")] {
                        if let Some(beta) = number(key)? {
                            self.add(&format!("rope.scaling.{name}"), Value::F64(beta));
                        }
                    }
                }
            }
        }
        if let Some(original) = original {
            self.add("rope.scaling.original_context_length", Value::U64(whole(original)?));
        }
        Ok(None)
    }
}

/// `get_mscale` of `transformers`' `modeling_rope_utils.py`.
fn growth(factor: f64, multiplier: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * multiplier * factor.ln() + 1.0 }
}

/// Llama 3's way to a longer context: fast pairs keep their frequency, slow ones are divided, those between are mixed.
struct Llama3 {
    factor: f64,
    low: f64,
    high: f64,
    original: f64,
}

impl Llama3 {
    /// What the frequency of a pair is divided by (`convert_hf_to_gguf.py`, `generate_extra_tensors`).
    fn divisor(&self, base: f64, pair: usize, dim: usize) -> f32 {
        let frequency = base.powf(-2.0 * pair as f64 / dim as f64);
        let turns = self.original * frequency / std::f64::consts::TAU;
        let divisor = if turns > self.high {
            1.0
        } else if turns < self.low {
            self.factor
        } else {
            let share = (turns - self.low) / (self.high - self.low);
            1.0 / ((1.0 - share) / self.factor + share)
        };
        divisor as f32
    }
}

/// A number of positions that is written as a real one.
fn whole(positions: f64) -> Result<u64, GgufError> {
    let text = format!("{positions:.0}");
    text.parse().map_err(|_| absurd("original_max_position_embeddings"))
}

fn absurd(key: &str) -> GgufError {
    GgufError::damaged(format!("{key} is missing from config.json, or absurd"))
}
