//! Search over passages: lexical and by vectors, fused.
//!
//! [`Index`] finds passages; which engine does is known here only. What it is given it keeps in memory, or for what is not confidential in
//! `PostgreSQL`: nothing readable is ever on our disk.

pub mod acronyms;
pub mod centred;
pub mod common;
pub mod embedded;
mod engine;
pub mod french;
pub mod fusion;
pub mod generic;
pub mod lexical;
pub mod postgres;
mod routed;
pub mod select;
pub mod spelling;
pub mod synonyms;
pub mod threshold;
pub mod vector;
pub mod weighed;

pub use self::engine::{Evidence, Hit, Index, IndexError, IndexedDocument, Query, embedding_text, reranking_text};
pub use self::postgres::{PostgresIndex, SharedDocument};
pub use self::routed::RoutedIndex;
