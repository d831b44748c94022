//! Which tokens of which sequences are computed next: the engine's pure core, without threads, clocks or texts.
//!
//! A step takes one row for each sequence that writes, and shares the rest of its rows equally between the prompts being read, so
//! that a short question is never stuck behind a long document. A sequence is admitted once the blocks for its longest answer can
//! be had, counting those that idle conversations hold: nobody who has begun waits for memory, or is stopped for want of it.
//!
//! Full blocks are published as soon as they are computed. Of prompts that are read at the same time and begin alike, the oldest
//! computes and the others follow it, one step behind, for nothing.

use std::collections::{HashSet, VecDeque};

use super::cache::{Cache, Key, Scope, key};
use super::forward::{BLOCK, Forward, Part};
use crate::inference::CacheScope;

/// Rows of one step: large enough for the arithmetic to be fast, small enough for those who write not to stall. A multiple of the
/// twelve rows that the kernels take at once.
pub(super) const ROWS: usize = 60;

/// Rows of one step while nobody writes: nobody stalls, and the weights are read half as often.
pub(super) const MORE_ROWS: usize = 2 * ROWS;

/// The most sequences: a quarter of each step's rows stays for reading prompts.
const MOST: usize = ROWS / 4 * 3;

/// What to read, and how far to go on.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    /// The token ids.
    pub tokens: Vec<u32>,
    /// How many of the first of them may be shared between all owners.
    pub shared: usize,
    /// The conversation; 0 is nobody's.
    pub owner: u64,
    /// The most tokens that may follow.
    pub room: usize,
}

/// All sequences, waiting and running, and their blocks.
pub(super) struct Scheduler {
    cache: Cache,
    /// The most that run together.
    sequences: usize,
    /// Whether computed blocks can be found again.
    shares: bool,
    waiting: VecDeque<Sequence>,
    /// The oldest first.
    running: Vec<Sequence>,
}

struct Sequence {
    id: u64,
    /// The prompt and what was written since.
    tokens: Vec<u32>,
    prompt: usize,
    /// Blocks that everyone may find.
    shared: usize,
    owner: u64,
    /// The most blocks it can come to hold.
    most: usize,
    /// Its blocks: first `published` nodes, then private ones.
    table: Vec<u32>,
    published: usize,
    computed: usize,
    /// Prompt tokens that it did not have to compute.
    cached: usize,
    /// Tokens that it computes in this step.
    planned: usize,
}

/// What a sequence cost in prompt tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// The prompt's length.
    pub prompt: usize,
    /// Those that were not computed for it.
    pub cached: usize,
}

impl Scheduler {
    /// A scheduler of at most `sequences` sequences over this model's blocks.
    pub(super) fn new(forward: &dyn Forward, sequences: usize) -> Self {
        let shares = forward.batches();
        let sequences = if shares { sequences.clamp(1, MOST) } else { 1 };
        let cache = Cache::new(forward.blocks());
        Self { cache, sequences, shares, waiting: VecDeque::new(), running: Vec::new() }
    }

    /// Puts a prompt behind those that wait. False for one that is empty or that all blocks together could not hold.
    pub(super) fn add(&mut self, id: u64, prompt: Prompt) -> bool {
        let Prompt { tokens, shared, owner, room } = prompt;
        // The last token that is written is never read.
        let most = (tokens.len() + room.max(1) - 1).div_ceil(BLOCK);
        if tokens.is_empty() || most > self.cache.blocks() {
            return false;
        }
        let (shared, owner) = if self.shares { (shared.min(tokens.len()) / BLOCK, owner) } else { (0, 0) };
        self.waiting.push_back(Sequence {
            id,
            prompt: tokens.len(),
            tokens,
            shared,
            owner,
            most,
            table: Vec::new(),
            published: 0,
            computed: 0,
            cached: 0,
            planned: 0,
        });
        true
    }

