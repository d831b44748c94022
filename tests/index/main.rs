//! The indexes, by one set of expectations: the embedded one, and `PostgreSQL` with pgvector as a real server.

#[path = "../support/mod.rs"]
mod support;

mod conformance;
mod postgres;
