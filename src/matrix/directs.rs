//! Which rooms are direct conversations, as far as the account data does not say so yet.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use matrix_sdk::ruma::{OwnedRoomId, OwnedUserId, RoomId};

/// The direct conversations the bot was invited to or has opened, while the account data that says so is still on its way.
#[derive(Debug, Default)]
pub(super) struct Directs {
    marked: Mutex<HashSet<OwnedRoomId>>,
    /// The conversations that the bot has opened itself, by person. Held while one is being opened, because the sync shows it before the
    /// other person is even invited: nobody must then take it for an empty room, or open it once more.
    pub(super) opened: tokio::sync::Mutex<Opened>,
}

/// The conversations that the bot has opened, or may have.
#[derive(Debug, Default)]
pub(super) struct Opened {
    pub(super) rooms: HashMap<OwnedUserId, OwnedRoomId>,
    /// The persons for whom a room was asked for and no answer came: the server may have made it.
    pub(super) unclear: HashSet<OwnedUserId>,
}

impl Directs {
    pub(super) fn insert(&self, room_id: &RoomId) {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).insert(room_id.to_owned());
    }

    pub(super) fn contains(&self, room_id: &RoomId) -> bool {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).contains(room_id)
    }
}
