//! The products of the local engine: `cargo bench --bench kernels`.
//!
//! Decoding is bound by memory: its benches count the bytes of the weights, so that divan shows what is read per second.
//! Reading a prompt is bound by arithmetic: its benches count operations (two a weight and row), shown as items per second.
//! `COMPAGNON_KERNELS=avx2` or `scalar` measures another backend, `KERNEL_THREADS` sets the threads (default: all cores).

// The kernels are private to the engine; only they are compiled here, not the whole bot.
#[allow(dead_code, unused_imports)]
#[path = "../src/inference/local/kernels/mod.rs"]
mod kernels;

use std::cell::Cell;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use kernels::{Activations, Matrix, Pool, WeightType};

/// Type, rows, columns.
type Case = (WeightType, usize, usize);

const CASES: [Case; 6] = [
    (WeightType::Q4K, 2048, 2048),
    (WeightType::Q4K, 2048, 8192),
    (WeightType::Q6K, 2048, 2048),
    (WeightType::Q6K, 2048, 8192),
    (WeightType::Q8_0, 2048, 2048),
    (WeightType::Q8_0, 2048, 8192),
];

/// More weights than the caches hold: products take them in turn, as a model's layers do.
const MEMORY: usize = 192 << 20;

fn main() {
    divan::main();
}

#[divan::bench(args = CASES)]
fn decode_1(bencher: Bencher, case: Case) {
    multiply(bencher, case, 1, true);
}

#[divan::bench(args = CASES)]
fn decode_8_rooms(bencher: Bencher, case: Case) {
    multiply(bencher, case, 8, true);
}

#[divan::bench(args = CASES, sample_count = 20)]
fn prefill_512(bencher: Bencher, case: Case) {
    multiply(bencher, case, 512, false);
}

fn multiply(bencher: Bencher, (kind, rows, columns): Case, n: usize, decode: bool) {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = std::env::var("KERNEL_THREADS").ok().and_then(|threads| threads.parse().ok()).unwrap_or(all);
    let pool = Pool::new(threads).expect("threads");
    let bytes = tensor(kind, rows * columns);
    let pack = || Matrix::pack(kind, &bytes, rows, columns, &pool).expect("a sound tensor");
    let first = pack();
    let size = first.bytes();
    let copies = if decode { MEMORY / size } else { 1 };
    let matrices: Vec<Matrix> = std::iter::once(first).chain((1..copies).map(|_| pack())).collect();
    let x: Vec<f32> = (0..n * columns).map(|i| (i * 7919 % 2003) as f32 / 1001.5 - 1.0).collect();
    let (mut activations, mut out) = (Activations::new(), vec![0.0; n * rows]);
    let turn = Cell::new(0);
    let work = || {
        activations.fill(n, columns, |out| out.copy_from_slice(&x));
        turn.set((turn.get() + 1) % matrices.len());
        matrices[turn.get()].multiply(&activations, divan::black_box(&mut out), &pool);
    };
    if decode {
        bencher.counter(BytesCount::new(size)).bench_local(work);
    } else {
        bencher.counter(ItemsCount::new(2 * n * rows * columns)).bench_local(work);
    }
}

/// Blocks of any codes and of scales that are ordinary numbers.
fn tensor(kind: WeightType, values: usize) -> Vec<u8> {
    let (block, size, scales): (usize, usize, &[usize]) = match kind {
        WeightType::Q4K => (256, 144, &[0, 2]),
        WeightType::Q6K => (256, 210, &[208]),
        WeightType::Q8_0 => (32, 34, &[0]),
        WeightType::F16 | WeightType::Bf16 => (1, 2, &[0]),
        WeightType::F32 => (1, 4, &[2]),
    };
    let mut state = 1_u32;
    let mut bytes = vec![0; values / block * size];
    for block in bytes.chunks_mut(size) {
        for byte in &mut *block {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        for &at in scales {
            block[at..at + 2].copy_from_slice(&0x2c00_u16.to_le_bytes());
        }
    }
    bytes
}
