//! Products: each backend against the scalar one, that against exact arithmetic, and both on every shape.

use proptest::prelude::*;

use super::super::activations::Activations;
use super::super::backend::Backend;
use super::super::blocks::WeightType;
use super::super::matrix::Matrix;
use super::super::pool::Pool;
use super::super::scalar;
use super::{KINDS, Random};

/// Differences from rounding f32 sums in another order, relative to (largest weight of the row) · Σ|x|: a few of 2⁻²⁴ per
/// addition, of at most 1024, that mostly cancel.
const ROUNDING: f64 = 2e-5;

/// What the weights and activations give exactly, and how far int8 activations may be from it.
struct Exact {
    value: f64,
    rounding: f64,
    /// Each activation is off by at most half a step, its block's peak / 254: Σ |w| · peak / 254.
    quantisation: f64,
}

fn exact(kind: WeightType, weights: &[f32], x: &[f32]) -> Exact {
    let group = match kind {
        WeightType::Q4K | WeightType::Q6K => 256,
        WeightType::Q8_0 => 32,
        _ => usize::MAX,
    };
    let both = || weights.iter().zip(x).map(|(&w, &x)| (f64::from(w), f64::from(x)));
    let largest = weights.iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
    let quantisation = |(w, x): (&[f32], &[f32])| {
        let peak = x.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
        w.iter().map(|w| f64::from(w.abs())).sum::<f64>() * f64::from(peak) / 254.0
    };
    let quantised = group != usize::MAX;
    let chunk = group.min(weights.len());
    Exact {
        value: both().map(|(w, x)| w * x).sum(),
        rounding: ROUNDING * f64::from(largest) * both().map(|(_, x)| x.abs()).sum::<f64>() + 1e-6,
        quantisation: if quantised { weights.chunks(chunk).zip(x.chunks(chunk)).map(quantisation).sum() } else { 0.0 },
    }
}

fn multiply(matrix: &Matrix, x: &[f32], n: usize, pool: &Pool) -> Vec<f32> {
    let mut activations = Activations::new();
    activations.fill(n, matrix.columns(), |out| out.copy_from_slice(x));
    // What was there must not matter.
    let mut out = vec![f32::NAN; n * matrix.rows()];
    matrix.multiply(&activations, &mut out, pool);
    out
}

