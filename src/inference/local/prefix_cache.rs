//! The KV blocks: which sequences hold which block, and which prefixes the idle blocks still contain.
//!
//! A full block whose prefix is known is a node in a prefix tree: a node is a block of [`BLOCK`] tokens below the node of the
//! tokens before it. A prompt that begins with the same tokens retains the nodes instead of computing them. A node is shared by
//! all or belongs to one conversation, and only they match it: a cache hit is observably faster, so it reveals that the prefix
//! was cached.
//!
//! The tree is a map from (parent, scope, adapter, tokens) to a block. It compares the tokens themselves and not hashes of them: a
//! collision would put another conversation's text into an answer.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::forward::{AdapterId, BLOCK};
use crate::inference::CacheScope;

/// Which sequences match a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum NodeScope {
    /// All: the tokens are a compagnon's fixed system prompt.
    Shared,
    /// Those of the conversation with this cache key.
    Conversation(u64),
}

impl NodeScope {
    fn is_in(self, scope: CacheScope) -> bool {
        match self {
            Self::Shared => scope == CacheScope::All,
            Self::Conversation(cache_key) => scope.covers(cache_key),
        }
    }
}

/// What identifies a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeKey {
    /// The node of the tokens before; `None` at the start of a sequence.
    pub parent: Option<u32>,
    /// Which sequences match it.
    pub scope: NodeScope,
    /// The adapter that the keys and values were computed with.
    pub adapter: AdapterId,
    /// The tokens of the block.
    pub tokens: [u32; BLOCK],
}

struct Node {
    key: NodeKey,
    /// The sequences that hold it. A sequence that holds a node holds all its ancestors.
    users: usize,
    /// The nodes directly below.
    children: usize,
    /// When it was released last.
    last_used: u64,
}

/// All KV blocks of a model. A block is free, or private to the sequence that allocated it, or a node.
pub(super) struct PrefixCache {
    free: Vec<u32>,
    /// By block; `None` for one that is free or private.
    nodes: Vec<Option<Node>>,
    by_key: HashMap<NodeKey, u32>,
    /// Nodes that no sequence holds.
    idle: usize,
    /// The idle nodes without children, the least recently used first: they can be evicted at once.
    leaves: BTreeSet<(u64, u32)>,
    clock: u64,
    /// Free blocks that still contain keys and values of a sequence.
    dirty: BTreeSet<u32>,
}

impl PrefixCache {
    /// All blocks are free.
    pub(super) fn new(blocks: usize) -> Self {
        Self {
            free: (0..u32::try_from(blocks).unwrap_or(u32::MAX)).rev().collect(),
            nodes: (0..blocks).map(|_| None).collect(),
            by_key: HashMap::new(),
            idle: 0,
            leaves: BTreeSet::new(),
            clock: 0,
            dirty: BTreeSet::new(),
        }
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.nodes.len()
    }

    /// How many blocks [`PrefixCache::allocate`] can return.
    pub(super) fn available(&self) -> usize {
        self.free.len() + self.idle
    }

    /// A block for the caller alone: a free one, or that of the least recently used idle node.
    pub(super) fn allocate(&mut self) -> Option<u32> {
        if self.free.is_empty() {
            self.evict();
        }
        let block = self.free.pop()?;
        self.dirty.remove(&block);
        Some(block)
    }

    /// Returns a block that was allocated and never published.
    pub(super) fn free(&mut self, block: u32) {
        self.free.push(block);
        self.dirty.insert(block);
    }

