//! The records as they are written: JSON, sealed. Each has a type of its own, apart from the value that the program works with, and is
//! converted by `From` both ways.
//!
//! A field that is added here gets a default, so that records without it are read. Any other change is a new version of the store, with a
//! step in `schema.rs` and the old types beside the new ones, as in `version1.rs`.

mod answer;
mod approved;
mod document;
mod file;
mod hex;
mod job;
mod memory;
mod message;
mod question;
mod rating;
mod room;
mod stored;
mod summary;
mod turn;
mod usage;
pub(super) mod version1;
mod withdrawable;

pub(super) use self::answer::{AnsweredRecord, DeliveryRecord, OwnRecord, SentRecord};
pub(super) use self::document::{passages_of_bytes, passages_to_bytes};
pub(super) use self::question::QueuedRecord;
pub(super) use self::stored::Stored;
