//! Questions that wait, and what a sync response brings of them.

use ruma::{OwnedEventId, OwnedRoomId};

use crate::command::Call;
use crate::document::Partition;
use crate::message::{Edit, Gap, Incoming, Reaction, Redaction, Undecrypted};
use crate::statistics::Day;

/// What one sync response, or a key that came late, brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accept<'a> {
    /// Where the next sync starts; `None` leaves the cursor where it is (a late key brings questions without a sync).
    pub next_batch: Option<&'a str>,
    /// Messages for the bot, in order.
    pub questions: &'a [Admitted],
    /// Events that could not be decrypted.
    pub undecrypted: &'a [Undecrypted],
    /// Rooms the bot is no longer in: they are forgotten, and their questions in this same response with them.
    pub left: &'a [OwnedRoomId],
    /// Messages whose text was changed.
    pub edits: &'a [Edit],
    /// Messages whose text was changed to one that is not followed: a command. What was told with them is not remembered any more.
    pub unheeded: &'a [Edit],
    /// Events that were taken back.
    pub redactions: &'a [Redaction],
    /// Rooms that were upgraded, as (old, new): the old one's settings move, unless the new one has its own.
    pub upgraded: &'a [(OwnedRoomId, OwnedRoomId)],
    /// Stretches of timelines that are still to be read, each in the place of its room's earlier one.
    pub gaps: &'a [Gap],
    /// Rooms whose gap is read, or given up.
    pub closed: &'a [OwnedRoomId],
    /// Emojis that were put on messages.
    pub reactions: Option<&'a Reactions>,
}

/// Reactions of a sync response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reactions {
    /// The day on which they count.
    pub day: Day,
    /// The reactions, in order.
    pub given: Vec<Reaction>,
    /// Whether who finds an answer not useful is asked why.
    pub asks_why: bool,
}

/// A message that the bot is to do something about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The message.
    pub message: Incoming,
    /// What it asks for.
    pub kind: QueuedKind,
}

/// What a message asks for: decided once, when it is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum QueuedKind {
    /// An answer by the model.
    Question,
    /// A command.
    Command(Call),
    /// The bot joined a room: it says what it is.
    Welcome,
    /// Messages were missed: the bot says so.
    Missed,
    /// A file, an image, a recording, or what the bot can make nothing of: it says so.
    Attachment,
    /// Somebody finds an answer not useful: they are asked why.
    AskWhy,
    /// Somebody without access: they are told so. What they wrote is not kept.
    NotServed,
    /// An edit that calls the bot, of this message, of which nothing is known: it is looked up when the edit's turn has come.
    EditOf(OwnedEventId),
    /// A release that did not decide this yet has written it: it is decided at start.
    #[default]
    Unparsed,
}

/// What was new in what was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// New questions.
    pub new: Vec<Queued>,
    /// Questions whose text has changed.
    pub edited: Vec<Edited>,
    /// Questions that were taken back, at whatever stage: waiting, being answered, answered.
    pub redacted: Vec<OwnedEventId>,
    /// Messages that showed an answer being written and were taken away by somebody: the answer needs another one.
    pub lost: Vec<Redaction>,
    /// Rooms in which something is remembered no more, because its message was edited or taken back.
    pub untold: Vec<OwnedRoomId>,
    /// Partitions that are without a document of theirs, because its message was taken back, or its room left or replaced.
    pub undocumented: Vec<Partition>,
}

/// A question whose text has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The question with its new text, as it now waits.
    pub queued: Queued,
    /// Whether its answer was already written: it waits anew. Otherwise it was still waiting, or being answered from its old text.
    pub anew: bool,
}

/// A question waiting for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its place in the order of arrival; grows across restarts.
    pub sequence: u64,
    /// The question.
    pub question: Incoming,
    /// What it asks for.
    pub kind: QueuedKind,
    /// When it was accepted.
    pub received_at: u64,
    /// How many times answering it was begun.
    pub attempts: u32,
    /// Whether an attempt is under way: a process that dies in it leaves this behind.
    pub begun: bool,
    /// How many attempts have ended with their process, in no orderly way.
    pub interrupted: u32,
    /// The message that shows the answer being written, if one was sent.
    pub draft: Option<OwnedEventId>,
    /// For a question that is answered again: the event for which it is (an edit, a command).
    pub again: Option<OwnedEventId>,
    /// For a question that is answered again: the messages of the earlier answer, which the new one replaces. Known from
    /// [`Database::begin`] on.
    pub shown: Vec<OwnedEventId>,
    /// The messages that showed the answer being written and were taken away by somebody, at most [`MOST_LOST`].
    pub lost: Vec<OwnedEventId>,
}

/// How many lost drafts of a question are remembered: the last one tells the next one's transaction ids apart.
pub(super) const MOST_LOST: usize = 8;

impl Queued {
    /// Whether the room may show something in answer to it that no record names.
    pub(super) fn may_show_more(&self) -> bool {
        self.attempts > 0 && self.draft.is_none() && self.again.is_none()
    }

    /// Somebody took the draft away.
    pub(super) fn lose_draft(&mut self) {
        lose(&mut self.draft, &mut self.lost);
    }
}

/// Moves a draft to those that are lost.
pub(super) fn lose(draft: &mut Option<OwnedEventId>, lost: &mut Vec<OwnedEventId>) {
    lost.extend(draft.take());
    lost.drain(..lost.len().saturating_sub(MOST_LOST));
}
