//! The int8 products with AVX2: `vpmaddubsw` multiplies unsigned with signed bytes and adds two by two into 16 bits, and
//! `vpmaddwd` those into 32. A tile is taken as two halves of 8 rows, up to four rows of activations at a time: with two
//! forms of sums each, they fill half of the 16 registers.
#![allow(unsafe_code)] // Loads of half lines, and calls into functions compiled for these instructions.
#![allow(clippy::needless_range_loop)] // One index runs through several arrays, which live in registers once it is unrolled.
#![allow(clippy::wildcard_imports)] // Half the file is names of instructions.

use std::arch::x86_64::*;

use super::panel::{Panel, Sums};
use super::simd::Avx2;
use super::tiles::{PartQ6K, TileQ4K, TileQ6K, TileQ8};

// The float kernels, so that this module has all of its backend.
pub(super) use super::vector::avx2::*;

/// Rows of activations at a time.
pub(super) const WIDTH: usize = 4;

/// A kernel, for each width of a panel.
macro_rules! by_width {
    ($($(#[$doc:meta])* $name:ident($tile:ident) = $wide:ident;)*) => {
        $(
            $(#[$doc])*
            pub(super) fn $name(_: Avx2, tiles: &[$tile], panel: &Panel<'_>, sums: &mut Sums) {
                // SAFETY: the first argument proves that the processor has what these functions are compiled for.
                unsafe {
                    match panel.width {
                        1 => $wide::<1>(tiles, panel, sums),
                        2 => $wide::<2>(tiles, panel, sums),
                        3 => $wide::<3>(tiles, panel, sums),
                        WIDTH => $wide::<WIDTH>(tiles, panel, sums),
                        width => unreachable!("a panel of {width} rows"),
                    }
                }
            }
        )*
    };
}

by_width! {
    /// As `scalar::q4k`.
    q4k(TileQ4K) = q4k_wide;
    /// As `scalar::q6k`.
    q6k(TileQ6K) = q6k_wide;
    /// As `scalar::q8`.
    q8(TileQ8) = q8_wide;
}

// As in `avx512`, the slices of a panel are cut into arrays before the loops.

#[target_feature(enable = "avx2,fma,f16c")]
fn q4k_wide<const N: usize>(tiles: &[TileQ4K], panel: &Panel<'_>, sums: &mut Sums) {
    let (mask, ones) = (_mm256_set1_epi8(15), _mm256_set1_epi16(1));
    let mut totals = [[_mm256_setzero_ps(); N]; 2];
    let codes = panel.codes.as_chunks::<N>().0.as_chunks::<8>().0.as_chunks::<8>().0;
    let (scales, sums32) = (panel.scales.as_chunks::<N>().0, panel.sums32.as_chunks::<N>().0.as_chunks::<4>().0);
    for (((tile, codes), scales), sums32) in tiles.iter().zip(codes).zip(scales).zip(sums32) {
        for half in 0..2 {
            let scale = halves(&tile.scale, half);
            let mut parts = [_mm256_setzero_ps(); N];
            for ((lines, codes), own) in tile.codes.as_chunks::<4>().0.iter().zip(codes).zip(&tile.scales) {
                // Sixteen products of at most 15 · 127 add up to 30480: they fit 16 bits.
                let mut dots = [_mm256_setzero_si256(); N];
                for line in 0..4 {
                    let weights = load(&lines[line], half);
                    let low = _mm256_and_si256(weights, mask);
                    let high = _mm256_and_si256(_mm256_srli_epi16::<4>(weights), mask);
                    products(&mut dots, low, &codes[line * 2]);
                    products(&mut dots, high, &codes[line * 2 + 1]);
                }
                let own = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(load8(own, half)));
                let scale = _mm256_mul_ps(own, scale);
                for m in 0..N {
                    let dot = _mm256_cvtepi32_ps(_mm256_madd_epi16(dots[m], ones));
                    parts[m] = _mm256_fmadd_ps(dot, scale, parts[m]);
                }
            }
            let mut minima = [_mm256_setzero_si256(); N];
            for (of_pair, sums) in tile.minima.iter().zip(sums32) {
                pair_products(&mut minima, _mm256_cvtepu8_epi16(load16(of_pair, half)), sums);
            }
            let minimum = halves(&tile.minimum, half);
            for m in 0..N {
                let part = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(minima[m]), minimum, parts[m]);
                totals[half][m] = _mm256_fmadd_ps(part, _mm256_set1_ps(scales[m]), totals[half][m]);
            }
        }
    }
    store(&totals, sums);
}

#[target_feature(enable = "avx2,fma,f16c")]
fn q6k_wide<const N: usize>(tiles: &[TileQ6K], panel: &Panel<'_>, sums: &mut Sums) {
    let mut totals = [[_mm256_setzero_ps(); N]; 2];
    let codes = panel.codes.as_chunks::<N>().0.as_chunks::<16>().0.as_chunks::<4>().0;
    let sums16 = panel.sums16.as_chunks::<N>().0.as_chunks::<2>().0.as_chunks::<4>().0;
    let scales = panel.scales.as_chunks::<N>().0;
    for (((tile, codes), scales), sums16) in tiles.iter().zip(codes).zip(scales).zip(sums16) {
        for half in 0..2 {
            let mut parts = [_mm256_setzero_ps(); N];
            // 32 is taken from every code at once: 32 · Σ scale · (sum of 16 activations).
            let mut offsets = [_mm256_setzero_si256(); N];
            for ((part, codes), sums) in tile.parts.iter().zip(codes).zip(sums16) {
                for pair in 0..2 {
                    let own = _mm256_cvtepi8_epi16(load16(&part.scales[pair], half));
                    pair_products(&mut offsets, own, &sums[pair]);
                    let first = _mm256_cvtepi32_ps(_mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(own)));
                    sixteen(&mut parts, part, pair * 2, half, codes, first);
                    let second = _mm256_cvtepi32_ps(_mm256_srai_epi32::<16>(own));
                    sixteen(&mut parts, part, pair * 2 + 1, half, codes, second);
                }
            }
            let scale = halves(&tile.scale, half);
            for m in 0..N {
                let part = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(offsets[m]), _mm256_set1_ps(32.0), parts[m]);
                let scale = _mm256_mul_ps(scale, _mm256_set1_ps(scales[m]));
                totals[half][m] = _mm256_fmadd_ps(part, scale, totals[half][m]);
            }
        }
    }
    store(&totals, sums);
}

