//! What the quantised arithmetic loses: the witness on dialogues it never saw (`tests/witness/held_out.json`), against f32.
//!
//! Only the answers count, which is what the witness was trained to write. It knows many of them by heart, so that their
//! perplexity is close to 1 and moves little; the divergence of each next word's distribution from that of f32 says more.
//! The weights of the reference are the file's, read back to f32 and then rescaled so that they leave the grid on which they
//! were stored: otherwise `Q8_0` would lose nothing by construction. The network's hidden layer, 448 wide, is filled with
//! zeros to 512, for the blocks of 256 of `Q4_K` and `Q6_K`.
//!
//! `cargo test --release --lib quality -- --nocapture` prints the tables, of all dialogues.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::super::LocalModel;
use super::super::forward::{Forward, Output, SequenceSlice, StepOutput};
use super::super::gguf::Gguf;
use super::super::kernels::Pool;
use super::super::witness::WITNESS;
use super::{MemoryLimits, Model};
use crate::conversation::Role;
use crate::inference::{Message, Request, Sampling};

const VOCABULARY: usize = 1152;
const END: u32 = 2;
const HIDDEN: (usize, usize) = (448, 512);

/// A dialogue as tokens, and where the answer begins.
struct Dialogue {
    tokens: Vec<u32>,
    answer: usize,
}

static DIALOGUES: LazyLock<Vec<Dialogue>> = LazyLock::new(|| {
    let witness = LocalModel::witness().unwrap();
    let said: Vec<Vec<(String, String)>> =
        serde_json::from_str(include_str!("../../../../tests/witness/held_out.json")).unwrap();
    let read = |said: &Vec<(String, String)>| {
        let message = |(role, text): &(String, String)| {
            let role = match role.as_str() {
                "system" => Role::System,
                "user" => Role::User,
                _ => Role::Assistant,
            };
            Message::new(role, text)
        };
        let (answer, before) = said.split_last().unwrap();
        let request = Request::new(before.iter().map(message).collect(), Sampling::default());
        let mut tokens = witness.encode(&request).unwrap().tokens;
        let start = tokens.len();
        let content = super::super::tokenizer::Span::Content(answer.1.clone());
        tokens.extend(witness.tokenizer.prompt(&[content]).unwrap());
        tokens.push(END);
        Dialogue { tokens, answer: start }
    };
    // Unoptimised, all of them take minutes.
    said.iter().step_by(if cfg!(debug_assertions) { 6 } else { 1 }).map(read).collect()
});

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The witness' weights; `spike` is how much larger one in 64 activations is than it was.
fn weights(spike: f32) -> Tensors {
    let mut gguf = Gguf::embedded(WITNESS).unwrap();
    let mut tensors = Tensors::new();
    for name in gguf.content.tensor_infos.keys() {
        let tensor = gguf.content.tensor(&mut gguf.source, name, &Device::Cpu).unwrap();
        let tensor = tensor.dequantize(&Device::Cpu).unwrap();
        let dims = tensor.dims().to_vec();
        tensors.insert(name.clone(), (dims, tensor.flatten_all().unwrap().to_vec1().unwrap()));
    }
    for layer in 0..4 {
        let full = |name: &str| format!("blk.{layer}.{name}.weight");
        let attention = ["attn_q", "attn_k", "attn_v"].map(full);
        scale(&mut tensors, &full("attn_norm"), &attention.each_ref().map(String::as_str), spike, layer);
        let network = ["ffn_gate", "ffn_up"].map(full);
        scale(&mut tensors, &full("ffn_norm"), &network.each_ref().map(String::as_str), spike, layer + 4);
        scale(&mut tensors, &full("attn_v"), &[&full("attn_output")], 1.0, layer + 8);
        scale(&mut tensors, &full("ffn_up"), &[&full("ffn_down")], spike, layer + 12);
        let (real, padded) = HIDDEN;
        for name in ["ffn_gate", "ffn_up"] {
            let (dims, values) = tensors.get_mut(&full(name)).unwrap();
            dims[0] = padded;
            values.resize(padded * dims[1], 0.0);
        }
        let (dims, values) = tensors.get_mut(&full("ffn_down")).unwrap();
        dims[1] = padded;
        let widen = |row: &[f32]| [row, &[0.0; HIDDEN.1 - HIDDEN.0]].concat();
        *values = values.chunks(real).flat_map(widen).collect();
    }
    tensors
}

