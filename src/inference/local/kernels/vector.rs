//! The float kernels, written once for sixteen lanes and compiled for AVX2 and for AVX-512. The values that do not fill a vector are
//! computed by the scalar reference.
#![allow(unsafe_code)] // Calls into functions compiled for instructions that a proof says are there.
#![allow(clippy::inline_always)] // The bodies must be compiled within those functions.
#![allow(clippy::many_single_char_names)] // `s` for the instructions, and the letters of the formulas.

use super::panel::Sums;
use super::scalar;
use super::simd::Simd;
use super::tiles::{Floats, Halves};

/// The kernels below as functions of the instructions' proof.
macro_rules! compiled {
    ($($module:ident, $proof:ident, $features:literal;)*) => {
        $(
            /// The kernels for these instructions.
            pub(super) mod $module {
                use super::super::simd::$proof;
                use super::{Floats, Halves, Sums};

                compiled! { @functions $proof, $features,
                    quantise(x: &[f32], codes: &mut [i8]) -> f32;
                    rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) -> ();
                    silu_multiply(gate: &mut [f32], up: &[f32]) -> ();
                    add(x: &mut [f32], y: &[f32]) -> ();
                    layer_norm(x: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) -> ();
                    gelu(x: &mut [f32]) -> ();
                    rotate_interleaved(x: &mut [f32], cos_sin: &[(f32, f32)]) -> ();
                    rotate_halves(x: &mut [f32], cos_sin: &[(f32, f32)]) -> ();
                    to_f16(x: &[f32], out: &mut [u16]) -> ();
                    half_panel(tiles: &[Halves], rows: &[&[f32]], sums: &mut Sums) -> ();
                    bf16_panel(tiles: &[Halves], rows: &[&[f32]], sums: &mut Sums) -> ();
                    float_panel(tiles: &[Floats], rows: &[&[f32]], sums: &mut Sums) -> ();
                    scores(queries: &[f32], block: &[f32], pieces: usize, out: &mut [f32], stride: usize) -> ();
                    softmax(scores: &mut [f32], valid: usize) -> f32;
                    weighted_sum(scores: &[f32], stride: usize, block: &[f32], pieces: usize, out: &mut [f32]) -> ();
                    weighted_sum_of(
                        scores: &[f32], stride: usize, tokens: usize, block: &[f32], pieces: usize, out: &mut [f32]
                    ) -> ();
                    kv_to_f32(cache: &[u16], next: &[u16], dim: usize, pieces: usize, block: &mut [f32]) -> ();
                }
            }
        )*
    };
    (@functions $proof:ident, $features:literal,
        $($name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(
            pub(in super::super) fn $name(proof: $proof, $($argument: $type),*) -> $out {
                #[target_feature(enable = $features)]
                fn compiled(proof: $proof, $($argument: $type),*) -> $out {
                    super::$name(proof, $($argument),*)
                }
                // SAFETY: the proof says that this processor has the features the function is compiled for.
                unsafe { compiled(proof, $($argument),*) }
            }
        )*
    };
}

compiled! {
    avx2, Avx2, "avx2,fma,f16c";
    avx512, Avx512, "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c";
}

/// As [`scalar::quantise`]. The length is a multiple of 16.
#[inline(always)]
fn quantise<S: Simd>(s: S, x: &[f32], codes: &mut [i8]) -> f32 {
    let (x, _) = x.as_chunks::<16>();
    let mut peak = s.splat(0.0);
    for x in x {
        peak = s.max_magnitude(peak, s.load(x));
    }
    let (scale, inverse) = scalar::scales(s.peak_magnitude(peak));
    if scale.is_nan() {
        codes.fill(0);
        return scale;
    }
    let inverse = s.splat(inverse);
    for (x, codes) in x.iter().zip(codes.as_chunks_mut::<16>().0) {
        *codes = s.codes(s.mul(s.load(x), inverse));
    }
    scale
}

/// As [`scalar::rms_norm`].
#[inline(always)]
fn rms_norm<S: Simd>(s: S, x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let (chunks, rest) = x.as_chunks::<16>();
    // Two sums hide the latency of the addition.
    let mut sums = [s.splat(0.0); 2];
    for (i, x) in chunks.iter().enumerate() {
        let x = s.load(x);
        sums[i % 2] = s.mul_add(x, x, sums[i % 2]);
    }
    let squares = s.sum(s.add(sums[0], sums[1])) + rest.iter().map(|x| x * x).sum::<f32>();
    if !squares.is_finite() {
        // It overflows f32, but perhaps not f64.
        return scalar::rms_norm(x, weight, epsilon, out);
    }
    let factor = 1.0 / (squares / x.len() as f32 + epsilon).sqrt();
    let (weights, rest_weights) = weight.as_chunks::<16>();
    let (outs, rest_out) = out.as_chunks_mut::<16>();
    for ((x, weight), out) in chunks.iter().zip(weights).zip(outs) {
        s.store(s.mul(s.mul(s.load(x), s.splat(factor)), s.load(weight)), out);
    }
    for ((x, weight), out) in rest.iter().zip(rest_weights).zip(rest_out) {
        *out = x * factor * weight;
    }
}

