//! From the bytes of a file to passages, or to segments and back, in a child process that can do nothing else.
//!
//! [`Extractor`] is all that the rest of the program calls. It starts the program once more as `compagnon extract`, gives it the bytes by a
//! pipe and reads passages from another: a parser that is broken by a file breaks alone.

mod archive;
pub mod child;
mod clean;
pub mod config;
mod error;
mod extracted;
mod extractor;
mod flow;
mod format;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod limits;
mod parse;
mod passages;
mod probe;
mod read;
mod rewrite;
mod sandbox;
mod sentences;
mod sniff;
mod sound;
mod trouble;
mod wire;

#[cfg(test)]
pub(crate) mod fixtures;

pub use config::Config;
pub use error::{ExtractError, Limit};
pub use extracted::{Extracted, Segments, SourceFile};
pub use extractor::Extractor;
pub use format::{Format, can_read};
pub use read::plain::decode as decoded;
pub use sandbox::Confinement;
pub use sentences::sentence_ends;
