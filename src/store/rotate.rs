//! Replacing a room's key: what makes the removal of a part of a room as real as the removal of all of it.
//!
//! sled keeps removed bytes in its log for a while. So when something of a room is removed, what stays is sealed anew under a new
//! key, and the old key is destroyed: the removed bytes cannot be opened any more, wherever they still lie. In order:
//!
//! 1. with the removal itself, the wish to rotate is written;
//! 2. the file of keys gets the new key, beside the previous one;
//! 3. one batch per room seals all its records under the new key and takes the wish away;
//! 4. the previous key is destroyed.
//!
//! A kill after any of these leaves a wish or a previous key, or nothing to do: the next start goes on from there.

use sled::IVec;

use super::records::{Key, ROOM_TREES, ROTATE, Tree};
use super::seal::Name;
use super::session::Session;
use super::{Database, StoreError};

impl Database {
    /// Takes up the rotations that a kill cut short.
    pub(super) fn finish_rotations(&self) -> Result<(), StoreError> {
        let mut session = self.session();
        let wishes = session.raw_keys(&Key::meta(ROTATE))?;
        session.state.wishes.extend(wishes.iter().filter_map(|key| key.last_chunk::<{ size_of::<Name>() }>()));
        session.commit()
    }
}

impl Session<'_> {
    /// Replaces the keys of all rooms that wish for it.
    pub(super) fn rotate_all(&mut self) -> Result<(), StoreError> {
        // What was begun is ended first: its records may be under either key, and there is no place for a third.
        let begun = self.state.rooms.in_rotation();
        if !begun.is_empty() {
            self.reseal(&begun, false)?;
            self.state.rooms.retire(&begun)?;
        }
        let wishes: Vec<Name> = self.state.wishes.iter().copied().collect();
        if wishes.is_empty() {
            return Ok(());
        }
        fail::fail_point!("before-rotation");
        for room in &wishes {
            self.state.rooms.renew(*room);
        }
        self.reseal(&wishes, true)?;
        self.state.wishes.clear();
        fail::fail_point!("rotated");
        self.state.rooms.retire(&wishes)
    }

    /// Seals the records of these rooms under their current keys. `fulfilled` says that this is what their wishes, if any, asked for.
    fn reseal(&mut self, rooms: &[Name], fulfilled: bool) -> Result<(), StoreError> {
        self.save_keys()?;
        fail::fail_point!("rotation-keys-saved");
        for room in rooms {
            for tree in ROOM_TREES {
                self.reseal_tree(*room, tree)?;
            }
            if fulfilled {
                self.remove(&Key::rotation(*room));
            }
            // Room by room, so that never more than one of them is in memory.
            self.write()?;
        }
        self.sync()
    }

    fn reseal_tree(&mut self, room: Name, tree: Tree) -> Result<(), StoreError> {
        let rooms = &self.state.rooms;
        let (Some(current), Some(previous)) = (rooms.cipher(&room), rooms.previous(&room)) else { return Ok(()) };
        let prefix = Key::new(tree, &[&room]);
        let records: Vec<(IVec, IVec)> = self.inner.db.scan_prefix(&prefix.bytes).collect::<Result<_, _>>()?;
        self.inner.touch(records.len());
        for (key, sealed) in records {
            if let Some(plain) = previous.open(tree.name(), &key, &sealed) {
                let damaged = StoreError::Damaged { tree: tree.name() };
                let sealed = current.seal(tree.name(), &key, &plain).ok_or(damaged)?;
                self.put_raw(&key, sealed);
            } else if current.open(tree.name(), &key, &sealed).is_none() {
                // Found now rather than at the next reading; with the previous key gone it would look the same then.
                self.set_record_aside(&Key { tree, bytes: key.to_vec() }, &sealed)?;
            }
        }
        Ok(())
    }
}
