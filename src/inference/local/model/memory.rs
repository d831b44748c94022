//! The memory for keys and values: f16 bits, for each layer `[block][kv_head][16 tokens][dim]`.

use super::super::forward::BLOCK;
use super::super::gguf_error::GgufError;
use super::shape::Shape;

pub(super) struct KvMemory {
    pub layers: Vec<KvLayer>,
    blocks: usize,
    /// Values of a block in the keys, or in the values, of one layer.
    block_len: usize,
}

/// Keys and values of one layer.
pub(super) struct KvLayer {
    pub keys: Vec<u16>,
    pub values: Vec<u16>,
}

impl KvMemory {
    /// As many blocks as fit into `bytes`.
    pub(super) fn reserve(shape: &Shape, bytes: usize) -> Result<Self, GgufError> {
        let block_len = BLOCK * shape.keys();
        // The shape's bounds keep this far below overflow.
        let block = 2 * size_of::<u16>() * block_len * shape.layers;
        let blocks = (bytes / block).min(u32::MAX as usize);
        if blocks == 0 {
            return Err(GgufError::unsupported(format!(
                "its keys and values need {block} bytes for {BLOCK} tokens, more than the {bytes} that are allowed"
            )));
        }
        let layers = (0..shape.layers)
            .map(|_| Ok(KvLayer { keys: zeros(blocks * block_len)?, values: zeros(blocks * block_len)? }))
            .collect::<Result<_, GgufError>>()?;
        Ok(Self { layers, blocks, block_len })
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Overwrites blocks with zeros.
    pub(super) fn erase(&mut self, blocks: &[u32]) {
        let block_len = self.block_len;
        for half in self.layers.iter_mut().flat_map(|layer| [&mut layer.keys, &mut layer.values]) {
            for block in blocks {
                half[*block as usize * block_len..][..block_len].fill(0);
            }
        }
    }

    /// Replaces everything by zeros. The memory is returned to the system, which hands out zeroed pages: writing zeros here would
    /// also touch the pages that were never used.
    pub(super) fn erase_all(&mut self) {
        for half in self.layers.iter_mut().flat_map(|layer| [&mut layer.keys, &mut layer.values]) {
            let count = half.len();
            drop(std::mem::take(half));
            *half = vec![0; count];
        }
    }

    /// Whether all values of a block are finite: in f16, their exponents are not all ones.
    pub(super) fn is_finite(&self, block: u32) -> bool {
        let own = block as usize * self.block_len..(block as usize + 1) * self.block_len;
        let finite = |bits: &u16| bits & 0x7c00 != 0x7c00;
        let mut halves = self.layers.iter().flat_map(|layer| [&layer.keys, &layer.values]);
        halves.all(|half| half[own.clone()].iter().all(finite))
    }
}

/// Zeros whose pages the system provides only when they are written; an error where the address space is too small.
fn zeros(count: usize) -> Result<Vec<u16>, GgufError> {
    Vec::<u16>::new()
        .try_reserve_exact(count)
        .map_err(|_| GgufError::unsupported(format!("the system has no {count} × 2 bytes for its keys and values")))?;
    Ok(vec![0; count])
}
