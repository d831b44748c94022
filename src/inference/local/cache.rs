//! Who holds which block of keys and values, and what idle blocks still hold.
//!
//! A full block whose past is known stands in a tree: a node is a block of [`BLOCK`] tokens below the node of the tokens before
//! it. A prompt that begins with the same tokens takes the nodes instead of computing them. A node belongs to everyone or to one
//! owner, and only they find it: finding is faster than computing, so a find tells that the tokens were read before.
//!
//! The tree is a map from (parent, scope, tokens) to a block, which compares tokens and not hashes of them: a wrong block would put
//! another conversation's words into an answer.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::forward::BLOCK;
use crate::inference::CacheScope;

/// Who may find a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// Everyone: the tokens are a compagnon's fixed prefix.
    Shared,
    /// One conversation.
    Of(u64),
}

impl Scope {
    fn is_of(self, whose: CacheScope) -> bool {
        match self {
            Self::Shared => whose == CacheScope::All,
            Self::Of(owner) => whose.covers(owner),
        }
    }
}

/// What a node is found by: the block before it, who may find it, its tokens.
pub(super) type Key = (Option<u32>, Scope, [u32; BLOCK]);

/// The key of the block with these tokens; `None` when they do not fill it.
pub(super) fn key(parent: Option<u32>, scope: Scope, tokens: &[u32]) -> Option<Key> {
    Some((parent, scope, tokens.try_into().ok()?))
}

struct Node {
    key: Key,
    /// The sequences that hold it. Whoever holds a node holds all above it.
    users: usize,
    /// The nodes directly below.
    children: usize,
    /// When it was let go last.
    used: u64,
}

/// All blocks of a model. A block is free, or private to the sequence that took it, or a node.
pub(super) struct Cache {
    free: Vec<u32>,
    /// By block; `None` for one that is free or private.
    nodes: Vec<Option<Node>>,
    found: HashMap<Key, u32>,
    /// Nodes that nobody holds.
    idle: usize,
    /// Those of them without nodes below, the least recently used first: they can be taken at once.
    leaves: BTreeSet<(u64, u32)>,
    clock: u64,
    /// Free blocks in which somebody's keys and values still stand.
    used: BTreeSet<u32>,
}

impl Cache {
    /// All blocks are free.
    pub(super) fn new(blocks: usize) -> Self {
        Self {
            free: (0..u32::try_from(blocks).unwrap_or(u32::MAX)).rev().collect(),
            nodes: (0..blocks).map(|_| None).collect(),
            found: HashMap::new(),
            idle: 0,
            leaves: BTreeSet::new(),
            clock: 0,
            used: BTreeSet::new(),
        }
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.nodes.len()
    }

    /// How many blocks [`Cache::take`] can give.
    pub(super) fn available(&self) -> usize {
        self.free.len() + self.idle
    }

    /// A block for the caller alone: a free one, or the one whose node was used least recently.
    pub(super) fn take(&mut self) -> Option<u32> {
        if self.free.is_empty() {
            self.evict();
        }
        let block = self.free.pop()?;
        self.used.remove(&block);
        Some(block)
    }

    /// Gives back a block that was taken and never published.
    pub(super) fn give(&mut self, block: u32) {
        self.free.push(block);
        self.used.insert(block);
    }

