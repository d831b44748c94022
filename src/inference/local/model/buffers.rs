//! The buffers of a forward pass, and the rows in them.

use super::super::forward::Output;
use super::super::kernels::{Activations, Heads, QueryTile};
use super::shape::Shape;

/// The buffers of a pass; kept from step to step, so that none of them is allocated twice.
pub(super) struct Buffers {
    pub rows: Vec<Row>,
    /// Cosine and sine for each pair of a head, for each row.
    pub rope_cos_sin: Vec<(f32, f32)>,
    /// The indices of the rows with an output.
    pub output_rows: Vec<usize>,
    /// The residual stream.
    pub stream: Vec<f32>,
    /// The input of the next matrices: the normalised stream, or the output of attention.
    pub activations: Activations,
    /// The hidden layer of the feed-forward network.
    pub ffn_hidden: Activations,
    pub queries: Vec<f32>,
    pub keys: Vec<f32>,
    pub values: Vec<f32>,
    pub up: Vec<f32>,
    /// What a layer adds to the stream.
    pub delta: Vec<f32>,
    pub head: Vec<f32>,
    /// The rows, grouped as attention takes them.
    pub query_tiles: Vec<QueryTile>,
}

/// One token of a step.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// The index of its slice.
    pub slice: usize,
    /// Its position in its sequence.
    pub position: usize,
    /// What is returned for it.
    pub output: Option<Output>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            rows: Vec::new(),
            rope_cos_sin: Vec::new(),
            output_rows: Vec::new(),
            stream: Vec::new(),
            activations: Activations::new(),
            ffn_hidden: Activations::new(),
            queries: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            up: Vec::new(),
            delta: Vec::new(),
            head: Vec::new(),
            query_tiles: Vec::new(),
        }
    }

    /// Groups successive rows of one sequence into tiles.
    pub(super) fn tile_queries(&mut self, heads: &Heads) {
        self.query_tiles.clear();
        for (first, row) in self.rows.iter().enumerate() {
            let length = row.position + 1;
            if let Some(last) = self.query_tiles.last_mut()
                && last.sequence == row.slice
                && last.length + last.count == length
                && last.count < heads.tile_rows(length)
            {
                last.count += 1;
            } else {
                self.query_tiles.push(QueryTile { first, count: 1, length, sequence: row.slice });
            }
        }
    }

    /// Drops the rows without an output: nothing reads them after the last layer's keys and values.
    pub(super) fn keep_output_rows(&mut self, shape: &Shape) {
        for (to, from) in self.output_rows.iter().copied().enumerate() {
            self.rows[to] = self.rows[from];
            move_row(&mut self.stream, shape.width, from, to);
            move_row(&mut self.queries, shape.queries(), from, to);
        }
        let kept = self.output_rows.len();
        self.rows.truncate(kept);
        self.stream.truncate(kept * shape.width);
        self.queries.truncate(kept * shape.queries());
        self.tile_queries(&shape.heads());
    }

    /// Drops the rows whose logits are not wanted.
    pub(super) fn keep_logits_rows(&mut self, shape: &Shape) {
        let mut kept = 0;
        for from in 0..self.rows.len() {
            if self.rows[from].output == Some(Output::Logits) {
                self.rows[kept] = self.rows[from];
                move_row(&mut self.stream, shape.width, from, kept);
                kept += 1;
            }
        }
        self.rows.truncate(kept);
        self.stream.truncate(kept * shape.width);
    }
}

/// Moves a row up. `to` is never behind `from`.
fn move_row(x: &mut [f32], size: usize, from: usize, to: usize) {
    x.copy_within(from * size..(from + 1) * size, to * size);
}