    /// The free blocks that the caller must overwrite before the next [`PrefixCache::allocate`].
    pub(super) fn take_dirty(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.dirty).into_iter().collect()
    }

    /// The node with this key, which the caller then holds.
    pub(super) fn retain(&mut self, key: &NodeKey) -> Option<u32> {
        let block = *self.by_key.get(key)?;
        let node = self.nodes.get_mut(block as usize)?.as_mut()?;
        if node.users == 0 {
            self.idle -= 1;
            self.leaves.remove(&(node.last_used, block));
        }
        node.users += 1;
        Some(block)
    }

    /// Makes a full, computed block a node that the caller holds. Where the node exists already, that one is returned and the block
    /// is freed.
    pub(super) fn publish(&mut self, key: NodeKey, block: u32) -> u32 {
        if let Some(existing) = self.retain(&key) {
            self.free(block);
            return existing;
        }
        // The caller holds the parent, so it is no leaf that could be evicted.
        if let Some(parent) = key.parent.and_then(|parent| self.node(parent)) {
            parent.children += 1;
        }
        self.by_key.insert(key, block);
        self.nodes[block as usize] = Some(Node { key, users: 1, children: 0, last_used: 0 });
        block
    }

    /// Releases a node. A sequence releases its last node first, so that the ends of conversations are evicted before their
    /// beginnings.
    pub(super) fn release(&mut self, block: u32) {
        self.clock += 1;
        let now = self.clock;
        let Some(node) = self.node(block) else { return };
        node.users -= 1;
        node.last_used = now;
        let (idle, leaf) = (node.users == 0, node.children == 0);
        if idle {
            self.idle += 1;
            if leaf {
                self.leaves.insert((now, block));
            }
        }
    }

    /// Frees the idle nodes in a scope.
    pub(super) fn invalidate(&mut self, scope: CacheScope) {
        // The ancestors of a conversation's node belong to the same conversation, or are shared.
        self.prune(|_, node| node.key.scope.is_in(scope));
    }

    /// Frees the idle nodes from this one on down.
    pub(super) fn invalidate_below(&mut self, root: u32) {
        let mut below = HashSet::new();
        for (_, leaf) in &self.leaves {
            let up = std::iter::successors(Some(*leaf), |block| self.parent(*block));
            let path: Vec<u32> = up.take_while(|block| *block != root).collect();
            let top = path.last().map_or(Some(*leaf), |top| self.parent(*top));
            if top == Some(root) {
                below.extend(path);
                below.insert(root);
            }
        }
        self.prune(|block, _| below.contains(&block));
    }

    /// Frees the nodes that `doomed` names, from the leaves up to the first that stays.
    fn prune(&mut self, doomed: impl Fn(u32, &Node) -> bool) {
        let named =
            |cache: &Self, block: u32| cache.nodes[block as usize].as_ref().is_some_and(|node| doomed(block, node));
        let leaves: Vec<(u64, u32)> = self.leaves.iter().filter(|(_, block)| named(self, *block)).copied().collect();
        for mut leaf in leaves {
            while self.leaves.remove(&leaf) {
                let parent = self.parent(leaf.1);
                self.free_leaf(leaf.1);
                self.dirty.insert(leaf.1);
                let Some(above) = parent.filter(|parent| named(self, *parent)) else { break };
                // Not among the leaves while a sequence holds it, or while it has other children.
                leaf = (self.nodes[above as usize].as_ref().map_or(0, |node| node.last_used), above);
            }
        }
    }

    fn evict(&mut self) -> bool {
        self.leaves.pop_first().is_some_and(|(_, block)| self.free_leaf(block))
    }

    /// Frees the block of a node that was removed from the leaves.
    fn free_leaf(&mut self, block: u32) -> bool {
        let Some(node) = self.nodes[block as usize].take() else { return false };
        self.by_key.remove(&node.key);
        self.idle -= 1;
        self.free.push(block);
        if let Some(at) = node.key.parent
            && let Some(parent) = self.node(at)
        {
            parent.children -= 1;
            let leaf = (parent.users == 0 && parent.children == 0).then_some((parent.last_used, at));
            self.leaves.extend(leaf);
        }
        true
    }

    fn node(&mut self, block: u32) -> Option<&mut Node> {
        self.nodes.get_mut(block as usize)?.as_mut()
    }

    fn parent(&self, block: u32) -> Option<u32> {
        self.nodes[block as usize].as_ref()?.key.parent
    }
}

#[cfg(test)]
impl PrefixCache {
    /// Panics unless every block is accounted for. `tables` are the running sequences' blocks, with how many of them are nodes.
    pub(super) fn audit(&self, tables: &[(&[u32], usize)]) {
        let mut users = vec![0; self.blocks()];
        let mut private = std::collections::HashSet::new();
        for (table, published) in tables {
            for (at, block) in table.iter().enumerate() {
                if at < *published {
                    users[*block as usize] += 1;
                    let parent = self.nodes[*block as usize].as_ref().expect("a node").key.parent;
                    assert_eq!(parent, at.checked_sub(1).map(|before| table[before]));
                } else {
                    assert!(private.insert(*block), "block {block} is private to two sequences");
                }
            }
        }
        let free: std::collections::HashSet<u32> = self.free.iter().copied().collect();
        assert_eq!(free.len(), self.free.len(), "a block is free twice");
        let mut children = vec![0; self.blocks()];
        for node in self.nodes.iter().flatten() {
            if let Some(parent) = node.key.parent {
                children[parent as usize] += 1;
            }
        }
        let mut idle = 0;
        for (block, node) in (0_u32..).zip(&self.nodes) {
            let places = [free.contains(&block), private.contains(&block), node.is_some()];
            assert_eq!(places.iter().filter(|here| **here).count(), 1, "block {block}: {places:?}");
            let Some(node) = node else { continue };
            assert_eq!((node.users, node.children), (users[block as usize], children[block as usize]), "block {block}");
            assert_eq!(self.by_key.get(&node.key), Some(&block));
            idle += usize::from(node.users == 0);
            let leaf = node.users == 0 && node.children == 0;
            assert_eq!(self.leaves.contains(&(node.last_used, block)), leaf, "block {block}");
        }
        assert_eq!((self.idle, self.by_key.len()), (idle, self.nodes.iter().flatten().count()));
        assert!(self.dirty.iter().all(|block| free.contains(block)), "only free blocks are overwritten");
    }
}

#[cfg(test)]
#[path = "prefix_cache_tests.rs"]
mod tests;
