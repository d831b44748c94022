//! The forward pass. The rows of all slices are stacked, so that each weight is read once for all of them; only attention goes row
//! by row, each over the KV blocks of its own sequence.

use super::super::forward::{BLOCK, Output, SequenceSlice, StepOutput};
use super::super::kernels::{self, Activations, Matrix, Pool};
use super::buffers::Row;
use super::decoder::Model;
use super::memory::KvLayer;
use super::weights::{Layer, Linear};

impl Model {
    /// Computes slices that were checked; `out` is empty.
    pub(super) fn compute(&mut self, slices: &[SequenceSlice<'_>], out: &mut StepOutput) {
        self.embed(slices);
        for layer in 0..self.shape.layers {
            self.project(layer);
            self.write_kv(layer, slices);
            if layer + 1 == self.shape.layers {
                self.buffers.keep_output_rows(&self.shape);
                if self.buffers.rows.is_empty() {
                    return;
                }
            }
            self.attend(layer, slices);
            self.feed_forward(layer);
        }
        if self.return_hidden(&mut out.hidden) {
            self.buffers.keep_logits_rows(&self.shape);
        }
        if !self.buffers.rows.is_empty() {
            self.return_logits(&mut out.logits);
        }
    }

    /// Lays out the rows, and looks up the embeddings of their tokens.
    fn embed(&mut self, slices: &[SequenceSlice<'_>]) {
        let Self { shape, weights, buffers, .. } = self;
        buffers.rows.clear();
        buffers.rope_cos_sin.clear();
        buffers.output_rows.clear();
        buffers.stream.resize(slices.iter().map(|slice| slice.tokens.len()).sum::<usize>() * shape.width, 0.0);
        for (index, slice) in slices.iter().enumerate() {
            let last = slice.start + slice.tokens.len() - 1;
            for (position, token) in (slice.start..).zip(slice.tokens) {
                let at = buffers.rows.len() * shape.width;
                weights.embedding.row(*token as usize, &mut buffers.stream[at..at + shape.width]);
                shape.rope.append(position, &mut buffers.rope_cos_sin);
                let output = slice.output.filter(|output| *output == Output::Hidden || position == last);
                if output.is_some() {
                    buffers.output_rows.push(buffers.rows.len());
                }
                buffers.rows.push(Row { slice: index, position, output });
            }
        }
        buffers.tile_queries(&shape.heads());
    }

    /// Queries, keys and values, normalised and rotated as the family does it.
    fn project(&mut self, index: usize) {
        let Self { family, shape, weights, buffers, pool, .. } = self;
        let layer = &weights.layers[index];
        let count = buffers.rows.len();
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
            let pairs = shape.dim / 2;
            let rotation = shape.rope.rotation;
            kernels::rotate(&mut buffers.queries, shape.queries(), &buffers.rope_cos_sin, pairs, rotation, pool);
            kernels::rotate(&mut buffers.keys, shape.keys(), &buffers.rope_cos_sin, pairs, rotation, pool);
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

    /// Writes keys and values into the KV blocks of their sequences.
    fn write_kv(&mut self, layer: usize, slices: &[SequenceSlice<'_>]) {
        let Self { shape, memory, buffers, .. } = self;
        let heads = shape.heads();
        let size = shape.keys();
        let KvLayer { keys, values } = &mut memory.layers[layer];
        for (row, at) in buffers.rows.iter().zip((0..).step_by(size)) {
            let block = slices[row.slice].block_table[row.position / BLOCK];
            let slot = row.position % BLOCK;
            kernels::write_kv(keys, &heads, block, slot, &buffers.keys[at..at + size]);
            kernels::write_kv(values, &heads, block, slot, &buffers.values[at..at + size]);
        }
    }

    /// Attention of each row over the KV blocks of its sequence, and its output projection.
    fn attend(&mut self, layer: usize, slices: &[SequenceSlice<'_>]) {
        let Self { shape, memory, buffers, pool, weights, .. } = self;
        let KvLayer { keys, values } = &memory.layers[layer];
        let kv = kernels::LayerKv { keys, values, heads: shape.heads(), scale: shape.scale };
        let block_table = |slice: usize| slices[slice].block_table;
        buffers.activations.fill(buffers.rows.len(), shape.queries(), |attended| {
            kernels::attend(&kv, &buffers.queries, &buffers.query_tiles, block_table, attended, pool);
        });
        multiply(&weights.layers[layer].attention_output, &buffers.activations, &mut buffers.delta, pool);
        kernels::add(&mut buffers.stream, &buffers.delta, pool);
    }

    /// The gated feed-forward network.
    fn feed_forward(&mut self, layer: usize) {
        let Self { shape, weights, buffers, pool, .. } = self;
        let count = buffers.rows.len();
        let Layer { ffn_norm, gate, up, down, .. } = &weights.layers[layer];
        buffers.activations.fill(count, shape.width, |normed| {
            kernels::rms_norm(&buffers.stream, ffn_norm, shape.epsilon, normed, pool);
        });
        multiply(up, &buffers.activations, &mut buffers.up, pool);
        buffers.ffn_hidden.fill(count, gate.rows(), |hidden| {
            gate.multiply(&buffers.activations, hidden, pool);
            kernels::silu_multiply(hidden, &buffers.up, pool);
        });
        multiply(down, &buffers.ffn_hidden, &mut buffers.delta, pool);
        kernels::add(&mut buffers.stream, &buffers.delta, pool);
    }

    /// The normalised final state of the rows that want it; false when none does.
    fn return_hidden(&mut self, hidden: &mut Vec<f32>) -> bool {
        let Self { shape, weights, buffers, pool, .. } = self;
        for (row, state) in buffers.rows.iter().zip(buffers.stream.chunks_exact(shape.width)) {
            if row.output == Some(Output::Hidden) {
                let at = hidden.len();
                hidden.resize(at + shape.width, 0.0);
                kernels::rms_norm(state, &weights.norm, shape.epsilon, &mut hidden[at..], pool);
            }
        }
        !hidden.is_empty()
    }

    /// The logits of the rows that are left.
    fn return_logits(&mut self, logits: &mut Vec<f32>) {
        let Self { shape, weights, buffers, pool, .. } = self;
        buffers.activations.fill(buffers.rows.len(), shape.width, |normed| {
            kernels::rms_norm(&buffers.stream, &weights.norm, shape.epsilon, normed, pool);
        });
        multiply(weights.output.as_ref().unwrap_or(&weights.embedding), &buffers.activations, logits, pool);
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
