//! What jobs keep between two messages. It stands under the key of whose it is: a room's with its conversations, a person's, a compagnon's.
//!
//! The key of a record names its conversation (or that it is not one's), its kind, and whose it is within the conversation: what goes with a conversation is found without opening a
//! record, and so also where one does not open any more.

use std::collections::BTreeSet;

use ruma::{OwnedUserId, RoomId, UserId};
use sled::IVec;

use super::database::Database;
use super::error::StoreError;
use super::handle::Store;
use super::layout::{Key, QUARANTINE, Tree};
use super::seal::{BlindedId, BlindedIds};
use super::transaction::Transaction;
use crate::conversation::ConversationId;
use crate::document::Partition;
use crate::job::{JobKind, JobScope, JobState, MOST_STATES};

/// In the place of a conversation: the whole room, person or compagnon.
const OF_NO_CONVERSATION: BlindedId = [0; size_of::<BlindedId>()];

/// The kinds that are made from what is said.
const DERIVED: [JobKind; 2] = [JobKind::Pseudonyms, JobKind::TranslationMemory];

impl Store {
    /// What a job keeps; nothing once its time is over.
    pub async fn job_state(&self, kind: JobKind, scope: &JobScope, now: u64) -> Result<Option<JobState>, StoreError> {
        let scope = scope.clone();
        self.run(move |database| database.job_state(kind, &scope, now)).await
    }

    /// What jobs of a kind keep in a room and its conversations, for persons there too, the newest first. Those that do not open are set aside and counted by
    /// [`Store::damaged`].
    pub async fn job_states_of_room(
        &self,
        kind: JobKind,
        room: &RoomId,
        now: u64,
    ) -> Result<Vec<JobState>, StoreError> {
        let room = room.to_owned();
        self.run(move |database| database.job_states_of_room(kind, &room, now)).await
    }
}

impl Database {
    /// As [`Store::job_state`].
    pub fn job_state(&self, kind: JobKind, scope: &JobScope, now: u64) -> Result<Option<JobState>, StoreError> {
        let state = self.transaction().find::<JobState>(&self.blinded_ids.job(kind, scope)?)?;
        Ok(state.filter(|state| now <= state.until))
    }

    /// As [`Store::job_states_of_room`].
    pub fn job_states_of_room(&self, kind: JobKind, room: &RoomId, now: u64) -> Result<Vec<JobState>, StoreError> {
        let group = self.blinded_ids.room(room);
        let transaction = self.transaction();
        let mut states = Vec::new();
        for key in transaction.job_keys(group, kind)? {
            states.extend(transaction.find::<JobState>(&key)?.filter(|state| now <= state.until));
        }
        states.sort_by_key(|state| std::cmp::Reverse(state.at));
        Ok(states)
    }
}

impl BlindedIds {
    /// Where the state of a job stands.
    fn job(&self, kind: JobKind, scope: &JobScope) -> Result<Key, StoreError> {
        if let JobScope::Member(conversation, person) = scope {
            let beside = self.jobs_of(conversation);
            let place = beside.bytes.get(1..).unwrap_or_default();
            return Ok(Key::new(Tree::Jobs, &[place, &[letter(kind)], &self.person(person)]));
        }
        let (group, conversation) = match scope {
            JobScope::Conversation(conversation) | JobScope::Member(conversation, _) => {
                (self.room(&conversation.room_id), self.conversation(conversation))
            }
            JobScope::Room(room) => (self.room(room), OF_NO_CONVERSATION),
            JobScope::Person(person) => (self.places_of(&Partition::Person(person.clone()))?.0, OF_NO_CONVERSATION),
            JobScope::Compagnon(compagnon) => {
                (self.places_of(&Partition::Compagnon(compagnon.clone()))?.0, OF_NO_CONVERSATION)
            }
        };
        Ok(Key::new(Tree::Jobs, &[&group, &conversation, &[letter(kind)]]))
    }

    /// The beginning of the places of a conversation's states.
    fn jobs_of(&self, conversation: &ConversationId) -> Key {
        Key::new(Tree::Jobs, &[&self.room(&conversation.room_id), &self.conversation(conversation)])
    }
}

/// What stands for a kind in a key.
fn letter(kind: JobKind) -> u8 {
    match kind {
        JobKind::Note => b'n',
        JobKind::Reviews => b'r',
        JobKind::Pseudonyms => b'p',
        JobKind::TranslationMemory => b't',
        JobKind::Glossary => b'g',
        JobKind::Continuous => b'c',
        JobKind::DocsAddress => b'd',
        JobKind::Cases => b'k',
        JobKind::CaseResults => b's',
        JobKind::CaseRun => b'u',
    }
}