    /// The free blocks that are to be overwritten, for a caller who does that before the next [`Cache::take`].
    pub(super) fn take_used(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.used).into_iter().collect()
    }

    /// The node with this key, held for the caller.
    pub(super) fn hold(&mut self, key: &Key) -> Option<u32> {
        let block = *self.found.get(key)?;
        let node = self.nodes.get_mut(block as usize)?.as_mut()?;
        if node.users == 0 {
            self.idle -= 1;
            self.leaves.remove(&(node.used, block));
        }
        node.users += 1;
        Some(block)
    }

    /// Makes a full, computed block a node that the caller holds. Where the node exists, the block is given back for it.
    pub(super) fn publish(&mut self, key: Key, block: u32) -> u32 {
        if let Some(twin) = self.hold(&key) {
            self.give(block);
            return twin;
        }
        // The parent is held by the caller, so it is no leaf that could be evicted.
        if let Some(parent) = key.0.and_then(|parent| self.node(parent)) {
            parent.children += 1;
        }
        self.found.insert(key, block);
        self.nodes[block as usize] = Some(Node { key, users: 1, children: 0, used: 0 });
        block
    }

    /// Lets a node go. A sequence lets the last of its nodes go first, so that the ends of conversations are evicted before their
    /// beginnings.
    pub(super) fn release(&mut self, block: u32) {
        self.clock += 1;
        let now = self.clock;
        let Some(node) = self.node(block) else { return };
        node.users -= 1;
        node.used = now;
        let (idle, leaf) = (node.users == 0, node.children == 0);
        if idle {
            self.idle += 1;
            if leaf {
                self.leaves.insert((now, block));
            }
        }
    }

    /// Frees those nodes of somebody that nobody holds.
    pub(super) fn forget(&mut self, whose: CacheScope) {
        // What stands above an owner's node is the owner's too, or everyone's.
        self.prune(|_, node| node.key.1.is_of(whose));
    }

    /// Frees those nodes from this one on down that nobody holds.
    pub(super) fn forget_below(&mut self, root: u32) {
        let mut below = HashSet::new();
        for (_, leaf) in &self.leaves {
            let up = std::iter::successors(Some(*leaf), |block| self.nodes[*block as usize].as_ref()?.key.0);
            let path: Vec<u32> = up.take_while(|block| *block != root).collect();
            let top = path.last().map_or(Some(*leaf), |top| self.nodes[*top as usize].as_ref()?.key.0);
            if top == Some(root) {
                below.extend(path);
                below.insert(root);
            }
        }
        self.prune(|block, _| below.contains(&block));
    }

    /// Frees the nodes that `goes` names, from the leaves up to the first that stays.
    fn prune(&mut self, goes: impl Fn(u32, &Node) -> bool) {
        let named =
            |cache: &Self, block: u32| cache.nodes[block as usize].as_ref().is_some_and(|node| goes(block, node));
        let leaves: Vec<(u64, u32)> = self.leaves.iter().filter(|(_, block)| named(self, *block)).copied().collect();
        for mut leaf in leaves {
            while self.leaves.remove(&leaf) {
                let parent = self.nodes[leaf.1 as usize].as_ref().and_then(|node| node.key.0);
                self.drop_leaf(leaf.1);
                self.used.insert(leaf.1);
                let Some(above) = parent.filter(|parent| named(self, *parent)) else { break };
                // Not among the leaves where somebody holds it, or where it has other children.
                leaf = (self.nodes[above as usize].as_ref().map_or(0, |node| node.used), above);
            }
        }
    }

    fn evict(&mut self) -> bool {
        self.leaves.pop_first().is_some_and(|(_, block)| self.drop_leaf(block))
    }

    /// Frees the node of a leaf that was taken out of the leaves.
    fn drop_leaf(&mut self, block: u32) -> bool {
        let Some(node) = self.nodes[block as usize].take() else { return false };
        self.found.remove(&node.key);
        self.idle -= 1;
        self.free.push(block);
        if let Some(at) = node.key.0
            && let Some(parent) = self.node(at)
        {
            parent.children -= 1;
            let leaf = (parent.users == 0 && parent.children == 0).then_some((parent.used, at));
            self.leaves.extend(leaf);
        }
        true
    }

    fn node(&mut self, block: u32) -> Option<&mut Node> {
        self.nodes.get_mut(block as usize)?.as_mut()
    }
}

#[cfg(test)]
impl Cache {
    /// Panics unless every block is accounted for. `tables` are the running sequences' blocks, with how many of them are nodes.
    pub(super) fn audit(&self, tables: &[(&[u32], usize)]) {
        let mut users = vec![0; self.blocks()];
        let mut private = std::collections::HashSet::new();
        for (table, published) in tables {
            for (at, block) in table.iter().enumerate() {
                if at < *published {
                    users[*block as usize] += 1;
                    let parent = self.nodes[*block as usize].as_ref().expect("a node").key.0;
                    assert_eq!(parent, at.checked_sub(1).map(|before| table[before]));
                } else {
                    assert!(private.insert(*block), "block {block} has two owners");
                }
            }
        }
        let free: std::collections::HashSet<u32> = self.free.iter().copied().collect();
        assert_eq!(free.len(), self.free.len(), "a block is free twice");
        let mut children = vec![0; self.blocks()];
        for node in self.nodes.iter().flatten() {
            if let (Some(parent), _, _) = node.key {
                children[parent as usize] += 1;
            }
        }
        let mut idle = 0;
        for (block, node) in (0_u32..).zip(&self.nodes) {
            let places = [free.contains(&block), private.contains(&block), node.is_some()];
            assert_eq!(places.iter().filter(|here| **here).count(), 1, "block {block}: {places:?}");
            let Some(node) = node else { continue };
            assert_eq!((node.users, node.children), (users[block as usize], children[block as usize]), "block {block}");
            assert_eq!(self.found.get(&node.key), Some(&block));
            idle += usize::from(node.users == 0);
            let leaf = node.users == 0 && node.children == 0;
            assert_eq!(self.leaves.contains(&(node.used, block)), leaf, "block {block}");
        }
        assert_eq!((self.idle, self.found.len()), (idle, self.nodes.iter().flatten().count()));
        assert!(self.used.iter().all(|block| free.contains(block)), "only what is free is overwritten");
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Cache, Key, Scope, key};
    use crate::inference::CacheScope;

    fn full(parent: Option<u32>, scope: Scope, token: u32) -> Key {
        key(parent, scope, &[token; BLOCK]).unwrap()
    }

    #[test]
    fn a_node_is_found_by_its_scope_only() {
        let mut cache = Cache::new(2);
        let taken = cache.take().unwrap();
        let block = cache.publish(full(None, Scope::Of(1), 5), taken);
        cache.release(block);
        for other in [Scope::Shared, Scope::Of(2)] {
            assert_eq!(cache.hold(&full(None, other, 5)), None);
        }
        assert_eq!(cache.hold(&full(None, Scope::Of(1), 6)), None);
        assert_eq!(cache.hold(&full(None, Scope::Of(1), 5)), Some(block));
        assert_eq!(key(None, Scope::Shared, &[1; BLOCK - 1]), None);
    }

