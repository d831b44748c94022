//! Documents for the assistant: which of them a question may see, what of them answers it, and what comes in.
//!
//! The store is the truth; the index holds in memory what was searched lately. [`Documents::load`] brings the index to what the store says, so
//! whoever adds or removes a document writes it to the store and no more; what is forgotten is also taken out of the index at once
//! ([`Documents::drop_gone`]).

pub mod embed;
#[cfg(test)]
pub mod fakes;
mod handle;
mod indexed;
mod ingest;
mod load;
mod long;
mod names;
mod partitions;
mod passages;
mod query;
mod reader;
mod search;

pub use self::handle::{DocumentParts, Documents};
pub use self::ingest::{Ingested, Ingestion, SentFile, promises, readable, reader};
pub use self::names::title;
pub use self::partitions::{Scope, compagnon_of, searched};
pub use self::reader::FileReader;
pub use self::search::{Found, Search};
