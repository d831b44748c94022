//! Replacing a room's key: what makes the removal of a part of a room as real as the removal of all of it.
//!
//! sled keeps removed bytes in its log for a while. So when something of a room is removed, what stays is sealed anew under a new
//! key, and the old key is destroyed: the removed bytes cannot be opened any more, wherever they still lie. In order:
//!
//! 1. with the removal itself, the request to rotate is written;
//! 2. the file of keys gets the new key, beside the previous one;
//! 3. slice by slice, the room's records are sealed under the new key; the last slice removes the request;
//! 4. the previous key is destroyed.
//!
//! Between slices others use the store: a record is read under either key and written under the new one. A kill after any step leaves a
//! request or a previous key, or nothing to do: the next start goes on from there. What is removed of a room while it is sealed anew may be
//! sealed under the new key already, so that its request is left, and the room's key is replaced once more.

use sled::IVec;

use super::database::Database;
use super::error::StoreError;
use super::layout::{Key, ROOM_TREES, ROTATE, Tree};
use super::seal::BlindedId;
use super::state::Rotation;
use super::transaction::Transaction;

/// How many records are sealed anew before others get their turn.
pub(super) const SLICE: usize = 500;
/// How many bytes of them.
const SLICE_BYTES: usize = 1 << 20;

impl Database {
    /// Reads which rotations were asked for and not ended.
    pub(super) fn read_pending_rotations(&self) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        let requests = transaction.raw_keys(&Key::meta(ROTATE))?;
        let rooms = requests.iter().filter_map(|key| key.last_chunk::<{ size_of::<BlindedId>() }>());
        transaction.state.pending_rotations.extend(rooms);
        Ok(())
    }

    /// Makes all rotations that were asked for.
    pub(super) fn finish_rotations(&self) -> Result<(), StoreError> {
        while self.rotation_slice()? {}
        Ok(())
    }

    /// Goes on with the rotations that were asked for; returns whether there may be more to do.
    pub(super) fn rotation_slice(&self) -> Result<bool, StoreError> {
        let mut transaction = self.transaction();
        let Some(mut rotation) = transaction.begin_rotation()? else { return Ok(false) };
        let result = transaction.reseal_slice(&mut rotation);
        match result {
            Ok(true) => {}
            Ok(false) => {
                transaction.state.rotation = Some(rotation);
                return Ok(true);
            }
            Err(error) => {
                transaction.state.rotation = Some(rotation.restarted());
                return Err(error);
            }
        }
        // What was asked for meanwhile stays asked for.
        let pending = &transaction.state.pending_rotations;
        let ended = rotation.rooms.iter().filter(|room| rotation.fulfils && !pending.contains(*room));
        for request in ended.map(|room| Key::rotation(*room)).collect::<Vec<_>>() {
            transaction.remove(&request);
        }
        let ended = transaction.write().and_then(|()| transaction.sync());
        if let Err(error) = ended {
            transaction.state.rotation = Some(rotation.restarted());
            return Err(error);
        }
        fail::fail_point!("rotated");
        transaction.state.rooms.retire(&rotation.rooms)?;
        Ok(true)
    }
}

impl Transaction<'_> {
    /// The rotation under way, or the next one; `None` when none is asked for.
    fn begin_rotation(&mut self) -> Result<Option<Rotation>, StoreError> {
        if let Some(rotation) = self.state.rotation.take() {
            return Ok(Some(rotation));
        }
        // What was begun and cut is ended first: its records may be under either key, and there is no place for a third.
        let cut = self.state.rooms.in_rotation();
        let rotation = if cut.is_empty() {
            let rooms: Vec<BlindedId> = self.state.pending_rotations.iter().copied().collect();
            if rooms.is_empty() {
                return Ok(None);
            }
            fail::fail_point!("before-rotation");
            for room in &rooms {
                self.state.rooms.renew(*room);
            }
            Rotation::new(rooms, true)
        } else {
            Rotation::new(cut, false)
        };
        self.save_keys()?;
        fail::fail_point!("rotation-keys-saved");
        if rotation.fulfils {
            self.state.pending_rotations.clear();
        }
        Ok(Some(rotation))
    }

    /// Seals the next records under their rooms' current keys. Returns whether these were the last.
    fn reseal_slice(&mut self, rotation: &mut Rotation) -> Result<bool, StoreError> {
        #[cfg(not(test))]
        let mut records = SLICE;
        #[cfg(test)]
        let mut records = self.database.rotation_records.get().unwrap_or(SLICE);
        let mut bytes = SLICE_BYTES;
        while let Some(room) = rotation.rooms.get(rotation.room).copied() {
            let Some(tree) = ROOM_TREES.get(rotation.tree).copied() else {
                rotation.next_room();
                continue;
            };
            while let Some((key, sealed)) = self.next_to_reseal(room, tree, &rotation.from)? {
                if records == 0 || bytes == 0 {
                    self.write()?;
                    fail::fail_point!("rotation-slice");
                    return Ok(false);
                }
                records -= 1;
                bytes = bytes.saturating_sub(sealed.len());
                self.reseal(room, tree, &key, &sealed)?;
                // The next key after this one.
                rotation.from = [key.as_ref(), &[0]].concat();
            }
            rotation.next_tree();
        }
        Ok(true)
    }

    fn next_to_reseal(&self, room: BlindedId, tree: Tree, from: &[u8]) -> Result<Option<(IVec, IVec)>, StoreError> {
        let prefix = Key::new(tree, &[&room]);
        let from = if from.is_empty() { prefix.bytes.as_slice() } else { from };
        let next = self.database.db.range(from..).next().transpose()?;
        Ok(next.filter(|(key, _)| key.starts_with(&prefix.bytes)))
    }

    fn reseal(&mut self, room: BlindedId, tree: Tree, key: &IVec, sealed: &IVec) -> Result<(), StoreError> {
        let rooms = &self.state.rooms;
        // A room that was forgotten meanwhile has no previous key.
        let (Some(current), Some(previous)) = (rooms.cipher(&room), rooms.previous(&room)) else { return Ok(()) };
        self.database.touch(1);
        if let Some(plain) = previous.open(tree.name(), key, sealed) {
            let damaged = StoreError::Damaged { tree: tree.name() };
            let sealed = current.seal(tree.name(), key, &plain).ok_or(damaged)?;
            self.put_raw(key, sealed);
        } else if current.open(tree.name(), key, sealed).is_none() {
            // Found now rather than at the next reading; with the previous key gone it would look the same then.
            self.set_record_aside(&Key { tree, bytes: key.to_vec() }, sealed)?;
        }
        Ok(())
    }
}
