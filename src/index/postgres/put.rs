//! Puts documents and removes them: one transaction each, under the lock of the collection's row.

use std::collections::{BTreeMap, HashMap};

use tokio_postgres::Transaction;

use crate::{
    document::{Document, Passage},
    index::{french, lexical, vector},
};

/// A document as it is put, with what its link and its list entry need.
pub struct SharedDocument<'a> {
    /// The document.
    pub document: &'a Document,
    /// What differs once it must be put anew.
    pub version: [u8; 32],
    /// Its passages, in order.
    pub passages: &'a [Passage],
    /// One vector for each, where there is a model.
    pub vectors: Option<&'a [Vec<f32>]>,
}

/// The row of a collection, locked until the transaction ends; made if it is not there.
pub(super) struct Row {
    pub(super) id: i32,
    pub(super) model: Option<String>,
    pub(super) dimension: Option<i32>,
}

pub(super) async fn lock(transaction: &Transaction<'_>, name: &str) -> Result<Row, tokio_postgres::Error> {
    let find = "SELECT id, model, dimension FROM compagnon.collections WHERE name = $1 FOR UPDATE";
    let row = if let Some(row) = transaction.query_opt(find, &[&name]).await? {
        row
    } else {
        // Another bot may make it at the same moment. Only then: an attempt that conflicts uses up a number.
        let make = "INSERT INTO compagnon.collections (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
        transaction.execute(make, &[&name]).await?;
        transaction.query_one(find, &[&name]).await?
    };
    Ok(Row { id: row.try_get(0)?, model: row.try_get(1)?, dimension: row.try_get(2)? })
}

/// A passage's terms with what each counts in it, in the order of the terms, and the sum. All counts are whole.
fn counted(title: &[String], passage: &Passage) -> (Vec<String>, Vec<i32>, i32) {
    let lexical::Counts { terms, length } = lexical::counts(title, passage);
    let counts: BTreeMap<String, i32> =
        terms.into_iter().map(|(term, count)| (storable(&term), count as i32)).collect();
    let (terms, counts) = counts.into_iter().unzip();
    (terms, counts, length as i32)
}

/// Puts a document in place of the one that may be there. The collection has its index of vectors already.
pub(super) async fn put(
    transaction: &Transaction<'_>,
    id: i32,
    put: &SharedDocument<'_>,
) -> Result<(), tokio_postgres::Error> {
    take_out(transaction, id, put.document.number.cast_signed()).await?;
    write(transaction, id, put).await
}

/// Gives a collection its index of vectors. Only numbers of ours are part of the statement.
pub(super) async fn index_vectors(
    transaction: &Transaction<'_>,
    id: i32,
    dimension: i32,
) -> Result<(), tokio_postgres::Error> {
    transaction.execute("UPDATE compagnon.collections SET dimension = $2 WHERE id = $1", &[&id, &dimension]).await?;
    transaction
        .batch_execute(&format!(
            "DROP INDEX IF EXISTS compagnon.passages_vectors_{id}; \
             CREATE INDEX passages_vectors_{id} ON compagnon.passages \
             USING hnsw ((embedding::vector({dimension})) vector_ip_ops) WHERE collection = {id}"
        ))
        .await
}

async fn write(transaction: &Transaction<'_>, id: i32, put: &SharedDocument<'_>) -> Result<(), tokio_postgres::Error> {
    let Document { number, title, format, pages, characters, added_at, link, .. } = put.document;
    let (number, characters, added_at) = (number.cast_signed(), characters.cast_signed(), added_at.cast_signed());
    let (name, format, link) = (storable(title), storable(format), link.as_deref().map(storable));
    let pages = pages.and_then(|pages| i32::try_from(pages).ok());
    let count = i32::try_from(put.passages.len()).unwrap_or(i32::MAX);
    let version = put.version.as_slice();
    let mean = put.vectors.and_then(mean);
    let written_mean = mean.as_deref().map(written);
    let add = "INSERT INTO compagnon.documents (collection, number, version, title, format, pages, passages, characters, added_at, link, mean) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, ($11::text)::vector)";
    transaction
        .execute(
            add,
            &[&id, &number, &version, &name, &format, &pages, &count, &characters, &added_at, &link, &written_mean],
        )
        .await?;
    if let Some(mean) = mean {
        let sum: Vec<f32> = mean.iter().map(|value| value * count as f32).collect();
        let add = "UPDATE compagnon.collections SET sum = coalesce(sum + ($2::text)::vector, ($2::text)::vector), \
                   vectors = vectors + $3 WHERE id = $1";
        transaction.execute(add, &[&id, &written(&sum), &i64::from(count)]).await?;
    }
    let add = transaction
        .prepare(
            "INSERT INTO compagnon.passages (collection, document, ordinal, place, headings, body, terms, counts, length, embedding) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, ($10::text)::vector)",
        )
        .await?;
    let title = french::terms(title);
    let (mut frequencies, mut length) = (HashMap::new(), 0_i64);
    for (at, passage) in put.passages.iter().enumerate() {
        let (terms, counts, words) = counted(&title, passage);
        for term in &terms {
            *frequencies.entry(term.clone()).or_insert(0) += 1;
        }
        length += i64::from(words);
        let place = serde_json::to_string(&passage.place).unwrap_or_default();
        let headings: Vec<String> = passage.headings.iter().map(|heading| storable(heading)).collect();
        let vector = put.vectors.and_then(|vectors| vectors.get(at)).map(|vector| written(vector));
        let ordinal = i32::try_from(passage.ordinal).unwrap_or(i32::MAX);
        let body = storable(&passage.text);
        transaction
            .execute(&add, &[&id, &number, &ordinal, &place, &headings, &body, &terms, &counts, &words, &vector])
            .await?;
    }
    count_terms(transaction, id, frequencies, i64::from(count), length).await
}

