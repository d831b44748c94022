//! One query over some partitions: documents are put in an order by their words, their best passage and what they are about as a whole;
//! then the passages of the best.

use std::{cmp::Ordering, collections::HashMap};

use super::{
    meaning::Meaning,
    partition::{Entry, Searched},
    vectors::QueryVector,
    words::{Scores, Words},
};
use crate::index::{
    Evidence, Hit, IndexError, Query,
    fusion::{self, Parts},
};

/// How many passages are compared exactly; the others are too far off to matter.
const COMPARED: usize = 5 * fusion::BEST;
/// How many documents that were found first the query is moved towards.
const FOLLOWED: usize = 10;
/// Among so many documents for each of those: among fewer, what was found first is no choice.
const AMONG: usize = 4;

/// A document that is searched.
struct Candidate<'a> {
    partition: usize,
    number: u64,
    entry: &'a Entry,
    parts: Parts,
    score: f32,
}

/// Finds the passages that fit best.
pub fn search(searched: &[Searched<'_>], query: &Query) -> Result<Vec<Hit>, IndexError> {
    let words = Words::new(searched, &query.text);
    let lexical = words.scores(searched);
    let meaning = query.vector.as_deref().map(|vector| Meaning::new(searched, vector, query.generic.as_deref()));
    let mut meaning = meaning.transpose()?.flatten();
    let mut candidates = candidates(searched, &lexical);
    let near = meaning.as_ref().map(|meaning| nearest(searched, &meaning.products(searched))).unwrap_or_default();
    if let Some(meaning) = &mut meaning {
        compare(&mut candidates, meaning, &near);
        put_in_order(&mut candidates);
        let followed = FOLLOWED.min(candidates.len() / AMONG);
        meaning.follow(candidates.iter().take(followed).map(|candidate| candidate.entry));
        compare(&mut candidates, meaning, &near);
    }
    put_in_order(&mut candidates);
    candidates.truncate(query.most.clamp(1, fusion::BEST));
    let mut passages = passages(&candidates, &lexical, meaning.as_ref());
    passages.truncate(query.most);
    let raw = query.vector.as_deref().and_then(QueryVector::new);
    let hit = |passage: &Ordered<'_>| passage.hit(searched, &words, raw.as_ref());
    Ok(passages.iter().filter_map(hit).collect())
}

/// All documents, with the best of their passages by words.
fn candidates<'a>(searched: &[Searched<'a>], lexical: &Scores) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::new();
    for (partition, ((_, index), scores)) in searched.iter().zip(lexical).enumerate() {
        for (number, entry) in index.documents() {
            let own = scores.iter().skip(entry.first as usize).take(entry.count as usize);
            let words = own.copied().fold(0.0, f32::max);
            let parts = Parts { words, ..Parts::default() };
            candidates.push(Candidate { partition, number, entry, parts, score: 0.0 });
        }
    }
    candidates
}

/// The slots of the passages that are nearest to the query, by document.
type Near = HashMap<(usize, u64), Vec<u32>>;

fn nearest(searched: &[Searched<'_>], products: &Scores) -> Near {
    let bound = fusion::last_of_best(products.iter().flatten().copied(), COMPARED);
    let mut near = Near::new();
    let mut taken = 0;
    for (partition, ((_, index), scores)) in searched.iter().zip(products).enumerate() {
        for (number, entry) in index.documents() {
            for slot in entry.first..entry.first + entry.count {
                // Only where many are exactly alike are there more than were asked for.
                if taken < 2 * COMPARED && scores.get(slot as usize).is_some_and(|score| *score >= bound) {
                    near.entry((partition, number)).or_default().push(slot);
                    taken += 1;
                }
            }
        }
    }
    near
}

/// Compares the documents, and their nearest passages, with the query.
fn compare(candidates: &mut [Candidate<'_>], meaning: &Meaning, near: &Near) {
    for candidate in candidates {
        let slots = near.get(&(candidate.partition, candidate.number)).into_iter().flatten();
        let cosines = slots.filter_map(|slot| meaning.passage(candidate.entry, *slot));
        candidate.parts.passage = cosines.reduce(f32::max);
        candidate.parts.document = meaning.document(candidate.entry);
        candidate.parts.first = meaning.passage(candidate.entry, candidate.entry.first);
    }
}

/// Scores the documents, the best first.
fn put_in_order(candidates: &mut [Candidate<'_>]) {
    let scales = fusion::Scales::of(candidates.iter().map(|candidate| candidate.parts));
    for candidate in candidates.iter_mut() {
        candidate.score = scales.score(&candidate.parts);
    }
    candidates.sort_by(|one, other| {
        let place = |candidate: &Candidate<'_>| (candidate.partition, candidate.number);
        other.score.total_cmp(&one.score).then_with(|| place(one).cmp(&place(other)))
    });
}

/// A passage in the order.
struct Ordered<'a> {
    partition: usize,
    number: u64,
    entry: &'a Entry,
    slot: u32,
    score: f32,
}

/// The passages of the best documents. The best of each has its document's score; the others, as much less as they are worse than it.
fn passages<'a>(candidates: &[Candidate<'a>], lexical: &Scores, meaning: Option<&Meaning>) -> Vec<Ordered<'a>> {
    let mut all = Vec::new();
    for candidate in candidates {
        for slot in candidate.entry.first..candidate.entry.first + candidate.entry.count {
            let words = lexical.get(candidate.partition).and_then(|scores| scores.get(slot as usize));
            let words = words.copied().filter(|score| score.is_finite()).unwrap_or_default();
            let passage = meaning.and_then(|meaning| meaning.passage(candidate.entry, slot));
            // Nothing speaks for it.
            if words > 0.0 || passage.is_some() {
                all.push((candidate, slot, Parts { words, passage, ..Parts::default() }));
            }
        }
    }
    let scales = fusion::Scales::of(all.iter().map(|(_, _, parts)| *parts));
    let mut best: HashMap<(usize, u64), f32> = HashMap::new();
    for (candidate, _, parts) in &all {
        let best = best.entry((candidate.partition, candidate.number)).or_insert(f32::NEG_INFINITY);
        *best = best.max(scales.score_within(parts));
    }
    let mut ordered: Vec<_> = all
        .into_iter()
        .map(|(candidate, slot, parts)| {
            let (partition, number) = (candidate.partition, candidate.number);
            let behind = best.get(&(partition, number)).map_or(0.0, |best| best - scales.score_within(&parts));
            // Without vectors the words alone decide, in whichever document.
            let score = if meaning.is_none() { parts.words } else { candidate.score - behind };
            Ordered { partition, number, entry: candidate.entry, slot, score }
        })
        .collect();
    ordered.sort_by(Ordered::before);
    ordered
}

impl Ordered<'_> {
    fn before(&self, other: &Self) -> Ordering {
        let place = |passage: &Self| (passage.partition, passage.number, passage.slot);
        other.score.total_cmp(&self.score).then_with(|| place(self).cmp(&place(other)))
    }

    fn hit(&self, searched: &[Searched<'_>], words: &Words, query: Option<&QueryVector>) -> Option<Hit> {
        let (partition, index) = searched.get(self.partition)?;
        let place = (self.slot - self.entry.first) as usize;
        let cosine = query.and_then(|query| self.entry.vectors.as_ref()?.product(place, query));
        Some(Hit {
            partition: (*partition).clone(),
            document: self.number,
            title: self.entry.title.clone(),
            passage: self.entry.passages.get(place)?.clone(),
            score: self.score,
            evidence: Evidence { cosine, words: words.evidence(index, self.slot) },
        })
    }
}
