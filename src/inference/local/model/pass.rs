//! The forward pass. The rows of all parts stand one below the other, so that each weight is read once for all of them; only
//! attention goes row by row, each over the blocks of its own sequence.

use super::super::forward::{BLOCK, Part};
use super::super::kernels::{self, Activations, Heads, Matrix, Pool, Stretch};
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
    /// What the next matrices read: the normalised stream, or what attention gave.
    pub activations: Activations,
    /// The gated network's inside.
    pub hidden: Activations,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    up: Vec<f32>,
    /// What a layer adds to the stream.
    change: Vec<f32>,
    head: Vec<f32>,
    /// The rows, as attention takes them together.
    stretches: Vec<Stretch>,
}

/// One token of a step.
#[derive(Clone, Copy)]
struct Row {
    part: usize,
    position: usize,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            rows: Vec::new(),
            turns: Vec::new(),
            wanted: Vec::new(),
            stream: Vec::new(),
            activations: Activations::new(),
            hidden: Activations::new(),
            queries: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            up: Vec::new(),
            change: Vec::new(),
            head: Vec::new(),
            stretches: Vec::new(),
        }
    }

    /// Puts successive rows of one sequence together.
    fn stretch(&mut self, heads: &Heads) {
        self.stretches.clear();
        for (first, row) in self.rows.iter().enumerate() {
            let length = row.position + 1;
            if let Some(last) = self.stretches.last_mut()
                && last.sequence == row.part
                && last.length + last.count == length
                && last.count < heads.together(length)
            {
                last.count += 1;
            } else {
                self.stretches.push(Stretch { first, count: 1, length, sequence: row.part });
            }
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
        self.stretch(&shape.heads());
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
        buffers.stretch(&shape.heads());
    }

    /// Queries, keys and values, normalised and rotated as the family wants it.
    fn project(&mut self, index: usize) {
        let Self { family, shape, weights, buffers, pool, .. } = self;
        let (layer, count) = (&weights.layers[index], buffers.rows.len());
        buffers.activations.fill(count, shape.width, |normed| {
            kernels::rms_norm(&buffers.stream, &layer.attention_norm, shape.epsilon, normed, pool);
        });
        project(&layer.query, &buffers.activations, &mut buffers.queries, pool);
        project(&layer.key, &buffers.activations, &mut buffers.keys, pool);
        project(&layer.value, &buffers.activations, &mut buffers.values, pool);
        for (weight, x) in [(&layer.query_norm, &mut buffers.queries), (&layer.key_norm, &mut buffers.keys)] {
            if let Some(weight) = weight {
                kernels::rms_norm_heads(x, weight, shape.epsilon, &mut buffers.head);
            }
        }
        if family.rotates(index) {
            let (turns, pairs, rotation) = (&buffers.turns, shape.dim / 2, shape.rope.rotation);
            kernels::rotate(&mut buffers.queries, shape.queries(), turns, pairs, rotation, pool);
            kernels::rotate(&mut buffers.keys, shape.keys(), turns, pairs, rotation, pool);
        }
        if let Some(temperature) = shape.temperature {
            for (row, query) in buffers.rows.iter().zip(buffers.queries.chunks_exact_mut(shape.queries())) {
                let factor = temperature.at(row.position);
                for q in query {
                    *q *= factor;
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

    /// Attention of each row over the blocks of its sequence, and what the layer makes of it.
    fn attend(&mut self, layer: usize, parts: &[Part<'_>]) {
        let Self { shape, memory, buffers, pool, weights, .. } = self;
        let (count, size) = (buffers.rows.len(), shape.queries());
        let Cache { keys, values } = &memory.layers[layer];
        let caches = kernels::Layer { keys, values, heads: shape.heads(), scale: shape.scale };
        let table = |part: usize| parts[part].table;
        buffers.activations.fill(count, size, |attended| {
            kernels::attend(&caches, &buffers.queries, &buffers.stretches, table, attended, pool);
        });
        multiply(&weights.layers[layer].attended, &buffers.activations, &mut buffers.change, pool);
        kernels::add(&mut buffers.stream, &buffers.change, pool);
    }

    /// The gated network.
    fn digest(&mut self, layer: usize) {
        let Self { shape, weights, buffers, pool, .. } = self;
        let count = buffers.rows.len();
        let Layer { network_norm, gate, up, down, .. } = &weights.layers[layer];
        buffers.activations.fill(count, shape.width, |normed| {
            kernels::rms_norm(&buffers.stream, network_norm, shape.epsilon, normed, pool);
        });
        multiply(up, &buffers.activations, &mut buffers.up, pool);
        buffers.hidden.fill(count, gate.rows(), |hidden| {
            gate.multiply(&buffers.activations, hidden, pool);
            kernels::silu_multiply(hidden, &buffers.up, pool);
        });
        multiply(down, &buffers.hidden, &mut buffers.change, pool);
        kernels::add(&mut buffers.stream, &buffers.change, pool);
    }

    /// The logits of the rows that are left.
    fn finish(&mut self, logits: &mut Vec<f32>) {
        let Self { shape, weights, buffers, pool, .. } = self;
        buffers.activations.fill(buffers.rows.len(), shape.width, |normed| {
            kernels::rms_norm(&buffers.stream, &weights.norm, shape.epsilon, normed, pool);
        });
        multiply(weights.output.as_ref().unwrap_or(&weights.embedding), &buffers.activations, logits, pool);
    }
}

impl Shape {
    fn heads(&self) -> Heads {
        Heads { heads: self.heads, kv_heads: self.kv_heads, dim: self.dim }
    }
}

fn multiply(matrix: &Matrix, x: &Activations, out: &mut Vec<f32>, pool: &Pool) {
    out.resize(x.len() * matrix.rows(), 0.0);
    matrix.multiply(x, out, pool);
}

fn project(linear: &Linear, x: &Activations, out: &mut Vec<f32>, pool: &Pool) {
    multiply(&linear.matrix, x, out, pool);
    if let Some(bias) = &linear.bias {
        kernels::add_to_each(out, bias);
    }
}

/// Rows only move up, or stay.
fn move_row(x: &mut [f32], size: usize, from: usize, to: usize) {
    x.copy_within(from * size..(from + 1) * size, to * size);
}
