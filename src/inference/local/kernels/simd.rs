//! Sixteen f32 as one value, so that the float kernels are written once: one register of AVX-512, or two of AVX2.
//!
//! A value of [`Avx2`] or [`Avx512`] is the proof that the instructions exist: only detection makes one. The methods are
//! always inlined into the functions of `vector` that are compiled for these instructions; elsewhere they would be slow.
#![allow(unsafe_code)] // The instructions; what makes each call sound is said once per implementation, in `proven`.
#![allow(clippy::inline_always)] // See above: without it each instruction is a call.
#![allow(clippy::wildcard_imports)] // Half the file is names of instructions.

use std::arch::x86_64::*;

/// Arithmetic on sixteen f32.
pub(super) trait Simd: Copy {
    /// Sixteen f32.
    type V: Copy;

    fn splat(self, x: f32) -> Self::V;
    fn load(self, from: &[f32; 16]) -> Self::V;
    fn store(self, x: Self::V, to: &mut [f32; 16]);
    fn add(self, x: Self::V, y: Self::V) -> Self::V;
    fn mul(self, x: Self::V, y: Self::V) -> Self::V;
    fn div(self, x: Self::V, y: Self::V) -> Self::V;
    /// The larger in each lane; `y` where either is NaN.
    fn max(self, x: Self::V, y: Self::V) -> Self::V;
    /// The smaller in each lane; `y` where either is NaN.
    fn min(self, x: Self::V, y: Self::V) -> Self::V;
    /// The larger of `x` and |y| in each lane, where `x` has no signs. Infinity is above all numbers, and NaN above infinity: unlike
    /// [`Simd::max`], it loses neither.
    fn max_magnitude(self, x: Self::V, y: Self::V) -> Self::V;
    /// x · y + z, rounded once.
    fn mul_add(self, x: Self::V, y: Self::V, z: Self::V) -> Self::V;
    /// To the nearest integer, ties to even.
    fn round(self, x: Self::V) -> Self::V;
    /// x · 2ⁿ, for an integral n from -126 to 127.
    fn scale2(self, x: Self::V, n: Self::V) -> Self::V;
    /// The sum of the lanes.
    fn sum(self, x: Self::V) -> f32;
    /// The largest lane; NaN lanes may be ignored or not.
    fn peak(self, x: Self::V) -> f32;
    /// The largest lane of values without signs, in the order of [`Simd::max_magnitude`].
    fn peak_magnitude(self, x: Self::V) -> f32;
    /// From f16 bits.
    fn to_f32(self, from: &[u16; 16]) -> Self::V;
    /// From bf16 bits.
    fn bf16_to_f32(self, from: &[u16; 16]) -> Self::V;
    /// To f16 bits, to nearest and ties to even.
    fn to_f16(self, x: Self::V) -> [u16; 16];
    /// To the nearest integers; the values are within ±127.
    fn codes(self, x: Self::V) -> [i8; 16];
    /// Prefetches a cache line.
    fn prefetch(self, from: &[u16; 32]);
    /// The dot products of one vector with sixteen, each divided into pieces of 16: `rows[piece][vector]`.
    fn dots(self, vector: &[[f32; 16]], rows: &[[[f32; 16]; 16]]) -> Self::V;
}

/// Proof of AVX2, FMA and F16C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let all =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        all.then_some(Self(()))
    }
}

/// Proof of AVX-512 F, BW, VL and VNNI, and of [`Avx2`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        all.then_some(Self(())).filter(|_| Avx2::detect().is_some())
    }
}

/// Instructions whose features the receiver proves.
macro_rules! proven {
    ($($body:tt)*) => {
        // SAFETY: `self` exists, so its detection found every feature that the instructions below need; and those that read
        // or write memory do so through references to arrays at least as long as the register, with unaligned access.
        unsafe { $($body)* }
    };
}

impl Simd for Avx512 {
    type V = __m512;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        proven!(_mm512_set1_ps(x))
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> __m512 {
        proven!(_mm512_loadu_ps(from.as_ptr()))
    }

    #[inline(always)]
    fn store(self, x: __m512, to: &mut [f32; 16]) {
        proven!(_mm512_storeu_ps(to.as_mut_ptr(), x));
    }

