//! The index in `PostgreSQL` with pgvector: for collections that are not confidential, shared by several bots.
//!
//! It takes collections only. Each search is of named collections, and every statement has the collection's number in it.

mod candidates;
mod config;
mod passages;
mod pool;
mod put;
mod schema;
mod search;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, Transaction};

pub use self::{config::Config, put::SharedDocument};
use self::{
    pool::{Lent, Pool, failed, within},
    put::{index_vectors, lock, take_out},
};
use super::{Hit, Index, IndexError, IndexedDocument, Query};
use crate::{
    document::{Document, Partition, Passage},
    setting::Refused,
};

/// The index.
#[derive(Debug)]
pub struct PostgresIndex {
    pool: Pool,
    prepared: OnceCell<()>,
    model: Mutex<Option<String>>,
}

impl PostgresIndex {
    /// That of the configuration. Connects when it is first used.
    pub fn open(config: &Config) -> Result<Self, Refused> {
        let (database, tls) = pool::reached(config)?;
        Ok(Self { pool: Pool::new(config, database, tls), prepared: OnceCell::new(), model: Mutex::default() })
    }

    /// Says which model makes the vectors of queries. Those of other models are not compared with them, whatever their length.
    pub fn compares(&self, model: Option<&str>) {
        *self.model.lock().unwrap_or_else(PoisonError::into_inner) = model.map(str::to_owned);
    }

    fn model(&self) -> Option<String> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connects, and makes the tables if they are not there.
    pub async fn check(&self) -> Result<(), IndexError> {
        self.client().await.map(Lent::give_back)
    }

    async fn client(&self) -> Result<Lent<'_>, IndexError> {
        let mut client = self.pool.get().await?;
        let prepare = async || within(self.pool.limit(), schema::prepare(client.client())).await;
        self.prepared.get_or_try_init(prepare).await?;
        Ok(client)
    }

    /// Begins to put a collection: the documents that are there, each with its version. Where the model of the vectors is another one, all of
    /// them are to be put anew.
    pub async fn begin(&self, name: &str, model: Option<(&str, usize)>) -> Result<HashMap<u64, [u8; 32]>, IndexError> {
        let mut lent = self.client().await?;
        let limit = self.pool.limit_of_changes();
        let begun = within(limit, begin(lent.client(), name, model, limit)).await?;
        lent.give_back();
        Ok(begun)
    }

    /// Puts a document of a collection, or puts it anew. Its vectors are of the model that the collection was begun with.
    pub async fn put_document(&self, name: &str, document: &SharedDocument<'_>) -> Result<(), IndexError> {
        let mut lent = self.client().await?;
        let put = async {
            let dimension = document.vectors.and_then(|vectors| vectors.first()).map(Vec::len);
            if let Some(dimension) = dimension.and_then(|values| i32::try_from(values).ok()) {
                ready(lent.client(), name, dimension).await?;
            }
            let transaction = lent.client().transaction().await.map_err(|error| failed(&error))?;
            let run = async {
                let row = lock(&transaction, name).await?;
                put::put(&transaction, row.id, document).await?;
                transaction.commit().await
            };
            run.await.map_err(|error| failed(&error))
        };
        within(self.pool.limit_of_changes(), put).await?;
        lent.give_back();
        Ok(())
    }

    /// A document of a collection.
    pub async fn document(&self, name: &str, number: u64) -> Result<Option<Document>, IndexError> {
        let lent = self.client().await?;
        let find = "SELECT d.title, d.format, d.pages, d.passages, d.characters, d.added_at, d.link FROM compagnon.documents d \
                    JOIN compagnon.collections c ON c.id = d.collection WHERE c.name = $1 AND d.number = $2";
        let read = async {
            let Some(row) = lent.query_opt(find, &[&name, &number.cast_signed()]).await? else { return Ok(None) };
            Ok(Some(Document {
                number,
                partition: Partition::Collection(name.to_owned()),
                title: row.try_get(0)?,
                format: row.try_get(1)?,
                pages: row.try_get::<_, Option<i32>>(2)?.map(i32::cast_unsigned),
                passages: row.try_get::<_, i32>(3)?.cast_unsigned(),
                characters: row.try_get::<_, i64>(4)?.cast_unsigned(),
                origin: None,
                added_at: row.try_get::<_, i64>(5)?.cast_unsigned(),
                link: row.try_get(6)?,
            }))
        };
        let read = async { read.await.map_err(|error: tokio_postgres::Error| failed(&error)) };
        let document = within(self.pool.limit(), read).await?;
        lent.give_back();
        Ok(document)
    }

    /// A document of a collection with its passages.
    pub async fn passages(&self, name: &str, number: u64) -> Result<Option<(Document, Vec<Passage>)>, IndexError> {
        let Some(document) = self.document(name, number).await? else { return Ok(None) };
        let lent = self.client().await?;
        let read = async { passages::passages(&lent, name, number).await.map_err(|error| failed(&error)) };
        let passages = within(self.pool.limit(), read).await?;
        lent.give_back();
        Ok(Some((document, passages)))
    }

    async fn removed(&self, name: &str, document: Option<u64>) -> Result<(), IndexError> {
        let mut lent = self.client().await?;
        let limit = self.pool.limit_of_changes();
        let remove = async {
            let transaction = lent.client().transaction().await.map_err(|error| failed(&error))?;
            let run = async {
                may_take(&transaction, limit).await?;
                let row = lock(&transaction, name).await?;
                if let Some(number) = document {
                    take_out(&transaction, row.id, number.cast_signed()).await?;
                } else {
                    transaction.execute("DELETE FROM compagnon.collections WHERE id = $1", &[&row.id]).await?;
                    transaction
                        .batch_execute(&format!("DROP INDEX IF EXISTS compagnon.passages_vectors_{}", row.id))
                        .await?;
                }
                transaction.commit().await
            };
            run.await.map_err(|error| failed(&error))
        };
        within(limit, remove).await?;
        lent.give_back();
        Ok(())
    }
}