fn check(kind: WeightType, rows: usize, columns: usize, n: usize, seed: u64, pool: &Pool) {
    let mut random = Random::new(seed);
    let bytes = random.blocks(kind, rows * columns);
    let weights = scalar::dequantise(kind, &bytes);
    let x = random.normals(n * columns);
    let pack = |backend| Matrix::pack_for(backend, kind, &bytes, rows, columns, pool).expect("a sound tensor");
    let reference = multiply(&pack(Backend::Scalar), &x, n, pool);
    for backend in Backend::all() {
        let matrix = pack(backend);
        let out = multiply(&matrix, &x, n, pool);
        for (m, x) in x.chunks(columns).enumerate() {
            for (row, weights) in weights.chunks(columns).enumerate() {
                let exact = exact(kind, weights, x);
                let (found, expected) = (f64::from(out[m * rows + row]), f64::from(reference[m * rows + row]));
                let place = format!("{kind:?} {rows}×{columns}, n {n}, {}: [{m}][{row}] {found}", backend.name());
                assert!((found - expected).abs() <= exact.rounding, "{place} is not {expected}, the scalar one");
                let allowed = exact.rounding + exact.quantisation;
                assert!((found - exact.value).abs() <= allowed, "{place} is not {} ± {allowed}", exact.value);
            }
        }
        let mut row = vec![0.0; columns];
        for index in [0, rows / 2, rows - 1] {
            matrix.row(index, &mut row);
            assert_eq!(row, weights[index * columns..][..columns], "{kind:?}: row {index}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products_on_any_shape(kind in 0..6_usize, rows in 1..70_usize, columns in 1..=1024_usize, n in 1..=40_usize, seed: u64) {
        let (kind, pool) = (KINDS[kind], Pool::new(2).expect("threads"));
        // Unoptimised, a test of the largest shape takes long and shows no more.
        let n = if rows * columns > 16 << 10 { n.div_ceil(3) } else { n };
        check(kind, rows, columns.next_multiple_of(kind.block()), n, seed, &pool);
    }
}

#[test]
fn every_width_of_a_panel() {
    let pool = Pool::new(2).expect("threads");
    for kind in KINDS {
        for n in 1..=14 {
            check(kind, 17, kind.block().max(32), n, n as u64, &pool);
        }
    }
}

/// What saturates 16 bits first, if anything does.
#[test]
fn extreme_codes() {
    let pool = Pool::new(1).expect("threads");
    for (kind, scale) in [(WeightType::Q8_0, 0), (WeightType::Q4K, 0), (WeightType::Q6K, 208)] {
        for fill in [0x00, 0x7f, 0x80, 0xff] {
            let mut bytes = vec![fill; kind.block_bytes() * 16 * (256 / kind.block())];
            for block in bytes.chunks_mut(kind.block_bytes()) {
                block[scale..scale + 2].copy_from_slice(&0x3c00_u16.to_le_bytes());
                if kind == WeightType::Q4K {
                    block[2..4].copy_from_slice(&0x3c00_u16.to_le_bytes());
                }
            }
            for value in [1.0, -1.0] {
                let x = vec![value; 256];
                let results = Backend::all().into_iter().map(|backend| {
                    let matrix = Matrix::pack_for(backend, kind, &bytes, 16, 256, &pool).expect("a sound tensor");
                    multiply(&matrix, &x, 1, &pool)
                });
                let weights = scalar::dequantise(kind, &bytes[..kind.block_bytes() * (256 / kind.block())]);
                let expected: f32 = weights.iter().map(|w| w * value).sum();
                for out in results {
                    let close = (out[0] - expected).abs() <= 1e-5 * 256.0 * weights[0].abs().max(1.0);
                    assert!(close, "{kind:?} of {fill:#x}: {} is not {expected}", out[0]);
                }
            }
        }
    }
}

#[test]
fn a_batch_equals_its_members_alone() {
    let pool = Pool::new(2).expect("threads");
    let mut random = Random::new(5);
    for kind in KINDS {
        let bytes = random.blocks(kind, 40 * 512);
        let matrix = Matrix::pack(kind, &bytes, 40, 512, &pool).expect("a sound tensor");
        let x = random.normals(27 * 512);
        let together = multiply(&matrix, &x, 27, &pool);
        for (x, out) in x.chunks(512).zip(together.chunks(40)) {
            assert_eq!(multiply(&matrix, x, 1, &pool), out, "{kind:?}: to the bit");
        }
    }
}

#[test]
fn activations_are_read_anew_after_each_fill() {
    let pool = Pool::new(2).expect("threads");
    let mut random = Random::new(6);
    let mut activations = Activations::new();
    for (kind, n, columns) in
        [(WeightType::Q4K, 3, 512), (WeightType::Q8_0, 13, 96), (WeightType::Q6K, 1, 256), (WeightType::Q4K, 5, 1280)]
    {
        let bytes = random.blocks(kind, 20 * columns);
        let matrix = Matrix::pack(kind, &bytes, 20, columns, &pool).expect("a sound tensor");
        let x = random.normals(n * columns);
        activations.fill(n, columns, |out| out.copy_from_slice(&x));
        let mut out = vec![0.0; n * 20];
        matrix.multiply(&activations, &mut out, &pool);
        assert_eq!(out, multiply(&matrix, &x, n, &pool));
        assert_eq!(activations.len(), n);
    }
}

#[test]
fn zeros_and_next_to_nothing_give_zero() {
    let pool = Pool::new(1).expect("threads");
    let bytes = Random::new(7).blocks(WeightType::Q4K, 16 * 256);
    for backend in Backend::all() {
        let matrix = Matrix::pack_for(backend, WeightType::Q4K, &bytes, 16, 256, &pool).expect("a sound tensor");
        for tiny in [0.0, 1e-39] {
            assert_eq!(multiply(&matrix, &[tiny; 256], 1, &pool), [0.0; 16]);
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let pool = Pool::new(1).expect("threads");
    let pack = |kind, bytes: usize, rows, columns| Matrix::pack(kind, &vec![0; bytes], rows, columns, &pool).err();
    assert_eq!(pack(WeightType::Q4K, 144, 1, 256), None);
    let refused = pack(WeightType::Q4K, 144, 1, 128).expect("half a block");
    assert!(refused.contains("256 values"), "{refused}");
    assert!(pack(WeightType::Q8_0, 33, 1, 32).is_some(), "a byte short");
    assert!(pack(WeightType::F32, 0, 0, 32).is_some(), "no rows");
    assert!(pack(WeightType::F32, 4, usize::MAX, usize::MAX).is_some(), "more than memory");
}

#[test]
fn memory_stays_near_the_file() {
    let pool = Pool::new(1).expect("threads");
    for (kind, bits) in [
        (WeightType::Q4K, 4.625),
        (WeightType::Q6K, 6.625),
        (WeightType::Q8_0, 8.5),
        (WeightType::F16, 16.0),
        (WeightType::F32, 32.0),
    ] {
        let bytes = vec![0; 64 * 512 / kind.block() * kind.block_bytes()];
        let matrix = Matrix::pack(kind, &bytes, 64, 512, &pool).expect("a sound tensor");
        let found = matrix.bytes() as f64 * 8.0 / (64.0 * 512.0);
        assert!((found - bits).abs() < 1e-9, "{kind:?}: {found} bits a weight");
    }
}
