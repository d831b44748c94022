//! A search in one collection: by words and by vectors, each ranked by the server, fused here.
//!
//! By words: BM25 over the passages that hold one of the query's rarer terms. By vectors: the collection's own HNSW index.

use std::collections::HashMap;

use tokio_postgres::{Client, Error, Row};

use super::put::written;
use crate::{
    document::{Partition, Passage},
    index::{Evidence, Hit, Query, lexical},
};

/// The most passages that are ranked by words: enough of the rarest terms are looked for.
const CANDIDATES: i64 = 2_000;
/// How many passages each ranking gives to the fusion.
const RANKED: i64 = 100;
/// BM25's saturation of repeated terms, and its weight of a passage's length.
const SATURATION: f64 = 1.2;
const LENGTH_WEIGHT: f64 = 0.75;
/// How much the first places of a ranking count before the others, in their fusion by rank.
const RANK_OFFSET: f32 = 60.0;

/// What is known of a collection before it is searched.
struct Collection {
    id: i32,
    dimension: Option<i32>,
    passages: i64,
    length: i64,
}

/// The query's terms with how rare each is.
#[allow(clippy::struct_field_names)] // As the column is called.
struct Term {
    term: String,
    passages: i64,
    weight: f64,
    /// Whether it was typed, and not added for an acronym. Only those are evidence.
    typed: bool,
}

/// The best passages of a collection, best first; nothing where there is no such collection.
pub(super) async fn search(client: &Client, name: &str, query: &Query) -> Result<Vec<Hit>, Error> {
    let find = "SELECT id, dimension, passages, length FROM compagnon.collections WHERE name = $1";
    let Some(row) = client.query_opt(find, &[&name]).await? else { return Ok(Vec::new()) };
    let collection = Collection { id: row.get(0), dimension: row.get(1), passages: row.get(2), length: row.get(3) };
    let terms = weighed(client, &collection, &query.text).await?;
    // Vectors of another length are of another model.
    let vector = query.vector.as_deref().filter(|vector| i32::try_from(vector.len()).ok() == collection.dimension);
    let (by_words, by_vectors) =
        futures_util::future::try_join(by_words(client, &collection, &terms), by_vectors(client, &collection, vector))
            .await?;
    let mut scores: HashMap<i64, f32> = HashMap::new();
    for ranking in [by_words, by_vectors] {
        for (rank, id) in ranking.into_iter().enumerate() {
            *scores.entry(id).or_default() += 1.0 / (RANK_OFFSET + rank as f32 + 1.0);
        }
    }
    let mut best: Vec<(i64, f32)> = scores.into_iter().collect();
    best.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    best.truncate(query.most);
    hits(client, name, &best, &terms, vector).await
}

async fn weighed(client: &Client, collection: &Collection, text: &str) -> Result<Vec<Term>, Error> {
    let asked: HashMap<String, lexical::Term> =
        lexical::query_terms(&text.replace('\0', "")).into_iter().map(|term| (term.text.clone(), term)).collect();
    let terms: Vec<&str> = asked.keys().map(String::as_str).collect();
    let count = "SELECT q.term, coalesce(t.passages, 0)::bigint FROM unnest($2::text[]) AS q(term) \
                 LEFT JOIN compagnon.terms t ON t.collection = $1 AND t.term = q.term";
    let rows = client.query(count, &[&collection.id, &terms]).await?;
    let mut weighed: Vec<Term> = rows
        .into_iter()
        .filter_map(|row| {
            let (term, passages): (String, i64) = (row.get(0), row.get(1));
            let lexical::Term { weight, typed, .. } = asked.get(&term)?;
            let (all, with) = (collection.passages as f64, passages as f64);
            let rarity = (1.0 + (all - with + 0.5).max(0.5) / (with + 0.5)).ln();
            Some(Term { term, passages, weight: f64::from(*weight) * rarity, typed: *typed })
        })
        .collect();
    weighed.sort_by_key(|term| term.passages);
    Ok(weighed)
}

