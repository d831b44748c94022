//! Reading in a transaction.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::de::DeserializeOwned;
use sled::IVec;
use zeroize::Zeroizing;

use super::error::StoreError;
use super::keys::RoomKeys;
use super::layout::{Key, QUARANTINE, ROOM_TREES, Tree};
use super::records::Stored;
use super::seal::{BlindedId, BlindedIds};
use super::transaction::Transaction;

/// The length of a blinded identifier in a key.
const BLINDED_ID_BYTES: usize = size_of::<BlindedId>();

/// Records of a tree, and the key to go on from: `None` at the end.
pub(super) type Page<T> = (Vec<(Key, T)>, Option<Vec<u8>>);

impl Transaction<'_> {
    pub(super) fn rooms(&self) -> &RoomKeys {
        &self.state.rooms
    }

    pub(super) fn blinded_ids(&self) -> &BlindedIds {
        &self.database.blinded_ids
    }

    pub(super) fn raw(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        self.database.touch(1);
        match self.writes().get(key) {
            Some(written) => Ok(written.clone()),
            None => Ok(self.database.db.get(key)?),
        }
    }

    /// The records under a beginning, sealed.
    fn all_raw(&self, beginning: &[u8]) -> Result<BTreeMap<IVec, IVec>, StoreError> {
        let mut records: BTreeMap<IVec, IVec> = self.database.db.scan_prefix(beginning).collect::<Result<_, _>>()?;
        self.database.touch(records.len());
        let from = (Bound::Included(beginning), Bound::Unbounded);
        for (key, written) in self.writes().range::<[u8], _>(from).take_while(|(key, _)| key.starts_with(beginning)) {
            match written {
                Some(sealed) => records.insert(key.clone(), sealed.clone()),
                None => records.remove(key),
            };
        }
        Ok(records)
    }

    pub(super) fn contains(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.raw(&key.bytes)?.is_some())
    }

    /// Whether a record of this place was set aside.
    pub(super) fn set_aside(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.raw(&key.quarantined())?.is_some())
    }

    /// Whether any record was committed under this beginning.
    pub(super) fn has_any(&self, prefix: &Key) -> Result<bool, StoreError> {
        Ok(self.database.db.scan_prefix(&prefix.bytes).next().transpose()?.is_some())
    }

    /// One record. A room without a key has none, whatever bytes are left of it.
    pub(super) fn get<T: Stored>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        Ok(self.get_value::<T::Record>(key)?.map(Into::into))
    }

    /// As [`Transaction::get`], for values that have no type of their own: numbers and texts.
    pub(super) fn get_value<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let Some(sealed) = self.raw(&key.bytes)? else { return Ok(None) };
        match self.open(key, &sealed) {
            Err(damaged @ StoreError::Damaged { .. }) => {
                self.set_record_aside(key, &sealed)?;
                Err(damaged)
            }
            other => other,
        }
    }

    /// One record; one that does not open counts as none, and is set aside if it is a room's. For where nobody could do better, and the
    /// rest has to go on.
    pub(super) fn find<T: Stored>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        match self.get(key) {
            Err(StoreError::Damaged { .. }) => Ok(None),
            other => other,
        }
    }

    /// As [`Transaction::find`], for values that have no type of their own.
    pub(super) fn find_value<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        match self.get_value(key) {
            Err(StoreError::Damaged { .. }) => Ok(None),
            other => other,
        }
    }

    /// All records under a beginning, in the order of their keys. Those that do not open are set aside and left out.
    pub(super) fn scan<T: Stored>(&self, prefix: &Key) -> Result<Vec<(Key, T)>, StoreError> {
        let mut found = Vec::new();
        for (bytes, sealed) in self.all_raw(&prefix.bytes)? {
            let key = Key { tree: prefix.tree, bytes: bytes.to_vec() };
            found.extend(self.opened::<T::Record>(&key, &sealed)?.map(|record| (key, record.into())));
        }
        Ok(found)
    }

    /// The committed records of a tree from the last key backwards, read only as far as they are asked for.
    pub(super) fn newest<T: Stored>(&self, tree: Tree, limit: usize) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        for record in self.database.db.scan_prefix([tree.letter()]).rev() {
            if found.len() == limit {
                break;
            }
            let (bytes, sealed) = record?;
            self.database.touch(1);
            let key = Key { tree, bytes: bytes.to_vec() };
            found.extend(self.opened::<T::Record>(&key, &sealed)?.map(Into::into));
        }
        Ok(found)
    }

    /// At most `limit` committed records under a beginning, from a key on.
    pub(super) fn page<T: Stored>(&self, prefix: &Key, from: &[u8], limit: usize) -> Result<Page<T>, StoreError> {
        let (records, next) = self.page_of_values::<T::Record>(prefix, from, limit)?;
        Ok((records.into_iter().map(|(key, record)| (key, record.into())).collect(), next))
    }

    /// As [`Transaction::page`], for values that have no type of their own.
    pub(super) fn page_of_values<T: DeserializeOwned>(
        &self,
        prefix: &Key,
        from: &[u8],
        limit: usize,
    ) -> Result<Page<T>, StoreError> {
        let mut found = Vec::new();
        for (count, record) in self.database.db.range(from..).enumerate() {
            let (bytes, sealed) = record?;
            if !bytes.starts_with(&prefix.bytes) {
                break;
            }
            if count == limit {
                return Ok((found, Some(bytes.to_vec())));
            }
            self.database.touch(1);
            let key = Key { tree: prefix.tree, bytes: bytes.to_vec() };
            found.extend(self.opened(&key, &sealed)?.map(|value| (key, value)));
        }
        Ok((found, None))
    }

    /// The newest `limit` committed records under a beginning, the oldest of them first.
    pub(super) fn last<T: Stored>(&self, prefix: &Key, limit: usize) -> Result<Vec<(Key, T)>, StoreError> {
        let mut found = Vec::new();
        for record in self.database.db.scan_prefix(&prefix.bytes).rev().take(limit) {
            let (bytes, sealed) = record?;
            self.database.touch(1);
            let key = Key { tree: prefix.tree, bytes: bytes.to_vec() };
            found.extend(self.opened::<T::Record>(&key, &sealed)?.map(|record| (key, record.into())));
        }
        found.reverse();
        Ok(found)
    }

    /// The keys under a beginning, and the beginning's set-aside ones, as they stand in the database.
    pub(super) fn raw_keys(&self, prefix: &Key) -> Result<Vec<IVec>, StoreError> {
        let aside = self.all_raw(&prefix.quarantined())?;
        Ok(self.all_raw(&prefix.bytes)?.into_keys().chain(aside.into_keys()).collect())
    }

    /// A record that was read. One that does not open is set aside and counts as none.
    fn opened<T: DeserializeOwned>(&self, key: &Key, sealed: &IVec) -> Result<Option<T>, StoreError> {
        match self.open(key, sealed) {
            Err(StoreError::Damaged { .. }) => self.set_record_aside(key, sealed).map(|()| None),
            other => other,
        }
    }

    fn open<T: DeserializeOwned>(&self, key: &Key, sealed: &[u8]) -> Result<Option<T>, StoreError> {
        let Some(plain) = self.unseal(key, sealed)? else { return Ok(None) };
        serde_json::from_slice(&plain).map(Some).map_err(|_| StoreError::Damaged { tree: key.tree.name() })
    }

    /// The plain bytes of a record; `None` where its room has no key.
    pub(super) fn unseal(&self, key: &Key, sealed: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let name = key.tree.name();
        let plain = match key.room() {
            None => self.database.cipher.open(name, &key.bytes, sealed),
            Some(room) => match self.state.rooms.cipher(&room) {
                // The room's previous key counts as long as it is there: its records are on their way to the current one.
                Some(cipher) => cipher
                    .open(name, &key.bytes, sealed)
                    .or_else(|| self.state.rooms.previous(&room)?.open(name, &key.bytes, sealed)),
                None => return Ok(None),
            },
        };
        plain.map(Some).ok_or(StoreError::Damaged { tree: name })
    }

    /// Moves a room's record that does not open out of the way. Other records stay: a dedup record counts even when its time is lost.
    pub(super) fn set_record_aside(&self, key: &Key, sealed: &IVec) -> Result<(), StoreError> {
        tracing::error!(tree = key.tree.name(), "a record of the store does not open; it is kept aside");
        if key.room().is_some() {
            let quarantined = (key.quarantined().into(), Some(sealed.clone()));
            self.database.apply_batch([quarantined, (key.bytes.as_slice().into(), None)].into())?;
        }
        Ok(())
    }

    /// The rooms that have committed records, set-aside ones included. Jumps from room to room, without reading what is between.
    pub(super) fn rooms_with_records(&self) -> Result<Vec<BlindedId>, StoreError> {
        let mut rooms = Vec::new();
        for tree in ROOM_TREES {
            rooms.extend(self.rooms_in(&[tree.letter()])?);
            rooms.extend(self.rooms_in(&[QUARANTINE, tree.letter()])?);
        }
        rooms.sort_unstable();
        rooms.dedup();
        Ok(rooms)
    }

    /// The rooms that have committed records under a beginning of theirs.
    pub(super) fn rooms_in(&self, beginning: &[u8]) -> Result<Vec<BlindedId>, StoreError> {
        let mut rooms = Vec::new();
        let mut from = beginning.to_vec();
        while let Some(key) = self.database.db.range(from.as_slice()..).keys().next().transpose()? {
            self.database.touch(1);
            let Some(room) = key.strip_prefix(beginning).and_then(|rest| rest.first_chunk::<BLINDED_ID_BYTES>()) else {
                break;
            };
            rooms.push(*room);
            // Past every key of this room: what follows the room is shorter than this.
            from = [beginning, room, &[0xff; 64]].concat();
        }
        Ok(rooms)
    }
}
