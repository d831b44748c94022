//! The blocks of GGUF's quantised types, as `ggml-common.h` and `ggml-quants.c` (ggml, MIT) define them.

/// The weight types that have kernels; other types in a file are refused before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum WeightType {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of an f32.
    Bf16,
    /// 32 values of 8 bits and a scale: 8.5 bits a weight.
    Q8_0,
    /// 8 × 32 values of 4 bits, scales and minima of 6 bits: 4.5 bits a weight.
    Q4K,
    /// 16 × 16 values of 6 bits, scales of 8 bits: 6.5625 bits a weight.
    Q6K,
}

impl WeightType {
    /// Values in a block.
    pub(super) fn block(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q8_0 => 32,
            Self::Q4K | Self::Q6K => 256,
        }
    }

    /// Bytes of a block in the file.
    pub(super) fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q8_0 => 34,
            Self::Q4K => 144,
            Self::Q6K => 210,
        }
    }
}

/// `block_q8_0`: value = d · q.
pub(super) struct Q8<'a>(pub(super) &'a [u8]);

impl Q8<'_> {
    /// The f16 bits of d.
    pub(super) fn scale(&self) -> u16 {
        half(self.0, 0)
    }

    pub(super) fn codes(&self) -> [i8; 32] {
        std::array::from_fn(|i| self.0[2 + i].cast_signed())
    }
}

/// `block_q4_K`: value = d · scale[i / 32] · q - dmin · min[i / 32].
pub(super) struct Q4<'a>(pub(super) &'a [u8]);

impl Q4<'_> {
    /// The f16 bits of d.
    pub(super) fn scale(&self) -> u16 {
        half(self.0, 0)
    }

    /// The f16 bits of dmin.
    pub(super) fn minimum(&self) -> u16 {
        half(self.0, 2)
    }

    /// Scale and minimum of the sub-block of 32 values `j`, of 6 bits each (`get_scale_min_k4`).
    pub(super) fn sub_block(&self, j: usize) -> (u8, u8) {
        let packed = &self.0[4..16];
        if j < 4 {
            (packed[j] & 63, packed[j + 4] & 63)
        } else {
            (packed[j + 4] & 15 | packed[j - 4] >> 6 << 4, packed[j + 4] >> 4 | packed[j] >> 6 << 4)
        }
    }

    /// The values, 0 to 15. Each 32 bytes hold 64 of them: the low halves first, then the high ones.
    pub(super) fn codes(&self) -> [u8; 256] {
        let packed = &self.0[16..144];
        std::array::from_fn(|i| {
            let byte = packed[i / 64 * 32 + i % 32];
            if i % 64 < 32 { byte & 15 } else { byte >> 4 }
        })
    }
}

/// `block_q6_K`: value = d · scale[i / 16] · (q - 32).
pub(super) struct Q6<'a>(pub(super) &'a [u8]);

impl Q6<'_> {
    /// The f16 bits of d.
    pub(super) fn scale(&self) -> u16 {
        half(self.0, 208)
    }

    /// The scale of the sub-block of 16 values `j`.
    pub(super) fn sub_block(&self, j: usize) -> i8 {
        self.0[192 + j].cast_signed()
    }

    /// The values, 0 to 63, the offset of 32 not yet subtracted. Each half of 128 has 64 bytes of low bits and 32 of high.
    pub(super) fn codes(&self) -> [u8; 256] {
        let (low, high) = (&self.0[..128], &self.0[128..192]);
        std::array::from_fn(|i| {
            let (half, quarter, at) = (i / 128, i % 128 / 32, i % 32);
            let byte = low[half * 64 + at + 32 * (quarter % 2)];
            let nibble = if quarter < 2 { byte & 15 } else { byte >> 4 };
            nibble | (high[half * 32 + at] >> (2 * quarter) & 3) << 4
        })
    }
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}
