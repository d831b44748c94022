//! The float kernels of each backend against the scalar ones, which use the standard library's functions.

#![allow(clippy::float_cmp)] // What is computed exactly is compared exactly.

use proptest::prelude::*;

use super::super::attention::{HeadTask, LayerKv, QueryTile, attend, write_kv};
use super::super::backend::{Backend, dispatch};
use super::super::bidirectional::{Projections, attend_all};
use super::super::half::{bf16_to_f32, f16_to_f32, f32_to_f16};
use super::super::kv::{Heads, SequenceKv};
use super::super::pool::Pool;
use super::super::scalar;
#[cfg(target_arch = "x86_64")]
use super::super::{avx2, avx512};
use super::Random;

/// Attention in another order: 128 products of about 1 in a score are off by some 2·10⁻⁵, its weight relatively as much, and
/// the result by twice that times the largest value, about 4.
const ATTENTION: f32 = 2e-4;

fn assert_close(found: &[f32], expected: &[f32], relative: f32, absolute: f32, what: &str) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let allowed = relative * expected.abs() + absolute;
        assert!((found - expected).abs() <= allowed, "{what}: [{i}] {found} is not {expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn norms_gates_and_sums(length in 1..300_usize, seed: u64) {
        let mut random = Random::new(seed);
        let (x, y) = (random.normals(length), random.normals(length));
        let wide: Vec<f32> = x.iter().map(|x| x * 40.0).collect();
        let mut expected = [vec![0.0; length], wide.clone(), x.clone()];
        scalar::rms_norm(&x, &y, 1e-5, &mut expected[0]);
        scalar::silu_multiply(&mut expected[1], &y);
        scalar::add(&mut expected[2], &y);
        for backend in Backend::all() {
            let mut found = [vec![0.0; length], wide.clone(), x.clone()];
            dispatch!(backend, rms_norm(&x, &y, 1e-5, &mut found[0]));
            dispatch!(backend, silu_multiply(&mut found[1], &y));
            dispatch!(backend, add(&mut found[2], &y));
            for (found, expected) in found.iter().zip(&expected) {
                assert_close(found, expected, 2e-6, 1e-30, backend.name());
            }
        }
    }

    #[test]
    fn layer_norms_and_gelu(length in 1..300_usize, seed: u64) {
        let mut random = Random::new(seed);
        let (x, weight, bias) = (random.normals(length), random.normals(length), random.normals(length));
        let wide: Vec<f32> = x.iter().map(|x| x * 4.0).collect();
        let (mut normed, mut bent) = (x.clone(), wide.clone());
        scalar::layer_norm(&mut normed, &weight, &bias, 1e-5);
        scalar::gelu(&mut bent);
        for backend in Backend::all() {
            let mut found = [x.clone(), wide.clone()];
            dispatch!(backend, layer_norm(&mut found[0], &weight, &bias, 1e-5));
            dispatch!(backend, gelu(&mut found[1]));
            assert_close(&found[0], &normed, 2e-5, 2e-5, backend.name());
            assert_close(&found[1], &bent, 2e-6, 4e-7, backend.name());
        }
    }

    #[test]
    fn attention_of_whole_texts(
        heads in 1..4_usize,
        dim in prop::sample::select(vec![8, 16, 24, 32, 64]),
        lengths in prop::collection::vec(1..70_usize, 1..4),
        seed: u64,
    ) {
        let mut random = Random::new(seed);
        let (rows, width) = (lengths.iter().sum::<usize>(), heads * dim);
        let [queries, keys, values] = [(); 3].map(|()| random.normals(rows * width));
        let all = Projections { queries: &queries, keys: &keys, values: &values, heads, dim };
        let mut found = vec![0.0; rows * width];
        attend_all(&all, &lengths, &mut found, &Pool::new(2).unwrap(), || {});
        let mut expected = Vec::new();
        let mut first = 0;
        for length in lengths {
            for row in first..first + length {
                for head in 0..heads {
                    let own = |from: &[f32], row: usize| from[row * width + head * dim..][..dim].to_vec();
                    let query = own(&queries, row);
                    let dot = |key: Vec<f32>| query.iter().zip(&key).map(|(q, k)| q * k).sum::<f32>() / (dim as f32).sqrt();
                    let scores: Vec<f32> = (first..first + length).map(|row| dot(own(&keys, row))).collect();
                    let peak = scores.iter().copied().fold(f32::MIN, f32::max);
                    let total: f32 = scores.iter().map(|score| (score - peak).exp()).sum();
                    let mut sum = vec![0.0; dim];
                    for (row, score) in (first..).zip(&scores) {
                        let share = (score - peak).exp() / total;
                        sum.iter_mut().zip(own(&values, row)).for_each(|(sum, value)| *sum += share * value);
                    }
                    expected.extend(sum);
                }
            }
            first += length;
        }
        assert_close(&found, &expected, ATTENTION, ATTENTION, "whole texts");
    }

    #[test]
    fn attention(
        kv_heads in 1..4_usize,
        group in 1..5_usize,
        dim in prop::sample::select(vec![8, 24, 32, 64, 80, 128]),
        length in 1..100_usize,
        count in 1..6_usize,
        seed: u64,
    ) {
        let heads = Heads { heads: kv_heads * group, kv_heads, dim };
        let mut random = Random::new(seed);
        let blocks = length.div_ceil(16) + 2;
        // What no token wrote is not a number: it must not be read.
        let mut memory = [vec![0x7e00; blocks * kv_heads * 16 * dim], vec![0x7e00; blocks * kv_heads * 16 * dim]];
        // From the last block down, so that the table is not the identity.
        let table: Vec<u32> = (0..length.div_ceil(16)).map(|i| (blocks - 1 - i) as u32).collect();
        for t in 0..length {
            for memory in &mut memory {
                write_kv(memory, &heads, table[t / 16], t % 16, &random.normals(kv_heads * dim));
            }
        }
        // As many rows as there are tokens for, the last of which sees all.
        let count = count.min(length);
        let row = heads.heads * dim;
        let queries: Vec<f32> = random.normals(count * row).iter().map(|q| q * 4.0).collect();
        let own = group * dim;
        let of = |at: usize, kv_head: usize| at * row + kv_head * own..at * row + (kv_head + 1) * own;
        let mut expected = vec![0.0; queries.len()];
        for at in 0..count {
            let length = length - count + at + 1;
            let cache = SequenceKv { keys: &memory[0], values: &memory[1], table: &table[..length.div_ceil(16)], length };
            for kv_head in 0..kv_heads {
                let (query, out) = (&queries[of(at, kv_head)], &mut expected[of(at, kv_head)]);
                scalar::attend(query, &cache, &heads, kv_head, 0.3, &mut Vec::new(), out);
            }
        }
        let cache = SequenceKv { keys: &memory[0], values: &memory[1], table: &table, length };
        let mut scratch = vec![f32::NAN; 7];
        for backend in Backend::all() {
            let mut found = vec![f32::NAN; queries.len()];
            for kv_head in 0..kv_heads {
                let task = HeadTask { heads: &heads, kv_head, scale: 0.3, count };
                let query = |at: usize| &queries[of(at, kv_head)];
                task.attend(backend, &cache, &mut scratch, query, |at, out| found[of(at, kv_head)].copy_from_slice(out));
            }
            assert_close(&found, &expected, 0.0, ATTENTION, backend.name());
        }
        // In tiles of two, and with a longer table than the length needs, which is allowed.
        let longer: Vec<u32> = table.iter().copied().chain([0]).collect();
        let layer = LayerKv { keys: &memory[0], values: &memory[1], heads, scale: 0.3 };
        let tile = |first: usize| QueryTile {
            first,
            count: 2.min(count - first),
            length: length - count + first + 1,
            sequence: 7,
        };
        let tiles: Vec<QueryTile> = (0..count).step_by(2).map(tile).collect();
        let mut found = vec![f32::NAN; queries.len()];
        let blocks = |sequence| if sequence == 7 { &longer[..] } else { &[] };
        attend(&layer, &queries, &tiles, blocks, &mut found, &Pool::new(2).unwrap());
        assert_close(&found, &expected, 0.0, ATTENTION, "the best");
    }
}

