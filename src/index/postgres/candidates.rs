//! What the server is asked for in a search: passages that may answer, and what speaks for each. The weighing and the order are made of it by the
//! same pure files as in memory.

use std::collections::HashMap;

use futures_util::future::try_join_all;
use tokio_postgres::{Client, Error, Row};

use super::put::{storable, written};
use crate::index::{
    centred::Centred,
    fusion::COMPARED,
    lexical::{self, Statistics},
    spelling,
    weighed::{self, Weighed},
};

/// The most passages that are ranked by words: enough of the rarest terms are looked for.
const CANDIDATES: u64 = 2_000;

/// How well the words fit a passage `p`, by [`lexical::Statistics::fit`]: the terms are `$2`, their weights `$3`, the mean length `$4`.
const WORDS: &str = "coalesce((SELECT sum(q.weight * p.counts[place.at] / \
                     (p.counts[place.at] + $5::float8 * (1 - $6::float8 + $6::float8 * p.length / $4::float8))) \
                     FROM unnest($2::text[], $3::float8[]) AS q(term, weight), \
                     LATERAL (SELECT array_position(p.terms, q.term) AS at) place WHERE place.at IS NOT NULL), 0)";

/// A collection that is searched.
pub(super) struct Collection {
    pub(super) id: i32,
    pub(super) name: String,
    model: Option<String>,
    dimension: Option<i32>,
    passages: i64,
    length: i64,
    /// The sum of its vectors, and their number.
    sum: Option<Vec<f32>>,
    vectors: i64,
}

