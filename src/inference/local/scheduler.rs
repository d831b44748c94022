//! Which tokens of which sequences are computed next: the engine's pure core, without threads, clocks or texts.
//!
//! A step takes one token for each sequence that decodes, and divides the rest of its tokens equally between the prompts that are
//! prefilled, so that a short question never waits for a long document. A sequence is admitted once the blocks for its longest
//! answer can be allocated, counting those of idle nodes: a sequence that runs never waits for memory, and is never preempted.
//!
//! Full blocks are published as soon as they are computed. Of prompts that are prefilled at the same time and begin alike, the oldest
//! computes the common blocks, and the others match them one step later.

use std::collections::{HashSet, VecDeque};

use super::forward::{AdapterId, BLOCK, BatchLimits, Output, SequenceSlice};
use super::prefix_cache::{NodeKey, NodeScope, PrefixCache};
use crate::inference::CacheScope;

/// What to compute, and for how long.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    /// The token ids.
    pub tokens: Vec<u32>,
    /// How many of the first of them every conversation may reuse.
    pub shared_prefix_len: usize,
    /// The conversation; with 0, nothing is kept.
    pub cache_key: u64,
    /// The adapter to compute with.
    pub adapter: AdapterId,
    /// What is wanted of it: the logits at its end, or all hidden states.
    pub output: Output,
    /// The most tokens that may follow.
    pub max_new_tokens: usize,
}

/// All sequences, waiting and running, and their blocks.
pub(super) struct Scheduler {
    cache: PrefixCache,
    limits: BatchLimits,
    waiting: VecDeque<Sequence>,
    /// The oldest first.
    running: Vec<Sequence>,
}

struct Sequence {
    id: u64,
    /// The prompt and the tokens generated since.
    tokens: Vec<u32>,
    prompt_len: usize,
    /// Blocks that every conversation may match.
    shared_blocks: usize,
    cache_key: u64,
    adapter: AdapterId,
    output: Output,
    /// The most blocks it can come to hold.
    max_blocks: usize,
    /// Its blocks: first `published` nodes, then private ones.
    block_table: Vec<u32>,
    published: usize,
    computed: usize,
    /// Prompt tokens that were matched in the cache.
    cached: usize,
    /// Tokens that it computes in this step.
    planned: usize,
}

/// What a sequence has got from a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Computed {
    /// The sequence.
    pub id: u64,
    /// What was returned for it.
    pub output: Output,
    /// The tokens of its slice.
    pub tokens: usize,
    /// Whether all its tokens are computed.
    pub finished: bool,
}

/// What a scheduler holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    /// Sequences that are computed.
    pub running: usize,
    /// Sequences that wait for blocks.
    pub waiting: usize,
    /// All KV blocks.
    pub blocks: usize,
    /// Those that a running sequence holds.
    pub used: usize,
}

/// What the prompt of a sequence cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PromptUsage {
    /// The prompt's length in tokens.
    pub prompt: usize,
    /// Tokens of it that were matched in the cache.
    pub cached: usize,
}

impl Scheduler {
    /// A scheduler of at most `sequences` sequences for a model with these limits.
    pub(super) fn new(limits: BatchLimits, sequences: usize) -> Self {
        // A quarter of a decode step is left for prefilling.
        let most = limits.sequences.min(limits.decode_step / 4 * 3).max(1);
        let limits = BatchLimits { sequences: sequences.clamp(1, most), ..limits };
        Self { cache: PrefixCache::new(limits.blocks), limits, waiting: VecDeque::new(), running: Vec::new() }
    }

    /// Queues a prompt behind those that wait. False for one that is empty or that all blocks together could not hold.
    pub(super) fn add(&mut self, id: u64, prompt: Prompt) -> bool {
        // The last token that is generated is never computed.
        let max_blocks = (prompt.tokens.len() + prompt.max_new_tokens.max(1) - 1).div_ceil(BLOCK);
        if prompt.tokens.is_empty() || max_blocks > self.cache.blocks() {
            return false;
        }
        let mut sequence = Sequence {
            id,
            prompt_len: prompt.tokens.len(),
            shared_blocks: prompt.shared_prefix_len.min(prompt.tokens.len()) / BLOCK,
            tokens: prompt.tokens,
            cache_key: prompt.cache_key,
            adapter: prompt.adapter,
            output: prompt.output,
            max_blocks,
            block_table: Vec::new(),
            published: 0,
            computed: 0,
            cached: 0,
            planned: 0,
        };
        // Tokens that are matched in the cache have no hidden states.
        if sequence.output == Output::Hidden || !self.limits.paged {
            sequence.shared_blocks = 0;
            sequence.cache_key = 0;
        }
        self.waiting.push_back(sequence);
        true
    }

