//! What is infinite or not a number spoils its row, on every backend alike: laundered into numbers, it would become fluent nonsense.

use super::super::activations::Activations;
use super::super::attention::{HeadTask, write_kv};
use super::super::backend::{Backend, dispatch};
use super::super::blocks::WeightType;
use super::super::kv::{Heads, SequenceKv};
use super::super::matrix::Matrix;
use super::super::pool::Pool;
use super::super::scalar;
#[cfg(target_arch = "x86_64")]
use super::super::{avx2, avx512};
use super::{KINDS, Random};

const SPOILED: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

fn multiply(matrix: &Matrix, x: &[f32], pool: &Pool) -> Vec<f32> {
    let n = x.len() / matrix.columns();
    let mut activations = Activations::new();
    activations.fill(n, matrix.columns(), |out| out.copy_from_slice(x));
    let mut out = vec![0.0; n * matrix.rows()];
    matrix.multiply(&activations, &mut out, pool);
    out
}

fn sound(values: &[f32]) -> bool {
    values.iter().all(|value| value.is_finite())
}

fn spoiled(values: &[f32]) -> bool {
    !values.iter().any(|value| value.is_finite())
}

#[test]
fn an_activation_spoils_its_row_of_a_product_and_no_other() {
    const COLUMNS: usize = 512;
    let pool = Pool::new(2).expect("threads");
    for kind in KINDS {
        let mut random = Random::new(11);
        let bytes = random.blocks(kind, 20 * COLUMNS);
        let x = random.normals(3 * COLUMNS);
        for backend in Backend::all() {
            let matrix = Matrix::pack_for(backend, kind, &bytes, 20, COLUMNS, &pool).expect("a sound tensor");
            let clean = multiply(&matrix, &x, &pool);
            // In every lane of a vector, followed by numbers or not, and in either half of the columns.
            for (at, value) in (0..COLUMNS).step_by(17).chain([COLUMNS - 1]).zip(SPOILED.into_iter().cycle()) {
                let mut x = x.clone();
                x[COLUMNS + at] = value;
                let out = multiply(&matrix, &x, &pool);
                let place = format!("{kind:?}, {}: {value} at {at}", backend.name());
                assert!(spoiled(&out[20..40]), "{place}: {:?}", &out[20..40]);
                assert_eq!((&out[..20], &out[40..]), (&clean[..20], &clean[40..]), "{place}");
            }
        }
    }
}

#[test]
fn a_scale_of_the_weights_spoils_their_row_and_no_other() {
    let pool = Pool::new(2).expect("threads");
    for (kind, places) in [
        (WeightType::Q8_0, &[0][..]),
        (WeightType::Q4K, &[0, 2]),
        (WeightType::Q6K, &[208]),
        (WeightType::F16, &[0]),
        (WeightType::Bf16, &[0]),
    ] {
        let mut random = Random::new(12);
        let sound_bytes = random.blocks(kind, 20 * 512);
        let x = random.normals(512);
        let row = sound_bytes.len() / 20;
        // Infinity and what is not a number, in f16 and in bf16.
        let values = if kind == WeightType::Bf16 { [0x7f80_u16, 0x7fc0] } else { [0x7c00, 0x7e00] };
        for (place, value) in places.iter().flat_map(|place| values.map(|value| (*place, value))) {
            let mut bytes = sound_bytes.clone();
            // The second block of the eighteenth row.
            bytes[17 * row + kind.block_bytes() + place..][..2].copy_from_slice(&value.to_le_bytes());
            for backend in Backend::all() {
                let matrix = Matrix::pack_for(backend, kind, &bytes, 20, 512, &pool).expect("a tensor");
                let out = multiply(&matrix, &x, &pool);
                let place = format!("{kind:?}, {}: {value:#x} at {place}", backend.name());
                assert!(!out[17].is_finite(), "{place}: {}", out[17]);
                assert!(sound(&out[..17]) && sound(&out[18..]), "{place}");
            }
        }
    }
}

