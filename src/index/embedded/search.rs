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
    Evidence, Hit, IndexError, Query, centred,
    fusion::{self, COMPARED, Parts},
};

/// A document that is searched.
struct Candidate<'a> {
    partition: usize,
    number: u64,
    entry: &'a Entry,
    parts: Parts,
    score: f32,
    left: Left,
}

/// How long a document's vectors are without what all have in common.
#[derive(Default)]
struct Left {
    document: Option<f32>,
    first: Option<f32>,
    /// Those of its nearest passages, by their places.
    near: Vec<(usize, f32)>,
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
        for candidate in &mut candidates {
            candidate.left = Left::of(candidate, meaning, &near);
        }
        compare(&mut candidates, meaning);
        put_in_order(&mut candidates);
        let followed = centred::followed(candidates.len());
        meaning.follow(candidates.iter().take(followed).map(|candidate| candidate.entry));
        compare(&mut candidates, meaning);
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
            candidates.push(Candidate { partition, number, entry, parts, score: 0.0, left: Left::default() });
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

impl Left {
    fn of(candidate: &Candidate<'_>, meaning: &Meaning, near: &Near) -> Self {
        let Some(vectors) = &candidate.entry.vectors else { return Self::default() };
        let slots = near.get(&(candidate.partition, candidate.number)).into_iter().flatten();
        let places = slots.filter_map(|slot| slot.checked_sub(candidate.entry.first)).map(|place| place as usize);
        Self {
            document: candidate.entry.whole.as_ref().and_then(|whole| meaning.left(whole, 0)),
            first: meaning.left(vectors, 0),
            near: places.filter_map(|place| Some((place, meaning.left(vectors, place)?))).collect(),
        }
    }
}

/// Compares the documents, and their nearest passages, with the query.
fn compare(candidates: &mut [Candidate<'_>], meaning: &Meaning) {
    for Candidate { entry, parts, left, .. } in candidates {
        let (Some(vectors), Some(whole)) = (&entry.vectors, &entry.whole) else { continue };
        let cosines = left.near.iter().filter_map(|(place, left)| meaning.cosine(vectors, *place, *left));
        parts.passage = cosines.reduce(f32::max);
        parts.document = left.document.and_then(|left| meaning.cosine(whole, 0, left));
        parts.first = left.first.and_then(|left| meaning.cosine(vectors, 0, left));
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

/// The passages of the best documents, in their order.
fn passages<'a>(candidates: &[Candidate<'a>], lexical: &Scores, meaning: Option<&Meaning>) -> Vec<Ordered<'a>> {
    let mut all = Vec::new();
    for (place, candidate) in candidates.iter().enumerate() {
        for slot in candidate.entry.first..candidate.entry.first + candidate.entry.count {
            let words = lexical.get(candidate.partition).and_then(|scores| scores.get(slot as usize));
            let words = words.copied().filter(|score| score.is_finite()).unwrap_or_default();
            let passage = meaning.and_then(|meaning| meaning.passage(candidate.entry, slot));
            // Nothing speaks for it.
            if words > 0.0 || passage.is_some() {
                all.push((place, slot, Parts { words, passage, ..Parts::default() }));
            }
        }
    }
    let documents: Vec<f32> = candidates.iter().map(|candidate| candidate.score).collect();
    let places: Vec<(usize, Parts)> = all.iter().map(|(place, _, parts)| (*place, *parts)).collect();
    let scores = fusion::scores_within(&places, &documents, meaning.is_none());
    let ordered = all.iter().zip(scores).filter_map(|((place, slot, _), score)| {
        let Candidate { partition, number, entry, .. } = candidates.get(*place)?;
        Some(Ordered { partition: *partition, number: *number, entry, slot: *slot, score })
    });
    let mut ordered: Vec<_> = ordered.collect();
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
