//! Who did what, and who was told what the bot is. It belongs to no room: it is still there when the room is gone.

use ruma::{OwnedRoomId, OwnedUserId, UserId};

use super::database::Database;
use super::error::StoreError;
use super::layout::Tree;

/// A line of the audit trail: who, what, when, where. No content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// Who.
    pub by: OwnedUserId,
    /// In which room.
    pub room_id: OwnedRoomId,
    /// What was done, such as `compagnon.create`.
    pub action: String,
    /// The number of the compagnon it was done to, if it was one.
    pub made: Option<u64>,
}

impl Database {
    /// The newest `limit` lines of the audit trail, newest first.
    pub fn audit(&self, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.transaction().newest(Tree::Audit, limit)
    }

    /// Whether a person was told what the bot is.
    pub fn is_informed(&self, user: &UserId) -> Result<bool, StoreError> {
        self.transaction().contains(&self.blinded_ids.informed(user))
    }
}