/// As [`scalar::silu_multiply`].
#[inline(always)]
fn silu_multiply<S: Simd>(s: S, gate: &mut [f32], up: &[f32]) {
    let (gates, rest) = gate.as_chunks_mut::<16>();
    let (ups, rest_up) = up.as_chunks::<16>();
    let one = s.splat(1.0);
    for (gate, up) in gates.iter_mut().zip(ups) {
        let x = s.load(gate);
        let silu = s.div(x, s.add(one, exp(s, s.mul(x, s.splat(-1.0)))));
        s.store(s.mul(silu, s.load(up)), gate);
    }
    scalar::silu_multiply(rest, rest_up);
}

/// As [`scalar::add`].
#[inline(always)]
fn add<S: Simd>(s: S, x: &mut [f32], y: &[f32]) {
    let (xs, rest) = x.as_chunks_mut::<16>();
    let (ys, rest_y) = y.as_chunks::<16>();
    for (x, y) in xs.iter_mut().zip(ys) {
        s.store(s.add(s.load(x), s.load(y)), x);
    }
    scalar::add(rest, rest_y);
}

/// As [`scalar::layer_norm`].
#[inline(always)]
fn layer_norm<S: Simd>(s: S, x: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let length = x.len() as f32;
    let (chunks, rest) = x.as_chunks_mut::<16>();
    // Two sums hide the latency of the addition.
    let mut sums = [s.splat(0.0); 2];
    for (i, x) in chunks.iter().enumerate() {
        sums[i % 2] = s.add(s.load(x), sums[i % 2]);
    }
    let mean = (s.sum(s.add(sums[0], sums[1])) + rest.iter().sum::<f32>()) / length;
    let mut sums = [s.splat(0.0); 2];
    for (i, x) in chunks.iter().enumerate() {
        let x = s.add(s.load(x), s.splat(-mean));
        sums[i % 2] = s.mul_add(x, x, sums[i % 2]);
    }
    let squares = s.sum(s.add(sums[0], sums[1])) + rest.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>();
    let factor = 1.0 / (squares / length + epsilon).sqrt();
    let (weights, rest_weights) = weight.as_chunks::<16>();
    let (biases, rest_biases) = bias.as_chunks::<16>();
    for ((x, weight), bias) in chunks.iter_mut().zip(weights).zip(biases) {
        let value = s.mul(s.add(s.load(x), s.splat(-mean)), s.splat(factor));
        s.store(s.mul_add(value, s.load(weight), s.load(bias)), x);
    }
    for ((x, weight), bias) in rest.iter_mut().zip(rest_weights).zip(rest_biases) {
        *x = (*x - mean) * factor * weight + bias;
    }
}

/// As [`scalar::gelu`].
#[inline(always)]
fn gelu<S: Simd>(s: S, x: &mut [f32]) {
    let (xs, rest) = x.as_chunks_mut::<16>();
    let one = s.splat(1.0);
    for x in xs {
        let value = s.load(x);
        let magnitude = s.max(s.mul(value, s.splat(-1.0)), value);
        let z = s.mul(magnitude, s.splat(std::f32::consts::FRAC_1_SQRT_2));
        let t = s.div(one, s.mul_add(z, s.splat(scalar::ERF_P), one));
        let mut p = s.splat(scalar::ERF[0]);
        for coefficient in &scalar::ERF[1..] {
            p = s.mul_add(p, t, s.splat(*coefficient));
        }
        let tail = s.mul(s.mul(p, t), exp(s, s.mul(s.mul(z, z), s.splat(-1.0))));
        let half = s.mul(magnitude, s.splat(-0.5));
        s.store(s.mul_add(half, tail, s.max(s.splat(0.0), value)), x);
    }
    scalar::gelu(rest);
}

/// As [`scalar::rotate_interleaved`], which the compiler vectorises.
#[inline(always)]
fn rotate_interleaved<S: Simd>(_: S, x: &mut [f32], cos_sin: &[(f32, f32)]) {
    scalar::rotate_interleaved(x, cos_sin);
}

/// As [`scalar::rotate_halves`], which the compiler vectorises.
#[inline(always)]
fn rotate_halves<S: Simd>(_: S, x: &mut [f32], cos_sin: &[(f32, f32)]) {
    scalar::rotate_halves(x, cos_sin);
}

