//! Collections at work: read from their folders ([`Indexing`]), and brought into the index for a search ([`Searchable`]).
//!
//! Here, above the modules that each do one part: `collections` walks and seals, `documents` extracts, `inference` embeds, `index` searches.

mod blocking;
mod indexing;
mod searchable;
mod shared;
#[cfg(test)]
mod tests;

pub use self::indexing::{Indexing, Options, Progress, Summary};
pub use self::searchable::{Searchable, SearchableError};
pub use self::shared::SharedIndex;
