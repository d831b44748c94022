//! The pieces of a GGUF file as they are written: values of the metadata, and blocks of weights.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Candle writes GGUF as well, but holds the whole model in memory.

/// A type of weights.
#[derive(Clone, Copy)]
pub(super) enum Type {
    F32,
    F16,
    Q8,
    Q4K,
    Q6K,
}

impl Type {
    /// GGUF's number for it.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q8 => 8,
            Self::Q4K => 12,
            Self::Q6K => 14,
        }
    }

    /// Values and bytes of a block.
    pub(super) fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 => (1, 2),
            Self::Q8 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q6K => (256, 210),
        }
    }

    /// Makes a block of random bytes one whose values have a mean of 0 and a deviation near 0.02, as in trained models.
    pub(super) fn scale(self, block: &mut [u8]) {
        match self {
            // Ones: the norms.
            Self::F32 => block.copy_from_slice(&1.0_f32.to_le_bytes()),
            // Sign and mantissa stay random; the exponent is that of 0.0156 to 0.0312.
            Self::F16 => block[1] = block[1] & 0x83 | 0x24,
            // Codes of ±128: a deviation of 74.
            Self::Q8 => block[..2].copy_from_slice(&half(2.7e-4)),
            // Codes of 0 to 15 with scales of 32 and minima of 30 (six bits each): 32 · code - 8 · 30.
            Self::Q4K => {
                block[..2].copy_from_slice(&half(1.36e-4));
                block[2..4].copy_from_slice(&half(8.0 * 1.36e-4));
                // The last four scales and minima have their low bits in the last bytes, their high ones on top of the first.
                block[4..8].fill(0x20 | 0x80);
                block[8..12].fill(0x1e | 0x40);
                block[12..16].fill(0xe0);
            }
            // Codes of ±32 with scales of 64: a deviation of 18.5 · 64.
            Self::Q6K => {
                block[192..208].fill(64);
                block[208..].copy_from_slice(&half(1.7e-5));
            }
        }
    }
}

fn half(value: f32) -> [u8; 2] {
    super::super::kernels::f32_to_f16(value).to_le_bytes()
}

/// A value of the metadata.
pub(super) enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Numbers(Vec<i32>),
}

impl Value {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::U32(value) => tagged(out, 4, &value.to_le_bytes()),
            Self::F32(value) => tagged(out, 6, &value.to_le_bytes()),
            Self::Bool(value) => tagged(out, 7, &[u8::from(*value)]),
            Self::Text(value) => {
                tagged(out, 8, &[]);
                string(out, value);
            }
            Self::Texts(values) => {
                array(out, 8, values.len());
                for value in values {
                    string(out, value);
                }
            }
            Self::Numbers(values) => {
                array(out, 5, values.len());
                for value in values {
                    out.extend(value.to_le_bytes());
                }
            }
        }
    }
}

fn tagged(out: &mut Vec<u8>, kind: u32, bytes: &[u8]) {
    out.extend(kind.to_le_bytes());
    out.extend(bytes);
}

fn array(out: &mut Vec<u8>, kind: u32, count: usize) {
    tagged(out, 9, &kind.to_le_bytes());
    out.extend((count as u64).to_le_bytes());
}

pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}
