//! The messages of answers that were forgotten, so that they still go when their question is deleted.
//!
//! Once an exchange is forgotten, or too old, the room still shows it, and whoever deletes their question there means the answer with it. Of the
//! answer its messages are kept for that, and nothing else: no person, no text, no conversation. The record stands under a hash of the
//! question's identifier, and what it holds is sealed under a key made from that identifier. Nothing of the store leads from a record to its
//! question; the homeserver names the question when it is deleted.

use std::collections::BTreeSet;

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};

use super::answer::Answered;
use super::error::StoreError;
use super::layout::{Key, Tree};
use super::seal::BlindedId;
use super::transaction::Transaction;
use crate::message::Incoming;

/// The most answers of a room that are kept in this way.
pub(super) const MOST_OF_ROOM: usize = 10_000;
/// How many of them go at a time, the oldest, where there are more.
const TOO_MANY: usize = MOST_OF_ROOM / 10;
/// The most messages of one question: it may be answered, and forgotten, again and again.
const MOST_MESSAGES: usize = 256;

/// The messages of one question's answers, sealed.
pub(super) struct Withdrawable {
    /// When the answer was forgotten.
    pub(super) at: u64,
    /// The messages with their rooms.
    pub(super) sealed: Vec<u8>,
}

/// A message of the bot, with its room.
type Message = (OwnedRoomId, OwnedEventId);

impl Transaction<'_> {
    /// Keeps the messages of answers that are forgotten with this transaction.
    pub(super) fn forget_answers(
        &mut self,
        answers: impl IntoIterator<Item = Answered>,
        now: u64,
    ) -> Result<(), StoreError> {
        let mut rooms = BTreeSet::new();
        for Answered { question: Incoming { room_id, event_id, .. }, parts, elsewhere, .. } in answers {
            let mut messages = self.withdrawable(&room_id, &event_id)?;
            let forgotten = parts.into_iter().map(|event| (room_id.clone(), event)).chain(elsewhere);
            for message in forgotten {
                if !messages.contains(&message) {
                    messages.push(message);
                }
            }
            messages.drain(..messages.len().saturating_sub(MOST_MESSAGES));
            if messages.is_empty() {
                continue;
            }
            let key = self.withdrawable_key(&room_id, &event_id);
            let damaged = || StoreError::Damaged { tree: Tree::Withdrawable.name() };
            let plain = serde_json::to_vec(&messages).map_err(|_| damaged())?;
            let cipher = self.blinded_ids().withdrawable_cipher(&room_id, &event_id);
            let sealed = cipher.seal(key.tree.name(), &key.bytes, &plain).ok_or_else(damaged)?;
            self.put(&key, &Withdrawable { at: now, sealed })?;
            rooms.extend(key.room());
        }
        rooms.into_iter().try_for_each(|room| self.bound_withdrawable(room))
    }

    /// The messages that were kept for a question, or none.
    pub(super) fn withdrawable(&self, room: &RoomId, question: &EventId) -> Result<Vec<Message>, StoreError> {
        let key = self.withdrawable_key(room, question);
        let Some(kept) = self.find::<Withdrawable>(&key)? else { return Ok(Vec::new()) };
        let cipher = self.blinded_ids().withdrawable_cipher(room, question);
        let plain = cipher.open(key.tree.name(), &key.bytes, &kept.sealed);
        Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()).unwrap_or_default())
    }

    /// Whether messages are kept for a question.
    pub(super) fn is_withdrawable(&self, room: &RoomId, question: &EventId) -> Result<bool, StoreError> {
        self.contains(&self.withdrawable_key(room, question))
    }

    /// The question is gone: its messages are taken back and kept no more.
    pub(super) fn withdraw_forgotten(
        &mut self,
        room: &OwnedRoomId,
        question: &EventId,
        now: u64,
    ) -> Result<(), StoreError> {
        for (room, message) in self.withdrawable(room, question)? {
            self.withdraw(&room, &message, question, now)?;
        }
        let key = self.withdrawable_key(room, question);
        self.remove_raw(&key.quarantined());
        self.remove(&key);
        Ok(())
    }

    fn withdrawable_key(&self, room: &RoomId, question: &EventId) -> Key {
        let names = self.blinded_ids();
        Key::new(Tree::Withdrawable, &[&names.room(room), &names.withdrawable(room, question)])
    }

    /// Where there are too many of a room, the oldest go.
    fn bound_withdrawable(&mut self, room: BlindedId) -> Result<(), StoreError> {
        let prefix = Key::new(Tree::Withdrawable, &[&room]);
        if self.raw_keys(&prefix)?.len() <= MOST_OF_ROOM {
            return Ok(());
        }
        let mut kept = self.scan::<Withdrawable>(&prefix)?;
        kept.sort_by_key(|(_, one)| one.at);
        let surplus = kept.len().saturating_sub(MOST_OF_ROOM - TOO_MANY);
        tracing::warn!(
            surplus,
            "of a room more answers were forgotten than can be kept to be taken back: the oldest go"
        );
        kept.into_iter().take(surplus).for_each(|(key, _)| self.remove(&key));
        Ok(())
    }
}
