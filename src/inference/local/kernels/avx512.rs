//! The int8 products with AVX-512 VNNI. `vpdpbusd` multiplies 64 unsigned bytes (a group of weights, see `tiles`) with 64
//! signed ones (4 columns of one row of activations, sixteen times) and adds each four into a lane: a lane is a row.
//!
//! Up to [`PANEL`](super::panel::PANEL) rows of activations share each load of weights; with their sums as integers
//! and as floats they fill 24 of 32 registers.
#![allow(unsafe_code)] // Loads of whole lines, and calls into functions compiled for these instructions.
#![allow(clippy::needless_range_loop)] // One index runs through several arrays, which live in registers once it is unrolled.
#![allow(clippy::wildcard_imports)] // Half the file is names of instructions.

use std::arch::x86_64::*;

use super::panel::{Panel, Sums};
use super::simd::Avx512;
use super::tiles::{TileQ4K, TileQ6K, TileQ8};

// The float kernels, so that this module has all of its backend.
pub(super) use super::vector::avx512::*;

/// How far ahead weights are asked for: four tiles of `Q4_K`. The processor's own prefetching stops at each page of 4 KiB.
const AHEAD: usize = 9472;

/// A kernel, for each width of a panel.
macro_rules! by_width {
    ($($(#[$doc:meta])* $name:ident($tile:ident) = $wide:ident;)*) => {
        $(
            $(#[$doc])*
            pub(super) fn $name(_: Avx512, tiles: &[$tile], panel: &Panel<'_>, sums: &mut Sums) {
                // SAFETY: the first argument proves that the processor has what these functions are compiled for.
                unsafe {
                    match panel.width {
                        1 => $wide::<1>(tiles, panel, sums),
                        2 => $wide::<2>(tiles, panel, sums),
                        3 => $wide::<3>(tiles, panel, sums),
                        4 => $wide::<4>(tiles, panel, sums),
                        5 => $wide::<5>(tiles, panel, sums),
                        6 => $wide::<6>(tiles, panel, sums),
                        7 => $wide::<7>(tiles, panel, sums),
                        8 => $wide::<8>(tiles, panel, sums),
                        9 => $wide::<9>(tiles, panel, sums),
                        10 => $wide::<10>(tiles, panel, sums),
                        11 => $wide::<11>(tiles, panel, sums),
                        12 => $wide::<12>(tiles, panel, sums),
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

// The slices of a panel are cut into arrays before the loops, all the way down to one group's `N` rows. An index that the
// compiler must check would do worse than cost a branch: it moves the loads before the branch and the arithmetic behind it,
// and spills what lies between.

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn q4k_wide<const N: usize>(tiles: &[TileQ4K], panel: &Panel<'_>, sums: &mut Sums) {
    let mask = _mm512_set1_epi8(15);
    let mut totals = [_mm512_setzero_ps(); N];
    let (codes, scales) = (panel.codes.as_chunks::<N>().0.as_chunks::<8>().0.as_chunks::<8>().0, panel.scales);
    let (scales, sums32) = (scales.as_chunks::<N>().0, panel.sums32.as_chunks::<N>().0.as_chunks::<4>().0);
    for (((tile, codes), scales), sums32) in tiles.iter().zip(codes).zip(scales).zip(sums32) {
        let scale = halves(&tile.scale);
        let mut parts = [_mm512_setzero_ps(); N];
        for ((lines, codes), own) in tile.codes.as_chunks::<4>().0.iter().zip(codes).zip(&tile.scales) {
            let mut dots = [_mm512_setzero_si512(); N];
            for line in 0..4 {
                let weights = load::<N>(&lines[line]);
                let low = _mm512_and_si512(weights, mask);
                let high = _mm512_and_si512(_mm512_srli_epi16::<4>(weights), mask);
                products(&mut dots, low, &codes[line * 2]);
                products(&mut dots, high, &codes[line * 2 + 1]);
            }
            let own = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(load16(own)));
            accumulate(&mut parts, &dots, _mm512_mul_ps(own, scale));
        }
        let mut minima = [_mm512_setzero_si512(); N];
        for (of_pair, sums) in tile.minima.iter().zip(sums32) {
            pair_products(&mut minima, _mm512_cvtepu8_epi16(load32(of_pair)), sums);
        }
        let minimum = halves(&tile.minimum);
        for m in 0..N {
            let part = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(minima[m]), minimum, parts[m]);
            totals[m] = _mm512_fmadd_ps(part, _mm512_set1_ps(scales[m]), totals[m]);
        }
    }
    store(&totals, sums);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn q6k_wide<const N: usize>(tiles: &[TileQ6K], panel: &Panel<'_>, sums: &mut Sums) {
    let mut totals = [_mm512_setzero_ps(); N];
    let codes = panel.codes.as_chunks::<N>().0.as_chunks::<8>().0.as_chunks::<2>().0.as_chunks::<4>().0;
    let (scales, sums16) =
        (panel.scales.as_chunks::<N>().0, panel.sums16.as_chunks::<N>().0.as_chunks::<2>().0.as_chunks::<4>().0);
    for (((tile, codes), scales), sums16) in tiles.iter().zip(codes).zip(scales).zip(sums16) {
        let mut parts = [_mm512_setzero_ps(); N];
        // 32 is taken from every code at once: 32 · Σ scale · (sum of 16 activations).
        let mut offsets = [_mm512_setzero_si512(); N];
        for ((part, codes), sums) in tile.parts.iter().zip(codes).zip(sums16) {
            for pair in 0..2 {
                let codes = &codes[pair];
                let own = _mm512_cvtepi8_epi16(load32(&part.scales[pair]));
                pair_products(&mut offsets, own, &sums[pair]);
                let scale = _mm512_cvtepi32_ps(_mm512_srai_epi32::<16>(_mm512_slli_epi32::<16>(own)));
                let groups = q6k_groups::<N>(&part.low[pair * 4], &part.low[pair * 4 + 1], &part.high[pair * 2]);
                sixteen(&mut parts, &groups, [&codes[0], &codes[1], &codes[2], &codes[3]], scale);
                let scale = _mm512_cvtepi32_ps(_mm512_srai_epi32::<16>(own));
                let groups =
                    q6k_groups::<N>(&part.low[pair * 4 + 2], &part.low[pair * 4 + 3], &part.high[pair * 2 + 1]);
                sixteen(&mut parts, &groups, [&codes[4], &codes[5], &codes[6], &codes[7]], scale);
            }
        }
        let scale = halves(&tile.scale);
        for m in 0..N {
            let part = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(offsets[m]), _mm512_set1_ps(32.0), parts[m]);
            totals[m] = _mm512_fmadd_ps(part, _mm512_mul_ps(scale, _mm512_set1_ps(scales[m])), totals[m]);
        }
    }
    store(&totals, sums);
}

/// Adds the products of sixteen columns, which have one scale.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn sixteen<const N: usize>(parts: &mut [__m512; N], groups: &[__m512i; 4], codes: [&[[i8; 4]; N]; 4], scale: __m512) {
    let mut dots = [_mm512_setzero_si512(); N];
    for group in 0..4 {
        products(&mut dots, groups[group], codes[group]);
    }
    accumulate(parts, &dots, scale);
}

/// Four groups of codes, 0 to 63, from two lines of low bits and one of high bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn q6k_groups<const N: usize>(first: &[u8; 64], second: &[u8; 64], high: &[u8; 64]) -> [__m512i; 4] {
    let (mask, high_mask) = (_mm512_set1_epi8(15), _mm512_set1_epi8(0x30));
    let (first, second, high) = (load::<N>(first), load::<N>(second), load::<N>(high));
    let joined = |low, high| _mm512_or_si512(_mm512_and_si512(low, mask), _mm512_and_si512(high, high_mask));
    [
        joined(first, _mm512_slli_epi16::<4>(high)),
        joined(_mm512_srli_epi16::<4>(first), _mm512_slli_epi16::<2>(high)),
        joined(second, high),
        joined(_mm512_srli_epi16::<4>(second), _mm512_srli_epi16::<2>(high)),
    ]
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn q8_wide<const N: usize>(tiles: &[TileQ8], panel: &Panel<'_>, sums: &mut Sums) {
    let mut totals = [_mm512_setzero_ps(); N];
    let codes = panel.codes.as_chunks::<N>().0.as_chunks::<8>().0.as_chunks::<2>().0;
    let (scales, offsets) = (panel.scales.as_chunks::<N>().0, panel.offsets.as_chunks::<N>().0);
    let blocks = scales.as_chunks::<2>().0.iter().zip(offsets.as_chunks::<2>().0);
    for ((tile, codes), (scales, offsets)) in tiles.iter().zip(codes).zip(blocks) {
        for half in 0..2 {
            let mut dots = [_mm512_setzero_si512(); N];
            for m in 0..N {
                dots[m] = _mm512_set1_epi32(offsets[half][m]);
            }
            for group in 0..8 {
                let weights = load::<N>(&tile.codes[half * 8 + group]);
                products(&mut dots, weights, &codes[half][group]);
            }
            let scale = halves(&tile.scale[half]);
            for m in 0..N {
                let scale = _mm512_mul_ps(scale, _mm512_set1_ps(scales[half][m]));
                totals[m] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[m]), scale, totals[m]);
            }
        }
    }
    store(&totals, sums);
}

/// Adds a group's products with each row's four columns.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn products<const N: usize>(dots: &mut [__m512i; N], weights: __m512i, codes: &[[i8; 4]; N]) {
    for m in 0..N {
        let four = i32::from_ne_bytes(codes[m].map(i8::cast_unsigned));
        dots[m] = _mm512_dpbusd_epi32(dots[m], weights, _mm512_set1_epi32(four));
    }
}

/// Adds the products of two 16-bit values a lane with two sums of each row.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn pair_products<const N: usize>(dots: &mut [__m512i; N], weights: __m512i, pairs: &[[i16; 2]; N]) {
    for m in 0..N {
        let ([a, b], [c, d]) = (pairs[m][0].to_ne_bytes(), pairs[m][1].to_ne_bytes());
        let two = i32::from_ne_bytes([a, b, c, d]);
        dots[m] = _mm512_dpwssd_epi32(dots[m], weights, _mm512_set1_epi32(two));
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn accumulate<const N: usize>(totals: &mut [__m512; N], dots: &[__m512i; N], scale: __m512) {
    for m in 0..N {
        totals[m] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[m]), scale, totals[m]);
    }
}

/// A line of weights. With several rows of activations the arithmetic takes long enough for a line to be asked for ahead.
#[inline]
#[target_feature(enable = "avx512f")]
fn load<const N: usize>(line: &[u8; 64]) -> __m512i {
    // SAFETY: 64 bytes are there to be read, at any alignment. A prefetch reads nothing: its address may lie anywhere.
    unsafe {
        if N > 2 {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast::<i8>().wrapping_add(AHEAD));
        }
        _mm512_loadu_si512(line.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load32<T>(from: &[T; 32]) -> __m256i {
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: 32 elements of one byte are there to be read.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load16(from: &[u8; 16]) -> __m128i {
    // SAFETY: 16 bytes are there to be read.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

/// Sixteen f16 as f32.
#[inline]
#[target_feature(enable = "avx512f")]
fn halves(from: &[u16; 16]) -> __m512 {
    // SAFETY: 32 bytes are there to be read.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store<const N: usize>(totals: &[__m512; N], sums: &mut Sums) {
    for (total, sum) in totals.iter().zip(sums) {
        // SAFETY: sixteen f32 are there to be written.
        unsafe { _mm512_storeu_ps(sum.as_mut_ptr(), *total) };
    }
}
