//! What the assistant asks of a room: what it is, what a person may do there, where one person can be talked to alone.

use matrix_sdk::{
    Room, RoomDisplayName, RoomMemberships, RoomState,
    config::RequestConfig,
    ruma::{
        OwnedEventId, OwnedRoomId, UserId,
        api::client::{
            membership::joined_rooms,
            room::get_room_event,
            state::get_state_event_for_key::{self, v3::StateEventFormat},
        },
        events::{
            StateEventType,
            direct::DirectUserIdentifier,
            room::{history_visibility::HistoryVisibility, member::MembershipState},
        },
    },
};
use serde_json::Value;

use super::{
    clock::now,
    event,
    fault::Fault,
    gateway::{RoomFacts, SendError},
    moves, name,
    power::{self, Creators},
    rooms::{self, RoomKind},
    session::Session,
};

/// So many rooms that the sync does not show yet are asked for their creation.
const MOST_UNKNOWN: usize = 50;

/// What a room is, from what the SDK knows of it.
pub(super) async fn facts(session: &Session, room: &Room) -> Result<RoomFacts, SendError> {
    let kind = rooms::kind(session, room).await;
    let name = match kind {
        RoomKind::Direct => other_person(room).await,
        _ => match display_name(room).await? {
            RoomDisplayName::Named(name) | RoomDisplayName::Aliased(name) | RoomDisplayName::Calculated(name) => {
                name::room(&name)
            }
            RoomDisplayName::EmptyWas(_) | RoomDisplayName::Empty => None,
        },
    };
    let open = rooms::access_rule(room).await.as_deref() == Some("unrestricted");
    let encrypted = session.encrypted.contains(room).await;
    Ok(RoomFacts { kind, name, open, encrypted })
}

async fn display_name(room: &Room) -> Result<RoomDisplayName, SendError> {
    Ok(room.display_name().await.map_err(|error| Fault::Local(error.to_string()))?)
}

/// The name of the other one in a direct conversation. Members are known as they speak; of those who have not, the server's summary of
/// the room says the names.
async fn other_person(room: &Room) -> Option<String> {
    let members = room.members_no_sync(RoomMemberships::ACTIVE).await.unwrap_or_default();
    let other = members.iter().find(|member| member.user_id() != room.own_user_id());
    if let Some(name) = other.and_then(|other| name::person(other.display_name()?)) {
        return Some(name);
    }
    match room.display_name().await.ok()? {
        RoomDisplayName::Calculated(name) => name::person(&name),
        _ => None,
    }
}

/// The power level of a person who is in the room, asked of the server: the SDK knows only what the last sync said, and somebody may
/// just have lost their power.
pub(super) async fn power_level(room: &Room, user_id: &UserId, once: RequestConfig) -> Result<Option<i64>, SendError> {
    let member = state(room, "m.room.member", user_id.as_str(), once).await?.unwrap_or_default();
    if member["membership"] != "join" {
        return Ok(None);
    }
    let levels = state(room, "m.room.power_levels", "", once).await?;
    // How a room was made never changes, so what the SDK knows of that is true.
    let rules = room.clone_info().room_version_rules_or_default();
    // The rooms in which version 12 was tried out.
    let hydra = room.version().is_some_and(|version| version.as_str().starts_with("org.matrix.hydra."));
    let creators = Creators {
        users: room.creators().unwrap_or_default(),
        above_all: hydra || rules.authorization.explicitly_privilege_room_creators,
    };
    Ok(Some(power::level(&creators, levels.as_ref(), user_id)))
}

/// The encrypted direct conversation in which there are the bot and this person, and nobody else.
pub(super) async fn direct_room(session: &Session, user_id: &UserId) -> Result<Option<OwnedRoomId>, SendError> {
    let mut invited = None;
    for room in session.client().joined_rooms() {
        if !may_be_with(&room, user_id).await {
            continue;
        }
        // Of a conversation that the bot has opened the answer may be lost, and with it the mark.
        let direct =
            rooms::kind(session, &room).await == RoomKind::Direct || rooms::is_opened_with(&room, user_id).await;
        if !direct {
            continue;
        }
        if !session.encrypted.contains(&room).await {
            continue;
        }
        // The whole list of members, from the server if need be: a third one would read what is meant for one.
        let members = room.members(RoomMemberships::ACTIVE).await.map_err(|error| Fault::from(&error))?;
        let others: Vec<_> = members.iter().filter(|member| member.user_id() != session.user_id()).collect();
        let [other] = others[..] else { continue };
        if other.user_id() != user_id {
            continue;
        }
        if *other.membership() == MembershipState::Join {
            return Ok(Some(room.room_id().to_owned()));
        }
        invited.get_or_insert_with(|| room.room_id().to_owned());
    }
    Ok(invited)
}

/// Whether it is worth asking for the room's members: a bot has as many conversations as people.
async fn may_be_with(room: &Room, user_id: &UserId) -> bool {
    room.active_members_count() <= 2
        && (room.direct_targets().contains(<&DirectUserIdentifier>::from(user_id))
            || room.heroes().iter().any(|hero| hero.user_id == user_id)
            || room.get_member_no_sync(user_id).await.ok().flatten().is_some())
}

