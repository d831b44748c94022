//! What an answer is checked against, in rooms and outside of them.

use std::sync::Arc;

use super::transforms::{self, Checking, Checks, Extract, Placeholders, marks};
use crate::{
    assistant::texts::{
        Text,
        sources::{Sources, placeholders},
    },
    compagnon::Language,
    conversation::Role,
    document::Source,
    inference::Request,
};

/// What an answer from documents is checked against. What the model itself said before verifies nothing. Without documents a mark points at
/// nothing, unless people have written such marks themselves.
///
/// The model was given a request's messages, of which the last `own` are its own words; beside them people have `asked` this.
pub fn checking<'a>(
    sources: &[Source],
    request: &Request,
    own: usize,
    asked: impl Iterator<Item = &'a str>,
    language: Language,
) -> Checking {
    let messages = &request.messages;
    if sources.is_empty() {
        let mut people = messages.iter().filter(|message| message.role == Role::User);
        let is_written = people.any(|message| !marks(&message.content).is_empty());
        return if is_written { Checking::Nothing } else { Checking::Unsourced };
    }
    let named = |source: &Source| {
        let headings = source.passage.headings.iter();
        std::iter::once(source.title.clone()).chain(headings.cloned()).collect::<Vec<_>>()
    };
    let above: Vec<Vec<String>> = sources.iter().map(named).collect();
    let above: Vec<Vec<&str>> = above.iter().map(|one| one.iter().map(String::as_str).collect()).collect();
    let extracts = sources.iter().zip(&above);
    let extracts: Vec<Extract<'_>> =
        extracts.map(|(source, names)| Extract { text: &source.passage.text, names }).collect();
    let written = messages.iter().take(messages.len().saturating_sub(own));
    let written = written.filter(|message| message.role != Role::Assistant);
    let written = written
        .map(|message| message.content.as_str())
        .chain(request.base.as_deref())
        .chain(asked.map(|text| -> &str { text }));
    let (address, phone) = placeholders(language);
    Checking::Against(Arc::new(Checks::new(&extracts, written, Placeholders { address, phone })))
}

/// What a room shows in the place of an answer that would rest on no document, of a compagnon that needs sources: for evaluation.
#[must_use]
pub fn unsourced(language: Language) -> String {
    Text::Sources(Sources::Required).say(language).into_owned()
}

/// What a room would show of an answer to a request that gave these sources, with the titles of those that it cites: for evaluation.
#[must_use]
pub fn as_shown(answer: &str, request: &Request, sources: &[Source], language: Language) -> (String, Vec<String>) {
    let checking = checking(sources, request, 0, std::iter::empty(), language);
    let text = transforms::answer(checking).apply(answer);
    let found = marks(&text);
    let cited = sources.iter().filter(|source| found.iter().any(|mark| mark.number == source.mark));
    let cited = cited.map(|source| source.title.clone()).collect();
    (text, cited)
}
