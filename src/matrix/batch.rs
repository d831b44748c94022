//! What a sync brings to the assistant, as plain values.

use ruma::OwnedRoomId;

use super::verification::VerificationRequest;
use crate::message::{Edit, Gap, Incoming, Reaction, Redaction, Undecrypted};

/// What one sync response brought. It is stored in one transaction before the next sync is requested.
#[derive(Debug, Default)]
pub struct Batch {
    /// The token from which the next sync starts. It is stored with the messages, so that neither is ahead of the other.
    pub next_batch: String,
    /// New messages by others, decrypted, oldest first within a room, and the bot's own joins. It leaves out the bot's own messages,
    /// redacted messages, notices, and messages that another compagnon has written.
    pub messages: Vec<Incoming>,
    /// Messages whose text was changed.
    pub edits: Vec<Edit>,
    /// Events that were redacted.
    pub redactions: Vec<Redaction>,
    /// Reactions by others.
    pub reactions: Vec<Reaction>,
    /// Requests by others to verify the bot's device.
    pub verifications: Vec<VerificationRequest>,
    /// Messages whose key has not arrived yet, to be kept for [`super::retry_undecrypted`].
    pub undecrypted: Vec<Undecrypted>,
    /// Rooms the bot is no longer in: left, kicked, banned.
    pub left: Vec<OwnedRoomId>,
    /// Rooms that were upgraded, as (old, new), verified on both sides. An upgrade may be reported again after a restart.
    pub upgraded: Vec<(OwnedRoomId, OwnedRoomId)>,
    /// Gaps in timelines that could not be read yet, or not to their beginning. Each replaces the earlier gap of its room.
    pub gaps: Vec<Gap>,
    /// Rooms whose gap was read or given up.
    pub closed: Vec<OwnedRoomId>,
}
