//! The forward pass of BERT and XLM-R: rows of several texts at once, without padding, so that a batch equals each alone.

use std::path::Path;
use std::sync::Arc;

use super::super::gguf_error::GgufError;
use super::super::kernels::{
    Activations, LayerNorm, Pool, Projections, add_bias_gelu, add_layer_norm, add_to_each, attend_all,
};
use super::head::{Head, Wanted};
use super::settings::Shape;
use super::tokens::Sequence;
use super::weights::{Files, Linear, Table};
use crate::inference::config::{Pooling, Weights};

/// Rows that a matrix is multiplied with at once: some milliseconds of work, after which others may compute.
const STRIP: usize = 256;

/// An encoder in memory.
pub(super) struct Encoder {
    pub(super) shape: Shape,
    words: Table,
    positions: Vec<f32>,
    types: Vec<f32>,
    norm: LayerNorm,
    layers: Vec<Layer>,
    head: Option<Head>,
    pool: Arc<Pool>,
    /// Tells this model's weights from others'.
    pub(super) print: String,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    output_norm: LayerNorm,
}

/// What is made of the hidden states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A vector of length 1 for each text.
    Embed(Pooling),
    /// One score for each pair, from 0 to 1.
    Score,
    /// How likely each label is for each token, one token after the other.
    Label,
}

impl Encoder {
    /// Loads the weights of a folder.
    pub(super) fn load(
        folder: &Path,
        shape: Shape,
        weights: Weights,
        wanted: Wanted,
        pool: Arc<Pool>,
    ) -> Result<Self, GgufError> {
        let files = Files::open(folder, weights)?;
        let head = Head::load(&files, &shape, wanted, &pool)?;
        let Shape { width, vocabulary, positions, token_types, .. } = shape;
        let own = |files: &Files, name: &str| files.own(&format!("embeddings.{name}"));
        let (words, norm) = (own(&files, "word_embeddings.weight"), own(&files, "LayerNorm"));
        let (places, types) = (own(&files, "position_embeddings.weight"), own(&files, "token_type_embeddings.weight"));
        let mut encoder = Self {
            words: files.table(&words, vocabulary, width)?,
            positions: files.floats(&places, &[positions, width])?,
            types: files.floats(&types, &[token_types, width])?,
            norm: files.norm(&norm, &shape)?,
            layers: Vec::new(),
            head,
            shape,
            pool,
            print: String::new(),
        };
        for index in 0..shape.layers {
            encoder.layers.push(Layer::load(&files, &shape, index, &encoder.pool)?);
        }
        let more = files.own(&format!("encoder.layer.{}.output.dense.weight", shape.layers));
        if files.has(&more) {
            return Err(GgufError::damaged("it has more layers than its config.json says"));
        }
        encoder.print = files.print()?;
        Ok(encoder)
    }

    /// One result for each text, in their order. `breathe` is called every few milliseconds.
    ///
    /// # Errors
    /// A sentence when a result is not finite, as that of damaged weights.
    pub(super) fn compute(
        &self,
        sequences: &[Sequence],
        purpose: Purpose,
        breathe: &mut dyn FnMut(),
    ) -> Result<Vec<Vec<f32>>, String> {
        let states = self.states(sequences, breathe)?;
        let width = self.shape.width;
        let mut first = 0;
        let mut texts = Vec::with_capacity(sequences.len());
        for sequence in sequences {
            let length = sequence.ids.len();
            texts.push(&states[first * width..(first + length) * width]);
            first += length;
        }
        let head = self.head.as_ref();
        let result = |states: &[f32]| match purpose {
            Purpose::Embed(pooling) => Some(embed(states, width, pooling)),
            Purpose::Score => head?.score(&states[..width], &self.pool),
            Purpose::Label => head?.chances(states, width, &self.pool),
        };
        let results: Option<Vec<Vec<f32>>> = texts.into_iter().map(result).collect();
        let results = results.ok_or_else(|| "it has no head for that".to_owned())?;
        if results.iter().flatten().all(|value| value.is_finite()) {
            Ok(results)
        } else {
            Err("it returned no finite values: its weights may be damaged".to_owned())
        }
    }

    /// The hidden states of all tokens after the last layer.
    fn states(&self, sequences: &[Sequence], breathe: &mut dyn FnMut()) -> Result<Vec<f32>, String> {
        let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.ids.len()).collect();
        let mut x = self.look_up(sequences)?;
        let mut rows = Rows::new(x.len());
        for layer in &self.layers {
            layer.compute(&self.shape, &lengths, &mut x, &mut rows, &self.pool, breathe);
        }
        Ok(x)
    }

    /// Word, position and type of every token, added and normed.
    fn look_up(&self, sequences: &[Sequence]) -> Result<Vec<f32>, String> {
        let Shape { width, vocabulary, first_position, token_types, .. } = self.shape;
        let rows: usize = sequences.iter().map(|sequence| sequence.ids.len()).sum();
        let mut x = vec![0.0; rows * width];
        let mut out = x.chunks_exact_mut(width);
        for sequence in sequences {
            for (at, (id, kind)) in sequence.ids.iter().zip(&sequence.types).enumerate() {
                let Some(out) = out.next().filter(|_| (*id as usize) < vocabulary && at < self.shape.context()) else {
                    return Err("a text has tokens that the model does not know, or too many".to_owned());
                };
                self.words.add(*id as usize, out);
                let kind = (*kind as usize).min(token_types - 1);
                let row = |table: &[f32], row: usize, out: &mut [f32]| add_to_each(out, &table[row * width..][..width]);
                row(&self.types, kind, out);
                row(&self.positions, first_position + at, out);
            }
        }
        let nothing = vec![0.0; width];
        let zeros = vec![0.0; x.len()];
        add_layer_norm(&mut x, &nothing, &zeros, &self.norm, &self.pool);
        Ok(x)
    }
}

