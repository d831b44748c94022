//! The forward pass. The rows of all parts stand one below the other, so that each weight is read once for all of them; only
//! attention goes row by row, each over the blocks of its own sequence.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::super::forward::{BLOCK, Part};
use super::super::kernels::{self, Activations, Heads, Matrix, Pool};
use super::Model;
use super::memory::Cache;
use super::shape::Shape;
use super::weights::{Layer, Linear};

/// What a pass writes to; kept from step to step, so that none of it is allocated twice.
pub(super) struct Buffers {
    rows: Vec<Row>,
    /// The rotation of each row: cosines and sines of its pairs.
    turns: Vec<(f32, f32)>,
    /// The rows whose logits are wanted.
    wanted: Vec<usize>,
    /// The residual stream.
    stream: Vec<f32>,
    normed: Vec<f32>,
    activations: Activations,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    attended: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    /// What a layer adds to the stream.
    change: Vec<f32>,
    head: Vec<f32>,
    lanes: Vec<Mutex<Lane>>,
}

/// One token of a step.
#[derive(Clone, Copy)]
struct Row {
    part: usize,
    position: usize,
}

/// What one thread of the attention writes.
#[derive(Default)]
struct Lane {
    rows: Vec<usize>,
    out: Vec<f32>,
    scratch: Vec<f32>,
}

impl Buffers {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            rows: Vec::new(),
            turns: Vec::new(),
            wanted: Vec::new(),
            stream: Vec::new(),
            normed: Vec::new(),
            activations: Activations::new(),
            queries: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            attended: Vec::new(),
            gate: Vec::new(),
            up: Vec::new(),
            change: Vec::new(),
            head: Vec::new(),
            lanes: (0..threads).map(|_| Mutex::default()).collect(),
        }
    }

    /// Drops all rows but the wanted: nobody reads the others after the last layer's keys and values.
    fn keep_wanted(&mut self, shape: &Shape) {
        for (to, from) in self.wanted.iter().copied().enumerate() {
            self.rows[to] = self.rows[from];
            move_row(&mut self.stream, shape.width, from, to);
            move_row(&mut self.queries, shape.queries(), from, to);
        }
        let kept = self.wanted.len();
        self.rows.truncate(kept);
        self.stream.truncate(kept * shape.width);
        self.queries.truncate(kept * shape.queries());
    }
}

