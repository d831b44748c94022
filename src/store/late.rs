//! Events whose key has not arrived: the SDK never comes back to them by itself.

use ruma::{EventId, RoomId};
use sled::Batch;

use super::{Store, StoreError, records::UNDECRYPTED};
use crate::message::Undecrypted;

impl Store {
    /// The events that wait for their key.
    pub fn undecrypted(&self) -> Result<Vec<Undecrypted>, StoreError> {
        self.scan(UNDECRYPTED, &[UNDECRYPTED.prefix])
    }

    /// Gives up waiting for an event's key: it was opened and is no question, or it is too old.
    pub fn give_up(&self, room_id: &RoomId, event_id: &EventId) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.remove(self.event_key(UNDECRYPTED, room_id, event_id));
        self.apply(batch)
    }
}
