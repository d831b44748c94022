//! Files that people send: a file without a word is read at its turn, and the room is told so; one that a question is about is read before its
//! answer.

use super::{contact, effective::EffectiveCompagnon, parts::Parts};
use crate::{
    assistant::{
        commands::inert,
        documents::{Ingested, SentFile, readable, title},
        failure::Failure,
        jobs,
        texts::{
            Text,
            documents::{Documents, NotRead, ReadFile, Unit},
        },
    },
    document::{Document, Origin, Partition},
    message::MediaRef,
    statistics::{Outcome, Refusal},
    store::{Queued, QueuedKind},
};

/// What became of a file that a question is about.
pub enum Attached {
    /// It is a document.
    Document(Box<Document>),
    /// This is said instead of an answer.
    NotRead(Text<'static>),
    /// The question is over, or has another text.
    Over,
}

/// Reads a file that a question is about, into the question's conversation.
pub async fn attach(parts: &Parts, queued: &Queued, origin: &Origin, media: &MediaRef) -> Result<Attached, Failure> {
    let question = &queued.question;
    let partition = Partition::Conversation(question.conversation());
    let file = SentFile { partition: &partition, origin, media };
    Ok(match parts.ingestion.ingest(question, &file).await? {
        Ingested::Document(document) => Attached::Document(document),
        Ingested::NotRead(why) => Attached::NotRead(not_read(media, why, Vec::new())),
        Ingested::Stopped => {
            parts.courier.refuse(queued, Refusal::Stopped).await?;
            Attached::Over
        }
        Ingested::Changed => {
            end_if_unchanged(parts, queued).await?;
            Attached::Over
        }
    })
}

/// Reads the file that a message brings without a word, and says so: once for several in a row.
pub async fn read(parts: &Parts, queued: &Queued) -> Result<(), Failure> {
    let question = &queued.question;
    // It was looked at when it was admitted.
    let Some(media) = readable(question) else { return Ok(()) };
    let settings = parts.store.room_settings(&question.room_id).await?;
    contact::inform(parts, queued, &settings).await?;
    let Parts { store, library, config, .. } = parts;
    let compagnon = EffectiveCompagnon::of_room(store, library, config, &question.room_id, &settings).await?;
    if let Some(offer) = jobs::reviews::offered(parts, media, &compagnon.compagnon.id).await? {
        return parts.courier.decline(queued, &offer).await;
    }
    let unsaid = parts.ingestion.unsaid();
    match attach(parts, queued, &question.origin(), media).await? {
        Attached::Over => Ok(()),
        Attached::Document(document) if unsaid.has_room(question) && is_followed(parts, queued).await? => {
            parts.courier.close(queued, Outcome::Answered).await?;
            unsaid.add(queued, read_file(&document));
            Ok(())
        }
        Attached::Document(document) => {
            let files = unsaid.of(question).into_iter().chain([read_file(&document)]).collect();
            parts.courier.decline(queued, &Text::Documents(Documents::Read(files))).await?;
            unsaid.take(question);
            Ok(())
        }
        Attached::NotRead(text) => {
            let text = match text {
                Text::Documents(Documents::NotRead { name, why, .. }) => {
                    Text::Documents(Documents::NotRead { name, why, read: unsaid.of(question) })
                }
                other => other,
            };
            parts.courier.decline(queued, &text).await?;
            unsaid.take(question);
            Ok(())
        }
    }
}

/// Says what was read of files before a message that is over and has not said so, unless another file that is to say it follows.
pub async fn say_what_was_read(parts: &Parts, queued: &Queued) -> Result<(), Failure> {
    let unsaid = parts.ingestion.unsaid();
    if unsaid.of(&queued.question).is_empty() || is_followed(parts, queued).await? {
        return Ok(());
    }
    match unsaid.take(&queued.question) {
        Some((last, files)) => parts.courier.remark(&last, &Text::Documents(Documents::Read(files))).await,
        None => Ok(()),
    }
}

/// Whether the next thing that waits in the conversation is another file of the same person: then that one says what was read.
async fn is_followed(parts: &Parts, queued: &Queued) -> Result<bool, Failure> {
    let question = &queued.question;
    let waiting = parts.store.queued().await?;
    let mut behind = waiting
        .iter()
        .filter(|other| other.sequence > queued.sequence && other.question.conversation() == question.conversation());
    Ok(behind.next().is_some_and(|next| {
        next.kind == QueuedKind::Attachment
            && next.question.sender == question.sender
            && readable(&next.question).is_some()
    }))
}

/// Ends a question of which the store would take nothing, although it waits still.
async fn end_if_unchanged(parts: &Parts, queued: &Queued) -> Result<(), Failure> {
    if parts.store.is_waiting(&queued.question).await? {
        parts.courier.refuse(queued, Refusal::Failure).await?;
    }
    Ok(())
}

/// What is said of a file that was not read.
fn not_read(media: &MediaRef, why: NotRead, read: Vec<ReadFile>) -> Text<'static> {
    Text::Documents(Documents::NotRead { name: inert(&title(&media.name)), why, read })
}

/// A document as a file that was read.
pub fn read_file(document: &Document) -> ReadFile {
    let unit = match document.format.as_str() {
        "pptx" | "odp" => Unit::Slide,
        "xlsx" | "ods" | "xls" => Unit::Sheet,
        _ => Unit::Page,
    };
    ReadFile { name: inert(&document.title), extent: document.pages.map(|pages| (pages, unit)) }
}
