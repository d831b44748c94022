//! What the veil of a conversation reads before a prompt is composed, and what of it people are shown.

use std::sync::Arc;

use ruma::UserId;

use super::{ground::SOMEBODY, synthesis::Whole, value::Exchange};
use crate::{
    assistant::{failure::Failure, veil::Veil},
    document::Source,
    material::Author,
};

/// Has the veil read all that a prompt may hold: a name that is recognised in one text is replaced in all. It is an error when the model that finds
/// names could not read it.
pub async fn learn(exchange: &Exchange) -> Result<(), Failure> {
    let Some(Veil { model, .. }) = &exchange.veil else { return Ok(()) };
    let question = &exchange.queued.question;
    let before = exchange.history.before(question);
    let authors = exchange.material.iter().filter_map(|material| match &material.author {
        Author::Person(name) if !SOMEBODY.contains(&name.as_str()) => Some(name.as_str()),
        Author::Person(_) | Author::Bot => None,
    });
    let speakers = before.turns.iter().map(|turn| (&turn.name, turn.asker.as_deref()));
    let speakers = speakers.chain([(&question.name, Some(&*question.sender))]);
    let speakers = speakers.filter_map(|(name, asker)| name.as_deref().or_else(|| asker.map(UserId::localpart)));
    let sources = exchange.sources.iter().flat_map(|source| {
        let Source { title, passage, .. } = source;
        [title.as_str(), passage.text.as_str()].into_iter().chain(passage.headings.iter().map(String::as_str))
    });
    let facts = exchange.facts.room.iter().chain(&exchange.facts.person).map(String::as_str);
    let summary = before.summary.map(|summary| summary.text.as_str());
    let turns = before.turns.iter().map(|turn| turn.content.as_str());
    let material = exchange.material.iter().filter_map(|material| material.content.as_deref().ok());
    let addition = exchange.settings.addition.as_deref();
    let texts = turns.chain(facts).chain(summary).chain(material).chain(sources).chain(addition);
    let texts: Vec<&str> = texts.chain([exchange.asked()]).collect();
    model.read(texts.iter().copied()).await?;
    model.learn(texts);
    // After those who are spoken of, whose numbers people may read.
    model.meet(speakers.chain(authors));
    Ok(())
}

/// Has the veil read documents that are read part by part. On a thread for that: they may be long.
pub async fn learn_documents(exchange: &Exchange, documents: Vec<Whole>) -> Result<Vec<Whole>, Failure> {
    let Some(Veil { model, .. }) = &exchange.veil else { return Ok(documents) };
    model.read(texts(&documents)).await?;
    let (model, documents) = (model.clone(), Arc::new(documents));
    let read = Arc::clone(&documents);
    let learnt = tokio::task::spawn_blocking(move || {
        model.learn(texts(&read));
    });
    // What is not learnt here is recognised in each part by itself.
    let _ = learnt.await;
    Ok(Arc::unwrap_or_clone(documents))
}

/// All that stands in documents.
fn texts(documents: &[Whole]) -> impl Iterator<Item = &str> {
    documents.iter().flat_map(|whole| &whole.passages).map(|passage| passage.text.as_str())
}

/// Where people are shown the placeholders, those are all that the answer is checked against and that stands below it.
pub fn show_placeholders(exchange: &mut Exchange) {
    let Some(Veil { model, one_way: true, .. }) = &mut exchange.veil else { return };
    model.keep_placeholders();
    for source in &mut exchange.sources {
        source.title = model.hidden(&source.title);
        source.passage.text = model.hidden(&source.passage.text);
        for heading in &mut source.passage.headings {
            *heading = model.hidden(heading);
        }
    }
}