#[test]
fn softmax_stands_large_scores() {
    let heads = Heads { heads: 1, kv_heads: 1, dim: 16 };
    let mut memory = [vec![0; 512], vec![0; 512]];
    for t in 0..20 {
        write_kv(&mut memory[0], &heads, t / 16, t as usize % 16, &[100.0 * t as f32; 16]);
        write_kv(&mut memory[1], &heads, t / 16, t as usize % 16, &[t as f32; 16]);
    }
    for backend in Backend::all() {
        let cache = SequenceKv { keys: &memory[0], values: &memory[1], table: &[0, 1], length: 20 };
        let mut found = [0.0; 16];
        let task = HeadTask { heads: &heads, kv_head: 0, scale: 1.0, count: 1 };
        task.attend(backend, &cache, &mut Vec::new(), |_| &[10.0; 16], |_, out| found.copy_from_slice(out));
        assert_eq!(found, [19.0; 16], "{}: all weight on the last token", backend.name());
    }
}

/// The claim of `vector::exp`: a relative error below 3·10⁻⁷.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_exponential_is_exact_enough() {
    use super::super::simd::Simd;
    use super::super::vector::exp;

    fn check<S: Simd>(s: S) {
        let mut out = [0.0; 16];
        for step in -17_400..17_600 {
            let x = step as f32 * 0.005;
            s.store(exp(s, s.splat(x)), &mut out);
            let expected = f64::from(x).exp();
            let error = (f64::from(out[3]) - expected).abs() / expected;
            assert!(error < 3e-7, "exp({x}) = {} is off by {error}", out[3]);
        }
        for (x, bound) in [(-1e30, -87.3), (f32::NEG_INFINITY, -87.3), (1e30, 88.0)] {
            s.store(exp(s, s.splat(x)), &mut out);
            assert_close(&out, &[f32::exp(bound); 16], 1e-5, 0.0, "beyond the bounds");
        }
        s.store(exp(s, s.splat(f32::NAN)), &mut out);
        assert!(out.iter().all(|value| value.is_nan()), "{out:?}");
    }
    for backend in Backend::all() {
        match backend {
            Backend::Scalar => {}
            Backend::Avx2(proof) => check(proof),
            Backend::Avx512(proof) => check(proof),
        }
    }
}

