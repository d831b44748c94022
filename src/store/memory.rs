//! What people have asked the bot to remember. It stands under the key of its room, apart from what was said there, and goes by a retention
//! of its own.
//!
//! A fact's key names its room, whose it is, and the command that it was told with: what belongs to a person, and what a redaction takes, is
//! found without opening a record.

use std::collections::BTreeSet;

use ruma::{EventId, OwnedRoomId, RoomId, UserId};
use sled::IVec;

use super::database::Database;
use super::error::StoreError;
use super::handle::Store;
use super::layout::{EventPlace, Key, QUARANTINE, Tree};
use super::seal::{BlindedId, BlindedIds};
use super::transaction::Transaction;
use crate::memory::{Fact, MOST_FACTS};

const BLINDED_ID_BYTES: usize = size_of::<BlindedId>();

/// In the place of a person: the room's own.
const OF_THE_ROOM: BlindedId = [0; BLINDED_ID_BYTES];

impl Store {
    /// What is remembered in a room for everybody, and for one person, in the order of the numbers. Facts that do not open are set aside and
    /// counted by [`Store::damaged`].
    pub async fn facts(&self, room: &RoomId, person: &UserId) -> Result<Vec<Fact>, StoreError> {
        let (room, person) = (room.to_owned(), person.to_owned());
        self.run(move |database| database.facts(&room, &person)).await
    }
}

impl Database {
    /// What is remembered in a room for everybody, and for one person, in the order of the numbers.
    pub fn facts(&self, room: &RoomId, person: &UserId) -> Result<Vec<Fact>, StoreError> {
        let transaction = self.transaction();
        let room = self.blinded_ids.room(room);
        let mut facts = transaction.facts_of(room, OF_THE_ROOM)?;
        facts.extend(transaction.facts_of(room, self.blinded_ids.person(person))?);
        Ok(facts)
    }
}

impl BlindedIds {
    fn owner(&self, fact: &Fact) -> BlindedId {
        fact.by.as_deref().filter(|_| !fact.of_room).map_or(OF_THE_ROOM, |by| self.person(by))
    }

    fn fact(&self, fact: &Fact) -> Key {
        let owner = self.owner(fact);
        Key::new(Tree::Memory, &[&self.room(&fact.room_id), &owner, &self.event(&fact.event_id)])
    }
}

/// Whose a fact is, by its key.
fn owner(key: &[u8]) -> Option<BlindedId> {
    key.get(1 + BLINDED_ID_BYTES..)?.first_chunk().copied()
}

impl Transaction<'_> {
    fn facts_of(&self, room: BlindedId, owner: BlindedId) -> Result<Vec<Fact>, StoreError> {
        let facts = self.scan::<Fact>(&Key::new(Tree::Memory, &[&room, &owner]))?;
        let mut facts: Vec<Fact> = facts.into_iter().map(|(_, fact)| fact).collect();
        facts.sort_by_key(|fact| fact.number);
        Ok(facts)
    }

    /// Remembers a fact.
    pub(super) fn remember(&mut self, fact: &Fact) -> Result<(), StoreError> {
        self.put(&self.blinded_ids().fact(fact), fact)
    }

    /// Forgets facts, for good.
    pub(super) fn forget_facts(&mut self, facts: &[Fact]) -> Result<(), StoreError> {
        let keys = facts.iter().map(|fact| self.blinded_ids().fact(fact).bytes.into());
        self.remove_facts(keys.collect())
    }

    /// Forgets the fact that was told with a message, for good, also where it has moved to another room since. With `by`, only what this
    /// person has told. Gives the rooms that it was remembered in.
    pub(super) fn forget_told_with(
        &mut self,
        room: &OwnedRoomId,
        message: &EventId,
        by: Option<&UserId>,
    ) -> Result<Vec<OwnedRoomId>, StoreError> {
        let place = EventPlace::new(self.blinded_ids(), room, message);
        let (mut told, mut rooms) = (Vec::new(), Vec::new());
        let keys = self.raw_keys(&Key::all(Tree::Memory))?;
        for raw in keys.into_iter().filter(|key| key.ends_with(&place.event)) {
            let key = Key { tree: Tree::Memory, bytes: key_of(&raw).to_vec() };
            let remembered_in = match self.find::<Fact>(&key)? {
                Some(fact) => {
                    let told_here = fact.told_in.as_ref().unwrap_or(&fact.room_id) == room;
                    let theirs = by.is_none() || fact.by.as_deref() == by;
                    (told_here && theirs).then_some(fact.room_id)
                }
                // It does not open.
                None => (by.is_none() && key.room() == Some(place.room)).then(|| room.clone()),
            };
            if let Some(room) = remembered_in {
                told.push(raw);
                rooms.push(room);
            }
        }
        self.remove_facts(told)?;
        Ok(rooms)
    }

    /// Forgets what is remembered for a person in any room, for good. What the person has told for everybody in a room is the room's, and
    /// says no more who told it.
    pub(super) fn forget_facts_of_person(&mut self, person: &UserId) -> Result<(), StoreError> {
        let blinded = self.blinded_ids().person(person);
        let keys = self.raw_keys(&Key::all(Tree::Memory))?;
        self.remove_facts(keys.into_iter().filter(|key| owner(key_of(key)) == Some(blinded)).collect())?;
        for fact in self.facts_by(person)? {
            let room = self.blinded_ids().room(&fact.room_id);
            self.remember(&Fact { by: None, name: None, ..fact })?;
            self.rotate(room)?;
        }
        Ok(())
    }

    /// What a person has told in any room, for themselves or for everybody there.
    pub(super) fn facts_by(&self, person: &UserId) -> Result<Vec<Fact>, StoreError> {
        let facts = self.scan::<Fact>(&Key::all(Tree::Memory))?;
        Ok(facts.into_iter().map(|(_, fact)| fact).filter(|fact| fact.by.as_deref() == Some(person)).collect())
    }

    /// Hands what is remembered in a room over to the one that takes its place, as far as there are numbers for it.
    pub(super) fn move_facts(&mut self, old: &RoomId, new: &RoomId) -> Result<(), StoreError> {
        let mut facts = self.scan::<Fact>(&Key::new(Tree::Memory, &[&self.blinded_ids().room(old)]))?;
        facts.sort_by_key(|(_, fact)| fact.number);
        for (key, fact) in facts {
            // The message that told it stays in the old room.
            let told_in = Some(fact.told_in.unwrap_or(fact.room_id));
            let mut moved = Fact { room_id: new.to_owned(), told_in, ..fact };
            let owner = self.blinded_ids().owner(&moved);
            let taken = self.facts_of(self.blinded_ids().room(new), owner)?;
            let taken: BTreeSet<u32> = taken.into_iter().map(|fact| fact.number).collect();
            let free = (1..=MOST_FACTS as u32).find(|number| !taken.contains(number));
            if taken.contains(&moved.number) {
                let Some(free) = free else { continue };
                moved.number = free;
            }
            self.remember(&moved)?;
            // Once it is forgotten there, nothing here may open.
            self.remove_facts(vec![key.bytes.into()])?;
        }
        Ok(())
    }

    fn remove_facts(&mut self, keys: Vec<IVec>) -> Result<(), StoreError> {
        for key in keys {
            self.remove_raw(&key);
            let key = Key { tree: Tree::Memory, bytes: key_of(&key).to_vec() };
            if let Some(room) = key.room() {
                self.rotate(room)?;
            }
        }
        Ok(())
    }
}

/// A key without the mark of what was set aside.
fn key_of(key: &[u8]) -> &[u8] {
    key.strip_prefix(&[QUARANTINE]).unwrap_or(key)
}
