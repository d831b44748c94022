//! The store as the rest of the program uses it: a handle that can be cloned and whose functions can be awaited.
//!
//! What each of them does is beside the records that it is about, in [`Database`]; here it is only sent to the thread that owns the
//! database (`owner.rs`). What goes over records without a bound is sent in slices, so that others have their turn between two of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, UserId};

use super::answer::{Conclusion, Delivery};
use super::audit::Entry;
use super::changes::Change;
use super::chunk::{CHUNK, CHUNKS_AT_ONCE};
use super::database::Database;
use super::error::StoreError;
use super::files;
use super::owner::Owner;
use super::personal::Personal;
use super::purge::{Purged, Retention};
use super::question::{Accept, Accepted, Admitted, Queued, QueuedKind, Reactions};
use super::withdrawal::Withdrawal;
use crate::compagnon::{Made, Settings};
use crate::conversation::Turn;
use crate::document::Citation;
use crate::message::{ConversationId, Edit, FileRef, Gap, Incoming, Redaction, Undecrypted};

/// With less than this left on its disk, the store takes no new questions: what is under way needs the rest.
const DISK_SPACE_NEEDED: u64 = 64 * 1024 * 1024;

/// The store. A clone is another handle on the same one; with the last one the database is closed.
#[derive(Clone)]
pub struct Store {
    owner: Arc<Owner>,
    folder: Arc<PathBuf>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Store")
    }
}

