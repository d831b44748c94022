//! Measures the machine's limits, memory bandwidth and int8 operations, with loops that do nothing else.
#![allow(unsafe_code)] // Calls into functions compiled for instructions that a proof says are there.

use std::hint::black_box;
use std::io;
use std::time::Instant;

use super::backend::Backend;
use super::pool::Pool;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};

/// More bytes than all caches together.
const MEMORY: usize = 512 << 20;

/// Instructions of one measurement on one thread: some tens of milliseconds.
const ROUNDS: usize = 8 << 20;

/// The limits of a machine.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Bytes read from memory, per second.
    pub bytes: f64,
    /// Multiplications and additions of int8 values, per second, each counted.
    pub operations: f64,
}

impl Machine {
    /// Measures both with so many threads, in a second or two: the best of a few tries, because other processes can only slow them.
    pub fn measure(threads: usize) -> io::Result<Self> {
        let pool = Pool::new(threads)?;
        let memory = vec![[1_u64; 8]; MEMORY / 64];
        let share = memory.len().div_ceil(pool.threads());
        let read = |thread: usize| {
            black_box(sum(memory.chunks(share).nth(thread).unwrap_or_default()));
        };
        let multiply = |_| match Backend::best() {
            Backend::Scalar => {
                black_box(scalar_products());
            }
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2(proof) => avx2_products(proof),
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512(proof) => avx512_products(proof),
        };
        let each = match Backend::best() {
            Backend::Scalar => 2,
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2(_) => 16 * AVX2_OPERATIONS,
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512(_) => 16 * 128,
        };
        let per_second = |amount: usize, work: &(dyn Fn(usize) + Sync)| {
            let tries = (0..5).map(|_| {
                let start = Instant::now();
                pool.run(work);
                amount as f64 / start.elapsed().as_secs_f64()
            });
            tries.fold(0.0, f64::max)
        };
        let operations = per_second(ROUNDS * each * pool.threads(), &multiply);
        Ok(Self { bytes: per_second(MEMORY, &read), operations })
    }
}

/// Eight sums side by side: the compiler makes vectors of them.
fn sum(lines: &[[u64; 8]]) -> u64 {
    let mut sums = [0_u64; 8];
    for line in lines {
        for (sum, value) in sums.iter_mut().zip(line) {
            *sum ^= value;
        }
    }
    sums.iter().fold(0, |all, sum| all ^ sum)
}

fn scalar_products() -> i32 {
    (0..ROUNDS).fold(0_i32, |sum, _| sum.wrapping_add(i32::from(black_box(3_i8)) * i32::from(black_box(2_i8))))
}

/// 32 bytes are multiplied and added in three instructions: `vpmaddubsw`, `vpmaddwd`, `vpaddd`.
#[cfg(target_arch = "x86_64")]
const AVX2_OPERATIONS: usize = 64;

#[cfg(target_arch = "x86_64")]
fn avx2_products(_: Avx2) {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi8, _mm256_set1_epi16,
        _mm256_setzero_si256,
    };
    #[target_feature(enable = "avx2")]
    fn compiled() {
        let mut sums = [_mm256_setzero_si256(); 8];
        let (x, y, one) = (black_box(_mm256_set1_epi8(3)), black_box(_mm256_set1_epi8(2)), _mm256_set1_epi16(1));
        for _ in 0..ROUNDS * 2 {
            for sum in &mut sums {
                let products = _mm256_maddubs_epi16(black_box(x), y);
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(products, one));
            }
        }
        black_box(sums);
    }
    // SAFETY: the argument proves that the processor has AVX2.
    unsafe { compiled() }
}

/// `vpdpbusd`: 64 products and 64 additions in one instruction. Sixteen sums hide its latency.
#[cfg(target_arch = "x86_64")]
fn avx512_products(_: Avx512) {
    use std::arch::x86_64::{_mm512_dpbusd_epi32, _mm512_set1_epi8, _mm512_setzero_si512};
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn compiled() {
        let mut sums = [_mm512_setzero_si512(); 16];
        let (x, y) = (black_box(_mm512_set1_epi8(3)), black_box(_mm512_set1_epi8(2)));
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, x, y);
            }
        }
        black_box(sums);
    }
    // SAFETY: the argument proves that the processor has AVX-512 with VNNI.
    unsafe { compiled() }
}
