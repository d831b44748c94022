//! Messages of people, and what is kept of a timeline that could not be read.

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use super::stored::Stored;
use crate::message::{Content, ConversationId, Gap, Incoming, MediaRef, Undecrypted, Unread};

/// An [`Incoming`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct MessageRecord {
    pub(in crate::store) event_id: OwnedEventId,
    pub(in crate::store) room_id: OwnedRoomId,
    pub(in crate::store) sender: OwnedUserId,
    pub(in crate::store) thread: Option<OwnedEventId>,
    pub(in crate::store) replies_to: Option<OwnedEventId>,
    pub(in crate::store) mentions_me: bool,
    pub(in crate::store) direct: bool,
    pub(in crate::store) sent_at: u64,
    pub(in crate::store) content: ContentRecord,
    pub(in crate::store) name: Option<String>,
    pub(in crate::store) megolm_session: Option<String>,
    pub(in crate::store) edited_at: u64,
}

/// A [`Content`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(in crate::store) enum ContentRecord {
    Text { text: String },
    Attachment { name: String, media_type: Option<String>, size: Option<u64>, caption: String, source: String },
    Unreadable { kind: Unread },
    Joined,
    Missed,
    Rated,
}

impl Stored for Incoming {
    type Record = MessageRecord;
}

impl From<&Incoming> for MessageRecord {
    fn from(message: &Incoming) -> Self {
        Self {
            event_id: message.event_id.clone(),
            room_id: message.room_id.clone(),
            sender: message.sender.clone(),
            thread: message.thread.clone(),
            replies_to: message.replies_to.clone(),
            mentions_me: message.mentions_me,
            direct: message.direct,
            sent_at: message.sent_at,
            content: (&message.content).into(),
            name: message.name.clone(),
            megolm_session: message.megolm_session.clone(),
            edited_at: message.edited_at,
        }
    }
}

impl From<MessageRecord> for Incoming {
    fn from(record: MessageRecord) -> Self {
        Self {
            event_id: record.event_id,
            room_id: record.room_id,
            sender: record.sender,
            thread: record.thread,
            replies_to: record.replies_to,
            mentions_me: record.mentions_me,
            direct: record.direct,
            sent_at: record.sent_at,
            content: record.content.into(),
            name: record.name,
            megolm_session: record.megolm_session,
            edited_at: record.edited_at,
            without_call: None,
        }
    }
}

impl From<&Content> for ContentRecord {
    fn from(content: &Content) -> Self {
        match content {
            Content::Text(text) => Self::Text { text: text.clone() },
            Content::Attachment(media) => Self::Attachment {
                name: media.name.clone(),
                media_type: media.media_type.clone(),
                size: media.size,
                caption: media.caption.clone(),
                source: media.source.clone(),
            },
            Content::Unreadable(kind) => Self::Unreadable { kind: *kind },
            Content::Joined => Self::Joined,
            Content::Missed => Self::Missed,
            Content::Rated => Self::Rated,
        }
    }
}

impl From<ContentRecord> for Content {
    fn from(record: ContentRecord) -> Self {
        match record {
            ContentRecord::Text { text } => Self::Text(text),
            ContentRecord::Attachment { name, media_type, size, caption, source } => {
                Self::Attachment(Box::new(MediaRef { name, media_type, size, caption, source }))
            }
            ContentRecord::Unreadable { kind } => Self::Unreadable(kind),
            ContentRecord::Joined => Self::Joined,
            ContentRecord::Missed => Self::Missed,
            ContentRecord::Rated => Self::Rated,
        }
    }
}

/// A [`ConversationId`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct ConversationRecord {
    room_id: OwnedRoomId,
    thread: Option<OwnedEventId>,
}

impl From<&ConversationId> for ConversationRecord {
    fn from(conversation: &ConversationId) -> Self {
        Self { room_id: conversation.room_id.clone(), thread: conversation.thread.clone() }
    }
}

impl From<ConversationRecord> for ConversationId {
    fn from(record: ConversationRecord) -> Self {
        Self { room_id: record.room_id, thread: record.thread }
    }
}

/// An event that waits for its key: an [`Undecrypted`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct UndecryptedRecord {
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
    /// `None` in what a release before the first fixture wrote.
    #[serde(default)]
    sender: Option<OwnedUserId>,
    session_id: Option<String>,
    sent_at: u64,
    raw: String,
}

impl Stored for Undecrypted {
    type Record = UndecryptedRecord;
}

impl From<&Undecrypted> for UndecryptedRecord {
    fn from(event: &Undecrypted) -> Self {
        Self {
            room_id: event.room_id.clone(),
            event_id: event.event_id.clone(),
            sender: event.sender.clone(),
            session_id: event.session_id.clone(),
            sent_at: event.sent_at,
            raw: event.raw.clone(),
        }
    }
}

impl From<UndecryptedRecord> for Undecrypted {
    fn from(record: UndecryptedRecord) -> Self {
        Self {
            room_id: record.room_id,
            event_id: record.event_id,
            sender: record.sender,
            session_id: record.session_id,
            sent_at: record.sent_at,
            raw: record.raw,
        }
    }
}

/// A [`Gap`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct GapRecord {
    room_id: OwnedRoomId,
    from: String,
    to: String,
    since: u64,
    pages: u32,
}

impl Stored for Gap {
    type Record = GapRecord;
}

impl From<&Gap> for GapRecord {
    fn from(gap: &Gap) -> Self {
        Self {
            room_id: gap.room_id.clone(),
            from: gap.from.clone(),
            to: gap.to.clone(),
            since: gap.since,
            pages: gap.pages,
        }
    }
}

impl From<GapRecord> for Gap {
    fn from(record: GapRecord) -> Self {
        Self { room_id: record.room_id, from: record.from, to: record.to, since: record.since, pages: record.pages }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Incoming, MessageRecord};

    #[test]
    fn a_message_that_an_earlier_release_wrote_with_a_quoted_one_opens() {
        let written = json!({
            "event_id": "$q:h", "room_id": "!a:h", "sender": "@awa:h", "thread": null, "replies_to": "$r:h",
            "mentions_me": true, "direct": false, "sent_at": 1, "content": {"is": "text", "text": "Bonjour"},
            "quoted": {"sender": "@ben:h", "text": "autre"}, "name": null, "megolm_session": null, "edited_at": 0,
        });
        let message: Incoming = serde_json::from_value::<MessageRecord>(written).expect("a record").into();
        assert_eq!((message.event_id.as_str(), message.text()), ("$q:h", "Bonjour"));
        let again: Value = serde_json::to_value(MessageRecord::from(&message)).expect("JSON");
        assert_eq!(again.get("quoted"), None);
    }
}
