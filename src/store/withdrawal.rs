//! A message of the bot that is to be taken back.

use ruma::{EventId, OwnedEventId, OwnedRoomId};

/// A message of the bot to be taken back, with its edits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The bot's message. When this is the question itself: whatever the room shows in answer to it, because a process may have sent
    /// something without living to write its id down.
    pub event_id: OwnedEventId,
    /// The question that it answers.
    pub question: Option<OwnedEventId>,
    /// When it was noted; 0 in what an older program wrote.
    pub noted_at: u64,
}

impl Withdrawal {
    /// Whether it is not known which messages these are.
    #[must_use]
    pub fn is_of_question(&self) -> bool {
        self.question.as_ref() == Some(&self.event_id)
    }

    /// Whether it was noted longer ago than this: a message that could not be taken back for so long never will be.
    pub(super) fn is_older(&self, now: u64, than: u64) -> bool {
        self.noted_at > 0 && now.saturating_sub(self.noted_at) > than
    }
}

/// What a redaction has taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RedactedPart {
    /// Nothing that is known.
    Nothing,
    /// The message that showed an answer being written, which goes on: it needs another message.
    Draft,
    /// A question with its answer.
    Exchange,
}

pub(super) fn withdrawal(room: &OwnedRoomId, message: &EventId, question: &EventId, now: u64) -> Withdrawal {
    Withdrawal {
        room_id: room.clone(),
        event_id: message.to_owned(),
        question: Some(question.to_owned()),
        noted_at: now,
    }
}
