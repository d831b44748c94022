//! The `RoPE` settings of `config.json`, as the metadata of a GGUF.

use candle_core::quantized::gguf_file::Value;
use serde_json::Value as Json;

use super::super::gguf_error::GgufError;
use super::super::model::attention_factor;
use super::settings::{Translation, absurd};

/// The objects that may contain the settings of `RoPE`: the newest first.
struct RopeSettings<'a>([&'a Json; 3]);

impl<'a> RopeSettings<'a> {
    fn get(&self, key: &str) -> Option<&'a Json> {
        self.0.iter().map(|place| &place[key]).find(|value| !value.is_null())
    }

    fn number(&self, key: &str) -> Result<Option<f64>, GgufError> {
        self.get(key).map(|value| value.as_f64().ok_or_else(|| absurd(key))).transpose()
    }

    fn need(&self, key: &str) -> Result<f64, GgufError> {
        self.number(key)?.ok_or_else(|| absurd(key))
    }

    /// The kind of scaling. `type` is the older name; outside the first two objects it means something else.
    fn kind(&self) -> &'a str {
        let mut kinds = self.0[..2].iter().flat_map(|place| [&place["rope_type"], &place["type"]]);
        kinds.find_map(|kind| kind.as_str()).unwrap_or("default")
    }
}

impl Translation<'_> {
    /// Translates the settings for heads of `dim` values; returns llama 3's divisors, if it scales as llama 3 does.
    pub(super) fn rope(&mut self, dim: usize) -> Result<Option<Vec<f32>>, GgufError> {
        let json = self.json;
        let places = RopeSettings([&json["rope_parameters"], &json["rope_scaling"], json]);
        if places.0[..2].iter().any(|place| place.as_object().is_some_and(|place| place.values().any(Json::is_object)))
        {
            return Err(GgufError::unsupported("its layers rotate in several ways, which is not supported"));
        }
        let base = match places.number("rope_theta")? {
            None if matches!(self.kind, "llama" | "mistral") => 1e4,
            base => base.ok_or_else(|| absurd("rope_theta"))?,
        };
        self.add("rope.freq_base", Value::F64(base));
        let share = places.number("partial_rotary_factor")?.unwrap_or(1.0);
        if share.total_cmp(&1.0).is_ne() {
            return Err(GgufError::unsupported("its partial_rotary_factor is not 1, which is not supported"));
        }
        self.add("rope.dimension_count", Value::U64(dim as u64));
        if let Some(scale) = places.number("llama_4_scaling_beta")? {
            self.add("attention.temperature_scale", Value::F64(scale));
        }
        match places.kind() {
            "default" => {}
            "llama3" => {
                let stretch = Llama3::read(&places)?;
                return Ok(Some((0..dim / 2).map(|pair| stretch.divisor(base, pair, dim)).collect()));
            }
            kind => {
                self.add("rope.scaling.type", Value::String(kind.to_owned()));
                let factor = places.need("factor")?;
                self.add("rope.scaling.factor", Value::F64(factor));
                if kind == "yarn" {
                    self.yarn(&places, factor)?;
                }
            }
        }
        if let Some(original) = places.number("original_max_position_embeddings")? {
            self.add("rope.scaling.original_context_length", Value::U64(whole(original)?));
        }
        Ok(None)
    }

    fn yarn(&mut self, places: &RopeSettings<'_>, factor: f64) -> Result<(), GgufError> {
        if places.get("truncate").and_then(Json::as_bool) == Some(false) {
            return Err(GgufError::unsupported("its YaRN is not truncated, which is not supported"));
        }
        // The GGUF has the quotient of the model's factor and the usual one.
        let usual = attention_factor(factor, 1.0);
        let given = (places.number("attention_factor")?, places.number("mscale")?, places.number("mscale_all_dim")?);
        let magnitude = match given {
            (Some(given), ..) => given,
            (None, Some(one), Some(all)) if one != 0.0 && all != 0.0 => {
                attention_factor(factor, one) / attention_factor(factor, all)
            }
            _ => usual,
        };
        self.add("rope.scaling.attn_factor", Value::F64(magnitude / usual));
        for (name, key) in [("yarn_beta_fast", "beta_fast"), ("yarn_beta_slow", "beta_slow")] {
            if let Some(beta) = places.number(key)? {
                self.add(&format!("rope.scaling.{name}"), Value::F64(beta));
            }
        }
        Ok(())
    }
}

/// Llama 3's scaling: high frequencies stay, low ones are divided, those between are interpolated.
struct Llama3 {
    factor: f64,
    low: f64,
    high: f64,
    original: f64,
}

impl Llama3 {
    fn read(places: &RopeSettings<'_>) -> Result<Self, GgufError> {
        Ok(Self {
            original: places.need("original_max_position_embeddings")?,
            factor: places.need("factor")?,
            low: places.need("low_freq_factor")?,
            high: places.need("high_freq_factor")?,
        })
    }

    /// The divisor of the frequency of a pair (`convert_hf_to_gguf.py`, `generate_extra_tensors`).
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

/// A number of positions that is written as a floating-point number.
fn whole(positions: f64) -> Result<u64, GgufError> {
    let text = format!("{positions:.0}");
    text.parse().map_err(|_| absurd("original_max_position_embeddings"))
}