impl Store {
    /// Opens the store of a data folder, or makes it there: see [`Database::open`]. It blocks until that is done.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let owner = Owner::start(Database::open(folder)?)?;
        Ok(Self { owner: Arc::new(owner), folder: Arc::new(folder.to_owned()) })
    }

    pub(super) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Database) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        self.owner.run(job)
    }

    /// Whether there is room for new questions on the store's disk. Where the system does not say, there is.
    #[must_use]
    pub fn has_room(&self) -> bool {
        // For the tests: a disk that is almost full.
        fail::fail_point!("disk-low", |_| false);
        files::free_bytes(&self.folder).map_or(true, |free| free >= DISK_SPACE_NEEDED)
    }

    /// Writes down a sync response: questions, undecrypted events, what was edited and taken back, and the cursor together.
    ///
    /// Returns what is new only. An event already queued, answered or over is left out, so a response may be given twice.
    pub async fn accept(&self, batch: &Accept<'_>, now: u64) -> Result<Accepted, StoreError> {
        let response = Response::of(batch);
        self.run(move |database| database.accept(&response.borrowed(), now)).await
    }

    /// Where the next sync starts; `None` when there was none yet.
    pub async fn cursor(&self) -> Result<Option<String>, StoreError> {
        self.run(Database::cursor).await
    }

    /// The stretches of timelines that are still to be read. Records that do not open are set aside and counted by [`Store::damaged`].
    pub async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        self.run(Database::gaps).await
    }

    /// The questions waiting, in order of arrival. Records that do not open are set aside and counted by [`Store::damaged`].
    pub async fn queued(&self) -> Result<Vec<Queued>, StoreError> {
        self.run(Database::queued).await
    }

    /// Counts an attempt at an answer before it is made, and returns the question as it stands now: its text may have been edited
    /// since it was read. `attempts` is the number of this attempt, from 1. `None`: the question is not waiting any more (dropped,
    /// or its room forgotten) and must not be answered.
    pub async fn begin(&self, question: &Incoming) -> Result<Option<Queued>, StoreError> {
        let question = question.clone();
        self.run(move |database| database.begin(&question)).await
    }

    /// An attempt has ended in order without an answer: the process that ends after it has not died of it.
    pub async fn pause(&self, question: &Incoming) -> Result<(), StoreError> {
        let question = question.clone();
        self.run(move |database| database.pause(&question)).await
    }

    /// The process ends in order: no attempt that is under way counts as interrupted, however the end comes.
    pub async fn pause_all(&self) -> Result<(), StoreError> {
        self.run(Database::pause_all).await
    }

    /// Notes what a waiting message asks for that a release wrote which did not decide it.
    pub async fn classify(&self, question: &Incoming, kind: QueuedKind) -> Result<(), StoreError> {
        let question = question.clone();
        self.run(move |database| database.classify(&question, kind)).await
    }

    /// Ends the wait of an edit whose original was looked up: the original waits with its new text, or where it is a question meanwhile, it
    /// is edited. `None`: the edit counts for nothing.
    pub async fn promote(
        &self,
        edit: &Incoming,
        original: Option<&Incoming>,
        now: u64,
    ) -> Result<Accepted, StoreError> {
        let (edit, original) = (edit.clone(), original.cloned());
        self.run(move |database| database.promote(&edit, original.as_ref(), now)).await
    }

    /// Drops a waiting question (its author wants no answer, or is refused one), never to be accepted again; what is shown of an answer
    /// is then among [`Store::withdrawals`]. Returns whether it was waiting.
    pub async fn drop_question(&self, room: &RoomId, event: &EventId, now: u64) -> Result<bool, StoreError> {
        let room = room.to_owned();
        let event = event.to_owned();
        self.run(move |database| database.drop_question(&room, &event, now)).await
    }

    /// Ends a waiting question of which the room shows what it should, never to be accepted again. Returns whether it was waiting.
    pub async fn close_question(&self, room: &RoomId, event: &EventId, now: u64) -> Result<bool, StoreError> {
        let room = room.to_owned();
        let event = event.to_owned();
        self.run(move |database| database.close_question(&room, &event, now)).await
    }

    /// Whether a question is waiting, with this very text.
    pub async fn is_waiting(&self, question: &Incoming) -> Result<bool, StoreError> {
        let question = question.clone();
        self.run(move |database| database.is_waiting(&question)).await
    }

    /// Remembers the message that shows the answer being written, as this question's and as the bot's own. Returns whether the
    /// question is still waiting; if it was taken back meanwhile, the message is among [`Store::withdrawals`].
    pub async fn draft(&self, question: &Incoming, event: &EventId, now: u64) -> Result<bool, StoreError> {
        let question = question.clone();
        let event = event.to_owned();
        self.run(move |database| database.draft(&question, &event, now)).await
    }

    /// Has an answered question wait again, because of `trigger`; its turns are replaced when it is answered. `None`: it waits
    /// already, or nothing is known of it any more.
    pub async fn reopen(&self, question: &Incoming, trigger: &EventId, now: u64) -> Result<Option<Queued>, StoreError> {
        let question = question.clone();
        let trigger = trigger.to_owned();
        self.run(move |database| database.reopen(&question, &trigger, now)).await
    }

    /// Whether something in a conversation was answered while it was one of two.
    pub async fn was_direct(&self, conversation: &ConversationId) -> Result<bool, StoreError> {
        let conversation = conversation.clone();
        self.run(move |database| database.was_direct(&conversation)).await
    }

    /// The newest `limit` lines of the audit trail, newest first.
    pub async fn audit(&self, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.run(move |database| database.audit(limit)).await
    }

    /// Whether a person was told what the bot is.
    pub async fn is_informed(&self, user: &UserId) -> Result<bool, StoreError> {
        let user = user.to_owned();
        self.run(move |database| database.is_informed(&user)).await
    }

    /// Until when another bot may have answered for this account, in milliseconds since the epoch: the one that this store is a copy
    /// of, or one that held the account before this.
    pub async fn restored_at(&self) -> Result<Option<u64>, StoreError> {
        self.run(Database::restored_at).await
    }

    /// Notes that another bot may have answered until `at`; see [`Store::restored_at`].
    pub async fn note_another_bot(&self, at: u64) -> Result<(), StoreError> {
        self.run(move |database| database.note_another_bot(at)).await
    }

    /// Makes changes outside of an answer, all or none.
    pub async fn apply(&self, changes: &[Change], now: u64) -> Result<(), StoreError> {
        let changes = changes.to_vec();
        self.run(move |database| database.apply(&changes, now)).await
    }

    /// Removes what is older than its retention, destroys the keys of rooms of which nothing is left, and replaces those of the
    /// others something went from.
    pub async fn purge(&self, now: u64, keep: &Retention) -> Result<Purged, StoreError> {
        let keep = *keep;
        let mut purge = self.run(move |database| database.begin_purge(now, &keep)).await?;
        loop {
            let (more, so_far) = self
                .run(move |database| {
                    let more = database.purge_slice(&mut purge)?;
                    Ok((more, purge))
                })
                .await?;
            purge = so_far;
            if !more {
                return Ok(purge.purged);
            }
        }
    }

    /// A number for a new compagnon, never given out before.
    pub async fn new_number(&self) -> Result<u64, StoreError> {
        self.run(Database::new_number).await
    }

    /// A compagnon made by command.
    pub async fn made(&self, number: u64) -> Result<Option<Made>, StoreError> {
        self.run(move |database| database.made(number)).await
    }

    /// All compagnons made by command, in the order of their numbers. Those that do not open are set aside and counted by
    /// [`Store::damaged`].
    pub async fn all_made(&self) -> Result<Vec<Made>, StoreError> {
        self.run(Database::all_made).await
    }

    /// Moves a question from waiting to answered: out of the inbox, its turns into the conversation, its answer into the outbox, all
    /// in one write.
    ///
    /// The turns of a question that is answered again take the place of the earlier ones.
    ///
    /// Returns the delivery to make. `None`: the question is not waiting any more (dropped, or its room forgotten), or its text was
    /// edited meanwhile; nothing was written and nothing may be sent.
    pub async fn conclude(&self, conclusion: Conclusion<'_>, now: u64) -> Result<Option<Delivery>, StoreError> {
        let question = conclusion.question.clone();
        let Conclusion { turns, answer, changes, usage, counted, .. } = conclusion;
        let conclude = move |database: &Database| {
            database.conclude(Conclusion { question: &question, turns, answer, changes, usage, counted }, now)
        };
        self.run(conclude).await
    }

    /// The answers not yet delivered, in the order they were stored. Records that do not open are set aside and counted by
    /// [`Store::damaged`].
    pub async fn undelivered(&self) -> Result<Vec<Delivery>, StoreError> {
        self.run(Database::undelivered).await
    }

    /// The answer to a question as it stands in the outbox now. `None`: it is delivered, or the question was taken back.
    pub async fn delivery(&self, question: &Incoming) -> Result<Option<Delivery>, StoreError> {
        let question = question.clone();
        self.run(move |database| database.delivery(&question)).await
    }

    /// Remembers the media that were uploaded for an item: `media` is the JSON that its event will hold. A try after a kill sends the same.
    pub async fn item_uploaded(&self, question: &Incoming, item: usize, media: &str) -> Result<(), StoreError> {
        let question = question.clone();
        let media = media.to_owned();
        self.run(move |database| database.item_uploaded(&question, item, &media)).await
    }

    /// Stores a file under the key of a room, [`super::LARGEST_FILE`] bytes at most, until the answer that names it is delivered. One that no
    /// answer names is removed at the next start, or by a purge an hour later.
    pub async fn put_file(
        &self,
        room: &RoomId,
        name: &str,
        media_type: &str,
        bytes: Vec<u8>,
        now: u64,
    ) -> Result<FileRef, StoreError> {
        let room = room.to_owned();
        let (name, media_type) = (name.to_owned(), media_type.to_owned());
        let size = bytes.len();
        let file = self.run(move |database| database.begin_file(&name, &media_type, size, now)).await?;
        let (file, bytes) = (Arc::new(file), Arc::new(bytes));
        for (index, from) in (0..size).step_by(CHUNK * CHUNKS_AT_ONCE).enumerate() {
            let (room, file, bytes) = (room.clone(), file.clone(), bytes.clone());
            let to = size.min(from + CHUNK * CHUNKS_AT_ONCE);
            self.run(move |database| database.put_chunks(&room, &file, index * CHUNKS_AT_ONCE, &bytes[from..to]))
                .await?;
        }
        self.run(move |database| database.end_file(&room, &file)).await
    }

    /// The bytes of a file; `None` when it is not there any more.
    pub async fn file(&self, file: &FileRef) -> Result<Option<Vec<u8>>, StoreError> {
        let number = file.number;
        let Some((room, file)) = self.run(move |database| database.find_file(number)).await? else { return Ok(None) };
        let file = Arc::new(file);
        let mut bytes = Vec::with_capacity(file.size as usize);
        for first in (0..file.chunks()).step_by(CHUNKS_AT_ONCE) {
            let file = file.clone();
            bytes.extend(self.run(move |database| database.chunks(room, &file, first)).await?);
        }
        Ok(Some(bytes))
    }

    /// Whether the bot sent this event.
    pub async fn is_own(&self, event: &EventId) -> Result<bool, StoreError> {
        let event = event.to_owned();
        self.run(move |database| database.is_own(&event)).await
    }

    /// The thread of a room that was opened on the last question of a person which opened one and was answered.
    pub async fn last_thread_of(&self, room: &RoomId, person: &UserId) -> Result<Option<OwnedEventId>, StoreError> {
        let (room, person) = (room.to_owned(), person.to_owned());
        self.run(move |database| database.last_thread_of(&room, &person)).await
    }

    /// The question of the exchange that a message belongs to: the message is that question, or part of its answer. `None`: it is neither,
    /// or nothing is known of it any more. The text of a question that was answered is left out.
    pub async fn exchange_of(&self, room: &RoomId, event: &EventId) -> Result<Option<Incoming>, StoreError> {
        let room = room.to_owned();
        let event = event.to_owned();
        self.run(move |database| database.exchange_of(&room, &event)).await
    }

    /// The passages that an answer cites: that of the exchange which this message belongs to. `None`: nothing is known of it.
    pub async fn citations_of(&self, room: &RoomId, event: &EventId) -> Result<Option<Vec<Citation>>, StoreError> {
        let (room, event) = (room.to_owned(), event.to_owned());
        self.run(move |database| database.citations_of(&room, &event)).await
    }

    /// The passages that the last answer of a conversation cites. `None`: no model has answered in it.
    pub async fn last_citations(&self, conversation: &ConversationId) -> Result<Option<Vec<Citation>>, StoreError> {
        let conversation = conversation.clone();
        self.run(move |database| database.last_citations(&conversation)).await
    }

    /// All that is held on a person.
    pub async fn personal(&self, user: &UserId) -> Result<Personal, StoreError> {
        let user = user.to_owned();
        self.run(move |database| database.personal(&user)).await
    }

    /// How many records were set aside because they did not open.
    pub async fn damaged(&self) -> Result<usize, StoreError> {
        self.run(Database::damaged).await
    }

    /// A room's settings; the default ones for a room that has none.
    pub async fn room_settings(&self, room: &RoomId) -> Result<Settings, StoreError> {
        let room = room.to_owned();
        self.run(move |database| database.room_settings(&room)).await
    }

    /// What was said in a conversation, oldest first; of a very long one, the newest [`super::MOST_TURNS`]. Turns that do not open are set
    /// aside and counted by [`Store::damaged`].
    pub async fn turns(&self, conversation: &ConversationId) -> Result<Vec<Turn>, StoreError> {
        let conversation = conversation.clone();
        self.run(move |database| database.turns(&conversation)).await
    }

    /// Whether the bot takes part in a conversation: it has said something there, or is about to.
    pub async fn answers_in(&self, conversation: &ConversationId) -> Result<bool, StoreError> {
        let conversation = conversation.clone();
        self.run(move |database| database.answers_in(&conversation)).await
    }

    /// The events still waiting for their key, oldest first.
    pub async fn undecrypted(&self) -> Result<Vec<Undecrypted>, StoreError> {
        self.run(Database::undecrypted).await
    }

    /// The events of a room that wait for the key of one Megolm session, oldest first.
    pub async fn undecrypted_of(&self, room: &RoomId, megolm_session: &str) -> Result<Vec<Undecrypted>, StoreError> {
        let room = room.to_owned();
        let megolm_session = megolm_session.to_owned();
        self.run(move |database| database.undecrypted_of(&room, &megolm_session)).await
    }

    /// Whether an event still waits for its key.
    pub async fn is_undecrypted(&self, room: &RoomId, event: &EventId) -> Result<bool, StoreError> {
        let room = room.to_owned();
        let event = event.to_owned();
        self.run(move |database| database.is_undecrypted(&room, &event)).await
    }

    /// Lets go of an event that was decrypted and is no question, or that nobody waits for any more. A question is let go by
    /// [`Store::accept`], in the write that queues it.
    pub async fn decrypted(&self, room: &RoomId, event: &EventId) -> Result<(), StoreError> {
        let room = room.to_owned();
        let event = event.to_owned();
        self.run(move |database| database.decrypted(&room, &event)).await
    }

    /// The bot's messages still to be taken back.
    pub async fn withdrawals(&self) -> Result<Vec<Withdrawal>, StoreError> {
        self.run(Database::withdrawals).await
    }

    /// A message was taken back with all its edits.
    pub async fn withdrawn(&self, withdrawal: &Withdrawal) -> Result<(), StoreError> {
        let withdrawal = withdrawal.clone();
        self.run(move |database| database.withdrawn(&withdrawal)).await
    }
}

