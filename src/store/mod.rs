//! What the bot remembers, on disk and sealed. The only place that knows sled.
//!
//! Every change is one atomic write followed by a flush: when a function here returns, what it did survives a kill. A record is
//! sealed for its place (`seal.rs`); identifiers stand on disk as keyed hashes only; what belongs to a room is sealed under the
//! room's own key, so that forgetting the room is destroying that key (`keys.rs`), and forgetting a part of it is replacing that
//! key (`rotate.rs`).
//!
//! The rest of the program uses [`Store`], whose functions are awaited while one thread does the work (`owner.rs`). That thread has the
//! [`Database`], whose functions are synchronous: each is one [`transaction`]. Times are milliseconds since the epoch, by our clock.

mod acknowledge;
mod answer;
mod answered;
mod approved;
mod aside;
mod audit;
mod backup;
mod changes;
mod chunk;
mod condense;
mod database;
mod document;
mod error;
mod file;
mod files;
mod forget;
mod forget_document;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gauges;
mod handle;
mod head;
mod inbox;
mod job;
mod keys;
mod layout;
mod library;
mod made;
mod memory;
mod migrate;
mod not_served;
mod outbox;
mod own;
mod owner;
mod people;
mod personal;
mod promotion;
mod purge;
mod put_document;
mod question;
mod ratings;
mod read;
mod read_document;
mod recorder;
mod records;
mod rotate;
mod said;
mod schema;
mod seal;
mod sealed_chunks;
mod sealed_file;
mod settings;
mod snapshot;
mod state;
mod statistics;
mod summary;
#[cfg(test)]
mod tests;
mod told;
mod transaction;
mod turns;
mod undecrypted;
mod usage;
mod vectors;
mod withdraw;
mod withdrawable;
mod withdrawal;

pub use self::acknowledge::Acknowledgement;
pub use self::answer::{Answer, Conclusion, Delivery, Sent};
pub use self::audit::Entry;
pub use self::backup::{BackupError, BackupKey, backup_key, copy_store, seal_backup, seal_into, unseal_backup};
pub use self::changes::Change;
pub use self::database::Database;
pub use self::document::{NewDocument, StoredVectors};
pub use self::error::{Full, StoreError};
pub use self::file::LARGEST_FILE;
pub use self::gauges::Gauges;
pub use self::handle::Store;
pub use self::keys::collections_key;
pub use self::library::GoneDocuments;
pub use self::people::MOST_CROWDS;
pub use self::personal::Personal;
pub use self::purge::{Purged, Retention};
pub use self::question::{Accept, Accepted, Admitted, Edited, Queued, QueuedKind, Reactions};
pub use self::ratings::GivenRating;
pub use self::statistics::STATISTICS_MONTHS;
pub use self::summary::{NewSummary, Past, Summary};
pub use self::turns::MOST_TURNS;
pub use self::usage::MOST_SERIES;
pub use self::withdrawal::Withdrawal;
