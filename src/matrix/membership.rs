//! Joining and leaving rooms: one function per change, each made of requests to the server and safe to repeat. A function makes one
//! attempt; `room_tasks` retries.

use matrix_sdk::{
    Room, RoomMemberships, RoomState,
    config::RequestConfig,
    ruma::{
        OwnedRoomId, RoomOrAliasId,
        api::client::{membership::leave_room, state::get_state_event_for_key},
        events::StateEventType,
    },
};
use serde_json::Value;
use tracing::{info, warn};

use super::{
    access::{Access, Refusal},
    backoff::retry,
    fault::Fault,
    rooms,
    session::Session,
};

/// How many attempts are made, within about half a minute, at reading what decides about a room already joined: it is left otherwise.
const ATTEMPTS: usize = 6;

/// Accepts or declines an invitation. Returns the room that this one replaces, if it does.
pub(super) async fn answer(session: &Session, access: &Access, room: &Room) -> Result<Option<OwnedRoomId>, Fault> {
    match room.state() {
        RoomState::Invited => {
            if !accept(session, access, room).await? {
                return Ok(None);
            }
        }
        // By an earlier attempt.
        RoomState::Joined => {}
        RoomState::Left | RoomState::Knocked | RoomState::Banned => return Ok(None),
    }
    // An upgraded room usually cannot be joined by its tombstone, and people invite the bot again.
    predecessor(room).await
}

/// Joins or declines. Returns whether the bot has joined.
async fn accept(session: &Session, access: &Access, room: &Room) -> Result<bool, Fault> {
    let room_id = room.room_id();
    let inviter = match room.invite_details().await {
        Ok(invite) => invite.inviter_id,
        Err(error) => {
            warn!(%error, %room_id, "an invitation does not say who invites");
            return Ok(false);
        }
    };
    let rule = rooms::access_rule(room).await;
    let encrypted = rooms::says_encrypted(room).await;
    if let Err(refusal) = access.invitation(&inviter, rule.as_deref()).and_then(|()| access.encryption(encrypted)) {
        leave(room, Some(access.sentence(refusal))).await?;
        info!(%room_id, ?refusal, "an invitation is declined");
        return Ok(false);
    }
    // Before joining, because the first question may come with the same sync as the join.
    if room.is_direct().await.unwrap_or(false) {
        session.directs.insert(room_id);
    }
    match room.join().await {
        Ok(()) => info!(%room_id, "joined on invitation"),
        // The join itself has succeeded; marking the conversation as direct, which follows it, has failed.
        Err(_) if room.state() == RoomState::Joined => info!(%room_id, "joined on invitation, not marked as direct"),
        Err(error) => return Err(Fault::from(&error)),
    }
    Ok(true)
}

/// Leaves a room without other members or invitations. The members are requested from the server, because leaving cannot be undone.
pub(super) async fn leave_if_alone(session: &Session, room: &Room) -> Result<(), Fault> {
    // If the bot is just opening this room, the other person is not invited yet.
    drop(session.directs.opened.lock().await);
    if room.state() != RoomState::Joined {
        return Ok(());
    }
    let members = room.members(RoomMemberships::ACTIVE).await.map_err(|error| Fault::from(&error))?;
    if room.state() == RoomState::Joined && members.iter().all(|member| member.user_id() == room.own_user_id()) {
        info!(room_id = %room.room_id(), "nobody is left in the room: leaving it");
        leave(room, None).await?;
    }
    Ok(())
}

/// Leaves a room, or declines its invitation.
///
/// The SDK's `leave` is not used: it takes no reason, and also leaves the rooms that this one replaces.
pub(super) async fn leave(room: &Room, reason: Option<String>) -> Result<(), Fault> {
    let mut request = leave_room::v3::Request::new(room.room_id().to_owned());
    request.reason = reason;
    room.client().send(request).await.map_err(|error| Fault::from(&error))?;
    Ok(())
}

/// Makes the server and the SDK's store forget a room that the bot has left.
pub(super) async fn forget(room: &Room) -> Result<(), Fault> {
    room.forget().await.map_err(|error| Fault::from(&error))
}