    #[test]
    fn the_least_recently_used_goes_first_and_ends_before_beginnings() {
        let mut cache = Cache::new(3);
        let mut chain = Vec::new();
        for token in 0..2 {
            let block = cache.take().unwrap();
            chain.push(cache.publish(full(chain.last().copied(), Scope::Shared, token), block));
        }
        let block = cache.take().unwrap();
        let other = cache.publish(full(None, Scope::Of(1), 0), block);
        assert_eq!((cache.available(), cache.take()), (0, None));
        cache.release(other);
        cache.release(chain[1]);
        cache.release(chain[0]);
        assert_eq!(cache.available(), 3);
        // Used again, so no longer the oldest.
        assert_eq!(cache.hold(&full(None, Scope::Of(1), 0)), Some(other));
        cache.release(other);
        cache.audit(&[]);
        assert_eq!([cache.take(), cache.take(), cache.take()], [chain[1], chain[0], other].map(Some));
        assert_eq!(cache.take(), None);
        for block in [other, chain[0], chain[1]] {
            cache.give(block);
        }
        cache.audit(&[]);
    }

    #[test]
    fn two_who_computed_the_same_keep_one_block() {
        let mut cache = Cache::new(2);
        let [one, two] = [cache.take().unwrap(), cache.take().unwrap()];
        let kept = cache.publish(full(None, Scope::Shared, 5), one);
        assert_eq!(cache.publish(full(None, Scope::Shared, 5), two), kept);
        assert_eq!(cache.available(), 1);
        cache.audit(&[(&[kept], 1), (&[kept], 1)]);
        cache.release(kept);
        cache.release(kept);
        cache.forget(CacheScope::Conversations);
        cache.audit(&[]);
        assert_eq!((cache.available(), cache.hold(&full(None, Scope::Shared, 5))), (2, Some(kept)), "it is nobody's");
    }

    #[test]
    fn an_owner_is_forgotten_alone() {
        let mut cache = Cache::new(4);
        let mut place = |parent: Option<u32>, scope: Scope, token: u32| {
            let block = cache.take().unwrap();
            cache.publish(full(parent, scope, token), block)
        };
        let shared = place(None, Scope::Shared, 0);
        let chain = [place(Some(shared), Scope::Of(1), 1), place(Some(shared), Scope::Of(2), 2)];
        let end = place(Some(chain[0]), Scope::Of(1), 3);
        for block in [end, chain[1], chain[0], shared] {
            cache.release(block);
        }
        cache.forget(CacheScope::Conversation(1));
        cache.audit(&[]);
        assert_eq!(cache.take_used(), [chain[0], end], "to be overwritten");
        assert_eq!(cache.hold(&full(Some(shared), Scope::Of(1), 1)), None);
        assert_eq!(cache.hold(&full(None, Scope::Shared, 0)), Some(shared));
        assert_eq!(cache.hold(&full(Some(shared), Scope::Of(2), 2)), Some(chain[1]));
    }

    #[test]
    fn a_room_is_forgotten_with_its_threads_and_no_other() {
        let mut cache = Cache::new(4);
        let owners = [(7 << 32) | 1, (7 << 32) | 2, (8 << 32) | 1];
        for owner in owners {
            let block = cache.take().unwrap();
            let block = cache.publish(full(None, Scope::Of(owner), 5), block);
            cache.release(block);
        }
        cache.forget(CacheScope::Room(7));
        cache.audit(&[]);
        let found = owners.map(|owner| cache.hold(&full(None, Scope::Of(owner), 5)).is_some());
        assert_eq!((found, cache.take_used().len()), ([false, false, true], 2));
        cache.forget(CacheScope::Conversations);
        assert_eq!(cache.take_used(), [0_u32; 0], "it is held");
    }

    #[test]
    fn a_chain_is_forgotten_from_a_node_on_down() {
        let mut cache = Cache::new(6);
        let mut place = |parent: Option<u32>, scope: Scope, token: u32| {
            let block = cache.take().unwrap();
            cache.publish(full(parent, scope, token), block)
        };
        let top = place(None, Scope::Shared, 0);
        let spoilt = place(Some(top), Scope::Shared, 1);
        let own = place(Some(spoilt), Scope::Of(1), 2);
        let others = place(Some(spoilt), Scope::Of(2), 3);
        let beside = place(Some(top), Scope::Of(3), 4);
        for block in [beside, own, others, spoilt, top] {
            cache.release(block);
        }
        let held = cache.hold(&full(Some(spoilt), Scope::Of(2), 3)).unwrap();
        cache.forget_below(spoilt);
        assert_eq!((held, cache.take_used()), (others, vec![own]), "what is held stays, and what is above it");
        cache.release(held);
        cache.forget_below(spoilt);
        cache.audit(&[]);
        assert_eq!(cache.take_used(), [spoilt, others]);
        assert_eq!(cache.hold(&full(Some(top), Scope::Of(3), 4)), Some(beside));
    }
}
