//! What is kept on a person, as JSON.

use serde_json::{Value, json};

use super::gathered::{Author, Conversation, Gathered, moment, said};
use crate::{
    approved::MasteredAnswer,
    compagnon::{Made, Version},
    conversation::{Role, Turn},
    document::Document,
    job::{JobKind, JobScope, JobState},
    memory::Fact,
    message::{ConversationId, Incoming},
    statistics::{Rating, Reason},
    store::{Delivery, Entry, GivenRating, Queued},
};

pub(super) fn json(gathered: &Gathered) -> Value {
    let (personal, words) = (&gathered.personal, gathered.words());
    let list = |values: Vec<Value>| Value::Array(values);
    json!({
        "avis": words.notice,
        "without": words.without,
        "person": gathered.person,
        "exported_at": gathered.at.to_string(),
        "told_that_this_is_an_ai_at": personal.informed_at.map(time),
        "told_that_a_message_could_not_be_read_at": personal.told_unread_at.map(time),
        "counted_this_week": personal.counted_this_week,
        "conversations": list(gathered.conversations.iter().map(|one| conversation(gathered, one)).collect()),
        "answered": list(personal.answered.iter().map(|(message, at)| answered(message, *at)).collect()),
        "waiting": list(personal.waiting.iter().map(waiting).collect()),
        "under_way": list(personal.under_way.iter().map(under_way).collect()),
        "undecrypted": list(personal.undecrypted.iter().map(|event| {
            json!({"room": event.room_id, "message": event.event_id, "at": time(event.sent_at)})
        }).collect()),
        "memory": list(personal.facts.iter().map(fact).collect()),
        "instructions": list(personal.instructions.iter().map(|(room, text)| json!({"room": room, "text": text})).collect()),
        "documents": list(personal.documents.iter().map(document).collect()),
        "proposed_answers": list(personal.answers.iter().map(proposed).collect()),
        "ratings": list(personal.ratings.iter().map(rating).collect()),
        "jobs": list(personal.jobs.iter().map(job).collect()),
        "compagnons": list(personal.made.iter().map(made).collect()),
        "versions_of_others": list(personal.versions.iter().map(|(id, one)| json!({"id": id, "version": version(one)})).collect()),
        "commands": list(personal.audit.iter().map(entry).collect()),
    })
}

fn conversation(gathered: &Gathered, one: &Conversation) -> Value {
    let message = |turn: &Turn| {
        let text = json!({"role": turn.role.as_str(), "at": time(turn.at), "text": turn.content});
        if turn.role == Role::Assistant { marked(text, gathered.author(turn)) } else { text }
    };
    let (room_id, thread) = match &one.place {
        Some(ConversationId { room_id, thread }) => (Some(room_id), thread.as_ref()),
        None => (None, None),
    };
    let summary = one.summary.as_ref().map(|text| marked(json!({"text": text}), Author::Model(None)));
    json!({
        "room": room_id,
        "room_name": one.room_name,
        "thread": thread,
        "messages": one.turns.iter().map(message).collect::<Vec<_>>(),
        "summary_of_the_beginning": summary,
    })
}

/// A text with the mark that says whether a model has written it, and which.
fn marked(mut text: Value, author: Author<'_>) -> Value {
    if let Some(fields) = text.as_object_mut() {
        let (generated, model) = match author {
            Author::People => (false, None),
            Author::Model(model) => (true, model),
        };
        fields.insert("généré".to_owned(), generated.into());
        fields.insert("modèle".to_owned(), model.into());
    }
    text
}

fn answered(message: &Incoming, at: u64) -> Value {
    json!({"room": message.room_id, "message": message.event_id, "at": time(message.sent_at), "answered_at": time(at)})
}

fn waiting(queued: &Queued) -> Value {
    let Incoming { room_id, event_id, sent_at, .. } = &queued.question;
    json!({"room": room_id, "message": event_id, "at": time(*sent_at), "text": queued.question.text()})
}

fn under_way(delivery: &Delivery) -> Value {
    let model = delivery.usage.as_ref().map(|usage| usage.model.as_str());
    let items = delivery.answer.items.iter().map(|item| {
        let author = if item.is_generated() { Author::Model(model) } else { Author::People };
        marked(json!({"text": said(item)}), author)
    });
    json!({
        "room": delivery.question.room_id,
        "message": delivery.question.event_id,
        "at": time(delivery.stored_at),
        "question": delivery.question.text(),
        "items": items.collect::<Vec<_>>(),
    })
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
    let of = match &state.scope {
        JobScope::Conversation(ConversationId { room_id, thread })
        | JobScope::Member(ConversationId { room_id, thread }, _) => json!({"room": room_id, "thread": thread}),
        JobScope::Room(room) => json!({"room": room}),
        JobScope::Person(person) => json!({"person": person}),
        JobScope::Compagnon(compagnon) => json!({"compagnon": compagnon}),
    };
    let kept = json!({
        "job": kind(state.kind), "of": of, "at": time(state.at), "kept_until": time(state.until), "content": state.content,
    });
    marked(kept, if is_generated(state.kind) { Author::Model(None) } else { Author::People })
}

/// The name of a kind of job.
pub(super) fn kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Note => "note",
        JobKind::Reviews => "reviews",
        JobKind::Pseudonyms => "pseudonyms",
        JobKind::TranslationMemory => "translation_memory",
        JobKind::Glossary => "glossary",
        JobKind::Continuous => "continuous_translation",
        JobKind::DocsAddress => "docs_address",
        JobKind::Cases => "cases",
        JobKind::CaseResults => "case_results",
        JobKind::CaseRun => "case_run",
    }
}

/// Whether what a job keeps holds texts that a model has written.
pub(super) fn is_generated(kind: JobKind) -> bool {
    matches!(kind, JobKind::Note | JobKind::Reviews | JobKind::TranslationMemory)
}

fn made(made: &Made) -> Value {
    let versions = made.versions.iter().map(version).collect::<Vec<_>>();
    json!({"id": made.id, "room": made.room_id, "published": made.published, "versions": versions})
}

fn version(version: &Version) -> Value {
    json!({"number": version.number, "at": time(version.at), "text": version.text})
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

/// A moment as programs read it.
fn time(milliseconds: u64) -> String {
    moment(milliseconds).map(|time| time.to_string()).unwrap_or_default()
}
