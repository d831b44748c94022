//! From hits to what a model is given: neighbours joined, several documents balanced, within a budget. Pure.

use std::collections::HashMap;

use super::Hit;
use crate::document::Partition;

/// Hits that stand beside one another in their document, joined into one, at the place of the best of them and with its score. A joined
/// passage has the place and the ordinal of its first.
#[must_use]
pub fn joined(hits: Vec<Hit>) -> Vec<Hit> {
    let mut ranked: Vec<(usize, Hit)> = hits.into_iter().enumerate().collect();
    // A document's hits side by side, in the order of its text.
    let mut documents: HashMap<(Partition, u64), usize> = HashMap::new();
    for (rank, hit) in &ranked {
        documents.entry((hit.partition.clone(), hit.document)).or_insert(*rank);
    }
    let first_of = |hit: &Hit| documents.get(&(hit.partition.clone(), hit.document)).copied();
    ranked.sort_by_key(|(rank, hit)| (first_of(hit), hit.passage.ordinal, *rank));
    let mut joined: Vec<(usize, u32, Hit)> = Vec::new();
    for (rank, hit) in ranked {
        let ordinal = hit.passage.ordinal;
        match joined.last_mut() {
            Some((best, last, before))
                if before.document == hit.document
                    && before.partition == hit.partition
                    && last.checked_add(1) == Some(ordinal) =>
            {
                before.passage.text.push('\n');
                before.passage.text.push_str(&hit.passage.text);
                *last = ordinal;
                if rank < *best {
                    (*best, before.score, before.evidence) = (rank, hit.score, hit.evidence);
                }
            }
            _ => joined.push((rank, ordinal, hit)),
        }
    }
    joined.sort_by_key(|(rank, ..)| *rank);
    joined.into_iter().map(|(_, _, hit)| hit).collect()
}

/// The best hits within a budget of characters. Each document has one turn after the other, the best first, so that none takes up what the
/// best of another needs; they are given in their own order.
#[must_use]
pub fn balanced(hits: Vec<Hit>, characters: usize) -> Vec<Hit> {
    let mut turns: HashMap<(Partition, u64), usize> = HashMap::new();
    let mut order: Vec<(usize, usize)> = Vec::with_capacity(hits.len());
    for (rank, hit) in hits.iter().enumerate() {
        let turn = turns.entry((hit.partition.clone(), hit.document)).or_default();
        order.push((*turn, rank));
        *turn += 1;
    }
    order.sort_unstable();
    let mut left = characters;
    let mut kept = vec![false; hits.len()];
    for (_, rank) in order {
        let length = hits.get(rank).map_or(0, |hit| hit.passage.text.chars().count());
        if let (true, Some(kept)) = (length <= left, kept.get_mut(rank)) {
            left -= length;
            *kept = true;
        }
    }
    hits.into_iter().zip(kept).filter_map(|(hit, kept)| kept.then_some(hit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        document::{Passage, Place},
        index::Evidence,
    };

    fn hit(document: u64, ordinal: u32, text: &str) -> Hit {
        Hit {
            partition: Partition::Catalogue,
            document,
            title: String::new(),
            passage: Passage { ordinal, place: Place::Whole, headings: Vec::new(), text: text.to_owned() },
            score: 0.0,
            evidence: Evidence::default(),
        }
    }

    fn shown(hits: &[Hit]) -> Vec<(u64, u32, &str)> {
        hits.iter().map(|hit| (hit.document, hit.passage.ordinal, hit.passage.text.as_str())).collect()
    }

    #[test]
    fn neighbours_become_one_whatever_their_order() {
        let hits = vec![hit(1, 3, "d"), hit(2, 2, "x"), hit(1, 1, "b"), hit(1, 2, "c"), hit(1, 5, "f"), hit(2, 1, "w")];
        assert_eq!(shown(&joined(hits)), [(1, 1, "b\nc\nd"), (2, 1, "w\nx"), (1, 5, "f")]);
        assert_eq!(shown(&joined(vec![hit(1, 1, "b"), hit(2, 2, "c")])), [(1, 1, "b"), (2, 2, "c")], "two documents");
        assert_eq!(shown(&joined(vec![hit(1, u32::MAX, "z"), hit(1, 0, "a")])), [(1, u32::MAX, "z"), (1, 0, "a")]);
    }

    #[test]
    fn each_document_has_its_turn_within_the_budget() {
        let hits =
            || vec![hit(1, 0, "aaaa"), hit(1, 2, "bbbb"), hit(1, 4, "cccc"), hit(2, 0, "dddd"), hit(3, 0, "eeee")];
        let kept = |characters| {
            balanced(hits(), characters).iter().map(|hit| (hit.document, hit.passage.ordinal)).collect::<Vec<_>>()
        };
        assert_eq!(kept(12), [(1, 0), (2, 0), (3, 0)]);
        assert_eq!(kept(16), [(1, 0), (1, 2), (2, 0), (3, 0)]);
        assert_eq!(kept(3), []);
        assert_eq!(kept(100).len(), 5);
    }
}
