//! The only place that knows `matrix_sdk`. What leaves it are plain values: a [`Batch`] of new messages per sync, and the
//! [`Gateway`] through which the assistant speaks.

mod access;
mod body;
pub mod config;
mod content;
mod encrypted;
mod event;
mod fault;
mod gap;
mod html;
mod intake;
mod late;
mod moves;
mod probe;
mod reply;
mod rooms;
mod session;
mod split;
mod trust;
mod vault;

use std::time::Duration;

use async_trait::async_trait;
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};

use crate::message::{Incoming, Outgoing, Undecrypted};

pub use access::{Access, Refusal, Sentence};
pub use config::Config;
pub use html::to_html;
pub use intake::{SyncError, sync_loop};
pub use late::{Keys, Retried, keys_received, retry_undecrypted};
pub use probe::probe;
pub use reply::MatrixGateway;
pub use rooms::RoomKind;
pub use session::{Session, SessionError};
pub use split::{parts, split};

/// What one sync response brought, to be written down in one go before the next is asked for.
#[derive(Debug, Default)]
pub struct Batch {
    /// The token from which the next sync starts. Stored with the messages, so that neither is ahead of the other.
    pub next_batch: String,
    /// New text messages by others, decrypted, oldest first within a room. Own, edited, redacted and notice messages are not in it.
    pub messages: Vec<Incoming>,
    /// Messages whose key has not arrived yet, to be kept for [`retry_undecrypted`].
    pub undecrypted: Vec<Undecrypted>,
    /// Rooms the bot is no longer in: left, kicked, banned.
    pub left: Vec<OwnedRoomId>,
    /// Rooms that were upgraded, as (old, new): checked on both sides. The same move may be told again after a restart.
    pub upgraded: Vec<(OwnedRoomId, OwnedRoomId)>,
}

/// Why a message could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The homeserver asks to wait: the message was not sent.
    #[error("the homeserver asks to wait {0:?}")]
    Limited(Duration),
    /// The homeserver could not be reached or failed; the same transaction id may be tried again.
    #[error("the homeserver did not answer: {0}")]
    Unreachable(String),
    /// It will never be sent: the bot is not in the room any more, or may not write there, or encryption is not possible.
    #[error("the room refuses the message: {0}")]
    Refused(String),
}

/// What the assistant needs from Matrix: the client in the product, a stateful fake in tests.
#[async_trait]
pub trait Gateway: Send + Sync + 'static {
    /// Sends a message, or replaces one sent before, and returns its event id. One attempt: it never sleeps on a rate limit but says so.
    async fn send(&self, message: &Outgoing<'_>) -> Result<OwnedEventId, SendError>;

    /// The event id of part `part` of the answer to `question`, if the room already shows it. Asked only when the homeserver may have
    /// forgotten the transaction id.
    async fn find_sent(
        &self,
        room_id: &RoomId,
        question: &EventId,
        part: usize,
    ) -> Result<Option<OwnedEventId>, SendError>;

    /// Shows or hides "is typing"; failures are only logged.
    async fn typing(&self, room_id: &RoomId, on: bool);

    /// Marks the room as read up to this event, in its thread; failures are only logged.
    async fn read(&self, room_id: &RoomId, thread: Option<&EventId>, event_id: &EventId);
}
