//! Every kernel in plain Rust: the reference that the others are tested against, and the backend of other processors.
#![allow(clippy::inline_always)] // Some are compiled again within functions for other instructions.

#[cfg(test)]
use super::blocks::{Q4, Q6, Q8, WeightType};
use super::half::{bf16_to_f32, f16_to_f32, f32_to_f16};
use super::kv::{Heads, SequenceKv};
use super::panel::{Panel, Sums};
use super::tiles::{Floats, Halves, ROWS, TileQ4K, TileQ6K, TileQ8, q4k_code, q6k_code, q6k_scale, q8_code};

/// Dequantises whole blocks of a type.
#[cfg(test)]
pub(super) fn dequantise(kind: WeightType, bytes: &[u8]) -> Vec<f32> {
    let block = |bytes: &[u8]| -> Vec<f32> {
        match kind {
            WeightType::F32 => vec![f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])],
            WeightType::F16 => vec![f16_to_f32(u16::from_le_bytes([bytes[0], bytes[1]]))],
            WeightType::Bf16 => vec![bf16_to_f32(u16::from_le_bytes([bytes[0], bytes[1]]))],
            WeightType::Q8_0 => {
                let block = Q8(bytes);
                block.codes().iter().map(|&code| f16_to_f32(block.scale()) * f32::from(code)).collect()
            }
            WeightType::Q4K => {
                let block = Q4(bytes);
                let (d, dmin) = (f16_to_f32(block.scale()), f16_to_f32(block.minimum()));
                let value = |(i, &code): (usize, &u8)| {
                    let (scale, minimum) = block.sub_block(i / 32);
                    d * f32::from(scale) * f32::from(code) - dmin * f32::from(minimum)
                };
                block.codes().iter().enumerate().map(value).collect()
            }
            WeightType::Q6K => {
                let block = Q6(bytes);
                let d = f16_to_f32(block.scale());
                let value =
                    |(i, &code): (usize, &u8)| d * f32::from(block.sub_block(i / 16)) * (f32::from(code) - 32.0);
                block.codes().iter().enumerate().map(value).collect()
            }
        }
    };
    bytes.chunks_exact(kind.block_bytes()).flat_map(block).collect()
}

/// Scale and inverse scale of values whose largest magnitude is `peak`. A tiny peak counts as zero: the inverse would
/// overflow. If a value is infinite or NaN, the scale of its group is NaN, and so is every product with it.
pub(super) fn scales(peak: f32) -> (f32, f32) {
    match peak {
        _ if !peak.is_finite() => (f32::NAN, 0.0),
        _ if peak < 1e-30 => (0.0, 0.0),
        _ => (peak / 127.0, 127.0 / peak),
    }
}

/// Codes within ±127 of the values of one block, to nearest and ties to even; returns their scale. All codes are 0 when the scale is
/// NaN.
pub(super) fn quantise(x: &[f32], codes: &mut [i8]) -> f32 {
    // `f32::max` would ignore NaN; in the order of the bits, NaN is the largest.
    let peak = f32::from_bits(x.iter().map(|x| x.abs().to_bits()).fold(0, u32::max));
    let (scale, inverse) = scales(peak);
    if scale.is_nan() {
        codes.fill(0);
        return scale;
    }
    for (code, x) in codes.iter_mut().zip(x) {
        *code = (x * inverse).round_ties_even() as i8;
    }
    scale
}

/// One row of tiles times a panel: `sums[m][row]`. Products within 32 columns are summed as integers, as in all backends.
pub(super) fn q4k(tiles: &[TileQ4K], panel: &Panel<'_>, sums: &mut Sums) {
    for (m, out) in sums.iter_mut().take(panel.width).enumerate() {
        *out = [0.0; ROWS];
        for (b, tile) in tiles.iter().enumerate() {
            let x = panel.scales[b * panel.width + m];
            for (row, out) in out.iter_mut().enumerate() {
                let (mut total, mut minima) = (0.0, 0);
                for part in 0..8 {
                    let first = part * 32;
                    let dot = dot(panel, m, b * 256 + first, 32, |i| q4k_code(tile, row, first + i).into());
                    total += dot as f32 * (f16_to_f32(tile.scale[row]) * f32::from(tile.scales[part][row]));
                    let sum = panel.sums32[(b * 4 + part / 2) * panel.width + m][part % 2];
                    minima += i32::from(tile.minima[part / 2][row * 2 + part % 2]) * i32::from(sum);
                }
                *out += (total - minima as f32 * f16_to_f32(tile.minimum[row])) * x;
            }
        }
    }
}

