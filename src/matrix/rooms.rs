//! The rooms the bot is in: what kind they are, which invitations it accepts, when it leaves, and where an upgraded room went.
//!
//! The work that takes time (joining, leaving) runs beside the sync loop, in tasks that end with it. All of it is found again in the
//! SDK's state after a restart, so nothing of it is written down here.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use matrix_sdk::{
    Room, RoomState,
    deserialized_responses::RawAnySyncOrStrippedState,
    ruma::{OwnedRoomId, OwnedUserId, RoomId, events::StateEventType},
    sync::{State, SyncResponse, Timeline},
};
use serde_json::Value;
use tokio::{sync::mpsc, task::JoinSet};

use super::{access::Access, moves, session::Session, trust};

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
        // A third person ends a conversation of two, whatever its rule.
        Some("direct") if members <= 2 => RoomKind::Direct,
        // Outside Tchap no room has a rule; people mark their conversations.
        None if marked_direct && members <= 2 => RoomKind::Direct,
        _ if !encrypted => RoomKind::Unencrypted,
        Some("unrestricted") => RoomKind::External,
        _ => RoomKind::Salon,
    }
}

/// The kind of a room, from what the SDK knows of it.
pub(super) async fn kind(session: &Session, room: &Room) -> RoomKind {
    let rule = access_rule(room).await;
    let encrypted = session.encrypted.contains(room).await;
    let marked =
        room.direct_targets_length() > 0 || session.directs.contains(room.room_id()) || invited_directly(room).await;
    classify(rule.as_deref(), encrypted, marked, room.active_members_count())
}

/// The rule of `im.vector.room.access_rules`, Tchap's own state event.
pub(super) async fn access_rule(room: &Room) -> Option<String> {
    let kind = StateEventType::from("im.vector.room.access_rules");
    let event = room.get_state_event(kind, "").await.ok().flatten()?;
    state_json(&event).ok()?["content"]["rule"].as_str().map(str::to_owned)
}

/// Whether the state that comes with an invitation says that the room is encrypted.
pub(super) async fn says_encrypted(room: &Room) -> bool {
    matches!(room.get_state_event(StateEventType::RoomEncryption, "").await, Ok(Some(_)))
}

/// Whether the invitation that the bot accepted said `is_direct`: the server repeats it beside the bot's join.
async fn invited_directly(room: &Room) -> bool {
    let event = room.get_state_event(StateEventType::RoomMember, room.own_user_id().as_str()).await;
    let Some(Ok(event)) = event.ok().flatten().map(|event| state_json(&event)) else { return false };
    event["unsigned"]["prev_content"]["is_direct"] == true || event["content"]["is_direct"] == true
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

/// The direct conversations the bot was invited to or has opened, while the account data that says so is still on its way.
#[derive(Debug, Default)]
pub(super) struct Directs {
    marked: Mutex<HashSet<OwnedRoomId>>,
    /// The conversations that the bot has opened itself, by person. Held while one is being opened, because the sync shows it before the
    /// other person is even invited: nobody must then take it for an empty room, or open it once more.
    pub(super) opened: tokio::sync::Mutex<HashMap<OwnedUserId, OwnedRoomId>>,
}

impl Directs {
    pub(super) fn insert(&self, room_id: &RoomId) {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).insert(room_id.to_owned());
    }

    fn contains(&self, room_id: &RoomId) -> bool {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).contains(room_id)
    }
}

/// Runs the moves between rooms beside the sync loop; dropped with it, and its tasks too.
pub(super) struct Keeper {
    session: Session,
    access: Access,
    tasks: JoinSet<OwnedRoomId>,
    /// Empty until the first sync, and the signing of the bot's own device from then on.
    signing: Option<JoinSet<()>>,
    busy: HashSet<OwnedRoomId>,
    tombstoned: HashSet<OwnedRoomId>,
    moved: (mpsc::UnboundedSender<Move>, mpsc::UnboundedReceiver<Move>),
}

