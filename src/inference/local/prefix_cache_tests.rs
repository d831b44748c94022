use super::{AdapterId, BLOCK, NodeKey, NodeScope, PrefixCache};
use crate::inference::CacheScope;

fn full(parent: Option<u32>, scope: NodeScope, token: u32) -> NodeKey {
    NodeKey { parent, scope, adapter: AdapterId::BASE, tokens: [token; BLOCK] }
}

#[test]
fn a_node_is_matched_in_its_scope_only() {
    let mut cache = PrefixCache::new(2);
    let taken = cache.allocate().unwrap();
    let block = cache.publish(full(None, NodeScope::Conversation(1), 5), taken);
    cache.release(block);
    for other in [NodeScope::Shared, NodeScope::Conversation(2)] {
        assert_eq!(cache.retain(&full(None, other, 5)), None);
    }
    assert_eq!(cache.retain(&full(None, NodeScope::Conversation(1), 6)), None);
    assert_eq!(cache.retain(&full(None, NodeScope::Conversation(1), 5)), Some(block));
}

#[test]
fn the_least_recently_used_goes_first_and_ends_before_beginnings() {
    let mut cache = PrefixCache::new(3);
    let mut chain = Vec::new();
    for token in 0..2 {
        let block = cache.allocate().unwrap();
        chain.push(cache.publish(full(chain.last().copied(), NodeScope::Shared, token), block));
    }
    let block = cache.allocate().unwrap();
    let other = cache.publish(full(None, NodeScope::Conversation(1), 0), block);
    assert_eq!((cache.available(), cache.allocate()), (0, None));
    cache.release(other);
    cache.release(chain[1]);
    cache.release(chain[0]);
    assert_eq!(cache.available(), 3);
    // Used again, so no longer the oldest.
    assert_eq!(cache.retain(&full(None, NodeScope::Conversation(1), 0)), Some(other));
    cache.release(other);
    cache.audit(&[]);
    assert_eq!([cache.allocate(), cache.allocate(), cache.allocate()], [chain[1], chain[0], other].map(Some));
    assert_eq!(cache.allocate(), None);
    for block in [other, chain[0], chain[1]] {
        cache.free(block);
    }
    cache.audit(&[]);
}

#[test]
fn two_sequences_that_computed_the_same_keep_one_block() {
    let mut cache = PrefixCache::new(2);
    let [one, two] = [cache.allocate().unwrap(), cache.allocate().unwrap()];
    let kept = cache.publish(full(None, NodeScope::Shared, 5), one);
    assert_eq!(cache.publish(full(None, NodeScope::Shared, 5), two), kept);
    assert_eq!(cache.available(), 1);
    cache.audit(&[(&[kept], 1), (&[kept], 1)]);
    cache.release(kept);
    cache.release(kept);
    cache.invalidate(CacheScope::Conversations);
    cache.audit(&[]);
    assert_eq!((cache.available(), cache.retain(&full(None, NodeScope::Shared, 5))), (2, Some(kept)), "it is shared");
}

#[test]
fn a_conversation_is_invalidated_alone() {
    let mut cache = PrefixCache::new(4);
    let mut place = |parent: Option<u32>, scope: NodeScope, token: u32| {
        let block = cache.allocate().unwrap();
        cache.publish(full(parent, scope, token), block)
    };
    let shared = place(None, NodeScope::Shared, 0);
    let chain =
        [place(Some(shared), NodeScope::Conversation(1), 1), place(Some(shared), NodeScope::Conversation(2), 2)];
    let end = place(Some(chain[0]), NodeScope::Conversation(1), 3);
    for block in [end, chain[1], chain[0], shared] {
        cache.release(block);
    }
    cache.invalidate(CacheScope::Conversation(1));
    cache.audit(&[]);
    assert_eq!(cache.take_dirty(), [chain[0], end], "to be overwritten");
    assert_eq!(cache.retain(&full(Some(shared), NodeScope::Conversation(1), 1)), None);
    assert_eq!(cache.retain(&full(None, NodeScope::Shared, 0)), Some(shared));
    assert_eq!(cache.retain(&full(Some(shared), NodeScope::Conversation(2), 2)), Some(chain[1]));
}

#[test]
fn a_room_is_invalidated_with_its_threads_and_no_other() {
    let mut cache = PrefixCache::new(4);
    let keys = [(7 << 32) | 1, (7 << 32) | 2, (8 << 32) | 1];
    for cache_key in keys {
        let block = cache.allocate().unwrap();
        let block = cache.publish(full(None, NodeScope::Conversation(cache_key), 5), block);
        cache.release(block);
    }
    cache.invalidate(CacheScope::Room(7));
    cache.audit(&[]);
    let found = keys.map(|cache_key| cache.retain(&full(None, NodeScope::Conversation(cache_key), 5)).is_some());
    assert_eq!((found, cache.take_dirty().len()), ([false, false, true], 2));
    cache.invalidate(CacheScope::Conversations);
    assert_eq!(cache.take_dirty(), [0_u32; 0], "it is held");
}

#[test]
fn a_chain_is_invalidated_from_a_node_on_down() {
    let mut cache = PrefixCache::new(6);
    let mut place = |parent: Option<u32>, scope: NodeScope, token: u32| {
        let block = cache.allocate().unwrap();
        cache.publish(full(parent, scope, token), block)
    };
    let top = place(None, NodeScope::Shared, 0);
    let damaged = place(Some(top), NodeScope::Shared, 1);
    let own = place(Some(damaged), NodeScope::Conversation(1), 2);
    let others = place(Some(damaged), NodeScope::Conversation(2), 3);
    let beside = place(Some(top), NodeScope::Conversation(3), 4);
    for block in [beside, own, others, damaged, top] {
        cache.release(block);
    }
    let held = cache.retain(&full(Some(damaged), NodeScope::Conversation(2), 3)).unwrap();
    cache.invalidate_below(damaged);
    assert_eq!((held, cache.take_dirty()), (others, vec![own]), "what is held stays, and what is above it");
    cache.release(held);
    cache.invalidate_below(damaged);
    cache.audit(&[]);
    assert_eq!(cache.take_dirty(), [damaged, others]);
    assert_eq!(cache.retain(&full(Some(top), NodeScope::Conversation(3), 4)), Some(beside));
}

#[test]
fn a_node_is_matched_with_its_adapter_only() {
    let mut cache = PrefixCache::new(1);
    let allocated = cache.allocate().unwrap();
    let base = full(None, NodeScope::Shared, 5);
    let block = cache.publish(base, allocated);
    assert_eq!(cache.retain(&NodeKey { adapter: AdapterId(1), ..base }), None);
    assert_eq!(cache.retain(&base), Some(block));
}