/// Makes what comes out of `from` larger or smaller, row by row, and the columns of `into` the inverse: the same function.
fn scale(tensors: &mut Tensors, from: &str, into: &[&str], spike: f32, salt: usize) {
    let rows = tensors[from].0[0];
    let factor = |row: usize| {
        let off_the_grid = 1.0 + 0.4 * ((row * 7 + salt) as f32 * 12.9898).sin();
        if row % 64 == (salt * 11) % 64 { off_the_grid * spike } else { off_the_grid }
    };
    let (_, values) = tensors.get_mut(from).unwrap();
    let width = values.len() / rows;
    values.iter_mut().enumerate().for_each(|(at, value)| *value *= factor(at / width));
    for name in into {
        let (_, values) = tensors.get_mut(*name).unwrap();
        values.iter_mut().enumerate().for_each(|(at, value)| *value /= factor(at % rows));
    }
}

/// A model with matrices stored as `kind`; `wide`: read back to f32, so that only the weights' own loss is left.
fn model(tensors: &Tensors, kind: GgmlDType, wide: bool) -> Model {
    let store = |(name, (dims, values)): (&String, &(Vec<usize>, Vec<f32>))| {
        let tensor = Tensor::from_vec(values.clone(), dims.clone(), &Device::Cpu).unwrap();
        let kind = if dims.len() == 2 { kind } else { GgmlDType::F32 };
        let stored = QTensor::quantize(&tensor, kind).unwrap();
        let widened = || QTensor::quantize(&stored.dequantize(&Device::Cpu).unwrap(), GgmlDType::F32).unwrap();
        (name.clone(), if wide { widened() } else { stored })
    };
    let stored: Vec<(String, QTensor)> = tensors.iter().map(store).collect();
    let gguf = Gguf::embedded(WITNESS).unwrap();
    let metadata: Vec<(&str, &Value)> =
        gguf.content.metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let borrowed: Vec<(&str, &QTensor)> = stored.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut file = Cursor::new(Vec::new());
    gguf_file::write(&mut file, &metadata, &borrowed).unwrap();
    let mut gguf = Gguf::embedded(file.into_inner().leak()).unwrap();
    let limits = MemoryLimits { context: 1024, memory: 16 << 20 };
    Model::load(&mut gguf, VOCABULARY, limits, Arc::new(Pool::new(2).unwrap())).unwrap()
}

/// The logarithms of the probabilities of each token at each place of each answer.
fn read(mut model: Model, group: Option<usize>) -> Vec<f32> {
    model.buffers.activations.round(group);
    model.buffers.ffn_hidden.round(group);
    let table: Vec<u32> = (0..64).collect();
    let mut all = Vec::new();
    let mut out = StepOutput::default();
    for Dialogue { tokens, answer } in DIALOGUES.iter() {
        let (before, rest) = tokens.split_at(answer - 1);
        let read =
            SequenceSlice { tokens: before, start: 0, block_table: &table, output: None, ..SequenceSlice::default() };
        // All but the last token are followed by one: each is a slice by itself, for its logits.
        let rest = rest[..rest.len() - 1].chunks(1).enumerate();
        let rest = rest.map(|(at, tokens)| SequenceSlice {
            tokens,
            start: answer - 1 + at,
            block_table: &table,
            output: Some(Output::Logits),
            ..SequenceSlice::default()
        });
        model.step(&[read].into_iter().chain(rest).collect::<Vec<_>>(), &mut out).unwrap();
        for row in out.logits.chunks_exact(VOCABULARY) {
            let peak = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = row.iter().map(|logit| f64::from(logit - peak).exp()).sum();
            all.extend(row.iter().map(|logit| logit - peak - sum.ln() as f32));
        }
    }
    all
}

/// How an arithmetic does on the answers.
#[derive(Clone, Copy)]
struct Quality {
    /// e to the mean surprise of the answers' tokens.
    perplexity: f64,
    /// The mean Kullback-Leibler divergence from the reference, in nats.
    divergence: f64,
    /// The share of places where the likeliest token is another one than with the reference.
    flips: f64,
}

