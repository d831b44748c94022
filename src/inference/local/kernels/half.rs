//! Conversions between f32 and f16 or bf16 in software; the vector kernels use the processor's instructions.

/// IEEE 754 binary16 to f32, exact.
pub(in super::super) fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let fraction = u32::from(bits & 0x3ff);
    match exponent {
        // Zero and subnormal numbers: fraction · 2⁻²⁴.
        0 => {
            let value = fraction as f32 * f32::from_bits(0x3380_0000);
            f32::from_bits(value.to_bits() | sign)
        }
        // Infinity and NaN.
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13),
    }
}

/// f32 to IEEE 754 binary16, to nearest and ties to even, as `vcvtps2ph` does.
pub(in super::super) fn f32_to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00 | (magnitude >> 13 & 0x3ff) as u16;
    }
    // From 65520 on, the nearest is infinity.
    if magnitude >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    // Below 2⁻¹⁴ the result is subnormal: adding 0.5 leaves its rounded fraction in the lowest bits.
    if magnitude < 0x3880_0000 {
        let shifted = f32::from_bits(magnitude) + 0.5;
        return sign | (shifted.to_bits() - 0x3f00_0000) as u16;
    }
    let odd = magnitude >> 13 & 1;
    // Rebiases the exponent by 15 - 127 and rounds half to even; a carry runs into the exponent, as it should.
    let rounded = magnitude - ((127 - 15) << 23) + 0xfff + odd;
    sign | (rounded >> 13) as u16
}

/// bfloat16 to f32, exact: the upper half of its bits.
pub(in super::super) fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}
