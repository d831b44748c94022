//! The [`Gateway`]: what the assistant asks of Matrix, and its errors.

use std::time::Duration;

use async_trait::async_trait;
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, UserId};

use super::{
    event::room_message::RoomMessage,
    rooms::RoomKind,
    sought::Sought,
    verification::{Fingerprint, VerificationRequest},
};
use crate::message::{Authorship, Incoming, MediaRef, Outgoing};

/// What a room is at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFacts {
    /// Its kind, as people know it.
    pub kind: RoomKind,
    /// Its name, or for a direct conversation the name of the other person. `None` when it has none.
    pub name: Option<String>,
    /// Whether people outside the State may be in it (Tchap's rule `unrestricted`).
    pub open: bool,
    /// Whether it is encrypted, or was ever seen so.
    pub encrypted: bool,
}

/// A message of a room's past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryMessage {
    /// The message.
    pub message: RoomMessage,
    /// The root of its thread; the message itself may be that.
    pub thread: Option<OwnedEventId>,
}

/// What was said in a stretch of a room's past, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The messages of people.
    pub messages: Vec<HistoryMessage>,
    /// Whether there were more than are read at a time: the oldest are left out.
    pub cut: bool,
}

impl History {
    /// Messages that were read from the newest back.
    pub(super) fn in_order(mut self) -> Self {
        self.messages.reverse();
        self
    }

    /// The same, of a stretch that was not read to its beginning.
    pub(super) fn cut(self) -> Self {
        Self { cut: true, ..self.in_order() }
    }
}

/// Why a message could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The homeserver asks to wait: the message was not sent.
    #[error("the homeserver asks to wait {0:?}")]
    Limited(Duration),
    /// The homeserver could not be reached or failed, or a proxy answered in its place. Retry with the same transaction id.
    #[error("the homeserver did not answer: {0}")]
    Unreachable(String),
    /// The account is suspended, locked or over a limit for now. Retry with the same transaction id.
    #[error("the homeserver refuses the account: {0}")]
    Account(String),
    /// It can never be sent: the bot is not in the room or may not write there, the message is too large, or it cannot be encrypted.
    #[error("the room refuses the message: {0}")]
    Refused(String),
    /// The stores of this device cannot be read or written. The next start sends the message.
    #[error("the session's stores: {0}")]
    Storage(String),
}

/// Why a file could not be downloaded.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The homeserver or the proxy did not answer, refuses the account, or refuses the file.
    #[error(transparent)]
    Failed(#[from] SendError),
    /// It is larger than was allowed, whatever its message says.
    #[error("the file is larger than {most} bytes")]
    TooLarge {
        /// The most bytes.
        most: u64,
    },
    /// The bytes are not those that were sent, or their message does not say how to decrypt them.
    #[error("the file is not what its message says")]
    Damaged,
    /// The homeserver has it no more.
    #[error("the homeserver has no such file")]
    Gone,
    /// The antivirus proxy found something in it.
    #[error("the antivirus proxy found something in the file")]
    Infected,
    /// The antivirus proxy lets no file of this type through.
    #[error("the antivirus proxy refuses files of this type")]
    Forbidden,
}

/// The bytes of a file, before its message is sent.
#[derive(Clone, Copy)]
pub struct Upload<'a> {
    /// The room that its message will be sent to.
    pub room_id: &'a RoomId,
    /// Its name.
    pub name: &'a str,
    /// Its media type.
    pub media_type: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Whether it must be encrypted, whatever the room says of itself.
    pub encrypted: bool,
}

impl std::fmt::Debug for Upload<'_> {
    /// Leaves the content out.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Upload").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// The message of a file that was uploaded.
#[derive(Clone, Copy)]
pub struct OutgoingFile<'a> {
    /// The room to send to.
    pub room_id: &'a RoomId,
    /// The thread to send it in, in the room of the question.
    pub thread: Option<&'a EventId>,
    /// The question that asked for it, as in [`Outgoing::question`].
    pub question: &'a EventId,
    /// The number of this part of the answer.
    pub part: usize,
    /// The file's name.
    pub name: &'a str,
    /// Its media type.
    pub media_type: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// What [`Gateway::upload`] gave for its bytes.
    pub media: &'a str,
    /// Whether it must be encrypted, whatever the room says of itself.
    pub encrypted: bool,
    /// The transaction id: the same one for the same message, however often it is tried.
    pub transaction: &'a str,
}

impl std::fmt::Debug for OutgoingFile<'_> {
    /// Leaves out what opens the file.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("OutgoingFile");
        debug.field("room_id", &self.room_id).field("question", &self.question).field("part", &self.part);
        debug.field("size", &self.size).finish_non_exhaustive()
    }
}