    #[inline(always)]
    fn add(self, x: __m512, y: __m512) -> __m512 {
        proven!(_mm512_add_ps(x, y))
    }

    #[inline(always)]
    fn mul(self, x: __m512, y: __m512) -> __m512 {
        proven!(_mm512_mul_ps(x, y))
    }

    #[inline(always)]
    fn div(self, x: __m512, y: __m512) -> __m512 {
        proven!(_mm512_div_ps(x, y))
    }

    #[inline(always)]
    fn max(self, x: __m512, y: __m512) -> __m512 {
        proven!(_mm512_max_ps(x, y))
    }

    #[inline(always)]
    fn min(self, x: __m512, y: __m512) -> __m512 {
        proven!(_mm512_min_ps(x, y))
    }

    #[inline(always)]
    fn mul_add(self, x: __m512, y: __m512, z: __m512) -> __m512 {
        proven!(_mm512_fmadd_ps(x, y, z))
    }

    #[inline(always)]
    fn max_magnitude(self, x: __m512, y: __m512) -> __m512 {
        proven! {
            // Without their signs, floats are in the order of their bits.
            let magnitude = _mm512_castps_si512(_mm512_abs_ps(y));
            _mm512_castsi512_ps(_mm512_max_epu32(_mm512_castps_si512(x), magnitude))
        }
    }

    #[inline(always)]
    fn round(self, x: __m512) -> __m512 {
        proven!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x))
    }

    #[inline(always)]
    fn scale2(self, x: __m512, n: __m512) -> __m512 {
        proven!(_mm512_scalef_ps(x, n))
    }

    #[inline(always)]
    fn sum(self, x: __m512) -> f32 {
        proven!(_mm512_reduce_add_ps(x))
    }

    #[inline(always)]
    fn peak(self, x: __m512) -> f32 {
        proven!(_mm512_reduce_max_ps(x))
    }

    #[inline(always)]
    fn peak_magnitude(self, x: __m512) -> f32 {
        f32::from_bits(proven!(_mm512_reduce_max_epu32(_mm512_castps_si512(x))))
    }

    #[inline(always)]
    fn to_f32(self, from: &[u16; 16]) -> __m512 {
        proven!(_mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())))
    }

    #[inline(always)]
    fn bf16_to_f32(self, from: &[u16; 16]) -> __m512 {
        proven! {
            let bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.as_ptr().cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(bits))
        }
    }

    #[inline(always)]
    fn to_f16(self, x: __m512) -> [u16; 16] {
        let mut to = [0; 16];
        proven!(_mm256_storeu_si256(
            to.as_mut_ptr().cast(),
            _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x)
        ));
        to
    }

    #[inline(always)]
    fn codes(self, x: __m512) -> [i8; 16] {
        let mut to = [0; 16];
        proven!(_mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x))));
        to
    }

    #[inline(always)]
    fn prefetch(self, from: &[u16; 32]) {
        proven!(_mm_prefetch::<_MM_HINT_T0>(from.as_ptr().cast()));
    }

    #[inline(always)]
    fn dots(self, vector: &[[f32; 16]], rows: &[[[f32; 16]; 16]]) -> __m512 {
        proven!(dots512(vector, rows))
    }
}

/// A function of its own: inlined before the instructions are known, its sixteen sums did not stay in registers.
#[inline]
#[target_feature(enable = "avx512f")]
fn dots512(vector: &[[f32; 16]], rows: &[[[f32; 16]; 16]]) -> __m512 {
    let mut sums = [_mm512_setzero_ps(); 16];
    for (piece, rows) in vector.iter().zip(rows) {
        // SAFETY: sixteen f32 are there to be read, here and below.
        let piece = unsafe { _mm512_loadu_ps(piece.as_ptr()) };
        for (sum, row) in sums.iter_mut().zip(rows) {
            // SAFETY: as above.
            *sum = _mm512_fmadd_ps(piece, unsafe { _mm512_loadu_ps(row.as_ptr()) }, *sum);
        }
    }
    // The sixteen sums across lanes at once: halves of neighbours are added until lane i holds sum i.
    let mut two = [_mm512_setzero_ps(); 8];
    for (two, [a, b]) in two.iter_mut().zip(sums.as_chunks().0) {
        *two = _mm512_add_ps(_mm512_unpacklo_ps(*a, *b), _mm512_unpackhi_ps(*a, *b));
    }
    let mut four = [_mm512_setzero_ps(); 4];
    for (four, [a, b]) in four.iter_mut().zip(two.as_chunks().0) {
        let (a, b) = (_mm512_castps_pd(*a), _mm512_castps_pd(*b));
        let (low, high) = (_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
        *four = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
    }
    let [a, b, c, d] = four;
    let a = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xee>(a, b));
    let c = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(c, d), _mm512_shuffle_f32x4::<0xee>(c, d));
    _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(a, c), _mm512_shuffle_f32x4::<0xdd>(a, c))
}