/// As [`scalar::to_f16`].
#[inline(always)]
fn to_f16<S: Simd>(s: S, x: &[f32], out: &mut [u16]) {
    let (xs, rest) = x.as_chunks::<16>();
    let (outs, rest_out) = out.as_chunks_mut::<16>();
    for (x, out) in xs.iter().zip(outs) {
        *out = s.to_f16(s.load(x));
    }
    scalar::to_f16(rest, rest_out);
}

/// eˣ with a relative error below 3·10⁻⁷ from -87 to 88, and the value at the nearer bound beyond; NaN stays NaN.
/// The reduction and the polynomial are those of Cephes' `expf` (S. Moshier, netlib).
#[inline(always)]
#[allow(clippy::excessive_precision)] // The coefficients as published.
pub(super) fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    // `x` is the second operand of both: the instructions return the second operand where one is NaN.
    let x = s.min(s.splat(88.0), s.max(s.splat(-87.3), x));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    // x - n·ln 2, with ln 2 in two parts: the first has so few bits that n times it is exact.
    let r = s.mul_add(n, s.splat(-0.693_359_375), x);
    let r = s.mul_add(n, s.splat(2.121_944_40e-4), r);
    let mut p = s.splat(1.987_569_150_0e-4);
    for coefficient in
        [1.398_199_950_7e-3, 8.333_451_907_3e-3, 4.166_579_589_4e-2, 1.666_666_545_9e-1, 5.000_000_120_1e-1]
    {
        p = s.mul_add(p, r, s.splat(coefficient));
    }
    let y = s.add(s.mul_add(p, s.mul(r, r), r), s.splat(1.0));
    s.scale2(y, n)
}

/// One row of tiles of f16 weights, times up to [`super::panel::PANEL`] rows.
#[inline(always)]
fn half_panel<S: Simd>(s: S, tiles: &[Halves], rows: &[&[f32]], sums: &mut Sums) {
    for (rows, sums) in rows.chunks(4).zip(sums.chunks_mut(4)) {
        columns(
            s,
            tiles,
            #[inline(always)]
            |s, tile| s.to_f32(&tile.0),
            rows,
            sums,
        );
    }
}

/// One row of tiles of bf16 weights, likewise.
#[inline(always)]
fn bf16_panel<S: Simd>(s: S, tiles: &[Halves], rows: &[&[f32]], sums: &mut Sums) {
    for (rows, sums) in rows.chunks(4).zip(sums.chunks_mut(4)) {
        columns(
            s,
            tiles,
            #[inline(always)]
            |s, tile| s.bf16_to_f32(&tile.0),
            rows,
            sums,
        );
    }
}

/// One row of tiles of f32 weights, likewise.
#[inline(always)]
fn float_panel<S: Simd>(s: S, tiles: &[Floats], rows: &[&[f32]], sums: &mut Sums) {
    for (rows, sums) in rows.chunks(4).zip(sums.chunks_mut(4)) {
        columns(
            s,
            tiles,
            #[inline(always)]
            |s, tile| s.load(&tile.0),
            rows,
            sums,
        );
    }
}

/// Up to four rows at once: four sums hide the latency of the addition.
#[inline(always)]
fn columns<S: Simd, T>(s: S, tiles: &[T], to_f32: impl Fn(S, &T) -> S::V, rows: &[&[f32]], sums: &mut [[f32; 16]]) {
    match *rows {
        [a] => few(s, tiles, to_f32, [a], sums),
        [a, b] => few(s, tiles, to_f32, [a, b], sums),
        [a, b, c] => few(s, tiles, to_f32, [a, b, c], sums),
        [a, b, c, d] => few(s, tiles, to_f32, [a, b, c, d], sums),
        _ => {}
    }
}

#[inline(always)]
fn few<S: Simd, T, const N: usize>(
    s: S,
    tiles: &[T],
    to_f32: impl Fn(S, &T) -> S::V,
    rows: [&[f32]; N],
    sums: &mut [[f32; 16]],
) {
    // One length for all, so that bounds are checked once.
    let rows = rows.map(|row| &row[..tiles.len()]);
    let mut totals = [s.splat(0.0); N];
    for (column, tile) in tiles.iter().enumerate() {
        let weights = to_f32(s, tile);
        for (total, row) in totals.iter_mut().zip(rows) {
            *total = s.mul_add(weights, s.splat(row[column]), *total);
        }
    }
    for (total, sum) in totals.iter().zip(sums) {
        s.store(*total, sum);
    }
}

