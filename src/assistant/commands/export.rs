//! `!exporter`: all that is kept on the person who asks, as a file in their own direct conversation, and nowhere else.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Context, NewFile, Outcome, Spec};
use crate::{
    approved::MasteredAnswer,
    assistant::{failure::Failure, texts::Text},
    compagnon::Made,
    conversation::Turn,
    document::Document,
    job::{JobKind, JobScope, JobState},
    memory::Fact,
    message::ConversationId,
    statistics::{Rating, Reason},
    store::{Entry, GivenRating, LARGEST_FILE, Personal},
};

pub(super) const SPEC: Spec =
    Spec { names: &["exporter", "export"], forms: [&[], &[]], urgent: false, instance: false };

pub(super) async fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let (parts, message) = (context.parts, context.message);
    // Asked before anything is put together: where the file may go decides whether there is one.
    let Some(room_id) = parts.homeserver.private_room(&message.sender).await? else {
        tracing::warn!(event_id = %message.event_id, "there is no direct conversation for an export");
        return context.say(&Text::ExportFailed).map(Outcome::Say);
    };
    let personal = parts.store.personal(&message.sender).await?;
    let Ok(bytes) = serde_json::to_vec_pretty(&file(context, &personal).await?) else {
        return context.say(&Text::ExportFailed).map(Outcome::Say);
    };
    if bytes.len() > LARGEST_FILE {
        return context.say(&Text::FileTooLarge { most: LARGEST_FILE as u64 }).map(Outcome::Say);
    }
    let text = if room_id == message.room_id { Text::ExportHere } else { Text::ExportSent };
    let reply = context.change(&text, vec![context.audit("export", None)])?;
    let file = NewFile { name: "compagnon.json", media_type: "application/json", bytes, room_id };
    Ok(Outcome::File { file, reply })
}

async fn file(context: &Context<'_>, personal: &Personal) -> Result<Value, Failure> {
    let mut conversations = Vec::new();
    for (conversation, turns) in &personal.exchanges {
        conversations.push(self::conversation(context, conversation, turns).await?);
    }
    Ok(json!({
        "person": context.message.sender,
        "exported_at": Timestamp::now().to_string(),
        "told_that_this_is_an_ai_at": personal.informed_at.map(time),
        "conversations": conversations,
        "told_that_a_message_could_not_be_read_at": personal.told_unread_at.map(time),
        "memory": personal.facts.iter().map(fact).collect::<Vec<_>>(),
        "documents": personal.documents.iter().map(document).collect::<Vec<_>>(),
        "proposed_answers": personal.answers.iter().map(proposed).collect::<Vec<_>>(),
        "ratings": personal.ratings.iter().map(rating).collect::<Vec<_>>(),
        "jobs": personal.jobs.iter().map(job).collect::<Vec<_>>(),
        "compagnons": personal.made.iter().map(made).collect::<Vec<_>>(),
        "commands": personal.audit.iter().map(entry).collect::<Vec<_>>(),
    }))
}

async fn conversation(context: &Context<'_>, conversation: &ConversationId, turns: &[Turn]) -> Result<Value, Failure> {
    // One of what others have said too is not this person's alone.
    let summary = context.parts.store.past(conversation).await?.summary;
    let summary = summary.filter(|summary| summary.asker.as_ref() == Some(&context.message.sender));
    let facts = context.parts.homeserver.gateway.room(&conversation.room_id).await.ok();
    let said = |turn: &Turn| json!({"role": turn.role.as_str(), "at": time(turn.at), "text": turn.content});
    Ok(json!({
        "room": conversation.room_id,
        "room_name": facts.and_then(|facts| facts.name),
        "thread": conversation.thread,
        "messages": turns.iter().map(said).collect::<Vec<_>>(),
        "summary_of_the_beginning": summary.map(|summary| summary.text),
    }))
}

fn fact(fact: &Fact) -> Value {
    json!({
        "room": fact.room_id,
        "for": if fact.of_room { "room" } else { "person" },
        "number": fact.number,
        "at": time(fact.at),
        "text": fact.text,
    })
}

/// A document, without what it says: the person has it.
fn document(document: &Document) -> Value {
    json!({
        "title": document.title,
        "format": document.format,
        "pages": document.pages,
        "added_at": time(document.added_at),
        "for": document.partition,
        "message": document.origin.as_ref().map(|origin| &origin.event_id),
    })
}

fn proposed(answer: &MasteredAnswer) -> Value {
    json!({
        "for": answer.partition,
        "at": time(answer.proposed_at),
        "approved": answer.is_approved(),
        "questions": answer.wordings().collect::<Vec<_>>(),
        "text": answer.text,
    })
}

fn job(state: &JobState) -> Value {
    let kind = match state.kind {
        JobKind::Note => "note",
        JobKind::Reviews => "reviews",
        JobKind::Pseudonyms => "pseudonyms",
        JobKind::TranslationMemory => "translation_memory",
        JobKind::Glossary => "glossary",
        JobKind::Continuous => "continuous_translation",
        JobKind::DocsAddress => "docs_address",
    };
    let of = match &state.scope {
        JobScope::Conversation(conversation) => json!({"room": conversation.room_id, "thread": conversation.thread}),
        JobScope::Member(ConversationId { room_id, thread }, _) => json!({"room": room_id, "thread": thread}),
        JobScope::Room(room) => json!({"room": room}),
        JobScope::Person(person) => json!({"person": person}),
        JobScope::Compagnon(compagnon) => json!({"compagnon": compagnon}),
    };
    json!({"job": kind, "of": of, "at": time(state.at), "kept_until": time(state.until), "content": state.content})
}

fn made(made: &Made) -> Value {
    let versions = made
        .versions
        .iter()
        .map(|version| json!({"number": version.number, "at": time(version.at), "text": version.text}));
    json!({"id": made.id, "room": made.room_id, "published": made.published, "versions": versions.collect::<Vec<_>>()})
}

fn rating(given: &GivenRating) -> Value {
    json!({
        "at": time(given.at),
        "useful": given.rating == Rating::Useful,
        "reason": given.reason.map(Reason::name),
    })
}

fn entry(entry: &Entry) -> Value {
    json!({"at": time(entry.at), "room": entry.room_id, "action": entry.action})
}

/// A moment as people and programs read it.
fn time(milliseconds: u64) -> String {
    let milliseconds = i64::try_from(milliseconds).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(milliseconds).map(|time| time.to_string()).unwrap_or_default()
}
