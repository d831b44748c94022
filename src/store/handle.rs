//! The store as the rest of the program uses it: a handle that can be cloned and whose methods can be awaited.

#![allow(clippy::unused_async)] // The thread that owns the database comes between.

use std::path::Path;

use ruma::{EventId, RoomId, UserId};

use super::{
    Accept, Accepted, Change, Conclusion, Database, Delivery, Entry, Personal, Purged, Queued, QueuedKind, Retention,
    Snapshot, StoreError, Withdrawal,
};
use crate::{
    compagnon::{Made, Settings},
    conversation::Turn,
    message::{ConversationId, Gap, Incoming, Undecrypted},
};

/// The store. A clone is another handle on the same one.
#[derive(Clone, Debug)]
pub struct Store(Database);

impl Store {
    /// Opens the store of a data folder, or makes it there: see [`Database::open`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Database::open(folder).map(Self)
    }

    /// Writes down a sync response: questions, undecrypted events, what was edited and taken back, and the cursor together.
    ///
    /// Returns what is new only. An event already queued, answered or over is left out, so a response may be given twice.
    pub async fn accept(&self, batch: &Accept<'_>, now: u64) -> Result<Accepted, StoreError> {
        self.0.accept(batch, now)
    }

    /// Where the next sync starts; `None` when there was none yet.
    pub async fn cursor(&self) -> Result<Option<String>, StoreError> {
        self.0.cursor()
    }

    /// The stretches of timelines that are still to be read. Records that do not open are set aside and counted by [`Database::damaged`].
    pub async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        self.0.gaps()
    }

    /// The questions waiting, in order of arrival. Records that do not open are set aside and counted by [`Database::damaged`].
    pub async fn queued(&self) -> Result<Vec<Queued>, StoreError> {
        self.0.queued()
    }

    /// Counts an attempt at an answer before it is made, and returns the question as it stands now: its text may have been edited
    /// since it was read. `attempts` is the number of this attempt, from 1. `None`: the question is not waiting any more (dropped,
    /// or its room forgotten) and must not be answered.
    pub async fn begin(&self, question: &Incoming) -> Result<Option<Queued>, StoreError> {
        self.0.begin(question)
    }

    /// An attempt has ended in order without an answer: the process that ends after it has not died of it.
    pub async fn pause(&self, question: &Incoming) -> Result<(), StoreError> {
        self.0.pause(question)
    }

    /// The process ends in order: no attempt that is under way counts as interrupted, however the end comes.
    pub async fn pause_all(&self) -> Result<(), StoreError> {
        self.0.pause_all()
    }

    /// Notes what a waiting message asks for that a release wrote which did not decide it.
    pub async fn classify(&self, question: &Incoming, kind: QueuedKind) -> Result<(), StoreError> {
        self.0.classify(question, kind)
    }

    /// Drops a waiting question (its author wants no answer, or is refused one), never to be accepted again; what is shown of an answer
    /// is then among [`Database::withdrawals`]. Returns whether it was waiting.
    pub async fn drop_question(&self, room: &RoomId, event: &EventId, now: u64) -> Result<bool, StoreError> {
        self.0.drop_question(room, event, now)
    }

    /// Ends a waiting question of which the room shows what it should, never to be accepted again. Returns whether it was waiting.
    pub async fn close_question(&self, room: &RoomId, event: &EventId, now: u64) -> Result<bool, StoreError> {
        self.0.close_question(room, event, now)
    }

    /// Whether a question is waiting, with this very text.
    pub async fn is_waiting(&self, question: &Incoming) -> Result<bool, StoreError> {
        self.0.is_waiting(question)
    }

    /// Remembers the message that shows the answer being written, as this question's and as the bot's own. Returns whether the
    /// question is still waiting; if it was taken back meanwhile, the message is among [`Database::withdrawals`].
    pub async fn draft(&self, question: &Incoming, event: &EventId, now: u64) -> Result<bool, StoreError> {
        self.0.draft(question, event, now)
    }

    /// Has an answered question wait again, because of `trigger`; its turns are replaced when it is answered. `None`: it waits
    /// already, or nothing is known of it any more.
    pub async fn reopen(&self, question: &Incoming, trigger: &EventId, now: u64) -> Result<Option<Queued>, StoreError> {
        self.0.reopen(question, trigger, now)
    }

    /// Whether something in a conversation was answered while it was one of two.
    pub async fn was_direct(&self, conversation: &ConversationId) -> Result<bool, StoreError> {
        self.0.was_direct(conversation)
    }

    /// The newest `limit` lines of the audit trail, newest first.
    pub async fn audit(&self, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.0.audit(limit)
    }

    /// Whether a person was told what the bot is.
    pub async fn is_informed(&self, user: &UserId) -> Result<bool, StoreError> {
        self.0.is_informed(user)
    }

    /// What is committed, with its keys. No write happens meanwhile.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.0.snapshot()
    }

    /// Until when another bot may have answered for this account, in milliseconds since the epoch: the one that this store is a copy
    /// of, or one that held the account before this.
    pub async fn restored_at(&self) -> Result<Option<u64>, StoreError> {
        self.0.restored_at()
    }

    /// Notes that another bot may have answered until `at`; see [`Database::restored_at`].
    pub async fn note_another_bot(&self, at: u64) -> Result<(), StoreError> {
        self.0.note_another_bot(at)
    }

    /// Makes changes outside of an answer, all or none.
    pub async fn apply(&self, changes: &[Change], now: u64) -> Result<(), StoreError> {
        self.0.apply(changes, now)
    }

    /// Removes what is older than its retention, destroys the keys of rooms of which nothing is left, and replaces those of the
    /// others something went from. It reads everything, in slices: between two of them others use the store.
    pub async fn purge(&self, now: u64, keep: &Retention) -> Result<Purged, StoreError> {
        self.0.purge(now, keep)
    }

    /// A number for a new compagnon, never given out before.
    pub async fn new_number(&self) -> Result<u64, StoreError> {
        self.0.new_number()
    }

    /// A compagnon made by command.
    pub async fn made(&self, number: u64) -> Result<Option<Made>, StoreError> {
        self.0.made(number)
    }

    /// All compagnons made by command, in the order of their numbers. Those that do not open are set aside and counted by
    /// [`Database::damaged`].
    pub async fn all_made(&self) -> Result<Vec<Made>, StoreError> {
        self.0.all_made()
    }

    /// Moves a question from waiting to answered: out of the inbox, its turns into the conversation, its answer into the outbox, all
    /// in one write.
    ///
    /// The turns of a question that is answered again take the place of the earlier ones.
    ///
    /// Returns the delivery to make. `None`: the question is not waiting any more (dropped, or its room forgotten), or its text was
    /// edited meanwhile; nothing was written and nothing may be sent.
    pub async fn conclude(&self, conclusion: Conclusion<'_>, now: u64) -> Result<Option<Delivery>, StoreError> {
        self.0.conclude(conclusion, now)
    }

    /// The answers not yet delivered, in the order they were stored. Records that do not open are set aside and counted by
    /// [`Database::damaged`].
    pub async fn undelivered(&self) -> Result<Vec<Delivery>, StoreError> {
        self.0.undelivered()
    }

    /// The answer to a question as it stands in the outbox now. `None`: it is delivered, or the question was taken back.
    pub async fn delivery(&self, question: &Incoming) -> Result<Option<Delivery>, StoreError> {
        self.0.delivery(question)
    }

    /// Remembers that a part was acknowledged, and its event as the bot's own. Parts come in order; the same one may come twice.
    pub async fn part_sent(
        &self,
        question: &Incoming,
        part: usize,
        event: &EventId,
        now: u64,
    ) -> Result<(), StoreError> {
        self.0.part_sent(question, part, event, now)
    }

    /// Notes a message that was on its way when another answer to its question was written: it is the bot's own, and is taken back.
    pub async fn stray(&self, question: &Incoming, event: &EventId, now: u64) -> Result<(), StoreError> {
        self.0.stray(question, event, now)
    }

    /// Ends a question: its answer is out of the outbox, and its event is never accepted again. Its messages are remembered, so that
    /// they can be replaced or taken back. Where nothing could be sent, the draft is among [`Database::withdrawals`].
    pub async fn delivered(&self, question: &Incoming, now: u64) -> Result<(), StoreError> {
        self.0.delivered(question, now)
    }

    /// Whether the bot sent this event.
    pub async fn is_own(&self, event: &EventId) -> Result<bool, StoreError> {
        self.0.is_own(event)
    }

    /// All that is held on a person.
    pub async fn personal(&self, user: &UserId) -> Result<Personal, StoreError> {
        self.0.personal(user)
    }

    /// How many records were set aside because they did not open.
    pub async fn damaged(&self) -> Result<usize, StoreError> {
        self.0.damaged()
    }

    /// A room's settings; the default ones for a room that has none.
    pub async fn room_settings(&self, room: &RoomId) -> Result<Settings, StoreError> {
        self.0.room_settings(room)
    }

    /// What was said in a conversation, oldest first; of a very long one, the newest [`MOST_TURNS`]. Turns that do not open are set
    /// aside and counted by [`Database::damaged`].
    pub async fn turns(&self, conversation: &ConversationId) -> Result<Vec<Turn>, StoreError> {
        self.0.turns(conversation)
    }

    /// Whether the bot takes part in a conversation: it has said something there, or is about to.
    pub async fn answers_in(&self, conversation: &ConversationId) -> Result<bool, StoreError> {
        self.0.answers_in(conversation)
    }

    /// The events still waiting for their key, oldest first.
    pub async fn undecrypted(&self) -> Result<Vec<Undecrypted>, StoreError> {
        self.0.undecrypted()
    }

    /// The events of a room that wait for the key of one Megolm session, oldest first.
    pub async fn undecrypted_of(&self, room: &RoomId, megolm_session: &str) -> Result<Vec<Undecrypted>, StoreError> {
        self.0.undecrypted_of(room, megolm_session)
    }

    /// Whether an event still waits for its key.
    pub async fn is_undecrypted(&self, room: &RoomId, event: &EventId) -> Result<bool, StoreError> {
        self.0.is_undecrypted(room, event)
    }

    /// Lets go of an event that was decrypted and is no question, or that nobody waits for any more. A question is let go by
    /// [`Database::accept`], in the write that queues it.
    pub async fn decrypted(&self, room: &RoomId, event: &EventId) -> Result<(), StoreError> {
        self.0.decrypted(room, event)
    }

    /// The bot's messages still to be taken back.
    pub async fn withdrawals(&self) -> Result<Vec<Withdrawal>, StoreError> {
        self.0.withdrawals()
    }

    /// A message was taken back with all its edits.
    pub async fn withdrawn(&self, withdrawal: &Withdrawal) -> Result<(), StoreError> {
        self.0.withdrawn(withdrawal)
    }

    /// Whether there is room for new questions on the store's disk. Where the system does not say, there is.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.0.has_room()
    }
}
