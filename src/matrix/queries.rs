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

/// How many changes of a state event are followed back: of a display name to the join, of the history visibility to the room's beginning.
const MOST_CHANGES: usize = 20;

/// The time from which a person reads what is said in a room; `None` where members are shown everything.
///
/// A homeserver judges each message by the visibility that was in force when it was sent: what was said before a room was opened to
/// newcomers stays for those who were there.
pub(super) async fn reads_since(room: &Room, user: &UserId, once: RequestConfig) -> Result<Option<u64>, SendError> {
    let Some(closed_until) = closed_until(room, once).await? else { return Ok(None) };
    Ok(Some(joined_at(room, user, once).await?.min(closed_until)))
}

/// The time until which a room's history visibility hid from members what was said before they joined: `u64::MAX` where it still does,
/// `None` where it never did. A past that cannot be read, or is too long, counts as hidden.
async fn closed_until(room: &Room, once: RequestConfig) -> Result<Option<u64>, SendError> {
    if !matches!(room.history_visibility_or_default(), HistoryVisibility::Shared | HistoryVisibility::WorldReadable) {
        return Ok(Some(u64::MAX));
    }
    let (mut event, mut at) = match state_event(room, StateEventType::RoomHistoryVisibility, String::new(), once).await
    {
        Ok(event) => (event, now()),
        // Without it, members are shown everything.
        Err(Fault::Missing(_)) => return Ok(None),
        Err(fault) => return Err(fault.into()),
    };
    if !is_open(&event) {
        return Ok(Some(u64::MAX));
    }
    for _ in 0..MOST_CHANGES {
        let earlier = match visibility_before(&event) {
            Before::Nothing => return Ok(None),
            Before::Closed => break,
            Before::Event(earlier) => earlier,
        };
        match earlier_event(room, earlier, once).await?.filter(|earlier| is_open(earlier)) {
            Some(earlier) => (event, at) = (earlier, now()),
            None => break,
        }
    }
    Ok(Some(event::sent_at(&event, at)))
}

/// The time of a person's join.
///
/// It is requested from the server, whose answer gives the age of the join independently of the local clock. A change of the display name
/// replaces the join event and is followed back; if the join is not found, the person counts as having joined later than they did.
async fn joined_at(room: &Room, user: &UserId, once: RequestConfig) -> Result<u64, SendError> {
    let mut event = state_event(room, StateEventType::RoomMember, user.to_string(), once).await?;
    let mut at = now();
    for _ in 0..MOST_CHANGES {
        let Some(earlier) = renamed(&event) else { break };
        let Some(earlier) = earlier_event(room, earlier, once).await? else { break };
        (event, at) = (earlier, now());
    }
    Ok(event::sent_at(&event, at))
}

/// A state event as it is now, with what its homeserver adds.
async fn state_event(room: &Room, kind: StateEventType, key: String, once: RequestConfig) -> Result<String, Fault> {
    let mut request = get_state_event_for_key::v3::Request::new(room.room_id().to_owned(), kind, key);
    request.format = StateEventFormat::Event;
    let answer = room.client().send(request).with_request_config(once).await;
    Ok(answer.map_err(|error| Fault::from(&error))?.event_or_content.get().to_owned())
}

/// An event that another one has replaced; `None` where it is not given.
async fn earlier_event(room: &Room, id: OwnedEventId, once: RequestConfig) -> Result<Option<String>, SendError> {
    let request = get_room_event::v3::Request::new(room.room_id().to_owned(), id);
    match room.client().send(request).with_request_config(once).await {
        Ok(answer) => Ok(Some(answer.event.json().get().to_owned())),
        Err(error) => match Fault::from(&error) {
            Fault::Refused(_) | Fault::Missing(_) | Fault::Local(_) => Ok(None),
            fault => Err(fault.into()),
        },
    }
}

/// What the history visibility was before a change of it.
#[derive(Debug, PartialEq, Eq)]
enum Before {
    /// It was not set: members are shown everything.
    Nothing,
    /// It hid what was said before a join, or is not known.
    Closed,
    /// This event tells.
    Event(OwnedEventId),
}

fn visibility_before(event: &str) -> Before {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let (content, replaced) = (&event["unsigned"]["prev_content"], &event["unsigned"]["replaces_state"]);
    if content.is_null() && replaced.is_null() {
        return Before::Nothing;
    }
    if !content.is_null() && !shows_everything(content) {
        return Before::Closed;
    }
    let replaced = replaced.as_str().and_then(|id| OwnedEventId::try_from(id).ok());
    replaced.map_or(Before::Closed, Before::Event)
}

/// Whether an event of the history visibility shows members everything.
fn is_open(event: &str) -> bool {
    serde_json::from_str::<Value>(event).is_ok_and(|event| shows_everything(&event["content"]))
}

fn shows_everything(content: &Value) -> bool {
    matches!(content["history_visibility"].as_str(), Some("shared" | "world_readable"))
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

    use super::{Before, is_open, renamed, visibility_before};

    #[test]
    fn a_room_that_was_closed_before_it_was_opened_is_known_by_its_change() {
        let seen = |visibility: &str| json!({"history_visibility": visibility});
        let before =
            |unsigned: Value| visibility_before(&json!({"content": seen("shared"), "unsigned": unsigned}).to_string());
        let earlier = || Before::Event("$before".try_into().expect("an event id"));
        for (unsigned, expected) in [
            (json!({"age": 5}), Before::Nothing),
            (Value::Null, Before::Nothing),
            (json!({"prev_content": seen("joined"), "replaces_state": "$before"}), Before::Closed),
            (json!({"prev_content": seen("invited")}), Before::Closed),
            (json!({"prev_content": seen("shared"), "replaces_state": "$before"}), earlier()),
            (json!({"replaces_state": "$before"}), earlier()),
            (json!({"prev_content": {}, "replaces_state": "$before"}), Before::Closed),
            (json!({"prev_content": seen("world_readable")}), Before::Closed),
            (json!({"replaces_state": 7}), Before::Closed),
        ] {
            assert_eq!(before(unsigned.clone()), expected, "{unsigned}");
        }
        for (visibility, open) in [("shared", true), ("world_readable", true), ("joined", false), ("odd", false)] {
            assert_eq!(is_open(&json!({"content": seen(visibility)}).to_string()), open, "{visibility}");
        }
        assert!(!is_open("{}") && !is_open("no JSON"));
    }

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
