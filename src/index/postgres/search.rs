//! A search in some collections: the server finds the passages that may answer, and they are put in the order that the index in memory puts
//! them in.
//!
//! What that one looks at all of is here a choice: the best passages by their words and the nearest by their vectors, and their documents.

use std::collections::{HashMap, HashSet};

use futures_util::future::{try_join, try_join_all};
use tokio_postgres::{Client, Error, Row};

use super::candidates::{self, Collection, Found, Key, Products};
use crate::{
    document::{Partition, Passage},
    index::{
        Evidence, Hit, Query,
        centred::{self, Centred},
        fusion::{self, Parts},
        weighed::Weighed,
    },
};

/// The best passages of some collections, best first; those that are not there have none.
pub(super) async fn search(
    client: &Client,
    names: &[&str],
    model: Option<&str>,
    query: &Query,
) -> Result<Vec<Hit>, Error> {
    let collections = Collection::find(client, names).await?;
    let weighed = candidates::weighed(client, &collections, &query.text).await?;
    // Vectors of another model cannot be compared.
    let vector = query.vector.as_deref().filter(|vector| vector.iter().all(|value| value.is_finite()));
    let comparable = |one: &&Collection| vector.is_some_and(|vector| one.is_of(model, vector.len()));
    let comparable: Vec<&Collection> = collections.iter().filter(comparable).collect();
    let mut centred = vector.and_then(|vector| candidates::centred(&comparable, vector, query.generic.as_deref()));
    let near: Vec<i64> = match &centred {
        Some(centred) => {
            let nearest = comparable.iter().map(|one| candidates::nearest(client, one, &centred.asked));
            try_join_all(nearest).await?.into_iter().flatten().collect()
        }
        None => Vec::new(),
    };
    let found = candidates::found(client, &collections, &weighed, &near).await?;
    let mut candidates = Candidates::new(&collections, &comparable, found, near);
    if let Some(centred) = &mut centred {
        let mut ordered = candidates.compared(client, centred).await?;
        let followed = centred::followed(ordered.len());
        if followed > 0 {
            let first: Vec<Key> = ordered.iter().take(followed).map(|(key, _)| *key).collect();
            centred.follow(candidates::means(client, &first).await?.into_iter());
            ordered = candidates.compared(client, centred).await?;
        }
        candidates.ordered = ordered;
    } else {
        candidates.ordered = candidates.in_order(&HashMap::new());
    }
    let best = candidates.passages(query.most, centred.is_none());
    hits(client, &candidates, &best, &weighed, centred.as_ref().zip(vector)).await
}

/// What may answer.
struct Candidates<'a> {
    collections: &'a [Collection],
    /// Those whose vectors are of the query's model.
    comparable: HashSet<i32>,
    /// The passages, in the order of the collections and of their texts.
    found: Vec<Found>,
    near: HashSet<i64>,
    /// The cosines of passages.
    cosines: HashMap<i64, f32>,
    /// The documents with their scores, the best first.
    ordered: Vec<(Key, f32)>,
}

impl<'a> Candidates<'a> {
    fn new(collections: &'a [Collection], comparable: &[&Collection], mut found: Vec<Found>, near: Vec<i64>) -> Self {
        let place = |id: i32| collections.iter().position(|one| one.id == id);
        found.sort_by_key(|one| (place(one.collection), one.document.cast_unsigned(), one.ordinal));
        Self {
            collections,
            comparable: comparable.iter().map(|one| one.id).collect(),
            found,
            near: near.into_iter().collect(),
            cosines: HashMap::new(),
            ordered: Vec::new(),
        }
    }

    /// The documents, compared with the query and put in order.
    async fn compared(&mut self, client: &Client, centred: &Centred) -> Result<Vec<(Key, f32)>, Error> {
        let of_model = self.found.iter().filter(|one| self.comparable.contains(&one.collection));
        let ids: Vec<i64> = of_model.clone().map(|one| one.id).collect();
        let mut keys: Vec<Key> = of_model.map(Found::key).collect();
        keys.dedup();
        let passages = candidates::of_passages(client, &ids, &centred.asked, &centred.mean);
        let (passages, documents) = try_join(passages, candidates::of_documents(client, &keys, centred)).await?;
        let cosines = passages.into_iter().filter_map(|(id, products)| Some((id, products.cosine(centred)?)));
        self.cosines = cosines.collect();
        let cosine = |products: Option<Products>| products.and_then(|products| products.cosine(centred));
        let whole = documents.into_iter().map(|(key, [whole, first])| (key, [cosine(whole), cosine(first)]));
        Ok(self.in_order(&whole.collect()))
    }

