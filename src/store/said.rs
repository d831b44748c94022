//! A turn with the conversation it was said in.

use crate::conversation::Turn;
use crate::message::ConversationId;

/// A turn as it is written: it says where it was said, which its place, a hash, does not.
pub(super) struct Said {
    pub(super) turn: Turn,
    /// `None` in what an older program wrote.
    pub(super) conversation: Option<ConversationId>,
}
