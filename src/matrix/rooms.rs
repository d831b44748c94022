//! The rooms the bot is in: what kind they are, and which access rule they have.

use matrix_sdk::{
    Room,
    deserialized_responses::RawAnySyncOrStrippedState,
    ruma::{OwnedUserId, RoomId, UserId, events::StateEventType},
};
use serde_json::Value;

use super::session::Session;

/// What kind of room this is, as Tchap's users know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomKind {
    /// A conversation between one person and the bot.
    Direct,
    /// An encrypted room for agents.
    Salon,
    /// An encrypted room open to people outside the State.
    External,
    /// A room without encryption: a forum, or a private room made so.
    Unencrypted,
}

fn classify(rule: Option<&str>, encrypted: bool, marked_direct: bool, members: u64) -> RoomKind {
    match rule {
        // A third person makes it a room, whatever its rule.
        Some("direct") if members <= 2 => RoomKind::Direct,
        // Outside Tchap no room has a rule; direct conversations are marked in account data.
        None if marked_direct && members <= 2 => RoomKind::Direct,
        _ if !encrypted => RoomKind::Unencrypted,
        Some("unrestricted") => RoomKind::External,
        _ => RoomKind::Salon,
    }
}

/// The kind of a room, from the SDK's state.
pub(super) async fn kind(session: &Session, room: &Room) -> RoomKind {
    let rule = access_rule(room).await;
    let encrypted = session.encrypted.contains(room).await;
    let marked =
        room.direct_targets_length() > 0 || session.directs.contains(room.room_id()) || invited_directly(room).await;
    classify(rule.as_deref(), encrypted, marked, room.active_members_count())
}

impl Session {
    /// What kind of room this is; `None` when the bot does not know the room.
    pub async fn room_kind(&self, room_id: &RoomId) -> Option<RoomKind> {
        let room = self.client().get_room(room_id)?;
        Some(kind(self, &room).await)
    }
}

/// The rule of `im.vector.room.access_rules`, Tchap's own state event.
pub(super) async fn access_rule(room: &Room) -> Option<String> {
    let kind = StateEventType::from("im.vector.room.access_rules");
    let event = room.get_state_event(kind, "").await.ok().flatten()?;
    state_json(&event).ok()?["content"]["rule"].as_str().map(str::to_owned)
}

/// Whether the stripped state of an invitation says that the room is encrypted.
pub(super) async fn says_encrypted(room: &Room) -> bool {
    matches!(room.get_state_event(StateEventType::RoomEncryption, "").await, Ok(Some(_)))
}

/// Whether the accepted invitation had `is_direct`: the server repeats it in the join event's `prev_content`.
async fn invited_directly(room: &Room) -> bool {
    let event = room.get_state_event(StateEventType::RoomMember, room.own_user_id().as_str()).await;
    let Some(Ok(event)) = event.ok().flatten().map(|event| state_json(&event)) else { return false };
    event["unsigned"]["prev_content"]["is_direct"] == true || event["content"]["is_direct"] == true
}

/// The field of the creation event that names the person for whom the bot has created a direct conversation. The bot recognises the room by
/// it when the answer to the creation was lost.
pub(super) const OPENED_WITH: &str = "org.compagnon.with";

/// Whether the bot has created this room as its conversation with this person.
pub(super) async fn is_opened_with(room: &Room, user_id: &UserId) -> bool {
    let event = room.get_state_event(StateEventType::RoomCreate, "").await;
    let Some(Ok(event)) = event.ok().flatten().map(|event| state_json(&event)) else { return false };
    event["sender"] == room.own_user_id().as_str() && event["content"][OPENED_WITH] == user_id.as_str()
}

/// Who sent a state event.
pub(super) fn sender(event: &RawAnySyncOrStrippedState) -> Option<OwnedUserId> {
    OwnedUserId::try_from(state_json(event).ok()?["sender"].as_str()?).ok()
}

fn state_json(event: &RawAnySyncOrStrippedState) -> serde_json::Result<Value> {
    match event {
        RawAnySyncOrStrippedState::Sync(event) => serde_json::from_str(event.json().get()),
        RawAnySyncOrStrippedState::Stripped(event) => serde_json::from_str(event.json().get()),
    }
}

#[cfg(test)]
mod tests {
    use super::{RoomKind, classify};

    #[test]
    fn the_rule_comes_first_then_the_mark() {
        for (rule, encrypted, marked, members, expected) in [
            (Some("direct"), true, false, 2, RoomKind::Direct),
            (Some("direct"), false, false, 2, RoomKind::Direct),
            (Some("direct"), true, true, 3, RoomKind::Salon),
            (Some("restricted"), true, true, 2, RoomKind::Salon),
            (Some("unrestricted"), true, false, 5, RoomKind::External),
            (Some("unrestricted"), false, false, 5, RoomKind::Unencrypted),
            (Some("restricted"), false, false, 5, RoomKind::Unencrypted),
            (None, true, true, 2, RoomKind::Direct),
            (None, false, true, 2, RoomKind::Direct),
            (None, true, true, 3, RoomKind::Salon),
            (None, true, false, 2, RoomKind::Salon),
            (None, false, false, 2, RoomKind::Unencrypted),
        ] {
            assert_eq!(classify(rule, encrypted, marked, members), expected, "{rule:?} {encrypted} {marked} {members}");
        }
    }
}