async fn by_words(client: &Client, collection: &Collection, terms: &[Term]) -> Result<Vec<i64>, Error> {
    let known: Vec<&Term> = terms.iter().filter(|term| term.passages > 0).collect();
    let mut sum = 0;
    // At least one, however common; then as many more as keep the candidates few.
    let rare = known.iter().take_while(|term| {
        let takes = sum == 0 || sum + term.passages <= CANDIDATES;
        sum += term.passages;
        takes
    });
    let rare: Vec<&str> = rare.map(|term| term.term.as_str()).collect();
    if rare.is_empty() {
        return Ok(Vec::new());
    }
    let all: Vec<&str> = known.iter().map(|term| term.term.as_str()).collect();
    let weights: Vec<f64> = known.iter().map(|term| term.weight).collect();
    let average = (collection.length as f64 / collection.passages.max(1) as f64).max(1.0);
    let rank = "SELECT p.id FROM compagnon.passages p, LATERAL ( \
                  SELECT sum(q.weight * p.counts[place.at] * ($6::float8 + 1) / (p.counts[place.at] + $6::float8 * (1 - $7::float8 + $7::float8 * p.length / $5::float8))) AS score \
                  FROM unnest($3::text[], $4::float8[]) AS q(term, weight), LATERAL (SELECT array_position(p.terms, q.term) AS at) place \
                  WHERE place.at IS NOT NULL) ranked \
                WHERE p.collection = $1 AND p.terms && $2::text[] ORDER BY ranked.score DESC, p.id LIMIT $8";
    let rows = client
        .query(rank, &[&collection.id, &rare, &all, &weights, &average, &SATURATION, &LENGTH_WEIGHT, &RANKED])
        .await?;
    Ok(rows.into_iter().map(|row| row.get(0)).collect())
}

async fn by_vectors(client: &Client, collection: &Collection, vector: Option<&[f32]>) -> Result<Vec<i64>, Error> {
    let (Some(vector), Some(dimension)) = (vector, collection.dimension) else { return Ok(Vec::new()) };
    // Two numbers of ours: the planner sees by them that the collection's own index fits.
    let rank = format!(
        "SELECT id FROM compagnon.passages WHERE collection = {} AND embedding IS NOT NULL \
         ORDER BY embedding::vector({dimension}) <#> ($1::text)::vector({dimension}) LIMIT $2",
        collection.id
    );
    let rows = client.query(&rank, &[&written(vector), &RANKED]).await?;
    Ok(rows.into_iter().map(|row| row.get(0)).collect())
}

async fn hits(
    client: &Client,
    name: &str,
    best: &[(i64, f32)],
    terms: &[Term],
    vector: Option<&[f32]>,
) -> Result<Vec<Hit>, Error> {
    let ids: Vec<i64> = best.iter().map(|(id, _)| *id).collect();
    let vector = vector.map(written);
    let fetch = "SELECT p.id, p.document, d.title, p.ordinal, p.place, p.headings, p.body, p.terms, \
                   -(p.embedding <#> ($2::text)::vector) \
                 FROM compagnon.passages p JOIN compagnon.documents d ON d.collection = p.collection AND d.number = p.document \
                 WHERE p.id = ANY($1)";
    let rows = client.query(fetch, &[&ids, &vector]).await?;
    let mut found: HashMap<i64, Hit> = rows.iter().map(|row| (row.get(0), hit(name, row, terms))).collect();
    let ordered = best.iter().filter_map(|(id, score)| found.remove(id).map(|hit| Hit { score: *score, ..hit }));
    Ok(ordered.collect())
}

fn hit(name: &str, row: &Row, terms: &[Term]) -> Hit {
    let held: Vec<String> = row.get(7);
    let typed = || terms.iter().filter(|term| term.typed);
    let all: f64 = typed().map(|term| term.weight).sum();
    // In the order of the terms: the server has no other.
    let has = |term: &&Term| held.binary_search(&term.term).is_ok() || held.contains(&term.term);
    let with: f64 = typed().filter(has).map(|term| term.weight).sum();
    let place: String = row.get(4);
    Hit {
        partition: Partition::Collection(name.to_owned()),
        document: row.get::<_, i64>(1).cast_unsigned(),
        title: row.get(2),
        passage: Passage {
            ordinal: row.get::<_, i32>(3).cast_unsigned(),
            place: serde_json::from_str(&place).unwrap_or_default(),
            headings: row.get(5),
            text: row.get(6),
        },
        score: 0.0,
        evidence: Evidence {
            cosine: row.get::<_, Option<f64>>(8).map(|cosine| cosine as f32),
            words: if all > 0.0 { (with / all) as f32 } else { 0.0 },
        },
    }
}
