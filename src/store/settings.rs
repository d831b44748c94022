//! What is remembered about a room itself.

use ruma::RoomId;

use super::records::{Key, Tree};
use super::{Store, StoreError};

impl Store {
    /// Remembers that a room is encrypted. It outlives [`Store::forget_room`]: were it forgotten with the room, a hostile server
    /// could have the bot invited again and withhold the room's state, and the bot would write in plain text. All that stays is
    /// the keyed hash of the room's id.
    pub fn remember_encrypted(&self, room: &RoomId) -> Result<(), StoreError> {
        let key = self.encrypted(room);
        let mut session = self.session();
        if session.contains(&key)? {
            return Ok(());
        }
        session.put(&key, &())?;
        session.commit()
    }

    /// Whether the room was ever seen encrypted.
    pub fn was_encrypted(&self, room: &RoomId) -> Result<bool, StoreError> {
        self.session().contains(&self.encrypted(room))
    }

    fn encrypted(&self, room: &RoomId) -> Key {
        Key::new(Tree::Encrypted, &[&self.0.names.room(room)])
    }
}
