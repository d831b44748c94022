//! Queries for the assistant: the facts about a room, a person's power level there, the direct conversation with a person.

use matrix_sdk::{
    Room, RoomDisplayName, RoomMemberships, RoomState,
    config::RequestConfig,
    ruma::{
        EventId, OwnedEventId, OwnedRoomId, UserId,
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
        room_version_rules::AuthorizationRules,
    },
};
use serde_json::Value;

use super::{
    clock::now,
    display_name, event,
    fault::Fault,
    gateway::{RoomFacts, SendError},
    membership, power,
    rooms::{self, RoomKind},
    session::Session,
    timeline::TimelineReader,
};
use crate::message::Incoming;

/// Of how many rooms that the sync does not show yet the creation event is requested.
const MOST_UNKNOWN: usize = 50;

/// The facts about a room, from the SDK's state.
pub(super) async fn facts(session: &Session, room: &Room) -> Result<RoomFacts, SendError> {
    let kind = rooms::kind(session, room).await;
    let name = match kind {
        RoomKind::Direct => other_person(room).await,
        _ => match display_name(room).await? {
            RoomDisplayName::Named(name) | RoomDisplayName::Aliased(name) | RoomDisplayName::Calculated(name) => {
                display_name::room(&name)
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

/// The name of the other person in a direct conversation. With lazy loading only members who have spoken are known; for others the names
/// come from the server's room summary.
async fn other_person(room: &Room) -> Option<String> {
    let members = room.members_no_sync(RoomMemberships::ACTIVE).await.unwrap_or_default();
    let other = members.iter().find(|member| member.user_id() != room.own_user_id());
    if let Some(name) = other.and_then(|other| display_name::person(other.display_name()?)) {
        return Some(name);
    }
    match room.display_name().await.ok()? {
        RoomDisplayName::Calculated(name) => display_name::person(&name),
        _ => None,
    }
}

/// The power level of a member of the room. It is requested from the server, because the SDK's state is as old as the last sync and
/// somebody may just have lost their power.
pub(super) async fn power_level(room: &Room, user_id: &UserId, once: RequestConfig) -> Result<Option<i64>, SendError> {
    let member = state(room, "m.room.member", user_id.as_str(), once).await?.unwrap_or_default();
    if member["membership"] != "join" {
        return Ok(None);
    }
    let levels = state(room, "m.room.power_levels", "", once).await?;
    // The creation event never changes, so the SDK's copy is current.
    let creators = room.creators().unwrap_or_default();
    // The unstable versions that became version 12.
    let hydra = room.version().is_some_and(|version| version.as_str().starts_with("org.matrix.hydra."));
    let rules =
        if hydra { AuthorizationRules::V12 } else { room.clone_info().room_version_rules_or_default().authorization };
    Ok(Some(power::level(&rules, &creators, levels.as_ref(), user_id)))
}

/// The encrypted direct conversation whose only members are the bot and this person.
pub(super) async fn direct_room(session: &Session, user_id: &UserId) -> Result<Option<OwnedRoomId>, SendError> {
    let mut invited = None;
    for room in session.client().joined_rooms() {
        if !may_be_with(&room, user_id).await {
            continue;
        }
        // If the answer to the room's creation was lost, the room is not marked as direct.
        let direct =
            rooms::kind(session, &room).await == RoomKind::Direct || rooms::is_opened_with(&room, user_id).await;
        if !direct {
            continue;
        }
        if !session.encrypted.contains(&room).await {
            continue;
        }
        // The complete member list, from the server if necessary: a third member would read what is meant for one person.
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

/// A cheap check before the room's members are requested, because a bot has as many conversations as users.
async fn may_be_with(room: &Room, user_id: &UserId) -> bool {
    room.active_members_count() <= 2
        && (room.direct_targets().contains(<&DirectUserIdentifier>::from(user_id))
            || room.heroes().iter().any(|hero| hero.user_id == user_id)
            || room.get_member_no_sync(user_id).await.ok().flatten().is_some())
}

/// Whether the bot is in this room and this person is in it or invited, according to the server now.
pub(super) async fn is_shared(room: &Room, user_id: &UserId, once: RequestConfig) -> Result<bool, SendError> {
    if room.state() != RoomState::Joined || room.active_members_count() > 2 {
        return Ok(false);
    }
    let member = state(room, "m.room.member", user_id.as_str(), once).await?.unwrap_or_default();
    Ok(member["membership"] == "join" || member["membership"] == "invite")
}

/// How many display name changes are followed back to the join.
const MOST_CHANGES: usize = 20;

/// The time of a person's join, in a room whose history visibility does not show members everything.
///
/// It is requested from the server, whose answer gives the age of the join independently of the local clock. A change of the display name
/// replaces the join event and is followed back; if the join is not found, the person counts as having joined later than they did.
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

/// The event that a change of the display name has replaced.
fn renamed(event: &str) -> Option<OwnedEventId> {
    let event: Value = serde_json::from_str(event).ok()?;
    let before = &event["unsigned"];
    if before["prev_content"]["membership"] != "join" || event["content"]["membership"] != "join" {
        return None;
    }
    OwnedEventId::try_from(before["replaces_state"].as_str()?).ok()
}

/// The message that an edit changes.
pub(super) async fn original(
    session: &Session,
    room: &Room,
    event_id: &EventId,
    once: RequestConfig,
) -> Result<Option<Incoming>, SendError> {
    match room.event(event_id, Some(once)).await {
        Ok(event) => Ok(TimelineReader::of(session, room).await.original(session, &event).await),
        Err(error) => match Fault::from(&error) {
            Fault::Refused(_) | Fault::Missing(_) => Ok(None),
            fault => Err(fault.into()),
        },
    }
}

/// Whether the server has created a conversation with this person that the sync does not show yet.
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
    let content = membership::state_once(room, kind, key, Some(once)).await?;
    // An empty body parses as an empty object, which neither a membership nor power levels can be: it came from a proxy.
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