    /// Whether one more prompt would run at once, were there enough blocks.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.is_empty() && self.running.len() < self.sequences
    }

    /// Whether there is nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// Starts those who waited longest, as long as there is room for their longest answers; returns who was started.
    pub(super) fn admit(&mut self) -> Vec<u64> {
        let mut admitted = Vec::new();
        while self.running.len() < self.sequences
            && let Some(mut next) = self.waiting.pop_front()
        {
            next.adopt(&mut self.cache);
            let promised: usize = self.running.iter().map(Sequence::outstanding).sum();
            if promised + next.outstanding() > self.cache.available() {
                // It stays the first: otherwise small ones could overtake it for ever.
                next.leave(&mut self.cache);
                self.waiting.push_front(next);
                break;
            }
            admitted.push(next.id);
            self.running.push(next);
        }
        admitted
    }

    /// Decides on the next step; false when there is nothing to compute.
    pub(super) fn plan(&mut self) -> bool {
        for sequence in &mut self.running {
            sequence.adopt(&mut self.cache);
        }
        let mut led = HashSet::new();
        let writes = self.running.iter().any(|sequence| sequence.left() == 1);
        let mut rows = if writes { ROWS } else { MORE_ROWS };
        let mut readers = Vec::new();
        for (at, sequence) in self.running.iter_mut().enumerate() {
            sequence.planned = 0;
            if sequence.left() == 1 {
                sequence.planned = 1;
                rows -= 1;
            } else if sequence.current_key().is_none_or(|key| led.insert(key)) {
                readers.push(at);
            }
        }
        // The shortest first, so that what it leaves of its share goes to the others.
        readers.sort_by_key(|at| self.running[*at].left());
        for (before, at) in readers.iter().enumerate() {
            let share = rows.div_ceil(readers.len() - before);
            let sequence = &mut self.running[*at];
            sequence.planned = sequence.left().min(share);
            rows -= sequence.planned;
        }
        let cache = &mut self.cache;
        self.running.iter_mut().for_each(|sequence| sequence.extend(cache));
        self.running.iter().any(|sequence| sequence.planned > 0)
    }

    /// The step that was planned.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        let planned = self.running.iter().filter(|sequence| sequence.planned > 0);
        planned.map(Sequence::part).collect()
    }

    /// Takes note that the planned step was computed; returns who got logits, in their order.
    pub(super) fn commit(&mut self) -> Vec<u64> {
        let mut ready = Vec::new();
        for sequence in self.running.iter_mut().filter(|sequence| sequence.planned > 0) {
            sequence.computed += std::mem::take(&mut sequence.planned);
            sequence.publish(&mut self.cache);
            if sequence.left() == 0 {
                ready.push(sequence.id);
            }
        }
        ready
    }

    /// Adds the token that was drawn for a sequence.
    pub(super) fn append(&mut self, id: u64, token: u32) {
        if let Some(sequence) = self.running.iter_mut().find(|sequence| sequence.id == id) {
            sequence.tokens.push(token);
        }
    }

    /// Ends a sequence, whether it runs or waits; its full blocks can be found from now on.
    pub(super) fn end(&mut self, id: u64) -> Option<Read> {
        self.waiting.retain(|sequence| sequence.id != id);
        let at = self.running.iter().position(|sequence| sequence.id == id)?;
        // In place, so that the oldest stays the first.
        let mut sequence = self.running.remove(at);
        let read = Read { prompt: sequence.prompt, cached: sequence.cached };
        sequence.leave(&mut self.cache);
        Some(read)
    }

    /// Ends all that run and forgets every block: after a step that failed, none is to be trusted. Returns who ran. The caller
    /// overwrites all blocks.
    pub(super) fn abandon(&mut self) -> Vec<u64> {
        self.cache = Cache::new(self.cache.blocks());
        self.running.drain(..).map(|sequence| sequence.id).collect()
    }

    /// Ends a sequence whose logits are useless, and forgets what led to them. Its own blocks go in any case; of those that are
    /// everyone's, the first that is not `sound` and all below it, whoever computed them.
    pub(super) fn discard(&mut self, id: u64, sound: impl Fn(u32) -> bool) {
        let Some(at) = self.running.iter().position(|sequence| sequence.id == id) else { return };
        let mut sequence = self.running.remove(at);
        let nodes = &sequence.table[..sequence.published];
        let spoilt = nodes.iter().position(|block| !sound(*block)).unwrap_or(nodes.len());
        let doomed = nodes.get(spoilt.min(sequence.shared)).copied();
        sequence.leave(&mut self.cache);
        if let Some(root) = doomed {
            self.cache.forget_below(root);
        }
    }

    /// Forgets the blocks of somebody that nobody holds.
    pub(super) fn forget(&mut self, whose: CacheScope) {
        self.cache.forget(whose);
    }

    /// The free blocks that still hold somebody's keys and values: the caller overwrites them before the next step is planned.
    pub(super) fn take_used(&mut self) -> Vec<u32> {
        self.cache.take_used()
    }
}