/// As [`q4k`].
pub(super) fn q6k(tiles: &[TileQ6K], panel: &Panel<'_>, sums: &mut Sums) {
    for (m, out) in sums.iter_mut().take(panel.width).enumerate() {
        *out = [0.0; ROWS];
        for (b, tile) in tiles.iter().enumerate() {
            let x = panel.scales[b * panel.width + m];
            for (row, out) in out.iter_mut().enumerate() {
                let mut total = 0.0;
                for part in 0..16 {
                    let first = part * 16;
                    let code = |i| i32::from(q6k_code(tile, row, first + i)) - 32;
                    let dot = dot(panel, m, b * 256 + first, 16, code);
                    total += dot as f32 * f32::from(q6k_scale(tile, row, first));
                }
                *out += total * f16_to_f32(tile.scale[row]) * x;
            }
        }
    }
}

/// As [`q4k`].
pub(super) fn q8(tiles: &[TileQ8], panel: &Panel<'_>, sums: &mut Sums) {
    for (m, out) in sums.iter_mut().take(panel.width).enumerate() {
        *out = [0.0; ROWS];
        for (pair, tile) in tiles.iter().enumerate() {
            for half in 0..2 {
                let x = panel.scales[(pair * 2 + half) * panel.width + m];
                for (row, out) in out.iter_mut().enumerate() {
                    let code = |i| i32::from(q8_code(tile, row, half * 32 + i));
                    let dot = dot(panel, m, pair * 64 + half * 32, 32, code);
                    *out += dot as f32 * (f16_to_f32(tile.scale[half][row]) * x);
                }
            }
        }
    }
}

/// The integer product of `length` columns from `first` of a panel's row with the codes that `code` returns.
fn dot(panel: &Panel<'_>, m: usize, first: usize, length: usize, code: impl Fn(usize) -> i32) -> i32 {
    let value = |i: usize| i32::from(panel.codes[(first + i) / 4 * panel.width + m][i % 4]);
    (0..length).map(|i| code(i) * value(i)).sum()
}

/// One row of tiles of f16 weights times some rows.
pub(super) fn half_panel(tiles: &[Halves], rows: &[&[f32]], sums: &mut Sums) {
    columns(tiles, |tile| tile.0.map(f16_to_f32), rows, sums);
}

/// One row of tiles of bf16 weights times some rows.
pub(super) fn bf16_panel(tiles: &[Halves], rows: &[&[f32]], sums: &mut Sums) {
    columns(tiles, |tile| tile.0.map(bf16_to_f32), rows, sums);
}

/// One row of tiles of f32 weights times some rows.
pub(super) fn float_panel(tiles: &[Floats], rows: &[&[f32]], sums: &mut Sums) {
    columns(tiles, |tile| tile.0, rows, sums);
}

fn columns<T>(tiles: &[T], to_f32: impl Fn(&T) -> [f32; ROWS], rows: &[&[f32]], sums: &mut Sums) {
    for (x, out) in rows.iter().zip(sums) {
        *out = [0.0; ROWS];
        for (tile, x) in tiles.iter().zip(*x) {
            for (out, weight) in out.iter_mut().zip(to_f32(tile)) {
                *out += weight * x;
            }
        }
    }
}

/// x / √(mean(x²) + ε) · weight. The whole row is NaN when the mean is NaN or infinite: divided by infinity, the other values
/// would become 0.
pub(super) fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let factor =
        if squares.is_finite() { 1.0 / (squares / x.len() as f64 + f64::from(epsilon)).sqrt() } else { f64::NAN };
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = x * factor as f32 * weight;
    }
}

/// silu(x) = x / (1 + e⁻ˣ), times `up`.
pub(super) fn silu_multiply(gate: &mut [f32], up: &[f32]) {
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = *gate / (1.0 + (-*gate).exp()) * up;
    }
}

/// (x - mean(x)) / √(variance(x) + ε) · weight + bias, in place.
pub(super) fn layer_norm(x: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let length = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / length;
    let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / length;
    let factor = 1.0 / (variance + f64::from(epsilon)).sqrt();
    for ((x, weight), bias) in x.iter_mut().zip(weight).zip(bias) {
        *x = ((f64::from(*x) - mean) * factor) as f32 * weight + bias;
    }
}

