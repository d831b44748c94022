//! What was said.

use ruma::{OwnedEventId, OwnedUserId};
use serde::{Deserialize, Serialize};

use super::message::ConversationRecord;
use super::stored::Stored;
use crate::conversation::{Role, Turn};
use crate::store::said::Said;

/// A turn with its conversation: a [`Said`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct SaidRecord {
    role: RoleRecord,
    content: String,
    event_id: OwnedEventId,
    at: u64,
    #[serde(default)]
    asker: Option<OwnedUserId>,
    #[serde(default)]
    name: Option<String>,
    /// `None` in what a release before the first fixture wrote.
    #[serde(default)]
    conversation: Option<ConversationRecord>,
}

/// A [`Role`].
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RoleRecord {
    System,
    User,
    Assistant,
}

impl Stored for Said {
    type Record = SaidRecord;
}

impl From<&Said> for SaidRecord {
    fn from(said: &Said) -> Self {
        let Said { turn, conversation } = said;
        Self {
            role: turn.role.into(),
            content: turn.content.clone(),
            event_id: turn.event_id.clone(),
            at: turn.at,
            asker: turn.asker.clone(),
            name: turn.name.clone(),
            conversation: conversation.as_ref().map(ConversationRecord::from),
        }
    }
}

impl From<SaidRecord> for Said {
    fn from(record: SaidRecord) -> Self {
        let turn = Turn {
            role: record.role.into(),
            content: record.content,
            event_id: record.event_id,
            at: record.at,
            asker: record.asker,
            name: record.name,
        };
        Self { turn, conversation: record.conversation.map(Into::into) }
    }
}

impl From<Role> for RoleRecord {
    fn from(role: Role) -> Self {
        match role {
            Role::System => Self::System,
            Role::User => Self::User,
            Role::Assistant => Self::Assistant,
        }
    }
}

impl From<RoleRecord> for Role {
    fn from(record: RoleRecord) -> Self {
        match record {
            RoleRecord::System => Self::System,
            RoleRecord::User => Self::User,
            RoleRecord::Assistant => Self::Assistant,
        }
    }
}
