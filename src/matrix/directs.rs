//! Direct conversations that the account data do not list yet.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId};

/// The direct conversations that the bot was invited to or has created, until the sync brings the account data that list them.
#[derive(Debug, Default)]
pub(super) struct DirectRooms {
    marked: Mutex<HashSet<OwnedRoomId>>,
    /// The conversations that the bot has created itself, by person. Locked while one is being created, because the sync shows the room before
    /// the other person is invited: it must not be left as an empty room, or created twice.
    pub(super) opened: tokio::sync::Mutex<Opened>,
}

/// The conversations that the bot has created, or may have created.
#[derive(Debug, Default)]
pub(super) struct Opened {
    pub(super) rooms: HashMap<OwnedUserId, OwnedRoomId>,
    /// The persons for whom a creation request got no answer: the server may have created the room.
    pub(super) unclear: HashSet<OwnedUserId>,
}

impl DirectRooms {
    pub(super) fn insert(&self, room_id: &RoomId) {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).insert(room_id.to_owned());
    }

    pub(super) fn contains(&self, room_id: &RoomId) -> bool {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).contains(room_id)
    }
}