/// What the assistant needs from Matrix. Implemented by the SDK's client, and by a stateful fake in tests.
#[async_trait]
pub trait Gateway: Send + Sync + 'static {
    /// Sends a message or an edit, and returns its event id. One attempt: a rate limit is returned as an error, not waited for.
    async fn send(&self, message: &Outgoing<'_>) -> Result<OwnedEventId, SendError>;

    /// The event id of part `part` of the answer to `question`, if the room already shows one of this sort. Called only when the homeserver may
    /// have forgotten the transaction id.
    async fn find_sent(
        &self,
        room_id: &RoomId,
        question: &EventId,
        part: usize,
        sought: Sought,
    ) -> Result<Option<OwnedEventId>, SendError>;

    /// The bot's own edits of one of its messages, without redacted ones.
    async fn edits(&self, room_id: &RoomId, event_id: &EventId) -> Result<Vec<OwnedEventId>, SendError>;

    /// All messages by which the bot answered `question` in any way, as far back as it searches its own messages.
    async fn answers(&self, room_id: &RoomId, question: &EventId) -> Result<Vec<OwnedEventId>, SendError>;

    /// Shows or hides the typing notification; failures are only logged.
    async fn typing(&self, room_id: &RoomId, on: bool);

    /// Marks the room as read up to this event, in its thread; failures are only logged.
    async fn read(&self, room_id: &RoomId, thread: Option<&EventId>, event_id: &EventId);

    /// What the room is now.
    async fn room(&self, room_id: &RoomId) -> Result<RoomFacts, SendError>;

    /// The current power level of a person in a room, requested from the homeserver. `None`: the person is not in the room. `i64::MAX` for
    /// the creators of a room of version 12 and later.
    async fn power_level(&self, room_id: &RoomId, user_id: &UserId) -> Result<Option<i64>, SendError>;

    /// The time, in milliseconds since the epoch by the local clock, from which a person can read the room's messages. `None`: the room's
    /// history visibility shows members everything, and always did.
    async fn reads_since(&self, room_id: &RoomId, user_id: &UserId) -> Result<Option<u64>, SendError>;

    /// The message that an edit changes: its text where it can be read, and in any case who wrote it, where and when. `None`: it is nobody's
    /// message, was redacted, or the room does not give it.
    async fn original(&self, room_id: &RoomId, event_id: &EventId) -> Result<Option<Incoming>, SendError>;

    /// A message of the room as it stands now, decrypted and with its newest edit. `None`: the homeserver does not give it, it is no message,
    /// it came in clear although the room is encrypted, or the bot's account ignores its sender.
    async fn message(&self, room_id: &RoomId, event_id: &EventId) -> Result<Option<RoomMessage>, SendError>;

    /// What stands in a thread before one of its messages, the root included, oldest first: the newest messages, up to a limit of their
    /// number and size. Redacted ones are left out, and so are the bot's own.
    async fn thread(&self, room_id: &RoomId, root: &EventId, before: &EventId) -> Result<Vec<RoomMessage>, SendError>;

    /// What people have said in a room, or in the thread with this root, from a time on (in milliseconds since the epoch): at most so many
    /// messages, the newest, decrypted, as they stand now. Redacted ones are left out, and those of the bot and of programs. Takes minutes where
    /// it is long.
    async fn history(
        &self,
        room_id: &RoomId,
        thread: Option<&EventId>,
        since: u64,
        most: usize,
    ) -> Result<History, SendError>;

    /// How far the author of a message is proven, at this moment: the device may have been signed since.
    async fn authorship(&self, message: &Incoming) -> Result<Authorship, SendError>;

    /// Redacts one of the bot's own messages. One attempt; retry with the same transaction id.
    async fn redact(&self, room_id: &RoomId, event_id: &EventId, transaction: &str) -> Result<(), SendError>;

    /// Puts an emoji on a message. One attempt; retry with the same transaction id.
    async fn react(&self, room_id: &RoomId, event_id: &EventId, key: &str, transaction: &str) -> Result<(), SendError>;

    /// The encrypted direct conversation with a person. If there is none, it is created when `make` is true, and `None` is returned
    /// otherwise.
    async fn direct_room(&self, user_id: &UserId, make: bool) -> Result<Option<OwnedRoomId>, SendError>;

    /// Cancels a verification of the bot's device. One attempt.
    async fn cancel_verification(&self, request: &VerificationRequest) -> Result<(), SendError>;

    /// The fingerprint of the bot's device; nothing before its keys are made.
    async fn fingerprint(&self) -> Option<Fingerprint>;

    /// The most bytes that the homeserver takes in one file. Asked once.
    async fn upload_limit(&self) -> Result<u64, SendError>;

    /// Gives the bytes of a file to the homeserver, encrypted where the room is. Nobody sees them before their message is sent. What comes
    /// back is JSON for [`Gateway::send_file`], and holds the key of an encrypted file. Each call makes another upload.
    async fn upload(&self, upload: &Upload<'_>) -> Result<String, SendError>;

    /// Sends the message of an uploaded file. One attempt; the same transaction id may be tried again.
    async fn send_file(&self, file: &OutgoingFile<'_>) -> Result<OwnedEventId, SendError>;

    /// The bytes of a file that somebody has sent, decrypted and checked, through the antivirus proxy where there is one. One attempt; no more
    /// than `most` bytes are ever held, whatever is said of the file.
    async fn download(&self, media: &MediaRef, most: u64) -> Result<Vec<u8>, DownloadError>;
}