/// The letter of the kind in a record's key.
fn kind_of(key: &Key) -> Option<u8> {
    key.bytes.get(1 + 2 * size_of::<BlindedId>()).copied()
}

/// A record's key as the database has it, without the mark of what was set aside.
fn key_of(raw: &[u8]) -> Key {
    Key { tree: Tree::Jobs, bytes: raw.strip_prefix(&[QUARANTINE]).unwrap_or(raw).to_vec() }
}

impl Transaction<'_> {
    /// The keys of the states of a kind that one data key seals.
    fn job_keys(&self, group: BlindedId, kind: JobKind) -> Result<Vec<Key>, StoreError> {
        let keys = self.raw_keys(&Key::new(Tree::Jobs, &[&group]))?.into_iter().map(|raw| key_of(&raw));
        Ok(keys.filter(|key| kind_of(key) == Some(letter(kind))).collect())
    }

    /// Keeps what a job keeps, in place of what it kept before; not for a compagnon that was deleted meanwhile. Where there are as many of its
    /// kind as there may be, the one that was written first goes.
    pub(super) fn keep_job(&mut self, state: &JobState) -> Result<(), StoreError> {
        if !state.fits() {
            return Err(StoreError::TooLarge);
        }
        if let JobScope::Compagnon(compagnon) = &state.scope
            && self.is_unmade(&Partition::Compagnon(compagnon.clone()))?
        {
            return Ok(());
        }
        let key = self.blinded_ids().job(state.kind, &state.scope)?;
        if !self.contains(&key)?
            && let Some(group) = key.room()
        {
            self.make_place_for_job(group, state.kind)?;
        }
        self.put(&key, state)
    }

    fn make_place_for_job(&mut self, group: BlindedId, kind: JobKind) -> Result<(), StoreError> {
        let keys = self.job_keys(group, kind)?;
        if keys.len() < MOST_STATES {
            return Ok(());
        }
        let mut first: Option<(u64, Key)> = None;
        for key in keys {
            // What does not open is no use to anybody.
            let at = self.find::<JobState>(&key)?.map_or(0, |state| state.at);
            if first.as_ref().is_none_or(|(earliest, _)| at < *earliest) {
                first = Some((at, key));
            }
        }
        self.remove_jobs(first.into_iter().map(|(_, key)| key.bytes.into()).collect())
    }

    /// Removes what a job keeps, for good.
    pub(super) fn drop_job(&mut self, kind: JobKind, scope: &JobScope) -> Result<(), StoreError> {
        let key = self.blinded_ids().job(kind, scope)?;
        self.remove_job(&key)
    }

    /// Removes what jobs keep of one conversation, and what they have made for its room from what is said there, for good.
    pub(super) fn forget_jobs_of_conversation(&mut self, conversation: &ConversationId) -> Result<(), StoreError> {
        let keys = self.raw_keys(&self.blinded_ids().jobs_of(conversation))?;
        self.remove_jobs(keys)?;
        let room = JobScope::Room(conversation.room_id.clone());
        DERIVED.into_iter().try_for_each(|kind| self.drop_job(kind, &room))
    }

    /// Removes what jobs keep of a room and its conversations, for good; what was chosen for the room stays.
    pub(super) fn forget_jobs_of_room(&mut self, room: BlindedId) -> Result<(), StoreError> {
        let chosen = [JobKind::Glossary, JobKind::Continuous, JobKind::DocsAddress].map(letter);
        let mut keys = self.raw_keys(&Key::new(Tree::Jobs, &[&room]))?;
        keys.retain(|raw| !kind_of(&key_of(raw)).is_some_and(|kind| chosen.contains(&kind)));
        self.remove_jobs(keys)
    }

    /// Turns are no more: what was made from them goes. Their rooms' keys are replaced with it.
    pub(super) fn forget_derived_from<'k>(
        &mut self,
        turns: impl IntoIterator<Item = &'k Key>,
    ) -> Result<(), StoreError> {
        let conversations = turns.into_iter().filter(|key| key.tree == Tree::Turns).filter_map(|key| {
            let (room, rest) = key.bytes.get(1..)?.split_first_chunk::<{ size_of::<BlindedId>() }>()?;
            Some((*room, *rest.first_chunk::<{ size_of::<BlindedId>() }>()?))
        });
        let conversations: BTreeSet<(BlindedId, BlindedId)> = conversations.collect();
        conversations.into_iter().try_for_each(|(room, conversation)| self.forget_derived(room, conversation))
    }

    /// As [`Transaction::forget_derived_from`], for something that was asked in a conversation and left no turn there: a translation, say.
    pub(super) fn forget_derived_of(&mut self, conversation: &ConversationId) -> Result<(), StoreError> {
        let names = self.blinded_ids();
        let (room, conversation) = (names.room(&conversation.room_id), names.conversation(conversation));
        self.forget_derived(room, conversation)
    }

    fn forget_derived(&mut self, room: BlindedId, conversation: BlindedId) -> Result<(), StoreError> {
        for place in [conversation, OF_NO_CONVERSATION] {
            for kind in DERIVED.map(letter) {
                self.remove_job(&Key::new(Tree::Jobs, &[&room, &place, &[kind]]))?;
            }
        }
        Ok(())
    }

    /// Removes what jobs keep for a person, in any room. What the person has chosen for others stays, and says no more who chose it.
    pub(super) fn forget_jobs_of_person(&mut self, person: &UserId) -> Result<(), StoreError> {
        let (own, _) = self.blinded_ids().places_of(&Partition::Person(person.to_owned()))?;
        let keys = self.raw_keys(&Key::new(Tree::Jobs, &[&own]))?;
        self.remove_jobs(keys)?;
        for (key, state) in self.scan::<JobState>(&Key::all(Tree::Jobs))? {
            let within = matches!(&state.scope, JobScope::Member(_, member) if member == person);
            if state.by.as_deref() != Some(person) && !within {
                continue;
            }
            if !state.kind.is_chosen() {
                self.remove_jobs(vec![key.bytes.into()])?;
                continue;
            }
            self.put(&key, &JobState { by: None, ..state })?;
            if let Some(group) = key.room() {
                self.rotate(group)?;
            }
        }
        Ok(())
    }

    /// What jobs keep for a person, or what the person has chosen for others.
    pub(super) fn jobs_by(&self, person: &OwnedUserId) -> Result<Vec<JobState>, StoreError> {
        let theirs =
            |scope: &JobScope| matches!(scope, JobScope::Person(whose) | JobScope::Member(_, whose) if whose == person);
        let states = self.scan::<JobState>(&Key::all(Tree::Jobs))?.into_iter().map(|(_, state)| state);
        Ok(states.filter(|state| state.by.as_ref() == Some(person) || theirs(&state.scope)).collect())
    }

    /// What jobs keep for a compagnon that was made by command.
    pub(super) fn jobs_of_made(&self, number: u64) -> Result<Vec<JobState>, StoreError> {
        let of_made = Key::new(Tree::Jobs, &[&self.blinded_ids().made(number)]);
        Ok(self.scan::<JobState>(&of_made)?.into_iter().map(|(_, state)| state).collect())
    }

    /// Hands what was chosen for a room over to the one that takes its place, unless that has its own.
    pub(super) fn move_jobs(&mut self, old: &RoomId, new: &RoomId) -> Result<(), StoreError> {
        for kind in [JobKind::Glossary, JobKind::Continuous] {
            let from = JobScope::Room(old.to_owned());
            let Some(state) = self.find::<JobState>(&self.blinded_ids().job(kind, &from)?)? else { continue };
            let scope = JobScope::Room(new.to_owned());
            if self.find::<JobState>(&self.blinded_ids().job(kind, &scope)?)?.is_none() {
                self.keep_job(&JobState { scope, ..state })?;
            }
            self.drop_job(kind, &from)?;
        }
        Ok(())
    }

    /// Removes one state, also where it was set aside; not those of persons beside it.
    fn remove_job(&mut self, key: &Key) -> Result<(), StoreError> {
        let mut keys = self.raw_keys(key)?;
        keys.retain(|raw| key_of(raw).bytes == key.bytes);
        self.remove_jobs(keys)
    }

    fn remove_jobs(&mut self, keys: Vec<IVec>) -> Result<(), StoreError> {
        for raw in keys {
            let key = key_of(&raw);
            self.remove(&key);
            self.remove_raw(&key.quarantined());
            if let Some(group) = key.room() {
                self.rotate(group)?;
            }
        }
        Ok(())
    }
}
