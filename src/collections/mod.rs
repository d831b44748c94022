//! Collections: folders of documents that ops give to compagnons, kept sealed as passages with their vectors.
//!
//! Only files are known here: what the configuration names ([`Collections`]), what is kept of each ([`Kept`], [`Writer`]), and which files its
//! folder has. Extracting and embedding are done above, which hands the results over.

mod config;
mod error;
mod hex;
mod manifest;
mod open;
mod seal;
mod sealed;
mod segment;
pub mod service_public;
mod walk;

pub use self::config::{ALL, Collection, Config, Engine, Importer, MOST_COLLECTIONS};
pub use self::error::CollectionError;
pub use self::manifest::{Entry, FilePath, FileState, Manifest, Outcome, READING, Stored};
pub use self::open::{Collections, Kept, Loaded};
pub use self::sealed::{Folder, Stamp, Writer};
pub use self::segment::Segment;
pub use self::walk::{Found, MOST_FILES, read, walk};
