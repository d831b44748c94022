//! Messages without a command that are meant for this job all the same: what is said under a draft, and reviews that are pasted, or come as a
//! table, where the compagnon for them answers.

use super::{
    asked::{brings_review, known_wish, wish},
    kept::Kept,
    table::{asks_for_replies, is_table, waiting},
};
use crate::{
    assistant::{
        commands::inert,
        documents::title,
        exchange::{Parts, message_for},
        failure::Failure,
        texts::{Text, reviews::Reviews},
    },
    command::{Call, Command},
    message::{Content, Incoming, MediaRef},
};

/// The compagnon for reviews, by its identifier in the library.
pub const COMPAGNON: &str = "reponse-usagers";

/// The fewest words of something said of a draft that does not reply to it.
const FEWEST_WORDS: usize = 3;

/// The command that a question stands for, where it is meant for this job. `compagnon` is who would answer it.
pub async fn meant(parts: &Parts, question: &Incoming, compagnon: &str) -> Result<Option<Call>, Failure> {
    let for_reviews = compagnon == COMPAGNON;
    if for_reviews && asks_for_table(parts, question).await? {
        return Ok(Some(call("")));
    }
    let Content::Text(text) = &question.content else { return Ok(None) };
    let kept = Kept::of(&parts.store, question).await?;
    let rewrites = || call(&format!("corriger {}", text.trim()));
    if kept.state.current.is_some() {
        if known_wish(text).is_some() {
            return Ok(Some(call(text.trim())));
        }
        let few = text.split_whitespace().count() >= FEWEST_WORDS && !text.trim_end().ends_with('?');
        let of_draft =
            kept.under_draft || (for_reviews && few && question.replies_to.is_none() && !brings_review(text));
        if of_draft && wish(text).is_some() {
            return Ok(Some(rewrites()));
        }
    }
    // A reply to a message of somebody asks about that.
    let pasted = for_reviews && question.replies_to.is_none() && brings_review(text);
    Ok(pasted.then(|| Call { arguments: String::new(), text: text.trim().to_owned(), ..call("") }))
}

/// Whether a question asks for replies to a table: its own, or that of the message that it replies to. As a document, it would be kept with names.
async fn asks_for_table(parts: &Parts, question: &Incoming) -> Result<bool, Failure> {
    if !asks_for_replies(question.text()) {
        return Ok(false);
    }
    if let Content::Attachment(media) = &question.content {
        return Ok(is_table(media));
    }
    let Some(target) = &question.replies_to else { return Ok(false) };
    let found = message_for(&parts.homeserver, question, target).await?;
    Ok(found.and_then(|found| found.media).is_some_and(|media| is_table(&media)))
}

/// What is said of a file without a word instead of keeping it, where the compagnon for reviews answers: a table of reviews that wait has names
/// in it, and is there to be answered.
pub async fn offered(parts: &Parts, media: &MediaRef, compagnon: &str) -> Result<Option<Text<'static>>, Failure> {
    if compagnon != COMPAGNON || !is_table(media) {
        return Ok(None);
    }
    // What cannot be had is said where it is read.
    let Ok(bytes) = parts.ingestion.fetch(media).await? else { return Ok(None) };
    let counted = tokio::task::spawn_blocking(move || waiting(&bytes)).await;
    let waiting = counted.map_err(|_| Failure::Panicked)?;
    Ok(waiting.map(|count| Text::Reviews(Reviews::Dropped { name: inert(&title(&media.name)), count })))
}

fn call(said: &str) -> Call {
    let (arguments, text) = said.split_once('\n').unwrap_or((said, ""));
    Call {
        command: Some(Command::Reviews),
        name: "avis".to_owned(),
        english: false,
        arguments: arguments.to_owned(),
        text: text.to_owned(),
        unasked: false,
    }
}
