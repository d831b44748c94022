//! A model of candle as a [`Forward`].

use std::io::Cursor;

use candle_core::quantized::gguf_file::{self, Content, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::super::forward::{AdapterId, BLOCK, BatchLimits, Forward, Output, SequenceSlice, StepOutput};
use super::super::gguf::Gguf;
use super::super::gguf_error::{GgufError, first_line};
use super::architecture::Architecture;
use super::check;
use super::weights::Weights;

/// Models of at most this many weights are dequantised to f32. Candle's quantised kernels divide each product among threads that
/// wait for one another in a busy loop: on two busy cores, the test model (2.7 million) generated 5 tokens a second with them,
/// and some hundreds without. Above this size, the arithmetic outweighs the waiting.
const DEQUANTISED: usize = 8 << 20;

/// Tokens computed in one pass at most, where that must be the whole prompt.
pub(super) const AT_ONCE: usize = 1024;

/// Tokens of a step: after each, a dropped answer is noticed.
const STEP: usize = 120;

/// A model of candle behind [`Forward`]: it keeps keys and values itself, so that there is one sequence at a time, and the block table
/// only tells it from another.
pub(in super::super) struct CandleModel {
    architecture: Architecture,
    weights: Weights,
    vocabulary: usize,
    context: usize,
    /// The sequence of the last step.
    sequence: Option<Sequence>,
}

/// The sequence that candle's model holds keys and values of.
struct Sequence {
    /// Its first block.
    block: Option<u32>,
    /// Tokens received so far.
    position: usize,
    /// The last of these, not computed yet.
    pending: Vec<u32>,
    /// Whether a single token was computed in a pass.
    alone: bool,
}

impl CandleModel {
    /// Checks the file and loads its weights; `context` bounds a sequence, in tokens.
    pub(in super::super) fn load(gguf: Gguf, vocabulary: usize, context: usize) -> Result<Self, GgufError> {
        Self::load_with(gguf, vocabulary, context, DEQUANTISED)
    }

    pub(super) fn load_with(
        mut gguf: Gguf,
        vocabulary: usize,
        context: usize,
        dequantised: usize,
    ) -> Result<Self, GgufError> {
        let architecture = Architecture::of(&gguf)?;
        let shape = check::check(&gguf, architecture, vocabulary)?;
        let context = context.min(shape.context);
        check::normalise(&mut gguf, architecture, &shape, context);
        let elements: usize = gguf.content.tensor_infos.values().map(|info| info.shape.elem_count()).sum();
        if elements <= dequantised {
            gguf = dequantise(gguf, architecture)
                .map_err(|error| GgufError::damaged(format!("its weights cannot be read: {}", first_line(&error))))?;
        }
        let weights = Weights::load(architecture, gguf)
            .map_err(|error| GgufError::damaged(format!("its weights cannot be loaded: {}", first_line(&error))))?;
        Ok(Self { architecture, weights, vocabulary, context, sequence: None })
    }

    /// Computes tokens, from `start` on; the result is the logits of the last of them.
    fn compute(&mut self, tokens: &[u32], start: usize) -> Result<Vec<f32>, String> {
        Tensor::new(tokens, &Device::Cpu)
            .and_then(|input| input.unsqueeze(0))
            .and_then(|input| self.weights.forward(&input, start))
            .and_then(|output| output.flatten_all()?.to_vec1())
            .map_err(|error| first_line(&error))
    }

    /// Appends tokens to a sequence; returns the logits of the last one, if they are wanted.
    fn append(&mut self, sequence: &mut Sequence, slice: &SequenceSlice<'_>) -> Result<Vec<f32>, String> {
        sequence.pending.extend_from_slice(slice.tokens);
        sequence.position += slice.tokens.len();
        let first = sequence.position == sequence.pending.len();
        if self.architecture.reads_at_once() && first {
            if slice.output.is_none() && sequence.pending.len() < AT_ONCE {
                return Ok(Vec::new());
            }
            // Candle takes a single token for a later one, even at the start.
            if sequence.pending.len() == 1 {
                return Err("a sequence of this model begins with two tokens at least".to_owned());
            }
        }
        let pending = std::mem::take(&mut sequence.pending);
        let (mut rest, mut logits) = (&pending[..], Vec::new());
        while !rest.is_empty() {
            let start = sequence.position - rest.len();
            let count = self.architecture.piece(rest.len(), start, sequence.alone);
            let (piece, after) = rest.split_at(count);
            logits = self.compute(piece, start)?;
            sequence.alone |= count == 1;
            rest = after;
        }
        Ok(logits)
    }
}

impl Forward for CandleModel {
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    fn hidden(&self) -> Option<usize> {
        None
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits {
            context: self.context,
            blocks: self.context.div_ceil(BLOCK),
            sequences: 1,
            paged: false,
            decode_step: STEP,
            prefill_step: STEP,
        }
    }

    fn step(&mut self, slices: &[SequenceSlice<'_>], out: &mut StepOutput) -> Result<(), String> {
        out.clear();
        for slice in slices {
            if slice.output == Some(Output::Hidden) {
                return Err("candle's models return logits only".to_owned());
            }
            if slice.adapter != AdapterId::BASE {
                return Err(format!("there is no adapter {}", slice.adapter.0));
            }
            let block = slice.block_table.first().copied();
            if slice.start == 0 {
                self.weights.restart();
                self.sequence = Some(Sequence { block, position: 0, pending: Vec::new(), alone: false });
            }
            // Taken out, so that a sequence whose step failed is not continued.
            let same = |sequence: &mut Sequence| sequence.block == block && sequence.position == slice.start;
            let mut sequence = self.sequence.take_if(same).ok_or("one sequence was continued as another")?;
            if slice.tokens.is_empty() || slice.start.saturating_add(slice.tokens.len()) > self.context {
                return Err(format!("a slice of {} tokens does not fit at {}", slice.tokens.len(), slice.start));
            }
            let next = self.append(&mut sequence, slice)?;
            self.sequence = Some(sequence);
            if slice.output.is_some() {
                out.logits.extend(next);
            }
        }
        Ok(())
    }

    /// The memory of candle's keys and values is freed; it cannot be overwritten from here.
    fn erase(&mut self, blocks: &[u32]) {
        if self.sequence.as_ref().and_then(|sequence| sequence.block).is_some_and(|block| blocks.contains(&block)) {
            self.erase_all();
        }
    }

    fn erase_all(&mut self) {
        self.weights.restart();
        self.sequence = None;
    }
}

/// The same model with weights in f32, in memory.
pub(super) fn dequantise(mut gguf: Gguf, architecture: Architecture) -> candle_core::Result<Gguf> {
    let mut tensors = Vec::new();
    for name in gguf.content.tensor_infos.keys() {
        let narrow = gguf.content.tensor(&mut gguf.source, name, &Device::Cpu)?;
        tensors.push((name.as_str(), QTensor::quantize(&narrow.dequantize(&Device::Cpu)?, GgmlDType::F32)?));
    }
    let prefix = architecture.key("");
    let read = |key: &str| key.starts_with(&prefix) || matches!(key, "general.architecture" | "general.dtype");
    let metadata = gguf.content.metadata.iter().filter(|(key, _)| read(key));
    let metadata: Vec<(&str, &Value)> = metadata.map(|(key, value)| (key.as_str(), value)).collect();
    let borrowed: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let mut file = Cursor::new(Vec::new());
    gguf_file::write(&mut file, &metadata, &borrowed)?;
    file.set_position(0);
    Ok(Gguf::from_parts(Content::read(&mut file)?, file.into_inner()))
}