/// The tokens of one block and one head as f32, in the order `[piece][token][16]`; the padding is 0.
/// Meanwhile `next`, the block that follows, is prefetched.
#[inline(always)]
fn kv_to_f32<S: Simd>(s: S, cache: &[u16], next: &[u16], dim: usize, pieces: usize, block: &mut [f32]) {
    for line in next.as_chunks::<32>().0 {
        s.prefetch(line);
    }
    let lines = &mut block.as_chunks_mut::<16>().0[..pieces * 16];
    if cache.len() < 16 * dim || dim < pieces * 16 {
        lines.as_flattened_mut().fill(0.0);
    }
    for (token, values) in cache.chunks_exact(dim).enumerate() {
        let (full, rest) = values.as_chunks::<16>();
        for (piece, values) in full.iter().enumerate() {
            s.store(s.to_f32(values), &mut lines[piece * 16 + token]);
        }
        if !rest.is_empty() {
            let mut padded = [0; 16];
            padded[..rest.len()].copy_from_slice(rest);
            s.store(s.to_f32(&padded), &mut lines[full.len() * 16 + token]);
        }
    }
}

/// The sixteen scores of each query with the tokens of a block, at the same index in each row of `stride` scores.
#[inline(always)]
fn scores<S: Simd>(s: S, queries: &[f32], block: &[f32], pieces: usize, out: &mut [f32], stride: usize) {
    let block = block.as_chunks::<16>().0.as_chunks::<16>().0;
    for (query, out) in queries.as_chunks::<16>().0.chunks(pieces).zip(out.chunks_mut(stride)) {
        if let Some(out) = out.first_chunk_mut::<16>() {
            s.store(s.dots(query, block), out);
        }
    }
}

/// The softmax of the first `valid` scores before the division: each becomes e^(score - largest), the others 0. Returns their sum, the
/// divisor, which is NaN when a score is infinite or NaN.
#[inline(always)]
fn softmax<S: Simd>(s: S, scores: &mut [f32], valid: usize) -> f32 {
    scores[valid..].fill(f32::MIN);
    let lines = scores.as_chunks_mut::<16>().0;
    let (mut peak, mut check) = (s.splat(f32::MIN), s.splat(0.0));
    for line in lines.iter() {
        let line = s.load(line);
        peak = s.max(line, peak);
        // 0 times a finite score is 0; times infinity or NaN it is NaN, and the sum stays NaN.
        check = s.mul_add(line, s.splat(0.0), check);
    }
    let shift = s.splat(-s.peak(peak));
    let mut sum = check;
    let last = valid / 16;
    for line in &mut lines[..last] {
        let value = exp(s, s.add(s.load(line), shift));
        sum = s.add(sum, value);
        s.store(value, line);
    }
    let mut rest = 0.0;
    for (index, line) in lines.iter_mut().enumerate().skip(last) {
        let value = exp(s, s.add(s.load(line), shift));
        s.store(value, line);
        // `exp` does not return 0: the padding is cleared, in the line where the tokens end and in those after it.
        let tokens = valid.saturating_sub(index * 16);
        line[tokens..].fill(0.0);
        rest += line[..tokens].iter().sum::<f32>();
    }
    s.sum(sum) + rest
}

/// Adds to each query's output the sixteen values of a block, weighted with its scores.
#[inline(always)]
fn weighted_sum<S: Simd>(s: S, scores: &[f32], stride: usize, block: &[f32], pieces: usize, out: &mut [f32]) {
    weighted_sum_of_tokens(s, scores, stride, 16, block, pieces, out);
}

/// [`weighted_sum`] of the first `tokens` values of a block only: an infinite value of the padding times a weight of 0 would be NaN.
#[inline(always)]
fn weighted_sum_of<S: Simd>(
    s: S,
    scores: &[f32],
    stride: usize,
    tokens: usize,
    block: &[f32],
    pieces: usize,
    out: &mut [f32],
) {
    weighted_sum_of_tokens(s, scores, stride, tokens.min(16), block, pieces, out);
}

/// Both of them; where `tokens` is a constant, the inner loop has a constant length.
#[inline(always)]
fn weighted_sum_of_tokens<S: Simd>(
    s: S,
    scores: &[f32],
    stride: usize,
    tokens: usize,
    block: &[f32],
    pieces: usize,
    out: &mut [f32],
) {
    let block = block.as_chunks::<16>().0.as_chunks::<16>().0;
    for (scores, out) in scores.chunks(stride).zip(out.as_chunks_mut::<16>().0.chunks_mut(pieces)) {
        let Some(scores) = scores.first_chunk::<16>() else { continue };
        for (values, out) in block.iter().zip(out) {
            // Two sums hide the latency of the addition.
            let mut sums = [s.load(out), s.splat(0.0)];
            for (token, (score, value)) in scores[..tokens].iter().zip(values).enumerate() {
                sums[token % 2] = s.mul_add(s.splat(*score), s.load(value), sums[token % 2]);
            }
            s.store(s.add(sums[0], sums[1]), out);
        }
    }
}
