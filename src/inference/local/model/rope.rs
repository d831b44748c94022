//! Rotary position embeddings (`RoPE`), and how they are scaled to longer contexts.
//!
//! Formulas: `transformers`' `modeling_rope_utils.py`; keys and defaults: llama.cpp. Angles are computed in f64 for each
//! position: in f32, the fastest pairs would be off by a hundredth of a radian at 100 000 positions.

use super::super::gguf_error::GgufError;
use super::super::kernels::Rotation;
use super::metadata::Metadata;

/// The rotary embedding of one model.
#[derive(Clone, Debug)]
pub(super) struct Rope {
    pub rotation: Rotation,
    /// Radians per position, for each pair of a head.
    pub frequencies: Vec<f64>,
    /// The factor on sines and cosines, and so, squared, on attention scores.
    pub magnitude: f64,
    /// The context before it was extended.
    pub original: usize,
}

/// `YaRN`'s own numbers (<https://arxiv.org/abs/2309.00071>).
struct Yarn {
    base: f64,
    factor: f64,
    original: usize,
    fast: f64,
    slow: f64,
}

impl Rope {
    /// Reads how heads of `dim` values are rotated in a model of `context` positions.
    pub(super) fn read(metadata: Metadata<'_>, dim: usize, context: usize) -> Result<Self, GgufError> {
        // Not 1: its logarithm divides.
        let base = metadata.entries.real("rope.freq_base", 1.001, 1e12)?.unwrap_or(10_000.0);
        let mut frequencies: Vec<f64> = (0..dim / 2).map(|pair| base.powf(-2.0 * pair as f64 / dim as f64)).collect();
        let factor = match metadata.entries.real("rope.scaling.factor", 0.0, 1e6)?.filter(|factor| *factor > 0.0) {
            Some(factor) => factor,
            // The older name.
            None => metadata.entries.real("rope.scale_linear", 1e-3, 1e6)?.unwrap_or(1.0),
        };
        let original = metadata.entries.optional("rope.scaling.original_context_length", 1 << 32)?.unwrap_or(context);
        let mut magnitude = metadata.entries.real("rope.scaling.attn_factor", 1e-3, 1e3)?.unwrap_or(1.0);
        match metadata.entries.text("rope.scaling.type")? {
            Some("none") => {}
            // Without a type, a factor is linear.
            None | Some("linear") => frequencies.iter_mut().for_each(|frequency| *frequency /= factor),
            Some("yarn") => {
                let fast = metadata.entries.real("rope.scaling.yarn_beta_fast", 1e-3, 1e6)?.unwrap_or(32.0);
                let slow = metadata.entries.real("rope.scaling.yarn_beta_slow", 1e-3, 1e6)?.unwrap_or(1.0);
                Yarn { base, factor, original, fast, slow }.scale(&mut frequencies, dim);
                let multiplier = metadata.entries.real("rope.scaling.yarn_log_multiplier", 0.0, 1e3)?.unwrap_or(0.0);
                magnitude *= attention_factor(factor, 1.0) / attention_factor(factor, multiplier);
            }
            Some(kind) => {
                return Err(GgufError::unsupported(format!("it scales RoPE by {kind:?}, which this engine cannot do")));
            }
        }
        Ok(Self { rotation: metadata.family.rotation, frequencies, magnitude, original })
    }

    /// Divides each frequency by its factor, as llama 3 has it (`rope_freqs.weight`).
    pub(super) fn divide(&mut self, factors: &[f32]) -> Result<(), GgufError> {
        // Zero would give infinite angles, and those no logits.
        if factors.iter().any(|factor| !factor.is_finite() || *factor < 1e-6) {
            return Err(GgufError::damaged("rope_freqs.weight contains a factor that is not a positive number"));
        }
        for (frequency, factor) in self.frequencies.iter_mut().zip(factors) {
            *frequency /= f64::from(*factor);
        }
        Ok(())
    }

    /// Appends cosine and sine of each pair at a position.
    pub(super) fn append(&self, position: usize, cos_sin: &mut Vec<(f32, f32)>) {
        cos_sin.extend(self.frequencies.iter().map(|frequency| {
            let (sine, cosine) = (position as f64 * frequency).sin_cos();
            ((cosine * self.magnitude) as f32, (sine * self.magnitude) as f32)
        }));
    }
}

impl Yarn {
    /// Fast pairs keep their frequency, slow ones are interpolated, those between are mixed.
    fn scale(&self, frequencies: &mut [f64], dim: usize) {
        let low = self.pair(self.fast, dim).floor().max(0.0);
        let high = self.pair(self.slow, dim).ceil().min(dim as f64 - 1.0);
        for (pair, frequency) in frequencies.iter_mut().enumerate() {
            let ramp = ((pair as f64 - low) / (high - low).max(0.001)).clamp(0.0, 1.0);
            *frequency *= (1.0 - ramp) + ramp / self.factor;
        }
    }

    /// The pair that makes so many rotations within the original context.
    fn pair(&self, rotations: f64, dim: usize) -> f64 {
        let length = self.original as f64 / (rotations * std::f64::consts::TAU);
        dim as f64 * length.ln() / (2.0 * self.base.ln())
    }
}

/// The factor on attention scores for a context `factor` times longer: `get_mscale` of `transformers`'
/// `modeling_rope_utils.py`.
pub(in super::super) fn attention_factor(factor: f64, multiplier: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * multiplier * factor.ln() + 1.0 }
}
