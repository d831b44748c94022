//! What a sync brings to the assistant, as plain values.

use ruma::OwnedRoomId;

use crate::message::{Edit, Gap, Incoming, Reaction, Redaction, Undecrypted};

/// What one sync response brought, to be written down in one go before the next is asked for.
#[derive(Debug, Default)]
pub struct Batch {
    /// The token from which the next sync starts. Stored with the messages, so that neither is ahead of the other.
    pub next_batch: String,
    /// New text messages by others, decrypted, oldest first within a room, and the bot's own coming into a room. Own, redacted and
    /// notice messages are not in it, nor what another compagnon has written.
    pub messages: Vec<Incoming>,
    /// Messages whose text was changed.
    pub edits: Vec<Edit>,
    /// Events that were taken back.
    pub redactions: Vec<Redaction>,
    /// Emojis put on messages by others.
    pub reactions: Vec<Reaction>,
    /// Messages whose key has not arrived yet, to be kept for [`super::retry_undecrypted`].
    pub undecrypted: Vec<Undecrypted>,
    /// Rooms the bot is no longer in: left, kicked, banned.
    pub left: Vec<OwnedRoomId>,
    /// Rooms that were upgraded, as (old, new): checked on both sides. The same move may be told again after a restart.
    pub upgraded: Vec<(OwnedRoomId, OwnedRoomId)>,
    /// Stretches of timelines that could not be read now, or not to their beginning: each takes the place of its room's earlier one.
    pub gaps: Vec<Gap>,
    /// Rooms whose gap is read, or given up.
    pub closed: Vec<OwnedRoomId>,
}
