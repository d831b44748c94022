//! The tables, made and versioned by the program. Everything is in a schema of its own; no text of a document is ever part of a statement.

use tokio_postgres::Client;

use super::pool::failed;
use crate::index::IndexError;

/// The version of the tables.
const VERSION: i32 = 1;

/// A number that no other program takes, for the lock under which tables are made.
const LOCK: i64 = 0x636f_6d70_6167_6e6f;

const TABLES: &str = "
CREATE TABLE compagnon.version (version integer NOT NULL);
CREATE TABLE compagnon.collections (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    model text,
    dimension integer,
    passages bigint NOT NULL DEFAULT 0,
    length bigint NOT NULL DEFAULT 0,
    sum vector,
    vectors bigint NOT NULL DEFAULT 0
);
CREATE TABLE compagnon.documents (
    collection integer NOT NULL REFERENCES compagnon.collections ON DELETE CASCADE,
    number bigint NOT NULL,
    version bytea NOT NULL,
    title text NOT NULL,
    format text NOT NULL,
    pages integer,
    passages integer NOT NULL,
    characters bigint NOT NULL,
    added_at bigint NOT NULL,
    link text,
    mean vector,
    PRIMARY KEY (collection, number)
);
CREATE TABLE compagnon.passages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection integer NOT NULL,
    document bigint NOT NULL,
    ordinal integer NOT NULL,
    place text NOT NULL,
    headings text[] NOT NULL,
    body text NOT NULL,
    terms text[] NOT NULL,
    counts integer[] NOT NULL,
    length integer NOT NULL,
    embedding vector,
    UNIQUE (collection, document, ordinal),
    FOREIGN KEY (collection, document) REFERENCES compagnon.documents ON DELETE CASCADE
);
CREATE INDEX passages_terms ON compagnon.passages USING gin (terms);
CREATE TABLE compagnon.terms (
    collection integer NOT NULL REFERENCES compagnon.collections ON DELETE CASCADE,
    term text COLLATE \"C\" NOT NULL,
    passages integer NOT NULL,
    PRIMARY KEY (collection, term)
);";

/// Makes the tables if they are not there. Tables of a later version are refused.
pub(super) async fn prepare(client: &mut Client) -> Result<(), IndexError> {
    let transaction = client.transaction().await.map_err(|error| failed(&error))?;
    let run = async {
        // Several bots may start at once.
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        let found = transaction.query_one("SELECT to_regclass('compagnon.version') IS NOT NULL", &[]).await?;
        if !found.try_get::<_, bool>(0)? {
            // An administrator may have made it for an account that may make none.
            let schema = transaction.query_one("SELECT to_regnamespace('compagnon') IS NOT NULL", &[]).await?;
            if !schema.try_get::<_, bool>(0)? {
                transaction.batch_execute("CREATE SCHEMA compagnon").await?;
            }
            transaction.batch_execute("CREATE EXTENSION IF NOT EXISTS vector").await?;
            transaction.batch_execute(TABLES).await?;
            transaction.execute("INSERT INTO compagnon.version VALUES ($1)", &[&VERSION]).await?;
        }
        let version = transaction.query_one("SELECT max(version) FROM compagnon.version", &[]).await?;
        version.try_get::<_, Option<i32>>(0)
    };
    let version = run.await.map_err(|error: tokio_postgres::Error| failed(&error))?;
    if version != Some(VERSION) {
        let found = version.unwrap_or_default();
        return Err(IndexError::Refused(format!(
            "the tables in PostgreSQL are of version {found} and this program writes version {VERSION}: use the same program for all bots"
        )));
    }
    transaction.commit().await.map_err(|error| failed(&error))
}
