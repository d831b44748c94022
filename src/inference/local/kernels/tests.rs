//! Each backend of this machine against the scalar reference, the reference against candle, and the pool.

mod against_candle;
mod floats;
mod matrices;
mod nonfinite;
mod storage;
mod threads;

use super::blocks::WeightType;
use super::half::f32_to_f16;

pub(super) const KINDS: [WeightType; 6] =
    [WeightType::F32, WeightType::F16, WeightType::Bf16, WeightType::Q8_0, WeightType::Q4K, WeightType::Q6K];

/// A generator of values that is the same on every run (xorshift64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// About normal, of deviation 1: a sum of uniform values.
    pub(super) fn normal(&mut self) -> f32 {
        let uniform = |bits: u64| (bits >> 40) as f32 / (1 << 24) as f32 - 0.5;
        (0..4).map(|_| uniform(self.bits())).sum::<f32>() * 3.0_f32.sqrt()
    }

    pub(super) fn normals(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.normal()).collect()
    }

    /// Whole blocks: any codes and any scales of the parts, and scales of the blocks that are no infinity.
    pub(super) fn blocks(&mut self, kind: WeightType, values: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::new();
        for _ in 0..values / kind.block() {
            let start = bytes.len();
            bytes.extend((0..kind.block_bytes()).map(|_| self.bits() as u8));
            let mut half =
                |at: usize| bytes[start + at..][..2].copy_from_slice(&f32_to_f16(self.normal()).to_le_bytes());
            match kind {
                WeightType::Q8_0 | WeightType::F16 => half(0),
                WeightType::Q4K => {
                    half(0);
                    half(2);
                }
                WeightType::Q6K => half(208),
                WeightType::Bf16 => {
                    bytes[start..].copy_from_slice(&((self.normal().to_bits() >> 16) as u16).to_le_bytes());
                }
                WeightType::F32 => bytes[start..].copy_from_slice(&self.normal().to_le_bytes()),
            }
        }
        bytes
    }
}