#[test]
fn norms_spoil_the_row_and_gates_their_place() {
    let mut random = Random::new(13);
    for length in [16, 37, 300] {
        let (x, weight) = (random.normals(length), random.normals(length));
        for backend in Backend::all() {
            for (at, value) in (0..length).zip(SPOILED.into_iter().cycle()) {
                let mut spoilt = x.clone();
                spoilt[at] = value;
                let mut out = vec![0.0; length];
                dispatch!(backend, rms_norm(&spoilt, &weight, 1e-5, &mut out));
                assert!(spoiled(&out), "{}: norm, {value} at {at} of {length}", backend.name());
                dispatch!(backend, silu_multiply(&mut spoilt, &weight));
                assert!(!spoilt[at].is_finite(), "{}: gate, {value} at {at} of {length}", backend.name());
                assert!(sound(&spoilt[..at]) && sound(&spoilt[at + 1..]), "{}: gate", backend.name());
            }
            // Squares beyond f32, which are none beyond f64.
            let large: Vec<f32> = x.iter().map(|x| x * 1e25).collect();
            let (mut out, mut expected) = (vec![0.0; length], vec![0.0; length]);
            dispatch!(backend, rms_norm(&large, &weight, 1e-5, &mut out));
            scalar::rms_norm(&large, &weight, 1e-5, &mut expected);
            assert!(sound(&out) && out == expected, "{}: large values", backend.name());
        }
    }
}

/// One layer of keys and values with some tokens, and queries of its last rows.
struct Attention {
    heads: Heads,
    keys: Vec<u16>,
    values: Vec<u16>,
    queries: Vec<f32>,
    length: usize,
    count: usize,
}

impl Attention {
    fn new(length: usize, count: usize) -> Self {
        let heads = Heads { heads: 2, kv_heads: 1, dim: 24 };
        let mut random = Random::new(14);
        let mut memory = [vec![0; length.div_ceil(16) * 16 * 24], vec![0; length.div_ceil(16) * 16 * 24]];
        for t in 0..length {
            for memory in &mut memory {
                write_kv(memory, &heads, (t / 16) as u32, t % 16, &random.normals(24));
            }
        }
        let [keys, values] = memory;
        Self { heads, keys, values, queries: random.normals(count * 48), length, count }
    }

    /// The results of each row.
    fn results(&self, backend: Backend) -> Vec<Vec<f32>> {
        let table: Vec<u32> = (0..self.length.div_ceil(16) as u32).collect();
        let cache = SequenceKv { keys: &self.keys, values: &self.values, table: &table, length: self.length };
        let task = HeadTask { heads: &self.heads, kv_head: 0, scale: 0.3, count: self.count };
        let mut rows = vec![Vec::new(); self.count];
        let query = |at: usize| &self.queries[at * 48..][..48];
        task.attend(backend, &cache, &mut Vec::new(), query, |at, out| rows[at] = out.to_vec());
        rows
    }
}

#[test]
fn a_key_or_a_value_spoils_the_rows_that_see_it_and_none_before_them() {
    // The last rows end within a block, at its end, and over a border.
    for (length, count) in [(40, 5), (48, 4), (34, 6), (17, 3)] {
        let clean = Attention::new(length, count);
        for backend in Backend::all() {
            let expected = clean.results(backend);
            for token in [0, 3, 15, length - count, length - 2, length - 1] {
                for (bits, kept) in
                    [(0x7e00_u16, true), (0x7c00, true), (0xfc00, true), (0x7e00, false), (0x7c00, false)]
                {
                    let mut spoilt = Attention::new(length, count);
                    let memory = if kept { &mut spoilt.keys } else { &mut spoilt.values };
                    memory[token * 24 + 7] = bits;
                    for (at, (row, expected)) in spoilt.results(backend).iter().zip(&expected).enumerate() {
                        let place = format!("{}, {length}/{count}: token {token}, row {at}", backend.name());
                        if token > length - count + at {
                            assert_eq!(row, expected, "{place}: it does not see it");
                        } else if kept {
                            assert!(spoiled(row), "{place}: a key of {bits:#x} gives {row:?}");
                        } else {
                            assert!(!row[7].is_finite() && !row[31].is_finite(), "{place}: a value of {bits:#x}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_query_spoils_its_own_row() {
    for backend in Backend::all() {
        let mut attention = Attention::new(20, 3);
        let clean = attention.results(backend);
        for value in SPOILED {
            attention.queries[48 + 5] = value;
            let rows = attention.results(backend);
            assert!(spoiled(&rows[1][..24]), "{}: {value}: {:?}", backend.name(), rows[1]);
            assert_eq!(
                (&rows[1][24..], &rows[0], &rows[2]),
                (&clean[1][24..], &clean[0], &clean[2]),
                "{}",
                backend.name()
            );
        }
    }
}
