//! The only place that knows `matrix_sdk`. What leaves it are plain values: a [`Batch`] of new messages per sync, and the
//! [`Gateway`] through which the assistant speaks.

mod access;
mod ask;
mod backfill;
mod batch;
mod body;
mod clock;
mod condition;
pub mod config;
mod content;
mod directs;
mod encrypted;
mod event;
mod fault;
mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gap;
mod gateway;
#[cfg(any(test, fuzzing))]
pub(crate) mod harmless;
mod html;
mod intake;
mod keeper;
mod late;
mod lease;
mod moves;
mod name;
mod power;
mod probe;
mod reply;
mod retired;
mod rooms;
mod sender;
mod session;
mod split;
mod timeline;
mod trust;
mod vault;
mod web;

pub use access::{Access, Refusal, Sentence};
pub use batch::Batch;
pub use condition::Condition;
pub use config::Config;
pub use gateway::{Gateway, OutgoingFile, RoomFacts, SendError, Upload};
pub use html::to_html;
pub use intake::{CatchUp, SyncError, sync_loop};
pub use late::{Keys, Retried, keys_received, retry_undecrypted, unread};
pub use probe::{Outcome, probe, probe_offline};
pub use reply::MatrixGateway;
pub use rooms::RoomKind;
pub use session::{Session, SessionError};
pub use split::{closed, parts, split};
pub use vault::{Files, PORTABLE, portable};
