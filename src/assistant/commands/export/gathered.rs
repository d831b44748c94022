//! What is kept on a person, with what the homeserver knows of their rooms: both files are made of it.

use jiff::{Timestamp, tz::TimeZone};
use ruma::{OwnedUserId, RoomId};

use crate::{
    assistant::{
        commands::context::Context,
        failure::Failure,
        texts::{Exported, Language},
    },
    conversation::{Role, Turn},
    message::{ConversationId, Item},
    store::Personal,
};

/// All of it.
pub(super) struct Gathered {
    pub(super) person: OwnedUserId,
    pub(super) language: Language,
    pub(super) zone: TimeZone,
    pub(super) at: Timestamp,
    pub(super) conversations: Vec<Conversation>,
    pub(super) personal: Personal,
}

/// What the person has asked in a conversation, and the answers.
pub(super) struct Conversation {
    pub(super) place: Option<ConversationId>,
    pub(super) room_name: Option<String>,
    pub(super) turns: Vec<Turn>,
    pub(super) summary: Option<String>,
}

/// Who has written a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author<'a> {
    /// A person, or the bot in words that people have given it.
    People,
    /// A model: this one, where it is known.
    Model(Option<&'a str>),
}

impl Gathered {
    pub(super) async fn of(context: &Context<'_>) -> Result<Self, Failure> {
        let (parts, message) = (context.parts, context.message);
        let mut personal = parts.store.personal(&message.sender).await?;
        // The command itself is no news.
        personal.waiting.retain(|queued| queued.question.event_id != message.event_id);
        let mut conversations = Vec::new();
        for (conversation, turns) in std::mem::take(&mut personal.exchanges) {
            let (mut summary, mut room_name) = (None, None);
            if let Some(conversation) = &conversation {
                // One of what others have said too is not this person's alone.
                summary = parts.store.past(conversation).await?.summary;
                summary = summary.filter(|summary| summary.asker.as_ref() == Some(&message.sender));
                room_name = name(context, &conversation.room_id).await;
            }
            let summary = summary.map(|summary| summary.text);
            conversations.push(Conversation { place: conversation, room_name, turns, summary });
        }
        Ok(Self {
            person: message.sender.clone(),
            language: context.language,
            zone: TimeZone::get(&parts.config.time_zone).unwrap_or(TimeZone::UTC),
            at: Timestamp::now(),
            conversations,
            personal,
        })
    }

    pub(super) fn words(&self) -> &'static Exported {
        Exported::of(self.language)
    }

    /// Who has written a turn.
    pub(super) fn author(&self, turn: &Turn) -> Author<'_> {
        if turn.role != Role::Assistant {
            return Author::People;
        }
        match self.personal.models.get(&turn.event_id) {
            Some(Some(model)) => Author::Model(Some(model)),
            // It was answered, and by no model: an answer that somebody has approved.
            Some(None) => Author::People,
            None => Author::Model(None),
        }
    }
}

async fn name(context: &Context<'_>, room: &RoomId) -> Option<String> {
    context.parts.homeserver.gateway.room(room).await.ok().and_then(|facts| facts.name)
}

/// What an item says, or names.
pub(super) fn said(item: &Item) -> &str {
    match item {
        Item::Markdown { text, .. } | Item::Notice { text } => text,
        Item::Post(post) => &post.text,
        Item::Linked(linked) => &linked.text,
        Item::File(file) => &file.name,
        Item::Egress(egress) => &egress.service,
    }
}

/// A moment.
pub(super) fn moment(milliseconds: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()
}