    /// Whether one more prompt would run at once, were there enough blocks.
    pub(super) fn has_capacity(&self) -> bool {
        self.waiting.is_empty() && self.running.len() < self.limits.sequences
    }

    /// What it holds now.
    pub(super) fn load(&self) -> Load {
        let blocks = self.cache.blocks();
        let used = blocks - self.cache.available().min(blocks);
        Load { running: self.running.len(), waiting: self.waiting.len(), blocks, used }
    }

    /// Whether there is nothing to compute.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// Starts the sequences that waited longest, as long as there are blocks for their longest answers; returns their ids.
    pub(super) fn admit(&mut self) -> Vec<u64> {
        let mut admitted = Vec::new();
        while self.running.len() < self.limits.sequences
            && let Some(mut next) = self.waiting.pop_front()
        {
            next.match_prefix(&mut self.cache);
            let promised: usize = self.running.iter().map(Sequence::outstanding_blocks).sum();
            if promised + next.outstanding_blocks() > self.cache.available() {
                // It stays the first: otherwise small ones could overtake it for ever.
                next.release(&mut self.cache);
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
            sequence.match_prefix(&mut self.cache);
        }
        let mut computing = HashSet::new();
        let decodes = self.running.iter().any(|sequence| sequence.left() == 1);
        let mut tokens = if decodes { self.limits.decode_step } else { self.limits.prefill_step };
        let mut prefills = Vec::new();
        for (at, sequence) in self.running.iter_mut().enumerate() {
            sequence.planned = 0;
            if sequence.left() == 1 {
                sequence.planned = 1;
                tokens -= 1;
            } else if sequence.next_key().is_none_or(|key| computing.insert(key)) {
                prefills.push(at);
            }
        }
        // The shortest first, so that what it leaves of its share goes to the others.
        prefills.sort_by_key(|at| self.running[*at].left());
        for (before, at) in prefills.iter().enumerate() {
            let share = tokens.div_ceil(prefills.len() - before);
            let sequence = &mut self.running[*at];
            sequence.planned = sequence.left().min(share);
            tokens -= sequence.planned;
        }
        let cache = &mut self.cache;
        self.running.iter_mut().for_each(|sequence| sequence.allocate(cache));
        self.running.iter().any(|sequence| sequence.planned > 0)
    }

    /// The step that was planned.
    pub(super) fn slices(&self) -> Vec<SequenceSlice<'_>> {
        let planned = self.running.iter().filter(|sequence| sequence.planned > 0);
        planned.map(Sequence::slice).collect()
    }

    /// How many tokens of prompts and of answers the planned step has.
    pub(super) fn planned(&self) -> (usize, usize) {
        let planned = self.running.iter().filter(|sequence| sequence.planned > 0);
        planned.fold((0, 0), |(prompt, written), sequence| {
            let read = sequence.prompt_len.saturating_sub(sequence.computed).min(sequence.planned);
            (prompt + read, written + sequence.planned - read)
        })
    }

    /// How many tokens each sequence has of the step that was planned.
    pub(super) fn shares(&self) -> Vec<(u64, usize)> {
        let planned = self.running.iter().filter(|sequence| sequence.planned > 0);
        planned.map(|sequence| (sequence.id, sequence.planned)).collect()
    }

    /// Records that the planned step was computed; returns the sequences that got an output, in the order of the slices.
    pub(super) fn commit(&mut self) -> Vec<Computed> {
        let mut computed = Vec::new();
        for sequence in self.running.iter_mut().filter(|sequence| sequence.planned > 0) {
            let (output, tokens) = (sequence.slice().output, std::mem::take(&mut sequence.planned));
            sequence.computed += tokens;
            sequence.publish(&mut self.cache);
            let (id, finished) = (sequence.id, sequence.left() == 0);
            computed.extend(output.map(|output| Computed { id, output, tokens, finished }));
        }
        computed
    }

    /// Adds the token that was sampled for a sequence.
    pub(super) fn append(&mut self, id: u64, token: u32) {
        if let Some(sequence) = self.running.iter_mut().find(|sequence| sequence.id == id) {
            sequence.tokens.push(token);
        }
    }

    /// Ends a sequence, whether it runs or waits; its full blocks can be matched from now on.
    pub(super) fn end(&mut self, id: u64) -> Option<PromptUsage> {
        self.waiting.retain(|sequence| sequence.id != id);
        let at = self.running.iter().position(|sequence| sequence.id == id)?;
        // In place, so that the oldest stays the first.
        let mut sequence = self.running.remove(at);
        let usage = PromptUsage { prompt: sequence.prompt_len, cached: sequence.cached };
        sequence.release(&mut self.cache);
        Some(usage)
    }