async fn begin(
    client: &mut Client,
    name: &str,
    model: Option<(&str, usize)>,
    limit: Duration,
) -> Result<HashMap<u64, [u8; 32]>, IndexError> {
    let (model, dimension) = model.unzip();
    let dimension = dimension.and_then(|values| i32::try_from(values).ok());
    let transaction = client.transaction().await.map_err(|error| failed(&error))?;
    let run = async {
        may_take(&transaction, limit).await?;
        let row = lock(&transaction, name).await?;
        if row.model.as_deref() != model || row.dimension != dimension {
            forget_vectors(&transaction, row.id, model).await?;
        }
        let list = "SELECT number, version FROM compagnon.documents WHERE collection = $1";
        let rows = transaction.query(list, &[&row.id]).await?;
        transaction.commit().await?;
        let entry = |row: &tokio_postgres::Row| {
            let (number, version): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            Ok((number.cast_unsigned(), version.try_into().unwrap_or_default()))
        };
        rows.iter().map(entry).collect::<Result<HashMap<_, _>, tokio_postgres::Error>>()
    };
    let there = run.await.map_err(|error| failed(&error))?;
    if let Some(dimension) = dimension {
        ready(client, name, dimension).await?;
    }
    Ok(there)
}

/// Forgets the vectors of a collection, which are of another model: its documents are to be put anew.
async fn forget_vectors(
    transaction: &Transaction<'_>,
    id: i32,
    model: Option<&str>,
) -> Result<(), tokio_postgres::Error> {
    let passages = "UPDATE compagnon.passages SET embedding = NULL WHERE collection = $1 AND embedding IS NOT NULL";
    transaction.execute(passages, &[&id]).await?;
    transaction
        .execute("UPDATE compagnon.documents SET version = '', mean = NULL WHERE collection = $1", &[&id])
        .await?;
    let change = "UPDATE compagnon.collections SET model = $2, dimension = NULL, sum = NULL, vectors = 0 WHERE id = $1";
    transaction.execute(change, &[&id, &model]).await?;
    Ok(())
}

/// Lets the statements of a transaction take longer than those of a search.
async fn may_take(transaction: &Transaction<'_>, limit: Duration) -> Result<(), tokio_postgres::Error> {
    transaction.batch_execute(&format!("SET LOCAL statement_timeout = {}", limit.as_millis())).await
}

/// Gives a collection its index of vectors, or refuses vectors of another length. A transaction of its own: it locks the passages of all
/// collections, and whoever holds some of them already would wait for another who does.
async fn ready(client: &mut Client, name: &str, dimension: i32) -> Result<(), IndexError> {
    let transaction = client.transaction().await.map_err(|error| failed(&error))?;
    let row = lock(&transaction, name).await.map_err(|error| failed(&error))?;
    match row.dimension {
        Some(expected) if expected == dimension => return Ok(()),
        Some(expected) => {
            return Err(IndexError::Dimension {
                found: dimension.unsigned_abs() as usize,
                expected: expected.unsigned_abs() as usize,
            });
        }
        None => {}
    }
    let made = async {
        index_vectors(&transaction, row.id, dimension).await?;
        transaction.commit().await
    };
    made.await.map_err(|error| failed(&error))
}

/// The name of a collection; nothing else is ever sent to the server.
fn collection(partition: &Partition) -> Result<&str, IndexError> {
    match partition {
        Partition::Collection(name) => Ok(name),
        _ => Err(IndexError::Refused("what is no collection is not put into PostgreSQL".to_owned())),
    }
}

#[async_trait]
impl Index for PostgresIndex {
    async fn put(&self, partition: &Partition, document: IndexedDocument) -> Result<(), IndexError> {
        let name = collection(partition)?;
        let IndexedDocument { number, title, passages, vectors } = document;
        let characters = passages.iter().map(|passage| passage.text.chars().count() as u64).sum();
        let known = Document {
            number,
            partition: partition.clone(),
            title,
            format: String::new(),
            pages: None,
            passages: u32::try_from(passages.len()).unwrap_or(u32::MAX),
            characters,
            origin: None,
            added_at: 0,
            link: None,
        };
        let put =
            SharedDocument { document: &known, version: [0; 32], passages: &passages, vectors: vectors.as_deref() };
        self.put_document(name, &put).await
    }

    async fn remove(&self, partition: &Partition, document: Option<u64>) -> Result<(), IndexError> {
        self.removed(collection(partition)?, document).await
    }

    async fn holds(&self, partition: &Partition) -> Result<bool, IndexError> {
        let name = collection(partition)?;
        let lent = self.client().await?;
        let find = "SELECT 1 FROM compagnon.collections WHERE name = $1 AND passages > 0";
        let find = async { lent.query_opt(find, &[&name]).await.map_err(|error| failed(&error)) };
        let held = within(self.pool.limit(), find).await?.is_some();
        lent.give_back();
        Ok(held)
    }

    async fn search(&self, partitions: &[Partition], query: &Query) -> Result<Vec<Hit>, IndexError> {
        let mut names: Vec<&str> = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let name = collection(partition)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let (lent, model) = (self.client().await?, self.model());
        let find =
            async { search::search(&lent, &names, model.as_deref(), query).await.map_err(|error| failed(&error)) };
        let hits = within(self.pool.limit(), find).await?;
        lent.give_back();
        Ok(hits)
    }
}