/// What a layer computes, for all rows.
struct Rows {
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    attended: Vec<f32>,
    input: Activations,
    between: Vec<f32>,
    wide: Vec<f32>,
}

impl Rows {
    fn new(size: usize) -> Self {
        let all = || vec![0.0; size];
        let (queries, keys, values, attended) = (all(), all(), all(), all());
        Self { queries, keys, values, attended, input: Activations::new(), between: Vec::new(), wide: Vec::new() }
    }
}

impl Linear {
    /// The product with its bias.
    pub(super) fn multiply(&self, x: &Activations, out: &mut [f32], pool: &Pool) {
        self.weights.multiply(x, out, pool);
        add_to_each(out, &self.bias);
    }
}

impl Layer {
    fn load(files: &Files, shape: &Shape, index: usize, pool: &Pool) -> Result<Self, GgufError> {
        let Shape { width, hidden, .. } = *shape;
        let name = |files: &Files, name: &str| files.own(&format!("encoder.layer.{index}.{name}"));
        let linear = |part: &str, rows, columns| {
            let name = name(files, part);
            files.linear(&name, rows, columns, pool)
        };
        let query = linear("attention.self.query", width, width)?;
        let key = linear("attention.self.key", width, width)?;
        let value = linear("attention.self.value", width, width)?;
        let output = linear("attention.output.dense", width, width)?;
        let up = linear("intermediate.dense", hidden, width)?;
        let down = linear("output.dense", width, hidden)?;
        let (first, last) = (name(files, "attention.output.LayerNorm"), name(files, "output.LayerNorm"));
        let (attention_norm, output_norm) = (files.norm(&first, shape)?, files.norm(&last, shape)?);
        Ok(Self { query, key, value, output, attention_norm, up, down, output_norm })
    }

    /// Replaces the rows of `x` by those after this layer.
    fn compute(
        &self,
        shape: &Shape,
        lengths: &[usize],
        x: &mut [f32],
        rows: &mut Rows,
        pool: &Pool,
        breathe: &mut dyn FnMut(),
    ) {
        let width = shape.width;
        let strip = STRIP * width;
        for from in (0..x.len()).step_by(strip) {
            let range = from..x.len().min(from + strip);
            rows.input.fill(range.len() / width, width, |to| to.copy_from_slice(&x[range.clone()]));
            self.query.multiply(&rows.input, &mut rows.queries[range.clone()], pool);
            self.key.multiply(&rows.input, &mut rows.keys[range.clone()], pool);
            self.value.multiply(&rows.input, &mut rows.values[range], pool);
            breathe();
        }
        let Rows { queries, keys, values, attended, input, between, wide } = rows;
        let all = Projections { queries, keys, values, heads: shape.heads, dim: width / shape.heads };
        attend_all(&all, lengths, attended, pool, &mut *breathe);
        for (x, attended) in x.chunks_mut(strip).zip(attended.chunks(strip)) {
            let count = x.len() / width;
            between.resize(x.len(), 0.0);
            wide.resize(count * shape.hidden, 0.0);
            input.fill(count, width, |to| to.copy_from_slice(attended));
            self.output.weights.multiply(input, between, pool);
            add_layer_norm(between, &self.output.bias, x, &self.attention_norm, pool);
            input.fill(count, width, |to| to.copy_from_slice(between));
            self.up.weights.multiply(input, wide, pool);
            add_bias_gelu(wide, &self.up.bias, pool);
            breathe();
            input.fill(count, shape.hidden, |to| to.copy_from_slice(wide));
            self.down.weights.multiply(input, x, pool);
            add_layer_norm(x, &self.down.bias, between, &self.output_norm, pool);
            breathe();
        }
    }
}

/// The vector of a text from the states of its tokens, scaled to length 1; not finite when it has no direction.
fn embed(states: &[f32], width: usize, pooling: Pooling) -> Vec<f32> {
    let mut vector = vec![0.0_f32; width];
    match pooling {
        Pooling::Mean => states.chunks_exact(width).for_each(|state| add_to_each(&mut vector, state)),
        Pooling::Cls => vector.copy_from_slice(&states[..width]),
    }
    let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    vector.iter().map(|value| (f64::from(*value) / length) as f32).collect()
}