/// An upgraded room: the old one, the new one.
type Move = (OwnedRoomId, OwnedRoomId);

impl Keeper {
    pub(super) fn new(session: Session, access: Access) -> Self {
        Self {
            session,
            access,
            tasks: JoinSet::new(),
            signing: None,
            busy: HashSet::new(),
            tombstoned: HashSet::new(),
            moved: mpsc::unbounded_channel(),
        }
    }

    /// Takes up what a stop has cut off: invitations not answered, upgrades not followed or not yet told.
    pub(super) fn resume(&mut self) {
        let client = self.session.client().clone();
        for room in client.invited_rooms() {
            self.invited(room);
        }
        for room in client.joined_rooms().into_iter().filter(|room| room.is_tombstoned()) {
            self.upgrade(room);
        }
    }

    /// The upgrades found true since the last call.
    pub(super) fn upgraded(&mut self) -> Vec<Move> {
        std::iter::from_fn(|| self.moved.1.try_recv().ok()).collect()
    }

    /// Notes a tombstone among a room's new events.
    pub(super) fn notice(&mut self, room: &Room, timeline: &Timeline, state: &State) {
        let (State::Before(state) | State::After(state)) = state;
        let timeline = timeline.events.iter().map(|event| event.raw().json().get());
        let mut events = state.iter().map(|event| event.json().get()).chain(timeline);
        if events.any(|json| json.contains("m.room.tombstone")) && room.is_tombstoned() {
            self.tombstoned.insert(room.room_id().to_owned());
        }
    }

    /// Acts on a sync whose batch was accepted.
    pub(super) fn follow(&mut self, response: &SyncResponse) {
        while let Some(done) = self.tasks.try_join_next() {
            if let Ok(room_id) = done {
                self.busy.remove(&room_id);
            }
        }
        let client = self.session.client().clone();
        if self.signing.is_none() {
            self.signing.get_or_insert_default().spawn(trust::after_first_sync(client.clone()));
        }
        for room in response.rooms.invited.keys().filter_map(|id| client.get_room(id)) {
            self.invited(room);
        }
        for room in response.rooms.left.keys().filter_map(|id| client.get_room(id)) {
            self.spawn(room, |_, _, room| async move { moves::forget(&room).await });
        }
        for room_id in std::mem::take(&mut self.tombstoned) {
            if let Some(room) = client.get_room(&room_id) {
                self.upgrade(room);
            }
        }
        for room in response.rooms.joined.keys().filter_map(|id| client.get_room(id)) {
            // Both counts come from the server's summary; none at all means that it has not sent one yet.
            if room.joined_members_count() == 1 && room.invited_members_count() == 0 {
                self.spawn(room, |session, _, room| async move { moves::leave_if_alone(&session, &room).await });
            }
        }
    }

    fn invited(&mut self, room: Room) {
        if room.state() != RoomState::Invited {
            return;
        }
        let moved = self.moved.0.clone();
        self.spawn(room, |session, access, room| async move {
            if let Some(old) = moves::answer(&session, &access, &room).await {
                let _ = moved.send((old, room.room_id().to_owned()));
            }
        });
    }

    fn upgrade(&mut self, room: Room) {
        let moved = self.moved.0.clone();
        self.spawn(room, |_, access, room| async move {
            if let Some(new) = moves::upgrade(&access, &room).await {
                // The receiver is gone only with the loop itself.
                let _ = moved.send((room.room_id().to_owned(), new));
            }
        });
    }

    /// One task per room at a time.
    fn spawn<F>(&mut self, room: Room, work: impl FnOnce(Session, Access, Room) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let room_id = room.room_id().to_owned();
        if self.busy.insert(room_id.clone()) {
            let work = work(self.session.clone(), self.access.clone(), room);
            self.tasks.spawn(async move {
                work.await;
                room_id
            });
        }
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
