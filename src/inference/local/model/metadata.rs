//! The metadata of one architecture in a GGUF, and the check that the forward pass follows all of it.

use candle_core::quantized::gguf_file::Value;

use super::super::entries::{Entries, real};
use super::super::gguf::Gguf;
use super::super::gguf_error::GgufError;
use super::family::Family;

/// The keys below `<architecture>.rope.` and `<architecture>.attention.` that the forward pass follows. An unknown key may change
/// the arithmetic, so that a file with it is refused.
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
    // Information only.
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

/// What computes, in the sentences about entries that it would ignore.
pub(super) const WHO: &str = "this engine";

/// The metadata of one architecture.
#[derive(Clone, Copy)]
pub(super) struct Metadata<'a> {
    pub entries: Entries<'a>,
    pub family: &'static Family,
}

impl<'a> Metadata<'a> {
    /// The metadata of a file whose architecture this engine has.
    pub(super) fn of(gguf: &'a Gguf) -> Result<Self, GgufError> {
        let architecture = gguf.text("general.architecture").unwrap_or("unknown");
        let family = Family::find(architecture).ok_or_else(|| {
            GgufError::unsupported(format!("its architecture is {architecture:?}, which is not known"))
        })?;
        let metadata = Self { entries: Entries::of(gguf, family.name), family };
        metadata.refuse_what_is_not_followed()?;
        Ok(metadata)
    }

    fn refuse_what_is_not_followed(&self) -> Result<(), GgufError> {
        let entries = self.entries;
        let ignored = |name| Err(entries.ignored(name, WHO));
        let arithmetic = |name: &&str| name.starts_with("rope.") || name.starts_with("attention.");
        if let Some(name) = entries.names().filter(arithmetic).filter(|name| !FOLLOWED.contains(name)).min() {
            return ignored(name);
        }
        for (name, neutral) in NEUTRAL {
            // One expert is the plain feed-forward network.
            let harmless =
                |number: f64| number.total_cmp(&neutral).is_eq() || (name == "expert_count" && number <= 1.0);
            if entries.value(name).is_some_and(|value| !number(value).is_some_and(harmless)) {
                return ignored(name);
            }
        }
        if entries.value("attention.causal").is_some_and(|value| !value.to_bool().is_ok_and(|causal| causal)) {
            return ignored("attention.causal");
        }
        if !self.family.temperature
            && entries.value("attention.temperature_scale").is_some_and(|value| real(value) != Some(0.0))
        {
            return ignored("attention.temperature_scale");
        }
        Ok(())
    }
}

/// A number; a boolean as 0 or 1.
fn number(value: &Value) -> Option<f64> {
    value.to_bool().map_or_else(|_| real(value), |flag| Some(f64::from(u8::from(flag))))
}