impl Model {
    /// Computes parts that were checked.
    pub(super) fn compute(&mut self, parts: &[Part<'_>], logits: &mut Vec<f32>) {
        self.begin(parts);
        for layer in 0..self.shape.layers {
            self.project(layer);
            self.remember(layer, parts);
            if layer + 1 == self.shape.layers {
                self.buffers.keep_wanted(&self.shape);
                if self.buffers.rows.is_empty() {
                    return;
                }
            }
            self.attend(layer, parts);
            self.digest(layer);
        }
        self.finish(logits);
    }

    /// Lays out the rows and fetches their embeddings.
    fn begin(&mut self, parts: &[Part<'_>]) {
        let Self { shape, weights, buffers, .. } = self;
        buffers.rows.clear();
        buffers.turns.clear();
        buffers.wanted.clear();
        buffers.stream.resize(parts.iter().map(|part| part.tokens.len()).sum::<usize>() * shape.width, 0.0);
        for (index, part) in parts.iter().enumerate() {
            for (position, token) in (part.start..).zip(part.tokens) {
                let at = buffers.rows.len() * shape.width;
                weights.embedding.row(*token as usize, &mut buffers.stream[at..at + shape.width]);
                shape.rope.append(position, &mut buffers.turns);
                buffers.rows.push(Row { part: index, position });
            }
            if part.logits {
                buffers.wanted.push(buffers.rows.len() - 1);
            }
        }
    }

    /// Queries, keys and values, normalised and rotated as the family wants it.
    fn project(&mut self, index: usize) {
        let Self { family, shape, weights, buffers, pool, .. } = self;
        let (layer, count) = (&weights.layers[index], buffers.rows.len());
        normalise(&buffers.stream, &layer.attention_norm, shape.epsilon, &mut buffers.normed);
        buffers.activations.fill(&buffers.normed, count, shape.width, pool);
        project(&layer.query, &buffers.activations, &mut buffers.queries, pool);
        project(&layer.key, &buffers.activations, &mut buffers.keys, pool);
        project(&layer.value, &buffers.activations, &mut buffers.values, pool);
        for (weight, x) in [(&layer.query_norm, &mut buffers.queries), (&layer.key_norm, &mut buffers.keys)] {
            if let Some(weight) = weight {
                for head in x.chunks_exact_mut(shape.dim) {
                    buffers.head.clear();
                    buffers.head.extend_from_slice(head);
                    kernels::rms_norm(&buffers.head, weight, shape.epsilon, head);
                }
            }
        }
        if family.rotates(index) {
            for (x, size) in [(&mut buffers.queries, shape.queries()), (&mut buffers.keys, shape.keys())] {
                for (row, turns) in x.chunks_exact_mut(size).zip(buffers.turns.chunks_exact(shape.dim / 2)) {
                    shape.rope.rotate(row, turns);
                }
            }
        }
    }

    /// Writes keys and values into the blocks of their sequences.
    fn remember(&mut self, layer: usize, parts: &[Part<'_>]) {
        let Self { shape, memory, buffers, .. } = self;
        let (heads, size) = (shape.heads(), shape.keys());
        let Cache { keys, values } = &mut memory.layers[layer];
        for (row, at) in buffers.rows.iter().zip((0..).step_by(size)) {
            let (block, slot) = (parts[row.part].table[row.position / BLOCK], row.position % BLOCK);
            kernels::store(keys, &heads, block, slot, &buffers.keys[at..at + size]);
            kernels::store(values, &heads, block, slot, &buffers.values[at..at + size]);
        }
    }

    /// Attention, row by row: each takes a different time, so that the threads take them as they come.
    fn attend(&mut self, layer: usize, parts: &[Part<'_>]) {
        let Self { shape, memory, buffers, pool, weights, .. } = self;
        let (heads, size, cache) = (shape.heads(), shape.queries(), &memory.layers[layer]);
        let (rows, queries, lanes) = (&buffers.rows, &buffers.queries, &buffers.lanes);
        let next = AtomicUsize::new(0);
        pool.run(|thread| {
            let Some(lane) = lanes.get(thread) else { return };
            let mut lane = lane.lock().unwrap_or_else(PoisonError::into_inner);
            let Lane { rows: done, out, scratch } = &mut *lane;
            done.clear();
            out.clear();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(Row { part, position }) = rows.get(index).copied() else { break };
                let start = out.len();
                out.resize(start + size, 0.0);
                done.push(index);
                let query = &queries[index * size..(index + 1) * size];
                let scale = shape.scale * shape.temperature.map_or(1.0, |temperature| temperature.at(position));
                let (keys, values, table) = (&cache.keys, &cache.values, parts[part].table);
                kernels::attend(query, keys, values, table, position + 1, &heads, scale, scratch, &mut out[start..]);
            }
        });
        let count = rows.len();
        buffers.attended.resize(count * size, 0.0);
        for lane in &mut buffers.lanes {
            let lane = lane.get_mut().unwrap_or_else(PoisonError::into_inner);
            for (index, out) in lane.rows.iter().zip(lane.out.chunks_exact(size)) {
                buffers.attended[index * size..(index + 1) * size].copy_from_slice(out);
            }
        }
        buffers.activations.fill(&buffers.attended, count, size, pool);
        multiply(&weights.layers[layer].attended, &buffers.activations, &mut buffers.change, pool);
        kernels::add(&mut buffers.stream, &buffers.change);
    }

    /// The gated network.
    fn digest(&mut self, layer: usize) {
        let Self { shape, weights, buffers, pool, .. } = self;
        let count = buffers.rows.len();
        let Layer { network_norm, gate, up, down, .. } = &weights.layers[layer];
        normalise(&buffers.stream, network_norm, shape.epsilon, &mut buffers.normed);
        buffers.activations.fill(&buffers.normed, count, shape.width, pool);
        multiply(gate, &buffers.activations, &mut buffers.gate, pool);
        multiply(up, &buffers.activations, &mut buffers.up, pool);
        kernels::silu_multiply(&mut buffers.gate, &buffers.up);
        buffers.activations.fill(&buffers.gate, count, gate.rows(), pool);
        multiply(down, &buffers.activations, &mut buffers.change, pool);
        kernels::add(&mut buffers.stream, &buffers.change);
    }

    /// The logits of the rows that are left.
    fn finish(&mut self, logits: &mut Vec<f32>) {
        let Self { shape, weights, buffers, pool, .. } = self;
        normalise(&buffers.stream, &weights.norm, shape.epsilon, &mut buffers.normed);
        buffers.activations.fill(&buffers.normed, buffers.rows.len(), shape.width, pool);
        multiply(weights.output.as_ref().unwrap_or(&weights.embedding), &buffers.activations, logits, pool);
    }
}

impl Shape {
    fn heads(&self) -> Heads {
        Heads { heads: self.heads, kv_heads: self.kv_heads, dim: self.dim }
    }
}

/// Normalises each row of `x`, which are as wide as `weight`.
fn normalise(x: &[f32], weight: &[f32], epsilon: f32, out: &mut Vec<f32>) {
    out.resize(x.len(), 0.0);
    for (x, out) in x.chunks_exact(weight.len()).zip(out.chunks_exact_mut(weight.len())) {
        kernels::rms_norm(x, weight, epsilon, out);
    }
}

fn multiply(matrix: &Matrix, x: &Activations, out: &mut Vec<f32>, pool: &Pool) {
    out.resize(x.len() * matrix.rows(), 0.0);
    matrix.multiply(x, out, pool);
}

fn project(linear: &Linear, x: &Activations, out: &mut Vec<f32>, pool: &Pool) {
    multiply(&linear.matrix, x, out, pool);
    if let Some(bias) = &linear.bias {
        for row in out.chunks_exact_mut(bias.len()) {
            kernels::add(row, bias);
        }
    }
}

/// Rows only move up, or stay.
fn move_row(x: &mut [f32], size: usize, from: usize, to: usize) {
    x.copy_within(from * size..(from + 1) * size, to * size);
}