impl Collection {
    /// Those of these names that are there, in the order of the names.
    pub(super) async fn find(client: &Client, names: &[&str]) -> Result<Vec<Self>, Error> {
        let find = "SELECT c.id, c.name, c.model, c.dimension, c.passages, c.length, c.sum::real[], c.vectors \
                    FROM unnest($1::text[]) WITH ORDINALITY AS q(name, at) \
                    JOIN compagnon.collections c ON c.name = q.name ORDER BY q.at";
        let rows = client.query(find, &[&names]).await?;
        let read = |row: &Row| {
            Ok(Self {
                id: row.try_get(0)?,
                name: row.try_get(1)?,
                model: row.try_get(2)?,
                dimension: row.try_get(3)?,
                passages: row.try_get(4)?,
                length: row.try_get(5)?,
                sum: row.try_get(6)?,
                vectors: row.try_get(7)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Whether its vectors are of this model, with as many values.
    pub(super) fn is_of(&self, model: Option<&str>, values: usize) -> bool {
        self.model.as_deref() == model && self.dimension.and_then(|values| usize::try_from(values).ok()) == Some(values)
    }
}

/// The query's direction, and what is common to the vectors of these collections; `None` where they have none.
pub(super) fn centred(collections: &[&Collection], query: &[f32], generic: Option<&[f32]>) -> Option<Centred> {
    let (mut sum, mut vectors) = (Vec::new(), 0.0);
    for (own, count) in collections.iter().filter_map(|one| Some((one.sum.as_ref()?, one.vectors))) {
        crate::index::vector::add(&mut sum, own, 1.0);
        vectors += count as f32;
    }
    let centred = (sum.len() == query.len()).then(|| Centred::new(query, generic, sum, vectors))?;
    centred.asked.iter().all(|value| value.is_finite()).then_some(centred)
}

/// The query's terms, weighed among what these collections hold.
pub(super) async fn weighed(client: &Client, collections: &[Collection], text: &str) -> Result<Weighed, Error> {
    let ids: Vec<i32> = collections.iter().map(|one| one.id).collect();
    let statistics = Statistics {
        passages: collections.iter().map(|one| one.passages.max(0).unsigned_abs()).sum(),
        length: collections.iter().map(|one| one.length as f64).sum(),
    };
    let mut asked = lexical::query_terms(text);
    for term in &mut asked {
        term.text = storable(&term.text);
    }
    let terms: Vec<&str> = asked.iter().map(|term| term.text.as_str()).collect();
    let count = "SELECT term, sum(passages)::bigint FROM compagnon.terms \
                 WHERE collection = ANY($1) AND term = ANY($2) AND passages > 0 GROUP BY term";
    let mut holders = counted(&client.query(count, &[&ids, &terms]).await?)?;
    let find = |term: &str| holders.get(term).copied().unwrap_or_default();
    let unknown: Vec<String> = weighed::unknown(&asked, &find).into_iter().map(|(_, term)| term).collect();
    let near = try_join_all(unknown.iter().map(|term| near(client, &ids, term))).await?;
    let near: HashMap<String, Vec<(String, u64)>> = unknown.into_iter().zip(near).collect();
    holders.extend(near.values().flatten().cloned());
    let find = |term: &str| holders.get(term).copied().unwrap_or_default();
    let spelt_so = |term: &str| near.get(term).into_iter().flatten().map(|(term, holders)| (term.as_str(), *holders));
    Ok(Weighed::new(asked, statistics, find, spelt_so))
}

/// The terms that begin and are as long as one that nothing holds: among them is what was meant.
async fn near(client: &Client, ids: &[i32], term: &str) -> Result<Vec<(String, u64)>, Error> {
    let (Some(slack), Some(first)) = (spelling::slack(term), term.chars().next()) else { return Ok(Vec::new()) };
    let bytes = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let (shortest, longest) = (bytes(term.len().saturating_sub(slack)), bytes(term.len() + slack));
    let list = "SELECT term, sum(passages)::bigint FROM compagnon.terms WHERE collection = ANY($1) AND term LIKE $2 \
                AND octet_length(term) BETWEEN $3 AND $4 AND passages > 0 GROUP BY term";
    // A letter, and so nothing that means something in a pattern.
    let beginning = format!("{first}%");
    Ok(counted(&client.query(list, &[&ids, &beginning, &shortest, &longest]).await?)?.into_iter().collect())
}

fn counted(rows: &[Row]) -> Result<HashMap<String, u64>, Error> {
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<_, i64>(1)?.max(0).unsigned_abs()))).collect()
}

/// A passage that may answer.
pub(super) struct Found {
    pub(super) id: i64,
    pub(super) collection: i32,
    pub(super) document: i64,
    pub(super) ordinal: i32,
    /// How well its words fit.
    pub(super) words: f32,
}

/// The passages that may answer: the best by their words, and those whose vectors are nearest, which are also given apart.
pub(super) async fn found(
    client: &Client,
    collections: &[Collection],
    weighed: &Weighed,
    near: &[i64],
) -> Result<Vec<Found>, Error> {
    let ids: Vec<i32> = collections.iter().map(|one| one.id).collect();
    let (terms, weights): (Vec<&str>, Vec<f64>) =
        weighed.terms().iter().map(|term| (term.text.as_str(), f64::from(term.weight))).unzip();
    let statistics = weighed.statistics();
    let average = (statistics.length / statistics.passages.max(1) as f64).max(1.0);
    let (saturation, length) = (f64::from(lexical::SATURATION), f64::from(lexical::LENGTH));
    let rare = looked_for(weighed);
    let most = i64::try_from(COMPARED).unwrap_or(i64::MAX);
    // The second part also has words, though none that is rare enough to be looked for.
    let find = format!(
        "WITH by_words AS (SELECT p.id, {WORDS} AS score FROM compagnon.passages p \
           WHERE p.collection = ANY($1) AND p.terms && $7::text[] \
           ORDER BY score DESC, p.collection, p.document, p.ordinal LIMIT $8) \
         SELECT p.id, p.collection, p.document, p.ordinal, {WORDS}::real FROM compagnon.passages p \
         WHERE p.id IN (SELECT id FROM by_words UNION SELECT unnest($9::bigint[]))"
    );
    let rows =
        client.query(&find, &[&ids, &terms, &weights, &average, &saturation, &length, &rare, &most, &near]).await?;
    let read = |row: &Row| {
        Ok(Found {
            id: row.try_get(0)?,
            collection: row.try_get(1)?,
            document: row.try_get(2)?,
            ordinal: row.try_get(3)?,
            words: row.try_get(4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// The terms by which passages are looked for: those that were typed, the rarest first, as many as keep the candidates few; then what stands for
/// them, if there is room. At least one, however common.
fn looked_for(weighed: &Weighed) -> Vec<&str> {
    let known = weighed.terms().iter().filter(|term| term.holders > 0);
    let mut known: Vec<_> = known.map(|term| (!term.is_typed(), term.holders, term.text.as_str())).collect();
    known.sort_unstable();
    let mut sum = 0;
    known.retain(|(_, holders, _)| {
        let takes = sum == 0 || sum + holders <= CANDIDATES;
        sum += if takes { *holders } else { 0 };
        takes
    });
    known.into_iter().map(|(_, _, term)| term).collect()
}

/// The passages of a collection whose vectors are nearest to the query's direction.
pub(super) async fn nearest(client: &Client, collection: &Collection, asked: &[f32]) -> Result<Vec<i64>, Error> {
    let Some(dimension) = collection.dimension else { return Ok(Vec::new()) };
    // Numbers of ours: the planner sees by them that the collection's own index fits.
    let rank = format!(
        "SELECT id FROM compagnon.passages WHERE collection = {} AND embedding IS NOT NULL \
         ORDER BY embedding::vector({dimension}) <#> ($1::text)::vector({dimension}) LIMIT {COMPARED}",
        collection.id
    );
    client.query(&rank, &[&written(asked)]).await?.iter().map(|row| row.try_get(0)).collect()
}

/// The products of a vector: with the query's direction, with what is common, and with itself.
#[derive(Clone, Copy)]
pub(super) struct Products {
    asked: f64,
    common: f64,
    square: f64,
}

impl Products {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Error> {
        let (asked, common, square) = (row.try_get(at)?, row.try_get(at + 1)?, row.try_get(at + 2)?);
        let all = |asked: Option<f64>, common: Option<f64>, square: Option<f64>| {
            Some(Self { asked: asked?, common: common?, square: square? })
        };
        Ok(all(asked, common, square))
    }

    /// The cosine of both as they are, for vectors of length 1.
    pub(super) fn plain(&self) -> f32 {
        self.asked as f32
    }

    /// The cosine of what is left without what is common.
    pub(super) fn cosine(&self, centred: &Centred) -> Option<f32> {
        Some(centred.cosine(self.asked as f32, centred.left(self.square as f32, self.common as f32)?))
    }
}

/// The products of the vectors of passages.
pub(super) async fn of_passages(
    client: &Client,
    ids: &[i64],
    asked: &[f32],
    mean: &[f32],
) -> Result<HashMap<i64, Products>, Error> {
    let multiply = "SELECT id, -(embedding <#> ($2::text)::vector), -(embedding <#> ($3::text)::vector), -(embedding <#> embedding) \
                    FROM compagnon.passages WHERE id = ANY($1) AND embedding IS NOT NULL";
    let rows = client.query(multiply, &[&ids, &written(asked), &written(mean)]).await?;
    let mut products = HashMap::with_capacity(rows.len());
    for row in &rows {
        if let Some(own) = Products::read(row, 1)? {
            products.insert(row.try_get(0)?, own);
        }
    }
    Ok(products)
}

/// A document, by its collection and number.
pub(super) type Key = (i32, i64);

/// The products of the vectors of documents: of the mean of their passages, and of their first passage.
pub(super) async fn of_documents(
    client: &Client,
    keys: &[Key],
    centred: &Centred,
) -> Result<HashMap<Key, [Option<Products>; 2]>, Error> {
    let (collections, numbers): (Vec<i32>, Vec<i64>) = keys.iter().copied().unzip();
    let multiply = "SELECT d.collection, d.number, -(d.mean <#> v.asked), -(d.mean <#> v.mean), -(d.mean <#> d.mean), \
                      -(f.embedding <#> v.asked), -(f.embedding <#> v.mean), -(f.embedding <#> f.embedding) \
                    FROM unnest($1::integer[], $2::bigint[]) AS c(collection, number) \
                    JOIN compagnon.documents d ON d.collection = c.collection AND d.number = c.number \
                    LEFT JOIN compagnon.passages f ON f.collection = d.collection AND f.document = d.number AND f.ordinal = 0 \
                    CROSS JOIN (SELECT ($3::text)::vector AS asked, ($4::text)::vector AS mean) v";
    let rows =
        client.query(multiply, &[&collections, &numbers, &written(&centred.asked), &written(&centred.mean)]).await?;
    let read = |row: &Row| Ok(((row.try_get(0)?, row.try_get(1)?), [Products::read(row, 2)?, Products::read(row, 5)?]));
    rows.iter().map(read).collect()
}

/// The means of the vectors of documents.
pub(super) async fn means(client: &Client, keys: &[Key]) -> Result<Vec<Vec<f32>>, Error> {
    let (collections, numbers): (Vec<i32>, Vec<i64>) = keys.iter().copied().unzip();
    let list = "SELECT d.mean::real[] FROM unnest($1::integer[], $2::bigint[]) WITH ORDINALITY AS c(collection, number, at) \
                JOIN compagnon.documents d ON d.collection = c.collection AND d.number = c.number \
                WHERE d.mean IS NOT NULL ORDER BY c.at";
    client.query(list, &[&collections, &numbers]).await?.iter().map(|row| row.try_get(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_word_is_looked_for_after_the_words_that_were_typed() {
        let term = |text: &str, typed| lexical::Term { text: text.to_owned(), weight: 1.0, typed };
        let asked = vec![term("rtt", true), term("temp", false), term("cadr", true), term("reduc", false)];
        let holders = |term: &str| match term {
            "rtt" => 1_500,
            "cadr" => 400,
            "temp" => 90,
            _ => 150,
        };
        let statistics = Statistics { passages: 50_000, length: 1e6 };
        let weighed = Weighed::new(asked, statistics, holders, |_| std::iter::empty());
        assert_eq!(looked_for(&weighed), ["cadr", "rtt", "temp"], "there is no room for the last one");
        let common = Weighed::new(vec![term("demand", true)], statistics, |_| 40_000, |_| std::iter::empty());
        assert_eq!(looked_for(&common), ["demand"], "at least one");
    }
}
