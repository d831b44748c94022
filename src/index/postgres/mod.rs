//! The index in `PostgreSQL` with pgvector: for collections that are not confidential, shared by several bots.
//!
//! It takes collections only. Each search is of named collections, and every statement has the collection's number in it.

mod config;
mod pool;
mod put;
mod schema;
mod search;

use std::collections::HashMap;

use async_trait::async_trait;
use tokio::{sync::OnceCell, time::timeout};

pub use self::{config::Config, put::SharedDocument};
use self::{
    pool::{Lent, Pool, failed},
    put::{index_vectors, lock, take_out},
};
use super::{Hit, Index, IndexError, IndexedDocument, Query};
use crate::{
    document::{Document, Partition},
    setting::Refused,
};

/// The index.
#[derive(Debug)]
pub struct PostgresIndex {
    pool: Pool,
    prepared: OnceCell<()>,
}

impl PostgresIndex {
    /// That of the configuration. Connects when it is first used.
    pub fn open(config: &Config) -> Result<Self, Refused> {
        let (database, tls) = pool::reached(config)?;
        Ok(Self { pool: Pool::new(config, database, tls), prepared: OnceCell::new() })
    }

    /// Connects, and makes the tables if they are not there.
    pub async fn check(&self) -> Result<(), IndexError> {
        self.client().await.map(drop)
    }

    async fn client(&self) -> Result<Lent<'_>, IndexError> {
        let mut client = self.pool.get().await?;
        self.prepared.get_or_try_init(async || schema::prepare(client.client()).await).await?;
        Ok(client)
    }

    /// Begins to put a collection: the documents that are there, each with its version. Where the model of the vectors is another one, all of
    /// them are to be put anew.
    pub async fn begin(&self, name: &str, model: Option<(&str, usize)>) -> Result<HashMap<u64, [u8; 32]>, IndexError> {
        let mut client = self.client().await?;
        let (model, dimension) = model.unzip();
        let dimension = dimension.and_then(|values| i32::try_from(values).ok());
        let transaction = client.client().transaction().await.map_err(|error| failed(&error))?;
        let run = async {
            let row = lock(&transaction, name).await?;
            if row.model.as_deref() != model || row.dimension != dimension {
                transaction
                    .execute("UPDATE compagnon.passages SET embedding = NULL WHERE collection = $1", &[&row.id])
                    .await?;
                transaction
                    .execute("UPDATE compagnon.documents SET version = '' WHERE collection = $1", &[&row.id])
                    .await?;
                let change = "UPDATE compagnon.collections SET model = $2, dimension = NULL WHERE id = $1";
                transaction.execute(change, &[&row.id, &model]).await?;
            }
            let list = "SELECT number, version FROM compagnon.documents WHERE collection = $1";
            let rows = transaction.query(list, &[&row.id]).await?;
            transaction.commit().await?;
            Ok(rows)
        };
        let rows = run.await.map_err(|error: tokio_postgres::Error| failed(&error))?;
        if let Some(dimension) = dimension {
            ready(&mut client, name, dimension).await?;
        }
        let entry = |row: &tokio_postgres::Row| {
            let version: Vec<u8> = row.get(1);
            (row.get::<_, i64>(0).cast_unsigned(), version.try_into().unwrap_or_default())
        };
        Ok(rows.iter().map(entry).collect())
    }

    /// Puts a document of a collection, or puts it anew.
    pub async fn put_document(&self, name: &str, document: &SharedDocument<'_>) -> Result<(), IndexError> {
        let mut client = self.client().await?;
        let dimension = document.vectors.and_then(|vectors| vectors.first()).map(Vec::len);
        if let Some(dimension) = dimension.and_then(|values| i32::try_from(values).ok()) {
            ready(&mut client, name, dimension).await?;
        }
        let transaction = client.client().transaction().await.map_err(|error| failed(&error))?;
        let run = async {
            let row = lock(&transaction, name).await?;
            put::put(&transaction, row.id, document).await?;
            transaction.commit().await
        };
        run.await.map_err(|error| failed(&error))
    }

    /// A document of a collection.
    pub async fn document(&self, name: &str, number: u64) -> Result<Option<Document>, IndexError> {
        let client = self.client().await?;
        let find = "SELECT d.title, d.format, d.pages, d.passages, d.characters, d.added_at, d.link FROM compagnon.documents d \
                    JOIN compagnon.collections c ON c.id = d.collection WHERE c.name = $1 AND d.number = $2";
        let row = client.query_opt(find, &[&name, &number.cast_signed()]).await.map_err(|error| failed(&error))?;
        Ok(row.map(|row| Document {
            number,
            partition: Partition::Collection(name.to_owned()),
            title: row.get(0),
            format: row.get(1),
            pages: row.get::<_, Option<i32>>(2).map(i32::cast_unsigned),
            passages: row.get::<_, i32>(3).cast_unsigned(),
            characters: row.get::<_, i64>(4).cast_unsigned(),
            origin: None,
            added_at: row.get::<_, i64>(5).cast_unsigned(),
            link: row.get(6),
        }))
    }

    async fn removed(&self, name: &str, document: Option<u64>) -> Result<(), IndexError> {
        let mut client = self.client().await?;
        let transaction = client.client().transaction().await.map_err(|error| failed(&error))?;
        let run = async {
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
    }
}

/// Gives a collection its index of vectors, or refuses vectors of another length. A transaction of its own: it locks the passages of all
/// collections, and whoever holds some of them already would wait for another who does.
async fn ready(client: &mut Lent<'_>, name: &str, dimension: i32) -> Result<(), IndexError> {
    let transaction = client.client().transaction().await.map_err(|error| failed(&error))?;
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
        let client = self.client().await?;
        let find = "SELECT 1 FROM compagnon.collections WHERE name = $1 AND passages > 0";
        Ok(client.query_opt(find, &[&name]).await.map_err(|error| failed(&error))?.is_some())
    }

    async fn search(&self, partitions: &[Partition], query: &Query) -> Result<Vec<Hit>, IndexError> {
        let names = partitions.iter().map(collection).collect::<Result<Vec<_>, _>>()?;
        let client = self.client().await?;
        let all = async {
            let mut hits = Vec::new();
            for name in names {
                hits.extend(search::search(&client, name, query).await.map_err(|error| failed(&error))?);
            }
            Ok(hits)
        };
        let late = |_| Err(IndexError::Unreachable("the search took too long".to_owned()));
        let mut hits = timeout(self.pool.limit(), all).await.unwrap_or_else(late)?;
        hits.sort_by(|one, other| other.score.total_cmp(&one.score));
        hits.truncate(query.most);
        Ok(hits)
    }
}
