//! Which rooms were ever seen encrypted, by their state. Encryption cannot be switched off, so a server that later hides that state must
//! not make the bot write or read plain text there.
//!
//! An encrypted event is no evidence: anybody can send one to an unencrypted room, in which everybody else goes on writing plain text.

use std::{collections::HashSet, sync::Mutex};

use matrix_sdk::{
    Room,
    ruma::{OwnedRoomId, RoomId},
};
use tracing::warn;

/// The rooms seen encrypted by this process; the SDK's state store keeps them across restarts.
#[derive(Debug, Default)]
pub(super) struct EncryptedRooms(Mutex<HashSet<OwnedRoomId>>);

impl EncryptedRooms {
    /// Whether the room is, or was once seen, encrypted.
    pub(super) async fn contains(&self, room: &Room) -> bool {
        if self.lock().contains(room.room_id()) {
            return true;
        }
        let known = room.encryption_state().is_encrypted() || stored(room).await;
        if known {
            self.remember(room).await;
        }
        known
    }

    /// Records permanently that the room is encrypted.
    pub(super) async fn remember(&self, room: &Room) {
        if !self.lock().insert(room.room_id().to_owned()) {
            return;
        }
        let store = room.client();
        if let Err(error) = store.state_store().set_custom_value_no_read(&key(room.room_id()), vec![1]).await {
            warn!(%error, room_id = %room.room_id(), "that the room is encrypted could not be stored");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<OwnedRoomId>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

async fn stored(room: &Room) -> bool {
    match room.client().state_store().get_custom_value(&key(room.room_id())).await {
        Ok(value) => value.is_some(),
        // If in doubt, no plain text.
        Err(error) => {
            warn!(%error, room_id = %room.room_id(), "whether the room is encrypted could not be read");
            true
        }
    }
}

/// Differs from the key of earlier releases, which also recorded rooms because of a mere encrypted event.
fn key(room_id: &RoomId) -> Vec<u8> {
    format!("compagnon.encryption-state.{room_id}").into_bytes()
}