/// Both halves of two values, one instruction each.
macro_rules! halves {
    ($x:ident, $y:ident, $instruction:ident) => {
        proven!([$instruction($x[0], $y[0]), $instruction($x[1], $y[1])])
    };
}

impl Simd for Avx2 {
    type V = [__m256; 2];

    #[inline(always)]
    fn splat(self, x: f32) -> [__m256; 2] {
        [proven!(_mm256_set1_ps(x)); 2]
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> [__m256; 2] {
        proven!([_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from[8..].as_ptr())])
    }

    #[inline(always)]
    fn store(self, x: [__m256; 2], to: &mut [f32; 16]) {
        proven! {
            _mm256_storeu_ps(to.as_mut_ptr(), x[0]);
            _mm256_storeu_ps(to[8..].as_mut_ptr(), x[1]);
        }
    }

    #[inline(always)]
    fn add(self, x: [__m256; 2], y: [__m256; 2]) -> [__m256; 2] {
        halves!(x, y, _mm256_add_ps)
    }

    #[inline(always)]
    fn mul(self, x: [__m256; 2], y: [__m256; 2]) -> [__m256; 2] {
        halves!(x, y, _mm256_mul_ps)
    }

    #[inline(always)]
    fn div(self, x: [__m256; 2], y: [__m256; 2]) -> [__m256; 2] {
        halves!(x, y, _mm256_div_ps)
    }

    #[inline(always)]
    fn max(self, x: [__m256; 2], y: [__m256; 2]) -> [__m256; 2] {
        halves!(x, y, _mm256_max_ps)
    }

    #[inline(always)]
    fn min(self, x: [__m256; 2], y: [__m256; 2]) -> [__m256; 2] {
        halves!(x, y, _mm256_min_ps)
    }

    #[inline(always)]
    fn mul_add(self, x: [__m256; 2], y: [__m256; 2], z: [__m256; 2]) -> [__m256; 2] {
        proven!([_mm256_fmadd_ps(x[0], y[0], z[0]), _mm256_fmadd_ps(x[1], y[1], z[1])])
    }

    #[inline(always)]
    fn max_magnitude(self, x: [__m256; 2], y: [__m256; 2]) -> [__m256; 2] {
        proven! {
            // Without their signs, floats are in the order of their bits.
            let sign = _mm256_set1_ps(-0.0);
            let y = [_mm256_andnot_ps(sign, y[0]), _mm256_andnot_ps(sign, y[1])];
            [
                _mm256_castsi256_ps(_mm256_max_epu32(_mm256_castps_si256(x[0]), _mm256_castps_si256(y[0]))),
                _mm256_castsi256_ps(_mm256_max_epu32(_mm256_castps_si256(x[1]), _mm256_castps_si256(y[1]))),
            ]
        }
    }