/// Adds to how many passages have each term, or takes away from it.
async fn count_terms(
    transaction: &Transaction<'_>,
    id: i32,
    frequencies: HashMap<String, i32>,
    passages: i64,
    length: i64,
) -> Result<(), tokio_postgres::Error> {
    let (terms, counts): (Vec<String>, Vec<i32>) = frequencies.into_iter().unzip();
    let count = "INSERT INTO compagnon.terms (collection, term, passages) SELECT $1::integer, * FROM unnest($2::text[], $3::integer[]) \
                 ON CONFLICT (collection, term) DO UPDATE SET passages = compagnon.terms.passages + EXCLUDED.passages";
    transaction.execute(count, &[&id, &terms, &counts]).await?;
    let total = "UPDATE compagnon.collections SET passages = passages + $2, length = length + $3 WHERE id = $1";
    transaction.execute(total, &[&id, &passages, &length]).await?;
    Ok(())
}

/// Removes a document with its passages and what they count for.
pub(super) async fn take_out(transaction: &Transaction<'_>, id: i32, number: i64) -> Result<(), tokio_postgres::Error> {
    let terms = "UPDATE compagnon.terms t SET passages = t.passages - gone.passages FROM \
                 (SELECT term, count(*)::integer AS passages FROM compagnon.passages p, unnest(p.terms) AS term \
                  WHERE p.collection = $1 AND p.document = $2 GROUP BY term) gone \
                 WHERE t.collection = $1 AND t.term = gone.term";
    transaction.execute(terms, &[&id, &number]).await?;
    // Nothing is left of what only this document held.
    let held = "DELETE FROM compagnon.terms WHERE collection = $1 AND passages <= 0 AND term IN \
                (SELECT unnest(terms) FROM compagnon.passages WHERE collection = $1 AND document = $2)";
    transaction.execute(held, &[&id, &number]).await?;
    let sum = "UPDATE compagnon.collections c SET vectors = c.vectors - d.passages, \
               sum = c.sum - d.mean * array_fill(d.passages::real, ARRAY[vector_dims(d.mean)])::vector \
               FROM compagnon.documents d WHERE c.id = $1 AND d.collection = $1 AND d.number = $2 AND d.mean IS NOT NULL";
    transaction.execute(sum, &[&id, &number]).await?;
    let total = "UPDATE compagnon.collections c SET passages = c.passages - gone.passages, length = c.length - gone.length FROM \
                 (SELECT count(*) AS passages, coalesce(sum(length), 0)::bigint AS length FROM compagnon.passages \
                  WHERE collection = $1 AND document = $2) gone WHERE c.id = $1";
    transaction.execute(total, &[&id, &number]).await?;
    transaction
        .execute("DELETE FROM compagnon.documents WHERE collection = $1 AND number = $2", &[&id, &number])
        .await?;
    Ok(())
}

/// The mean of the vectors of a document.
fn mean(vectors: &[Vec<f32>]) -> Option<Vec<f32>> {
    let sound = || vectors.iter().filter(|one| one.iter().any(|value| *value != 0.0));
    let (count, mut mean) = (sound().count(), Vec::new());
    for one in sound() {
        vector::add(&mut mean, one, 1.0 / count as f32);
    }
    (count > 0).then_some(mean)
}

/// `PostgreSQL` keeps no text with a zero in it.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// A vector as pgvector reads it.
pub(super) fn written(vector: &[f32]) -> String {
    let values: Vec<String> = vector.iter().map(f32::to_string).collect();
    format!("[{}]", values.join(","))
}