/// Follows a tombstone into the new room, and returns its id if it really replaces this one.
///
/// A tombstone acts like an invitation, so its author must be allowed to invite the bot before it joins. It proves nothing about the new
/// room: only the creation event there says which room it replaces, and only the state there has its access rule. If they cannot be
/// read, the bot leaves the room again.
pub(super) async fn upgrade(access: &Access, old: &Room) -> Result<Option<OwnedRoomId>, Fault> {
    let Some(new_id) = old.successor_room().map(|successor| successor.room_id) else { return Ok(None) };
    let Some(tombstone) = old.get_state_event(StateEventType::RoomTombstone, "").await.ok().flatten() else {
        return Ok(None);
    };
    let client = old.client();
    let known = client.get_room(&new_id).filter(|room| room.state() == RoomState::Joined);
    let came_in = known.is_none();
    let new = if let Some(room) = known {
        room
    } else {
        let Some(author) = rooms::sender(&tombstone) else { return Ok(None) };
        if let Err(refusal) = access.user(&author) {
            warn!(from = %old.room_id(), to = %new_id, ?refusal, "a replacement room is not followed");
            return Ok(None);
        }
        // The new room is on the server of the user who made the upgrade. Since room version 12 the room id does not name it.
        let target = <&RoomOrAliasId>::from(&*new_id);
        let joined = client.join_room_by_id_or_alias(target, &[author.server_name().to_owned()]).await;
        joined.map_err(|error| Fault::from(&error))?
    };
    let checked = check(access, old, &new).await;
    match &checked {
        Ok(Verdict::Follow) => {
            info!(from = %old.room_id(), to = %new_id, "the room was upgraded");
            return Ok(Some(new_id));
        }
        Ok(verdict) => warn!(from = %old.room_id(), to = %new_id, ?verdict, "a replacement room is not followed"),
        Err(fault) => warn!(from = %old.room_id(), to = %new_id, ?fault, "a replacement room could not be checked"),
    }
    if came_in {
        let reason = if let Ok(Verdict::Refused(refusal)) = &checked { Some(access.sentence(*refusal)) } else { None };
        retry(ATTEMPTS, || leave(&new, reason.clone())).await?;
    }
    checked.map(|_| None)
}

/// The result of checking a replacement room.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    Follow,
    /// Its creation event does not name the old room.
    Stranger,
    Refused(Refusal),
}

async fn check(access: &Access, old: &Room, new: &Room) -> Result<Verdict, Fault> {
    if retry(ATTEMPTS, || predecessor(new)).await?.as_deref() != Some(old.room_id()) {
        return Ok(Verdict::Stranger);
    }
    let rule = retry(ATTEMPTS, || state(new, "im.vector.room.access_rules")).await?.unwrap_or_default();
    Ok(access.room(rule["rule"].as_str()).map_or_else(Verdict::Refused, |()| Verdict::Follow))
}

/// The room that this one replaces, if both rooms say so.
async fn predecessor(new: &Room) -> Result<Option<OwnedRoomId>, Fault> {
    let create = state(new, "m.room.create").await?.unwrap_or_default();
    let named = create["predecessor"]["room_id"].as_str().and_then(|id| OwnedRoomId::try_from(id).ok());
    let client = new.client();
    let confirmed = named.as_deref().and_then(|id| client.get_room(id)).and_then(|old| old.successor_room());
    Ok(named.filter(|_| confirmed.is_some_and(|successor| successor.room_id == new.room_id())))
}

/// The content of a state event, requested from the server because a room that was just joined is not in the SDK's store yet.
async fn state(room: &Room, kind: &str) -> Result<Option<Value>, Fault> {
    state_once(room, kind, "", None).await
}

/// The content of a state event, for any key. `None` when the homeserver says that there is none. A 404 of a proxy is a failure.
pub(super) async fn state_once(
    room: &Room,
    kind: &str,
    key: &str,
    config: Option<RequestConfig>,
) -> Result<Option<Value>, Fault> {
    let kind = StateEventType::from(kind);
    let request = get_state_event_for_key::v3::Request::new(room.room_id().to_owned(), kind, key.to_owned());
    match room.client().send(request).with_request_config(config).await {
        Ok(answer) => match serde_json::from_str(answer.into_content().json().get()) {
            Ok(content @ Value::Object(_)) => Ok(Some(content)),
            _ => Err(Fault::Unreachable("what was given as state is none".to_owned())),
        },
        Err(error) => match Fault::from(&error) {
            Fault::Missing(_) => Ok(None),
            fault => Err(fault),
        },
    }
}