impl Quality {
    fn of(found: &[f32], reference: &[f32]) -> Self {
        let answers = DIALOGUES.iter().flat_map(|dialogue| &dialogue.tokens[dialogue.answer..]);
        let (mut surprise, mut divergence, mut flips, mut count) = (0.0, 0.0, 0.0, 0.0);
        for ((token, found), reference) in
            answers.zip(found.chunks_exact(VOCABULARY)).zip(reference.chunks_exact(VOCABULARY))
        {
            surprise -= f64::from(found[*token as usize]);
            let apart = |(q, p): (&f32, &f32)| f64::from(*p).exp() * f64::from(p - q);
            divergence += found.iter().zip(reference).map(apart).sum::<f64>();
            flips += f64::from(u8::from(best(found) != best(reference)));
            count += 1.0;
        }
        assert!((count * VOCABULARY as f64 - found.len() as f64).abs() < 0.5);
        Self { perplexity: (surprise / count).exp(), divergence: divergence / count, flips: flips / count }
    }
}

fn best(row: &[f32]) -> Option<usize> {
    (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]))
}

/// Measures weights of a kind with activations as f32, with scales per 32 and per 256 values.
fn by_group(tensors: &Tensors, kind: GgmlDType, reference: &[f32]) -> [Quality; 3] {
    [None, Some(32), Some(256)].map(|group| {
        let quality = Quality::of(&read(model(tensors, kind, true), group), reference);
        let group = group.map_or("f32".to_owned(), |values| format!("int8 per {values}"));
        print(&format!("{kind:?}, activations {group}"), quality);
        quality
    })
}

fn print(name: &str, Quality { perplexity, divergence, flips }: Quality) {
    println!(
        "{name:36} perplexity {perplexity:.5}  divergence {divergence:.2e}  other first word {:.2} %",
        flips * 100.0
    );
}

#[test]
fn quantised_weights_and_activations_lose_little() {
    let tensors = weights(1.0);
    let reference = read(model(&tensors, GgmlDType::F32, true), None);
    let plain = Quality::of(&reference, &reference);
    println!("{} dialogues, {} places", DIALOGUES.len(), reference.len() / VOCABULARY);
    let [_, by_32, by_256] = by_group(&tensors, GgmlDType::F32, &reference);
    assert!(by_32.divergence < by_256.divergence);
    // Found, of all dialogues: 0.01 %, 0.01 % and 0.34 %.
    for (kind, group, bound) in [(GgmlDType::Q8_0, 1, 0.005), (GgmlDType::Q6K, 2, 0.005), (GgmlDType::Q4K, 2, 0.02)] {
        let each = by_group(&tensors, kind, &reference);
        // The product's own kernels: the same as its group with f32 weights, but for the order of sums.
        let ours = Quality::of(&read(model(&tensors, kind, false), None), &reference);
        print(&format!("{kind:?}, the kernels"), ours);
        let loss = ours.perplexity / plain.perplexity - 1.0;
        println!("{kind:?} loses {:.3} % of perplexity", loss * 100.0);
        assert!(loss.abs() < bound, "{kind:?} loses {loss}");
        let apart = (ours.divergence / each[group].divergence - 1.0).abs();
        assert!(apart < 0.5, "{kind:?}: {} and {}", ours.divergence, each[group].divergence);
        if group == 2 {
            // Why 256 are enough for these: all activations together lose less than the weights do.
            assert!(each[2].divergence < 2.0 * each[0].divergence, "{kind:?}");
        }
    }
}

/// Models have activations that are much larger than their neighbours; what these hide, with either group. The weights stay
/// f32: those that meet the outliers are smaller here by as much, which no trained model's are.
#[test]
fn outliers_cost_the_coarser_grain_more() {
    for spike in [10.0, 50.0] {
        let tensors = weights(spike);
        let reference = read(model(&tensors, GgmlDType::F32, true), None);
        println!("one activation in 64 is {spike} times larger");
        let [_, by_32, by_256] = by_group(&tensors, GgmlDType::F32, &reference);
        assert!(by_256.divergence > 2.0 * by_32.divergence);
    }
}