    /// The documents, the best first, by their passages and by the cosines of each as a whole and of its beginning.
    fn in_order(&self, whole: &HashMap<Key, [Option<f32>; 2]>) -> Vec<(Key, f32)> {
        let documents: Vec<(Key, Parts)> = self
            .found
            .chunk_by(|one, other| one.key() == other.key())
            .filter_map(|passages| {
                let key = passages.first()?.key();
                let near = passages.iter().filter(|one| self.near.contains(&one.id));
                let [document, first] = whole.get(&key).copied().unwrap_or_default();
                let parts = Parts {
                    words: passages.iter().map(|one| one.words).fold(0.0, f32::max),
                    passage: near.filter_map(|one| self.cosines.get(&one.id).copied()).reduce(f32::max),
                    document,
                    first,
                };
                Some((key, parts))
            })
            .collect();
        let scales = fusion::Scales::of(documents.iter().map(|(_, parts)| *parts));
        let mut ordered: Vec<(Key, f32)> = documents.iter().map(|(key, parts)| (*key, scales.score(parts))).collect();
        // Stable: those with the same score stay as they were.
        ordered.sort_by(|one, other| other.1.total_cmp(&one.1));
        ordered
    }

    /// The best passages of the best documents, with their scores.
    fn passages(&self, most: usize, words_alone: bool) -> Vec<(&Found, f32)> {
        let best = &self.ordered[..self.ordered.len().min(most.clamp(1, fusion::BEST))];
        let places: HashMap<Key, usize> = best.iter().enumerate().map(|(place, (key, _))| (*key, place)).collect();
        let mut passages = Vec::new();
        for one in &self.found {
            let (Some(place), passage) = (places.get(&one.key()), self.cosines.get(&one.id).copied()) else { continue };
            // Nothing speaks for it.
            if one.words > 0.0 || passage.is_some() {
                passages.push((one, (*place, Parts { words: one.words, passage, ..Parts::default() })));
            }
        }
        let parts: Vec<(usize, Parts)> = passages.iter().map(|(_, parts)| *parts).collect();
        let documents: Vec<f32> = best.iter().map(|(_, score)| *score).collect();
        let scores = fusion::scores_within(&parts, &documents, words_alone);
        let mut ordered: Vec<(&Found, f32)> = passages.iter().map(|(one, _)| *one).zip(scores).collect();
        ordered.sort_by(|one, other| other.1.total_cmp(&one.1));
        ordered.truncate(most);
        ordered
    }

    fn name(&self, id: i32) -> Option<&str> {
        self.collections.iter().find(|one| one.id == id).map(|one| one.name.as_str())
    }
}

impl Found {
    fn key(&self) -> Key {
        (self.collection, self.document)
    }
}

/// The passages themselves, with what speaks for each.
async fn hits(
    client: &Client,
    candidates: &Candidates<'_>,
    best: &[(&Found, f32)],
    weighed: &Weighed,
    vectors: Option<(&Centred, &[f32])>,
) -> Result<Vec<Hit>, Error> {
    let ids: Vec<i64> = best.iter().map(|(one, _)| one.id).collect();
    let fetch = "SELECT p.id, d.title, p.place, p.headings, p.body, p.terms, p.counts, p.length \
                 FROM compagnon.passages p JOIN compagnon.documents d ON d.collection = p.collection AND d.number = p.document \
                 WHERE p.id = ANY($1)";
    let rows = async { client.query(fetch, &[&ids]).await };
    let cosines = async {
        let Some((centred, vector)) = vectors else { return Ok(HashMap::new()) };
        let of_model = best.iter().filter(|(one, _)| candidates.comparable.contains(&one.collection));
        let ids: Vec<i64> = of_model.map(|(one, _)| one.id).collect();
        candidates::of_passages(client, &ids, vector, &centred.mean).await
    };
    let (rows, cosines) = try_join(rows, cosines).await?;
    let mut read: HashMap<i64, &Row> = HashMap::with_capacity(rows.len());
    for row in &rows {
        read.insert(row.try_get(0)?, row);
    }
    let mut hits = Vec::with_capacity(best.len());
    for (one, score) in best {
        // Removed meanwhile.
        let (Some(row), Some(name)) = (read.get(&one.id), candidates.name(one.collection)) else { continue };
        let place: String = row.try_get(2)?;
        let (terms, counts): (Vec<String>, Vec<i32>) = (row.try_get(5)?, row.try_get(6)?);
        let counts: HashMap<&str, f32> =
            terms.iter().map(String::as_str).zip(counts.iter().map(|count| *count as f32)).collect();
        let length = row.try_get::<_, i32>(7)? as f32;
        hits.push(Hit {
            partition: Partition::Collection(name.to_owned()),
            document: one.document.cast_unsigned(),
            title: row.try_get(1)?,
            passage: Passage {
                ordinal: one.ordinal.cast_unsigned(),
                place: serde_json::from_str(&place).unwrap_or_default(),
                headings: row.try_get(3)?,
                text: row.try_get(4)?,
            },
            score: *score,
            evidence: Evidence {
                cosine: cosines.get(&one.id).map(Products::plain),
                words: weighed.evidence(length, |term| counts.get(term).copied().unwrap_or_default()),
            },
        });
    }
    Ok(hits)
}