/// The approximation 7.1.26 of Abramowitz and Stegun, with an error below 1.5·10⁻⁷:
/// erfc(z) ≈ t · (((([0]·t + [1])·t + [2])·t + [3])·t + [4]) · e^(-z²), with t = 1 / (1 + P·z).
pub(super) const ERF: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_8, -0.284_496_75, 0.254_829_6];
pub(super) const ERF_P: f32 = 0.327_591_1;

/// gelu(x) = x · Φ(x), exact but for the approximation of erf: max(x, 0) - |x| / 2 · erfc(|x| / √2).
pub(super) fn gelu(x: &mut [f32]) {
    for x in x {
        let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + ERF_P * z);
        let polynomial = ERF[1..].iter().fold(ERF[0], |sum, coefficient| sum * t + coefficient);
        let tail = polynomial * t * (-z * z).exp();
        let positive = if *x < 0.0 { 0.0 } else { *x };
        *x = positive - x.abs() / 2.0 * tail;
    }
}

/// The softmax of the first `valid` scores before the division: each becomes e^(score - largest), the others 0. Returns their sum, which is
/// NaN when a score is infinite or NaN.
pub(super) fn softmax(scores: &mut [f32], valid: usize) -> f32 {
    let (scores, padding) = scores.split_at_mut(valid);
    padding.fill(0.0);
    let peak = scores.iter().copied().fold(f32::MIN, f32::max);
    let check: f32 = scores.iter().map(|score| score * 0.0).sum();
    for score in scores.iter_mut() {
        *score = (*score - peak).exp();
    }
    check + scores.iter().sum::<f32>()
}

pub(super) fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// Rotates each pair of adjacent values in a row of heads.
#[inline(always)]
pub(super) fn rotate_interleaved(x: &mut [f32], cos_sin: &[(f32, f32)]) {
    for head in x.chunks_exact_mut(2 * cos_sin.len()) {
        for (pair, turn) in head.as_chunks_mut::<2>().0.iter_mut().zip(cos_sin) {
            *pair = rotated(pair[0], pair[1], *turn);
        }
    }
}

/// Rotates each pair of values half a head apart.
#[inline(always)]
pub(super) fn rotate_halves(x: &mut [f32], cos_sin: &[(f32, f32)]) {
    for head in x.chunks_exact_mut(2 * cos_sin.len()) {
        let (first, second) = head.split_at_mut(cos_sin.len());
        for ((a, b), turn) in first.iter_mut().zip(second).zip(cos_sin) {
            [*a, *b] = rotated(*a, *b, *turn);
        }
    }
}

#[inline(always)]
fn rotated(a: f32, b: f32, (cosine, sine): (f32, f32)) -> [f32; 2] {
    [a * cosine - b * sine, a * sine + b * cosine]
}

/// To f16 bits.
pub(super) fn to_f16(x: &[f32], out: &mut [u16]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f32_to_f16(x);
    }
}

fn floats_of(bits: &[u16]) -> impl Iterator<Item = f32> {
    bits.iter().map(|&bits| f16_to_f32(bits))
}

/// softmax(q·k·scale)·v of each query head.
pub(super) fn attend(
    query: &[f32],
    cache: &SequenceKv<'_>,
    heads: &Heads,
    kv_head: usize,
    scale: f32,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    for (query, out) in query.chunks_exact(heads.dim).zip(out.chunks_exact_mut(heads.dim)) {
        let at = |t: usize| heads.offset(cache.table[t / 16], kv_head) + t % 16 * heads.dim;
        let score =
            |t| floats_of(&cache.keys[at(t)..][..heads.dim]).zip(query).map(|(k, q)| k * q).sum::<f32>() * scale;
        scores.clear();
        scores.extend((0..cache.length).map(score));
        let peak = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = scores.iter().map(|score| (score - peak).exp()).sum();
        if !scores.iter().all(|score| score.is_finite()) {
            // A weight of 0 for a score of -∞ would hide that a key or a query has overflowed.
            out.fill(f32::NAN);
            continue;
        }
        out.fill(0.0);
        for (t, score) in scores.iter().enumerate() {
            let share = (score - peak).exp() / total;
            for (out, v) in out.iter_mut().zip(floats_of(&cache.values[at(t)..][..heads.dim])) {
                *out += share * v;
            }
        }
    }
}