#[test]
fn halves_both_ways() {
    for bits in 0..=u16::MAX {
        let value = f16_to_f32(bits);
        if !value.is_nan() {
            assert_eq!(f32_to_f16(value), bits, "{value}");
        }
    }
    assert_eq!([f16_to_f32(0x3c00), f16_to_f32(0xc000), f16_to_f32(0x7bff)], [1.0, -2.0, 65504.0]);
    assert_eq!([f16_to_f32(1), f16_to_f32(0x7c00)], [2.0_f32.powi(-24), f32::INFINITY]);
    assert_eq!([bf16_to_f32(0x3f80), bf16_to_f32(0xc040)], [1.0, -3.0]);
    // Between two numbers, at the ends, and in the subnormal range, as the processor does it.
    let mut random = Random::new(3);
    let mut values: Vec<f32> = (0..4000).map(|_| f32::from_bits(random.bits() as u32)).collect();
    values.extend((0..4000).map(|_| random.normal() * 1e-6));
    values.extend([65519.9, 65520.0, 1e30, -1e30, 0.0, -0.0, f32::INFINITY, 6.1e-5, 2.98e-8, 2.981e-8]);
    values.extend((0..3000_u16).map(|bits| f32::midpoint(f16_to_f32(bits * 10), f16_to_f32(bits * 10 + 1))));
    values.retain(|value| !value.is_nan());
    let mut expected = vec![0; values.len()];
    scalar::to_f16(&values, &mut expected);
    for backend in Backend::all() {
        let mut found = vec![0; values.len()];
        dispatch!(backend, to_f16(&values, &mut found));
        assert_eq!(found, expected, "{}", backend.name());
    }
}

#[test]
fn gelu_is_the_one_of_erf() {
    // x · Φ(x), from Python's `math.erf`; the approximation by tanh differs in the fourth digit.
    let cases =
        [(-6.0, -5.919_525_9e-9), (-2.0, -0.045_500_264), (-0.5, -0.154_268_77), (0.0, 0.0), (0.5, 0.345_731_23)];
    for (x, expected) in cases.into_iter().chain([(1.0, 0.841_344_8), (2.0, 1.954_499_7), (9.0, 9.0)]) {
        for backend in Backend::all() {
            let mut found = [x; 17];
            dispatch!(backend, gelu(&mut found));
            assert_close(&found, &[expected; 17], 0.0, 3e-7, backend.name());
        }
    }
    for backend in Backend::all() {
        let mut found = [f32::NAN; 17];
        dispatch!(backend, gelu(&mut found));
        assert!(found.iter().all(|value| value.is_nan()), "{}", backend.name());
    }
}
