//! The numbers of one architecture in a GGUF's metadata, each held to what it may be.

use candle_core::quantized::gguf_file::Value;

use super::super::gguf::{Gguf, GgufError, integer};
use super::family::Family;

/// The keys below `<architecture>.rope.` and `<architecture>.attention.` that the forward pass follows. Another one may change
/// the arithmetic in a way nobody here has thought of, so that a file with it is refused.
const FOLLOWED: [&str; 23] = [
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_rms_epsilon",
    "attention.sliding_window",
    "attention.scale",
    "attention.causal",
    "attention.temperature_scale",
    "attention.temperature_length",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scale_linear",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.attn_factor",
    "rope.scaling.original_context_length",
    // How the model was made; it changes nothing.
    "rope.scaling.finetuned",
    "rope.scaling.yarn_log_multiplier",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.yarn_ext_factor",
    "rope.scaling.yarn_attn_factor",
];

/// Keys that would change the arithmetic, with the value that changes nothing.
const NEUTRAL: [(&str, f64); 11] = [
    ("expert_count", 0.0),
    ("logit_scale", 1.0),
    ("residual_scale", 1.0),
    ("embedding_scale", 1.0),
    ("attn_logit_softcapping", 0.0),
    ("final_logit_softcapping", 0.0),
    ("use_parallel_residual", 0.0),
    ("swin_norm", 0.0),
    ("nextn_predict_layers", 0.0),
    ("rope.scaling.yarn_ext_factor", 1.0),
    ("rope.scaling.yarn_attn_factor", 1.0),
];

/// The metadata of one architecture.
#[derive(Clone, Copy)]
pub(super) struct Metadata<'a> {
    gguf: &'a Gguf,
    pub family: &'static Family,
}

impl<'a> Metadata<'a> {
    /// The metadata of a file whose architecture this engine has.
    pub(super) fn of(gguf: &'a Gguf) -> Result<Self, GgufError> {
        let architecture = gguf.text("general.architecture").unwrap_or("unknown");
        let family = Family::find(architecture).ok_or_else(|| {
            GgufError::unsupported(format!("its architecture is {architecture:?}, which is not known"))
        })?;
        let metadata = Self { gguf, family };
        metadata.refuse_what_is_not_followed()?;
        Ok(metadata)
    }

    /// The full name of a key.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.family.name)
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.gguf.content.metadata.get(&self.key(name))
    }

    /// A text; `None` when the key is not there.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, GgufError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.to_string().map(|text| Some(text.as_str())).map_err(|_| self.absurd(name))
    }

    /// A whole number between 1 and `most`; `None` when the key is not there.
    pub(super) fn optional(&self, name: &str, most: u64) -> Result<Option<usize>, GgufError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match integer(value).filter(|number| (1..=most).contains(number)) {
            Some(number) => Ok(Some(number as usize)),
            None => Err(self.absurd(name)),
        }
    }

    /// A whole number between 1 and `most`.
    pub(super) fn number(&self, name: &str, most: u64) -> Result<usize, GgufError> {
        self.optional(name, most)?.ok_or_else(|| self.absurd(name))
    }

    /// A number of any kind between two bounds; `None` when the key is not there.
    pub(super) fn real(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, GgufError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match real(value).filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.absurd(name)),
        }
    }

    /// The error for a key that cannot be what it is.
    pub(super) fn absurd(&self, name: &str) -> GgufError {
        GgufError::damaged(format!("{} is missing or absurd", self.key(name)))
    }

    fn refuse_what_is_not_followed(&self) -> Result<(), GgufError> {
        let prefix = format!("{}.", self.family.name);
        let names = self.gguf.content.metadata.keys().filter_map(|key| key.strip_prefix(&prefix));
        let arithmetic = |name: &&str| name.starts_with("rope.") || name.starts_with("attention.");
        if let Some(name) = names.filter(arithmetic).filter(|name| !FOLLOWED.contains(name)).min() {
            return Err(self.ignored(name));
        }
        for (name, neutral) in NEUTRAL {
            // One expert is the plain network.
            let harmless =
                |number: f64| number.total_cmp(&neutral).is_eq() || (name == "expert_count" && number <= 1.0);
            if self.value(name).is_some_and(|value| !real(value).is_some_and(harmless)) {
                return Err(self.ignored(name));
            }
        }
        if self.value("attention.causal").is_some_and(|value| !value.to_bool().is_ok_and(|causal| causal)) {
            return Err(self.ignored("attention.causal"));
        }
        if !self.family.temperature
            && self.value("attention.temperature_scale").is_some_and(|value| real(value) != Some(0.0))
        {
            return Err(self.ignored("attention.temperature_scale"));
        }
        Ok(())
    }

    fn ignored(&self, name: &str) -> GgufError {
        GgufError::unsupported(format!(
            "it sets {}, which this engine would ignore and so answer wrongly",
            self.key(name)
        ))
    }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::F32(number) => Some(f64::from(*number)),
        Value::F64(number) => Some(*number),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        other => integer(other).map(|number| number as f64),
    }
}
