//! The memory of keys and values: f16 bits, for each layer `[block][kv_head][16 tokens][dim]`.

use super::super::forward::BLOCK;
use super::super::gguf::GgufError;
use super::shape::Shape;

pub(super) struct Memory {
    pub layers: Vec<Cache>,
    blocks: usize,
    /// Numbers that a block has in the keys, or in the values, of one layer.
    numbers: usize,
}

/// Keys and values of one layer.
pub(super) struct Cache {
    pub keys: Vec<u16>,
    pub values: Vec<u16>,
}

impl Memory {
    /// As many blocks as fit into `bytes`.
    pub(super) fn reserve(shape: &Shape, bytes: usize) -> Result<Self, GgufError> {
        let numbers = BLOCK * shape.keys();
        // The shape's bounds keep this far below overflow.
        let block = 2 * size_of::<u16>() * numbers * shape.layers;
        let blocks = (bytes / block).min(u32::MAX as usize);
        if blocks == 0 {
            return Err(GgufError::unsupported(format!(
                "its keys and values need {block} bytes for {BLOCK} tokens, more than the {bytes} that are allowed"
            )));
        }
        let layers = (0..shape.layers)
            .map(|_| Ok(Cache { keys: zeros(blocks * numbers)?, values: zeros(blocks * numbers)? }))
            .collect::<Result<_, GgufError>>()?;
        Ok(Self { layers, blocks, numbers })
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Makes blocks zero.
    pub(super) fn erase(&mut self, blocks: &[u32]) {
        let numbers = self.numbers;
        for half in self.layers.iter_mut().flat_map(|layer| [&mut layer.keys, &mut layer.values]) {
            for block in blocks {
                half[*block as usize * numbers..][..numbers].fill(0);
            }
        }
    }

    /// Makes everything zero. The memory goes back to the system, which hands out zeros: to write them here would also touch
    /// what was never used.
    pub(super) fn erase_all(&mut self) {
        for half in self.layers.iter_mut().flat_map(|layer| [&mut layer.keys, &mut layer.values]) {
            let count = half.len();
            drop(std::mem::take(half));
            *half = vec![0; count];
        }
    }

    /// Whether all that a block holds are numbers: in f16, their exponents are not all ones.
    pub(super) fn is_sound(&self, block: u32) -> bool {
        let own = block as usize * self.numbers..(block as usize + 1) * self.numbers;
        let number = |bits: &u16| bits & 0x7c00 != 0x7c00;
        let mut halves = self.layers.iter().flat_map(|layer| [&layer.keys, &layer.values]);
        halves.all(|half| half[own.clone()].iter().all(number))
    }
}

/// Zeros that the system hands out only as they are written; an error where it has not even the addresses.
fn zeros(count: usize) -> Result<Vec<u16>, GgufError> {
    Vec::<u16>::new()
        .try_reserve_exact(count)
        .map_err(|_| GgufError::unsupported(format!("the system has no {count} × 2 bytes for its keys and values")))?;
    Ok(vec![0; count])
}
