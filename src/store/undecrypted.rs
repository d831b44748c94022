//! Events whose key has not come yet, kept so that a key that comes late, even after a restart, still brings the question.

use ruma::{EventId, RoomId};

use super::records::{Key, Place, Tree};
use super::session::Session;
use super::{Store, StoreError};
use crate::message::Undecrypted;

impl Store {
    /// The events still waiting for their key, oldest first.
    pub fn undecrypted(&self) -> Result<Vec<Undecrypted>, StoreError> {
        let events = self.session().scan::<Undecrypted>(&Key::new(Tree::Undecrypted, &[]))?;
        let mut events: Vec<Undecrypted> = events.into_iter().map(|(_, event)| event).collect();
        events.sort_by(|a, b| (a.sent_at, &a.event_id).cmp(&(b.sent_at, &b.event_id)));
        Ok(events)
    }

    /// Whether an event still waits for its key.
    pub fn is_undecrypted(&self, room: &RoomId, event: &EventId) -> Result<bool, StoreError> {
        self.session().contains(&self.place(room, event).of(Tree::Undecrypted))
    }

    /// Lets go of an event that was decrypted and is no question, or that nobody waits for any more. A question is let go by
    /// [`Store::accept`], in the write that queues it.
    pub fn decrypted(&self, room: &RoomId, event: &EventId) -> Result<(), StoreError> {
        let mut session = self.session();
        session.remove(&self.place(room, event).of(Tree::Undecrypted));
        session.commit()
    }
}

impl Session<'_> {
    /// Keeps an event, unless it is kept already: the time it was first seen counts.
    pub(super) fn hold(&mut self, place: &Place, event: &Undecrypted) -> Result<(), StoreError> {
        let key = place.of(Tree::Undecrypted);
        if self.contains(&key)? { Ok(()) } else { self.put(&key, event) }
    }
}
