//! Matrix: the only module that uses `matrix_sdk`. Its interface consists of plain values: a [`Batch`] of new messages per sync, and the
//! [`Gateway`] through which the assistant sends and asks.

mod access;
mod account_health;
mod backfill;
mod backoff;
mod batch;
mod body;
mod clock;
pub mod config;
mod content;
mod context;
mod directs;
mod display_name;
mod download;
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
mod history;
mod html;
mod intake;
mod lease;
mod markdown;
mod markup;
mod membership;
mod power;
mod probe;
mod queries;
mod reaction;
mod redecryption;
mod retired;
mod room_tasks;
mod rooms;
mod sdk_gateway;
mod sender;
mod session;
mod sought;
mod split;
mod timeline;
mod trust;
mod vault;
mod verification;
mod web;

pub use access::{Access, Refusal, Sentence};
pub use account_health::AccountHealth;
pub use batch::Batch;
pub use config::Config;
pub use event::room_message::RoomMessage;
pub use gateway::{DownloadError, Gateway, History, HistoryMessage, OutgoingFile, RoomFacts, SendError, Upload};
pub use intake::{CatchUp, SyncError, sync_loop};
pub use markdown::{Tables, says_enough, settled};
pub use probe::{ProbeOutcome, probe, probe_offline};
pub use redecryption::{ReceivedKeys, Redecrypted, keys_received, retry_undecrypted, utd_messages};
pub use rooms::RoomKind;
pub use sdk_gateway::MatrixGateway;
pub use session::{Session, SessionError};
pub use sought::Sought;
pub use split::{closed, parts, parts_with_sources, split};
pub use vault::{PORTABLE, PortableFiles, portable};
pub use verification::{Fingerprint, VerificationPlace, VerificationRequest};
