//! Going into rooms and out of them: one function per move, each made of requests to the server and safe to repeat.

use matrix_sdk::{
    HttpError, Room, RoomMemberships, RoomState,
    config::RequestConfig,
    ruma::{
        OwnedRoomId, RoomId, RoomOrAliasId,
        api::client::{membership::leave_room, state::get_state_event_for_key},
        events::StateEventType,
    },
};
use serde_json::Value;
use tokio::time::sleep;
use tracing::{info, warn};

use super::{
    access::Access,
    fault::{Backoff, Fault},
    rooms,
    session::Session,
};

/// How often a move is tried while the server fails (about two minutes of growing waits); a restart tries again.
const ATTEMPTS: usize = 7;

/// Accepts or declines an invitation. Returns the room that this one replaces, if it does.
pub(super) async fn answer(session: &Session, access: &Access, room: &Room) -> Option<OwnedRoomId> {
    let room_id = room.room_id();
    let inviter = match room.invite_details().await {
        Ok(invite) => invite.inviter_id,
        Err(error) => {
            warn!(%error, %room_id, "an invitation does not say who invites");
            return None;
        }
    };
    let rule = rooms::access_rule(room).await;
    let encrypted = rooms::says_encrypted(room).await;
    if let Err(refusal) = access.invitation(&inviter, rule.as_deref()).and_then(|()| access.encryption(encrypted)) {
        info!(%room_id, ?refusal, "an invitation is declined");
        leave(room, Some(access.sentence(refusal))).await;
        return None;
    }
    // Remembered before joining: the first question may come with the very sync that shows the join.
    if room.is_direct().await.unwrap_or(false) {
        session.directs.insert(room_id);
    }
    match retry(|| room.join()).await {
        Ok(()) => info!(%room_id, "joined on invitation"),
        // The join itself may have succeeded: marking the conversation as direct comes after it.
        Err(_) if room.state() == RoomState::Joined => info!(%room_id, "joined on invitation, not marked as direct"),
        Err(fault) => {
            warn!(?fault, %room_id, "an invited room could not be joined");
            return None;
        }
    }
    // An upgraded room is usually closed: its tombstone could not be followed, and the people invite the bot again.
    predecessor(room).await.ok().flatten()
}

/// Leaves a room in which nobody else is or may come. The server is asked: leaving on a wrong count could not be undone.
pub(super) async fn leave_if_alone(session: &Session, room: &Room) {
    // If the bot is just opening this room, the other person is not invited yet.
    drop(session.directs.opened.lock().await);
    let members = match room.members(RoomMemberships::ACTIVE).await {
        Ok(members) => members,
        Err(error) => return warn!(%error, room_id = %room.room_id(), "the members of a room could not be read"),
    };
    if room.state() == RoomState::Joined && members.iter().all(|member| member.user_id() == room.own_user_id()) {
        info!(room_id = %room.room_id(), "nobody is left in the room: leaving it");
        leave(room, None).await;
    }
}

/// Leaves a room, or declines its invitation.
///
/// Not with the SDK's `leave`: it gives no reason, and leaves the rooms this one has replaced as well.
pub(super) async fn leave(room: &Room, reason: Option<&str>) {
    let client = &room.client();
    let left = retry(|| async move {
        let mut request = leave_room::v3::Request::new(room.room_id().to_owned());
        request.reason = reason.map(str::to_owned);
        client.send(request).await
    });
    if let Err(fault) = left.await {
        warn!(?fault, room_id = %room.room_id(), "a room could not be left");
    }
}

/// Has the server, and the SDK's store, forget a room the bot is out of.
pub(super) async fn forget(room: &Room) {
    if room.state() == RoomState::Left
        && let Err(error) = room.forget().await
    {
        warn!(%error, room_id = %room.room_id(), "a room could not be forgotten");
    }
}