    #[inline(always)]
    fn round(self, x: [__m256; 2]) -> [__m256; 2] {
        x.map(
            #[inline(always)]
            |x| proven!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x)),
        )
    }

    #[inline(always)]
    fn scale2(self, x: [__m256; 2], n: [__m256; 2]) -> [__m256; 2] {
        proven! {
            // An f32 whose exponent field is n + 127 and whose fraction is zero.
            let bias = _mm256_set1_epi32(127);
            let power = [
                _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n[0]), bias)),
                _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n[1]), bias)),
            ];
            [
                _mm256_mul_ps(x[0], _mm256_castsi256_ps(power[0])),
                _mm256_mul_ps(x[1], _mm256_castsi256_ps(power[1])),
            ]
        }
    }

    #[inline(always)]
    fn sum(self, x: [__m256; 2]) -> f32 {
        proven! {
            let eight = _mm256_add_ps(x[0], x[1]);
            let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    fn peak(self, x: [__m256; 2]) -> f32 {
        proven! {
            let eight = _mm256_max_ps(x[0], x[1]);
            let four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    fn peak_magnitude(self, x: [__m256; 2]) -> f32 {
        let bits = proven! {
            let eight = _mm256_max_epu32(_mm256_castps_si256(x[0]), _mm256_castps_si256(x[1]));
            let four = _mm_max_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
            let two = _mm_max_epu32(four, _mm_shuffle_epi32::<0b11_10_11_10>(four));
            _mm_cvtsi128_si32(_mm_max_epu32(two, _mm_shuffle_epi32::<0b01_01_01_01>(two)))
        };
        f32::from_bits(bits.cast_unsigned())
    }

    #[inline(always)]
    fn to_f32(self, from: &[u16; 16]) -> [__m256; 2] {
        proven! {
            [
                _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().cast())),
                _mm256_cvtph_ps(_mm_loadu_si128(from[8..].as_ptr().cast())),
            ]
        }
    }

    #[inline(always)]
    fn bf16_to_f32(self, from: &[u16; 16]) -> [__m256; 2] {
        proven! {
            let low = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.as_ptr().cast()));
            let high = _mm256_cvtepu16_epi32(_mm_loadu_si128(from[8..].as_ptr().cast()));
            [_mm256_castsi256_ps(_mm256_slli_epi32::<16>(low)), _mm256_castsi256_ps(_mm256_slli_epi32::<16>(high))]
        }
    }

    #[inline(always)]
    fn to_f16(self, x: [__m256; 2]) -> [u16; 16] {
        let mut to = [0; 16];
        proven! {
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x[0]));
            _mm_storeu_si128(to[8..].as_mut_ptr().cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x[1]));
        }
        to
    }

    #[inline(always)]
    fn codes(self, x: [__m256; 2]) -> [i8; 16] {
        let mut to = [0; 16];
        proven! {
            let words = _mm256_packs_epi32(_mm256_cvtps_epi32(x[0]), _mm256_cvtps_epi32(x[1]));
            // Packing works within 128 bits: the middle quarters come out swapped.
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
            let (low, high) = (_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm_packs_epi16(low, high));
        }
        to
    }

    #[inline(always)]
    fn prefetch(self, from: &[u16; 32]) {
        proven!(_mm_prefetch::<_MM_HINT_T0>(from.as_ptr().cast()));
    }

    #[inline(always)]
    fn dots(self, vector: &[[f32; 16]], rows: &[[[f32; 16]; 16]]) -> [__m256; 2] {
        let mut out = [[0.0; 8]; 2];
        // Eight rows at a time: sixteen sums would not fit the registers.
        for (half, out) in out.iter_mut().enumerate() {
            let mut sums = [proven!(_mm256_setzero_ps()); 8];
            for (piece, rows) in vector.iter().zip(rows) {
                let piece = self.load(piece);
                for (sum, row) in sums.iter_mut().zip(&rows[half * 8..]) {
                    let row = self.load(row);
                    *sum = proven!(_mm256_fmadd_ps(piece[1], row[1], _mm256_fmadd_ps(piece[0], row[0], *sum)));
                }
            }
            proven! {
                let four = |i: usize| {
                    _mm256_hadd_ps(_mm256_hadd_ps(sums[i], sums[i + 1]), _mm256_hadd_ps(sums[i + 2], sums[i + 3]))
                };
                let (a, b) = (four(0), four(4));
                let (low, high) = (_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b));
                _mm256_storeu_ps(out.as_mut_ptr(), _mm256_add_ps(low, high));
            }
        }
        proven!([_mm256_loadu_ps(out[0].as_ptr()), _mm256_loadu_ps(out[1].as_ptr())])
    }
}