/// Adds the products of the columns `index * 16` and on of a part, which have one scale.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sixteen<const N: usize>(
    parts: &mut [__m256; N],
    part: &PartQ6K,
    index: usize,
    half: usize,
    codes: &[[[i8; 4]; N]; 16],
    scale: __m256,
) {
    let ones = _mm256_set1_epi16(1);
    let groups = q6k_groups(part, index, half);
    let (mut first, mut last) = ([_mm256_setzero_si256(); N], [_mm256_setzero_si256(); N]);
    // Four products of at most 63 · 127 add up to 32004: they fit 16 bits, eight would not.
    products(&mut first, groups[0], &codes[index * 4]);
    products(&mut first, groups[1], &codes[index * 4 + 1]);
    products(&mut last, groups[2], &codes[index * 4 + 2]);
    products(&mut last, groups[3], &codes[index * 4 + 3]);
    for m in 0..N {
        let dot = _mm256_add_epi32(_mm256_madd_epi16(first[m], ones), _mm256_madd_epi16(last[m], ones));
        parts[m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scale, parts[m]);
    }
}

/// The four groups of 16 columns, 0 to 63.
#[inline]
#[target_feature(enable = "avx2")]
fn q6k_groups(part: &PartQ6K, index: usize, half: usize) -> [__m256i; 4] {
    let (mask, high_mask) = (_mm256_set1_epi8(15), _mm256_set1_epi8(0x30));
    let (first, second) = (load(&part.low[index * 2], half), load(&part.low[index * 2 + 1], half));
    let high = load(&part.high[index], half);
    let joined = |low, high| _mm256_or_si256(_mm256_and_si256(low, mask), _mm256_and_si256(high, high_mask));
    [
        joined(first, _mm256_slli_epi16::<4>(high)),
        joined(_mm256_srli_epi16::<4>(first), _mm256_slli_epi16::<2>(high)),
        joined(second, high),
        joined(_mm256_srli_epi16::<4>(second), _mm256_srli_epi16::<2>(high)),
    ]
}

