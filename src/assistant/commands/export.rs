//! `!exporter`: all that is kept on the person who asks, as a file in their own direct conversation, and nowhere else.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Context, Reply, Spec};
use crate::{
    assistant::{courier::transaction, failure::Failure, texts::Text},
    compagnon::Made,
    conversation::Turn,
    matrix::{OutgoingFile, Upload},
    message::ConversationId,
    store::{Entry, Personal},
};

pub(super) const SPEC: Spec =
    Spec { names: &["exporter", "export"], forms: [&[], &[]], urgent: false, instance: false };

pub(super) async fn run(context: &Context<'_>) -> Result<Reply, Failure> {
    let personal = context.parts.store.personal(&context.message.sender).await?;
    let file = file(context, &personal).await;
    let bytes = serde_json::to_vec_pretty(&file).unwrap_or_default();
    match send(context, &bytes).await {
        Ok(here) => {
            let text = if here { Text::ExportHere } else { Text::ExportSent };
            context.change(&text, vec![context.audit("export", None)])
        }
        Err(Failure::Refused(reason)) => {
            tracing::warn!(reason, "an export could not be sent");
            context.say(&Text::ExportFailed)
        }
        Err(other) => Err(other),
    }
}

/// Sends the file. Whether the command came from the very conversation it is in.
async fn send(context: &Context<'_>, bytes: &[u8]) -> Result<bool, Failure> {
    let (parts, message) = (context.parts, context.message);
    let gateway = &parts.homeserver.gateway;
    let room = parts.homeserver.retry(|| gateway.direct_room(&message.sender, true)).await?;
    let room = room.ok_or_else(|| Failure::Refused("there is no direct conversation".to_owned()))?;
    let transaction = transaction(&message.event_id, 0, "-export");
    let (name, media_type) = ("compagnon.json", "application/json");
    let upload = Upload { room_id: &room, name, media_type, bytes, encrypted: true };
    let media = parts.homeserver.retry(|| gateway.upload(&upload)).await?;
    let file = OutgoingFile {
        room_id: &room,
        thread: None,
        question: &message.event_id,
        part: 0,
        name,
        media_type,
        size: bytes.len() as u64,
        media: &media,
        encrypted: true,
        transaction: &transaction,
    };
    parts.homeserver.retry_write(|| gateway.send_file(&file)).await?;
    Ok(room == message.room_id)
}

async fn file(context: &Context<'_>, personal: &Personal) -> Value {
    let mut conversations = Vec::new();
    for (conversation, turns) in &personal.exchanges {
        conversations.push(self::conversation(context, conversation, turns).await);
    }
    json!({
        "person": context.message.sender,
        "exported_at": Timestamp::now().to_string(),
        "told_that_this_is_an_ai_at": personal.informed_at.map(time),
        "conversations": conversations,
        "compagnons": personal.made.iter().map(made).collect::<Vec<_>>(),
        "commands": personal.audit.iter().map(entry).collect::<Vec<_>>(),
    })
}

async fn conversation(context: &Context<'_>, conversation: &ConversationId, turns: &[Turn]) -> Value {
    let facts = context.parts.homeserver.gateway.room(&conversation.room_id).await.ok();
    let said = |turn: &Turn| json!({"role": turn.role.as_str(), "at": time(turn.at), "text": turn.content});
    json!({
        "room": conversation.room_id,
        "room_name": facts.and_then(|facts| facts.name),
        "thread": conversation.thread,
        "messages": turns.iter().map(said).collect::<Vec<_>>(),
    })
}

fn made(made: &Made) -> Value {
    let versions = made
        .versions
        .iter()
        .map(|version| json!({"number": version.number, "at": time(version.at), "text": version.text}));
    json!({"id": made.id, "room": made.room_id, "published": made.published, "versions": versions.collect::<Vec<_>>()})
}

fn entry(entry: &Entry) -> Value {
    json!({"at": time(entry.at), "room": entry.room_id, "action": entry.action})
}

/// A moment as people and programs read it.
fn time(milliseconds: u64) -> String {
    let milliseconds = i64::try_from(milliseconds).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(milliseconds).map(|time| time.to_string()).unwrap_or_default()
}
