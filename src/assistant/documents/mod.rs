//! Documents for the assistant: which of them a question may see, what of them answers it, and what comes in.
//!
//! The store ([`kept::Kept`], and what `eval` has in its place) is the truth; the index holds in memory what was searched lately. [`Documents::load`] brings the index to what the store says, so
//! whoever adds or removes a document writes it to the store and no more; what is forgotten is also taken out of the index at once
//! ([`Documents::drop_gone`]).

mod asked;
pub mod embed;
#[cfg(test)]
pub mod fakes;
mod handle;
mod indexed;
mod ingest;
mod kept;
mod load;
mod local;
mod long;
mod meant;
mod names;
mod partitions;
mod passages;
mod query;
mod reader;
mod search;
mod unsaid;

pub use self::asked::{Search, characters_for};
pub use self::handle::{DocumentParts, Documents};
pub use self::ingest::{Ingested, Ingestion, SentFile, not_read, promises, readable, reader};
pub use self::local::{LocalDocuments, LocalFile, LocalSet};
pub use self::long::Long;
pub use self::names::title;
pub use self::partitions::{Scope, searched};
pub use self::reader::FileReader;
pub use self::search::Found;