/// Whether the bot is in this room, and this person too or invited to it, as the server says now.
pub(super) async fn is_shared(room: &Room, user_id: &UserId, once: RequestConfig) -> Result<bool, SendError> {
    if room.state() != RoomState::Joined || room.active_members_count() > 2 {
        return Ok(false);
    }
    let member = state(room, "m.room.member", user_id.as_str(), once).await?.unwrap_or_default();
    Ok(member["membership"] == "join" || member["membership"] == "invite")
}

/// How many changes of a name are followed back to the join that they came after.
const MOST_CHANGES: usize = 20;

/// Since when a person reads a room that does not show its members all of its past.
///
/// The server is asked now, because it then says how old the join is: its clock is not ours. A change of a person's name is a new event in
/// the place of the join, and is followed back; where that ends before the join, the person is taken for newer than they are.
pub(super) async fn reads_since(room: &Room, user: &UserId, once: RequestConfig) -> Result<Option<u64>, SendError> {
    if matches!(room.history_visibility_or_default(), HistoryVisibility::Shared | HistoryVisibility::WorldReadable) {
        return Ok(None);
    }
    let mut request = get_state_event_for_key::v3::Request::new(
        room.room_id().to_owned(),
        StateEventType::RoomMember,
        user.to_string(),
    );
    request.format = StateEventFormat::Event;
    let answer = room.client().send(request).with_request_config(once).await;
    let mut event = answer.map_err(|error| Fault::from(&error))?.event_or_content.get().to_owned();
    for _ in 0..MOST_CHANGES {
        let Some(earlier) = renamed(&event) else { break };
        let request = get_room_event::v3::Request::new(room.room_id().to_owned(), earlier);
        match room.client().send(request).with_request_config(once).await {
            Ok(answer) => answer.event.json().get().clone_into(&mut event),
            Err(error) => match Fault::from(&error) {
                Fault::Refused(_) | Fault::Missing(_) | Fault::Local(_) => break,
                fault => return Err(fault.into()),
            },
        }
    }
    Ok(Some(event::sent_at(&event, now())))
}

/// The event before a membership that only changed a person's name.
fn renamed(event: &str) -> Option<OwnedEventId> {
    let event: Value = serde_json::from_str(event).ok()?;
    let before = &event["unsigned"];
    if before["prev_content"]["membership"] != "join" || event["content"]["membership"] != "join" {
        return None;
    }
    OwnedEventId::try_from(before["replaces_state"].as_str()?).ok()
}

/// Whether the server has made a conversation with this person that the sync does not show yet.
pub(super) async fn is_being_opened(
    session: &Session,
    user_id: &UserId,
    once: RequestConfig,
) -> Result<bool, SendError> {
    let client = session.client();
    let joined = client.send(joined_rooms::v3::Request::new()).with_request_config(once);
    let joined = joined.await.map_err(|error| Fault::from(&error))?.joined_rooms;
    let unknown = |room_id: &&OwnedRoomId| {
        client.get_room(room_id).is_none_or(|room| room.create_content().is_none() || room.state() != RoomState::Joined)
    };
    for room_id in joined.iter().filter(unknown).take(MOST_UNKNOWN) {
        let kind = StateEventType::RoomCreate;
        let request = get_state_event_for_key::v3::Request::new(room_id.clone(), kind, String::new());
        let create = client.send(request).with_request_config(once).await.map_err(|error| Fault::from(&error))?;
        let create: Value = serde_json::from_str(create.into_content().json().get()).unwrap_or_default();
        if create[rooms::OPENED_WITH] == user_id.as_str() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn state(room: &Room, kind: &str, key: &str, once: RequestConfig) -> Result<Option<Value>, SendError> {
    let content = moves::state_once(room, kind, key, Some(once)).await?;
    // An empty answer is read as an empty object. No membership and no power levels are one: something else has answered.
    if content.as_ref().and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
        return Err(SendError::Unreachable("an empty answer was given as state".to_owned()));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::renamed;

    #[test]
    fn only_a_change_of_name_is_followed_back() {
        let event = |now: &str, before: Value| {
            let event = json!({"content": {"membership": now}, "unsigned": before}).to_string();
            renamed(&event).map(|id| id.to_string())
        };
        let earlier =
            |membership: &str| json!({"replaces_state": "$before", "prev_content": {"membership": membership}});
        assert_eq!(event("join", earlier("join")).as_deref(), Some("$before"));
        for (now, before) in [
            ("join", earlier("invite")),
            ("join", earlier("leave")),
            ("leave", earlier("join")),
            ("join", json!({})),
            ("join", json!({"replaces_state": 7, "prev_content": {"membership": "join"}})),
            ("join", Value::Null),
        ] {
            assert_eq!(event(now, before.clone()), None, "{now} {before}");
        }
        assert_eq!(renamed("no JSON"), None);
    }
}