impl Sequence {
    /// Tokens that are known and not computed.
    fn left(&self) -> usize {
        self.tokens.len() - self.computed
    }

    /// Blocks that it may still take.
    fn outstanding(&self) -> usize {
        self.most.saturating_sub(self.table.len())
    }

    /// The key of the block at this index, if its tokens fill it and someone may find it.
    fn key(&self, at: usize) -> Option<Key> {
        let scope = match self.owner {
            _ if at < self.shared => Scope::Shared,
            0 => return None,
            owner => Scope::Of(owner),
        };
        let parent = at.checked_sub(1).and_then(|before| self.table.get(before).copied());
        key(parent, scope, self.tokens.get(at * BLOCK..(at + 1) * BLOCK)?)
    }

    /// The key of the prompt's block that is computed next, where others could be waiting for it: a token must be left after it,
    /// for its logits.
    fn current_key(&self) -> Option<Key> {
        let current = self.computed / BLOCK;
        let useful = self.published == current && (current + 1) * BLOCK < self.prompt;
        if useful { self.key(current) } else { None }
    }

    /// Takes the blocks of the prompt that are computed already.
    fn adopt(&mut self, cache: &mut Cache) {
        // At a border only: a block that was begun is finished.
        while self.computed.is_multiple_of(BLOCK)
            && let Some(block) = self.current_key().and_then(|key| cache.hold(&key))
        {
            self.table.push(block);
            self.published += 1;
            self.computed += BLOCK;
            self.cached += BLOCK;
        }
    }

    /// Takes the blocks for what is planned. Its admission has promised them; should that be wrong, it pauses.
    fn extend(&mut self, cache: &mut Cache) {
        while self.table.len() * BLOCK < self.computed + self.planned {
            let Some(block) = cache.take() else {
                self.planned = 0;
                return;
            };
            self.table.push(block);
        }
    }

    fn part(&self) -> Part<'_> {
        let end = self.computed + self.planned;
        Part {
            tokens: &self.tokens[self.computed..end],
            start: self.computed,
            table: &self.table,
            logits: end == self.tokens.len(),
        }
    }

    /// Publishes what is full.
    fn publish(&mut self, cache: &mut Cache) {
        while (self.published + 1) * BLOCK <= self.computed
            && let Some(key) = self.key(self.published)
        {
            let block = &mut self.table[self.published];
            *block = cache.publish(key, *block);
            self.published += 1;
        }
    }

    /// Lets all blocks go and starts anew.
    fn leave(&mut self, cache: &mut Cache) {
        while let Some(block) = self.table.pop() {
            if self.table.len() < self.published {
                cache.release(block);
            } else {
                cache.give(block);
            }
        }
        (self.published, self.computed, self.cached, self.planned) = (0, 0, 0, 0);
    }
}

#[cfg(test)]
#[path = "scheduler_tests.rs"]
mod tests;
