//! A KV memory for tests, in which a wrong block shows.

use super::forward::{AdapterId, BLOCK, SequenceSlice};

/// What a sequence left in its blocks, read back through its table.
pub(super) struct Seen {
    /// Its tokens, from the first position on.
    pub tokens: Vec<u32>,
    /// A hash of what all its cells hold.
    pub hash: u64,
}

/// One cell for each token of each block. As with real keys and values, what a cell holds depends on all cells before it.
pub(super) struct Cells {
    cells: Vec<Option<(u32, u64)>>,
}

impl Cells {
    pub(super) fn new(blocks: usize) -> Self {
        Self { cells: vec![None; blocks * BLOCK] }
    }

    pub(super) fn blocks(&self) -> usize {
        self.cells.len() / BLOCK
    }

    /// As [`Forward::erase`](super::forward::Forward::erase).
    pub(super) fn erase(&mut self, blocks: &[u32]) {
        for block in blocks {
            self.cells[*block as usize * BLOCK..][..BLOCK].fill(None);
        }
    }

    /// Whether no cell holds anything.
    pub(super) fn is_empty(&self) -> bool {
        self.cells.iter().all(Option::is_none)
    }

    /// Computes a slice.
    pub(super) fn compute(&mut self, slice: &SequenceSlice<'_>) -> Seen {
        let end = slice.start + slice.tokens.len();
        assert!(!slice.tokens.is_empty());
        assert_eq!(slice.block_table.len(), end.div_ceil(BLOCK));
        let cell = |position: usize| slice.block_table[position / BLOCK] as usize * BLOCK + position % BLOCK;
        let mut seen = Seen { tokens: Vec::new(), hash: u64::from(slice.adapter.0) };
        for position in 0..slice.start {
            let (token, value) = self.cells[cell(position)].expect("a cell that was computed");
            seen.tokens.push(token);
            seen.hash = mix(seen.hash, value);
        }
        for (position, token) in (slice.start..end).zip(slice.tokens) {
            let value = mix(seen.hash, u64::from(*token));
            self.cells[cell(position)] = Some((*token, value));
            seen.tokens.push(*token);
            seen.hash = mix(seen.hash, value);
        }
        seen
    }
}

/// The hash of a sequence that was computed alone with an adapter.
pub(super) fn alone(adapter: AdapterId, tokens: &[u32]) -> u64 {
    tokens.iter().fold(u64::from(adapter.0), |hash, token| mix(hash, mix(hash, u64::from(*token))))
}

/// `SplitMix64`'s finaliser over both.
fn mix(hash: u64, value: u64) -> u64 {
    let mut x = hash.rotate_left(17) ^ value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