#[target_feature(enable = "avx2,fma,f16c")]
fn q8_wide<const N: usize>(tiles: &[TileQ8], panel: &Panel<'_>, sums: &mut Sums) {
    let (sign, ones) = (_mm256_set1_epi8(-128), _mm256_set1_epi16(1));
    let mut totals = [[_mm256_setzero_ps(); N]; 2];
    let codes = panel.codes.as_chunks::<N>().0.as_chunks::<8>().0.as_chunks::<2>().0;
    let scales = panel.scales.as_chunks::<N>().0.as_chunks::<2>().0;
    for ((tile, codes), scales) in tiles.iter().zip(codes).zip(scales) {
        for block in 0..2 {
            // Both halves at once, line after line: in two passes over the block, one thread read 8 GB/s instead of 14.
            let mut dots = [[_mm256_setzero_si256(); N]; 2];
            for (group, codes) in codes[block].iter().enumerate() {
                for half in 0..2 {
                    // Unsigned, two products could add up to 64770 and saturate 16 bits; magnitudes, with the weight's sign
                    // put on the activation, reach 2 · 128 · 127 = 32512.
                    let weights = _mm256_xor_si256(load(&tile.codes[block * 8 + group], half), sign);
                    let magnitudes = _mm256_abs_epi8(weights);
                    for m in 0..N {
                        let signed = _mm256_sign_epi8(_mm256_set1_epi32(four(codes[m])), weights);
                        let two = _mm256_maddubs_epi16(magnitudes, signed);
                        dots[half][m] = _mm256_add_epi32(dots[half][m], _mm256_madd_epi16(two, ones));
                    }
                }
            }
            for half in 0..2 {
                let scale = halves(&tile.scale[block], half);
                for m in 0..N {
                    let scale = _mm256_mul_ps(scale, _mm256_set1_ps(scales[block][m]));
                    totals[half][m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[half][m]), scale, totals[half][m]);
                }
            }
        }
    }
    store(&totals, sums);
}

/// Four columns of a row as they are broadcast.
fn four(codes: [i8; 4]) -> i32 {
    i32::from_ne_bytes(codes.map(i8::cast_unsigned))
}

/// Adds a group's products with each row's four columns, two by two, in 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn products<const N: usize>(dots: &mut [__m256i; N], weights: __m256i, codes: &[[i8; 4]; N]) {
    for m in 0..N {
        let two = _mm256_maddubs_epi16(weights, _mm256_set1_epi32(four(codes[m])));
        dots[m] = _mm256_add_epi16(dots[m], two);
    }
}

/// Adds the products of two 16-bit values a lane with two sums of each row.
#[inline]
#[target_feature(enable = "avx2")]
fn pair_products<const N: usize>(dots: &mut [__m256i; N], weights: __m256i, pairs: &[[i16; 2]; N]) {
    for m in 0..N {
        let ([a, b], [c, d]) = (pairs[m][0].to_ne_bytes(), pairs[m][1].to_ne_bytes());
        let two = _mm256_set1_epi32(i32::from_ne_bytes([a, b, c, d]));
        dots[m] = _mm256_add_epi32(dots[m], _mm256_madd_epi16(weights, two));
    }
}

/// Eight rows of a line of weights.
#[inline]
#[target_feature(enable = "avx2")]
fn load(line: &[u8; 64], half: usize) -> __m256i {
    let half = &line.as_chunks::<32>().0[half];
    // SAFETY: 32 bytes are there to be read.
    unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
}

/// Eight rows of two bytes each.
#[inline]
#[target_feature(enable = "avx2")]
fn load16<T>(from: &[T; 32], half: usize) -> __m128i {
    const { assert!(size_of::<T>() == 1) };
    let half = &from.as_chunks::<16>().0[half];
    // SAFETY: 16 elements of one byte are there to be read.
    unsafe { _mm_loadu_si128(half.as_ptr().cast()) }
}

/// Eight rows of a byte each.
#[inline]
#[target_feature(enable = "avx2")]
fn load8(from: &[u8; 16], half: usize) -> __m128i {
    _mm_set_epi64x(0, i64::from_ne_bytes(from.as_chunks::<8>().0[half]))
}

/// Eight f16 as f32.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn halves(from: &[u16; 16], half: usize) -> __m256 {
    let half = &from.as_chunks::<8>().0[half];
    // SAFETY: 16 bytes are there to be read.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(half.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn store<const N: usize>(totals: &[[__m256; N]; 2], sums: &mut Sums) {
    for (half, totals) in totals.iter().enumerate() {
        for (total, sum) in totals.iter().zip(&mut *sums) {
            let half = &mut sum.as_chunks_mut::<8>().0[half];
            // SAFETY: eight f32 are there to be written.
            unsafe { _mm256_storeu_ps(half.as_mut_ptr(), *total) };
        }
    }
}