/// Follows a tombstone into the new room, and returns its id if it truly replaces this one.
///
/// A tombstone alone proves nothing about the room it names: only that room's own creation event says what it replaces.
pub(super) async fn upgrade(access: &Access, old: &Room) -> Option<OwnedRoomId> {
    let new_id = old.successor_room()?.room_id;
    let client = old.client();
    let known = client.get_room(&new_id).filter(|room| room.state() == RoomState::Joined);
    let came_in = known.is_none();
    let new = if let Some(room) = known { room } else { join_successor(old, &new_id).await? };
    let true_upgrade = match predecessor(&new).await {
        Ok(named) => named.as_deref() == Some(old.room_id()),
        Err(fault) => {
            warn!(?fault, room_id = %new_id, "whether a room replaces another could not be read");
            return None;
        }
    };
    let rule = state(&new, "im.vector.room.access_rules").await.ok().flatten().unwrap_or_default();
    let refused = access.room(rule["rule"].as_str()).err();
    if true_upgrade && refused.is_none() {
        info!(from = %old.room_id(), to = %new_id, "the room was upgraded");
        return Some(new_id);
    }
    warn!(from = %old.room_id(), to = %new_id, true_upgrade, ?refused, "a replacement room is not followed");
    if came_in {
        leave(&new, refused.map(|refusal| access.sentence(refusal))).await;
    }
    None
}

/// The room that this one says it replaces, if that room says the same.
async fn predecessor(new: &Room) -> Result<Option<OwnedRoomId>, Fault> {
    let create = state(new, "m.room.create").await?.unwrap_or_default();
    let named = create["predecessor"]["room_id"].as_str().and_then(|id| OwnedRoomId::try_from(id).ok());
    let client = new.client();
    let confirmed = named.as_deref().and_then(|id| client.get_room(id)).and_then(|old| old.successor_room());
    Ok(named.filter(|_| confirmed.is_some_and(|successor| successor.room_id == new.room_id())))
}

async fn join_successor(old: &Room, new_id: &RoomId) -> Option<Room> {
    // The new room is on the server of whoever made the upgrade; since room version 12 its id no longer says which.
    let tombstone = old.get_state_event(StateEventType::RoomTombstone, "").await.ok().flatten()?;
    let via: Vec<_> = rooms::sender(&tombstone).map(|user| user.server_name().to_owned()).into_iter().collect();
    let target = <&RoomOrAliasId>::from(new_id);
    let client = old.client();
    match retry(|| client.join_room_by_id_or_alias(target, &via)).await {
        Ok(room) => Some(room),
        Err(fault) => {
            warn!(?fault, room_id = %new_id, "the room that replaces another could not be joined");
            None
        }
    }
}

/// The content of a state event, from the server: a room just joined is not in the SDK's store yet.
async fn state(room: &Room, kind: &str) -> Result<Option<Value>, Fault> {
    retry(|| state_once(room, kind, "", None)).await
}

/// One attempt at what [`state`] does, for any key. `None` when there is no such event.
pub(super) async fn state_once(
    room: &Room,
    kind: &str,
    key: &str,
    config: Option<RequestConfig>,
) -> Result<Option<Value>, HttpError> {
    let kind = StateEventType::from(kind);
    let request = get_state_event_for_key::v3::Request::new(room.room_id().to_owned(), kind, key.to_owned());
    match room.client().send(request).with_request_config(config).await {
        Ok(answer) => Ok(serde_json::from_str(answer.into_content().json().get()).ok()),
        Err(error) if not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn not_found(error: &HttpError) -> bool {
    error.as_client_api_error().is_some_and(|error| error.status_code.as_u16() == 404)
}

async fn retry<T, E, F>(mut attempt: impl FnMut() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, E>>,
    for<'a> Fault: From<&'a E>,
{
    let mut backoff = Backoff::default();
    let mut left = ATTEMPTS;
    loop {
        let fault = match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => Fault::from(&error),
        };
        left -= 1;
        if left == 0 || !fault.is_transient() {
            return Err(fault);
        }
        sleep(backoff.next(&fault)).await;
    }
}