    /// Ends all running sequences and empties the cache: after a step that failed, no block can be trusted. Returns the ids of the
    /// sequences. The caller overwrites all blocks.
    pub(super) fn abort(&mut self) -> Vec<u64> {
        self.cache = PrefixCache::new(self.cache.blocks());
        self.running.drain(..).map(|sequence| sequence.id).collect()
    }

    /// Ends a sequence whose output is not finite, and removes from the cache what it was computed from: all blocks of its
    /// conversation, and of the shared ones the first that is not `finite` with all below it.
    pub(super) fn discard(&mut self, id: u64, finite: impl Fn(u32) -> bool) {
        let Some(at) = self.running.iter().position(|sequence| sequence.id == id) else { return };
        let mut sequence = self.running.remove(at);
        let nodes = &sequence.block_table[..sequence.published];
        let broken = nodes.iter().position(|block| !finite(*block)).unwrap_or(nodes.len());
        let doomed = nodes.get(broken.min(sequence.shared_blocks)).copied();
        sequence.release(&mut self.cache);
        if let Some(root) = doomed {
            self.cache.invalidate_below(root);
        }
    }

    /// Removes from the cache the idle blocks in a scope.
    pub(super) fn invalidate(&mut self, scope: CacheScope) {
        self.cache.invalidate(scope);
    }

    /// The free blocks that still contain keys and values: the caller overwrites them before the next step is planned.
    pub(super) fn take_dirty(&mut self) -> Vec<u32> {
        self.cache.take_dirty()
    }
}

impl Sequence {
    /// Tokens that are known and not computed.
    fn left(&self) -> usize {
        self.tokens.len() - self.computed
    }

    /// Blocks that it may still allocate.
    fn outstanding_blocks(&self) -> usize {
        self.max_blocks.saturating_sub(self.block_table.len())
    }

    /// The key of the block at this index, if its tokens fill it and another sequence may match it.
    fn key(&self, at: usize) -> Option<NodeKey> {
        let scope = match self.cache_key {
            _ if at < self.shared_blocks => NodeScope::Shared,
            0 => return None,
            cache_key => NodeScope::Conversation(cache_key),
        };
        let parent = at.checked_sub(1).and_then(|before| self.block_table.get(before).copied());
        let tokens = self.tokens.get(at * BLOCK..(at + 1) * BLOCK)?.try_into().ok()?;
        Some(NodeKey { parent, scope, adapter: self.adapter, tokens })
    }

    /// The key of the prompt's block that is computed next, if other sequences could wait for it. One token must be left after the
    /// block, for its logits.
    fn next_key(&self) -> Option<NodeKey> {
        let next = self.computed / BLOCK;
        let useful = self.published == next && (next + 1) * BLOCK < self.prompt_len;
        if useful { self.key(next) } else { None }
    }

    /// Takes over the blocks of the prompt that are in the cache.
    fn match_prefix(&mut self, cache: &mut PrefixCache) {
        // At a block's border only: a block that was begun is finished.
        while self.computed.is_multiple_of(BLOCK)
            && let Some(block) = self.next_key().and_then(|key| cache.retain(&key))
        {
            self.block_table.push(block);
            self.published += 1;
            self.computed += BLOCK;
            self.cached += BLOCK;
        }
    }

    /// Allocates the blocks for what is planned. Its admission has promised them; should that be wrong, it pauses.
    fn allocate(&mut self, cache: &mut PrefixCache) {
        while self.block_table.len() * BLOCK < self.computed + self.planned {
            let Some(block) = cache.allocate() else {
                self.planned = 0;
                return;
            };
            self.block_table.push(block);
        }
    }

    fn slice(&self) -> SequenceSlice<'_> {
        let end = self.computed + self.planned;
        let output = match self.output {
            Output::Hidden => Some(Output::Hidden),
            Output::Logits => (end == self.tokens.len()).then_some(Output::Logits),
        };
        SequenceSlice {
            tokens: &self.tokens[self.computed..end],
            start: self.computed,
            block_table: &self.block_table,
            adapter: self.adapter,
            output,
        }
    }

    /// Publishes the blocks that are full.
    fn publish(&mut self, cache: &mut PrefixCache) {
        while (self.published + 1) * BLOCK <= self.computed
            && let Some(key) = self.key(self.published)
        {
            let block = &mut self.block_table[self.published];
            *block = cache.publish(key, *block);
            self.published += 1;
        }
    }

    /// Releases all blocks and starts anew.
    fn release(&mut self, cache: &mut PrefixCache) {
        while let Some(block) = self.block_table.pop() {
            if self.block_table.len() < self.published {
                cache.release(block);
            } else {
                cache.free(block);
            }
        }
        self.published = 0;
        self.computed = 0;
        self.cached = 0;
        self.planned = 0;
    }
}

#[cfg(test)]
#[path = "scheduler_tests.rs"]
mod tests;
