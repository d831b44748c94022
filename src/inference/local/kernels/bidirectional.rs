//! Attention of encoders: every row of a text attends to all rows of it, and nothing is kept. Both products, with the keys and with the
//! values, are those of f32 weights: a tile is sixteen keys, or sixteen columns of the values.
#![allow(unsafe_code)] // Several threads write into one result.

use std::cell::RefCell;

use super::backend::{Backend, dispatch};
use super::panel::PANEL;
use super::pool::{DisjointSlices, Pool};
use super::scalar;
use super::tiles::{Floats, ROWS};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Rows of queries that one thread takes: the keys and values are packed once for them.
const QUERIES: usize = 240;

/// Multiplications after which `between` is called: some milliseconds.
const PORTION: usize = 128 << 20;

thread_local! {
    /// Kept from call to call, so that nothing is allocated.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    /// `[token / 16][column]`, a lane for each token.
    keys: Vec<Floats>,
    /// `[column / 16][token]`, a lane for each column.
    values: Vec<Floats>,
    queries: Vec<f32>,
    scores: Vec<f32>,
}

/// Queries, keys and values, `[rows][heads × dim]` each: texts one after the other.
pub(in super::super) struct Projections<'a> {
    pub(in super::super) queries: &'a [f32],
    pub(in super::super) keys: &'a [f32],
    pub(in super::super) values: &'a [f32],
    pub(in super::super) heads: usize,
    pub(in super::super) dim: usize,
}

/// One head of some rows of a text.
struct Task {
    /// The text's first row, and how many it has.
    first: usize,
    length: usize,
    head: usize,
    /// Which of its rows are the queries.
    from: usize,
    count: usize,
}

/// softmax(q·k / √dim)·v for every row, at the same index of `out`. `lengths` are the rows of each text. Between portions of the work,
/// `between` is called.
///
/// # Panics
/// When a slice does not have its size.
pub(in super::super) fn attend_all(
    all: &Projections<'_>,
    lengths: &[usize],
    out: &mut [f32],
    pool: &Pool,
    mut between: impl FnMut(),
) {
    let (rows, width) = (lengths.iter().sum::<usize>(), all.heads * all.dim);
    for slice in [all.queries, all.keys, all.values, out] {
        assert_eq!(slice.len(), rows * width, "a row of heads × dim for each of the texts");
    }
    let results = DisjointSlices::new(out);
    let run = |tasks: &[Task]| {
        pool.each(tasks.len(), |index| {
            SCRATCH.with_borrow_mut(|scratch| {
                // SAFETY: no two tasks have the same rows of the same head: no other thread writes to this range.
                let write = |at, values: &[f32]| unsafe { results.slice_mut(at, values.len()) }.copy_from_slice(values);
                tasks[index].compute(all, scratch, write);
            });
        });
    };
    let (mut tasks, mut cost, mut first) = (Vec::new(), 0, 0);
    for &length in lengths {
        for (head, from) in (0..all.heads).flat_map(|head| (0..length).step_by(QUERIES).map(move |from| (head, from))) {
            let count = QUERIES.min(length - from);
            tasks.push(Task { first, length, head, from, count });
            cost += 2 * count * length * all.dim;
            if cost >= PORTION {
                run(&tasks);
                (tasks, cost) = (Vec::new(), 0);
                between();
            }
        }
        first += length;
    }
    run(&tasks);
}

impl Task {
    fn compute(&self, all: &Projections<'_>, scratch: &mut Scratch, mut write: impl FnMut(usize, &[f32])) {
        let (dim, width, length) = (all.dim, all.heads * all.dim, self.length);
        let place = |row: usize| (self.first + row) * width + self.head * dim;
        let (blocks, pieces) = (length.div_ceil(ROWS), dim.div_ceil(ROWS));
        let Scratch { keys, values, queries, scores } = scratch;
        keys.clear();
        keys.resize(blocks * dim, Floats([0.0; ROWS]));
        values.clear();
        values.resize(pieces * length, Floats([0.0; ROWS]));
        for token in 0..length {
            let key = &all.keys[place(token)..][..dim];
            for (tile, value) in keys[token / ROWS * dim..].iter_mut().zip(key) {
                tile.0[token % ROWS] = *value;
            }
            for (piece, value) in all.values[place(token)..][..dim].chunks(ROWS).enumerate() {
                values[piece * length + token].0[..value.len()].copy_from_slice(value);
            }
        }
        let scale = 1.0 / (dim as f32).sqrt();
        let stride = blocks * ROWS;
        scores.resize(PANEL * stride, 0.0);
        for from in (self.from..self.from + self.count).step_by(PANEL) {
            let count = PANEL.min(self.from + self.count - from);
            queries.clear();
            for row in from..from + count {
                queries.extend(all.queries[place(row)..][..dim].iter().map(|value| value * scale));
            }
            let totals = weigh(keys, queries, dim, length, scores);
            let mut sums = [[0.0; ROWS]; PANEL];
            for (piece, values) in values.chunks_exact(length).enumerate() {
                let rows = panel(scores, stride, length, count);
                dispatch!(Backend::best(), float_panel(values, &rows[..count], &mut sums));
                let wide = ROWS.min(dim - piece * ROWS);
                for ((row, sums), total) in (from..).zip(&mut sums[..count]).zip(totals) {
                    for sum in sums.iter_mut() {
                        *sum /= total;
                    }
                    write(place(row) + piece * ROWS, &sums[..wide]);
                }
            }
        }
    }
}

/// The weights of all tokens for each of the queries, before the division by the totals that are returned.
fn weigh(keys: &[Floats], queries: &[f32], dim: usize, length: usize, scores: &mut [f32]) -> [f32; PANEL] {
    let (count, stride) = (queries.len() / dim, scores.len() / PANEL);
    let rows = panel(queries, dim, dim, count);
    let mut sums = [[0.0; ROWS]; PANEL];
    for (block, keys) in keys.chunks_exact(dim).enumerate() {
        dispatch!(Backend::best(), float_panel(keys, &rows[..count], &mut sums));
        for (scores, sums) in scores.chunks_exact_mut(stride).zip(&sums[..count]) {
            scores[block * ROWS..][..ROWS].copy_from_slice(sums);
        }
    }
    let mut totals = [1.0; PANEL];
    for (scores, total) in scores.chunks_exact_mut(stride).zip(&mut totals[..count]) {
        *total = dispatch!(Backend::best(), softmax(scores, length));
    }
    totals
}

/// The first `length` values of each row.
fn panel(values: &[f32], stride: usize, length: usize, count: usize) -> [&[f32]; PANEL] {
    std::array::from_fn(|row| if row < count { &values[row * stride..][..length] } else { &[] })
}