/// A sync response, to be sent to the owner's thread: an [`Accept`] that borrows nothing.
struct Response {
    next_batch: Option<String>,
    questions: Vec<Admitted>,
    undecrypted: Vec<Undecrypted>,
    left: Vec<OwnedRoomId>,
    edits: Vec<Edit>,
    unheeded: Vec<Edit>,
    redactions: Vec<Redaction>,
    upgraded: Vec<(OwnedRoomId, OwnedRoomId)>,
    gaps: Vec<Gap>,
    closed: Vec<OwnedRoomId>,
    reactions: Option<Reactions>,
}

impl Response {
    fn of(batch: &Accept<'_>) -> Self {
        Self {
            next_batch: batch.next_batch.map(str::to_owned),
            questions: batch.questions.to_vec(),
            undecrypted: batch.undecrypted.to_vec(),
            left: batch.left.to_vec(),
            edits: batch.edits.to_vec(),
            unheeded: batch.unheeded.to_vec(),
            redactions: batch.redactions.to_vec(),
            upgraded: batch.upgraded.to_vec(),
            gaps: batch.gaps.to_vec(),
            closed: batch.closed.to_vec(),
            reactions: batch.reactions.cloned(),
        }
    }

    fn borrowed(&self) -> Accept<'_> {
        Accept {
            next_batch: self.next_batch.as_deref(),
            questions: &self.questions,
            undecrypted: &self.undecrypted,
            left: &self.left,
            edits: &self.edits,
            unheeded: &self.unheeded,
            redactions: &self.redactions,
            upgraded: &self.upgraded,
            gaps: &self.gaps,
            closed: &self.closed,
            reactions: self.reactions.as_ref(),
        }
    }
}
