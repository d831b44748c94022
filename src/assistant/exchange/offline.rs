//! An answer outside of rooms, as a room would show it: for evaluation.

use std::sync::Arc;

use super::transforms::{self, Checking, Checks, Extract, Placeholders, marks};
use crate::{
    assistant::texts::sources::placeholders, compagnon::Language, conversation::Role, document::Source,
    inference::Request,
};

/// What a room would show of an answer to a request that gave these sources, with the titles of those that it cites.
#[must_use]
pub fn as_shown(answer: &str, request: &Request, sources: &[Source], language: Language) -> (String, Vec<String>) {
    let names: Vec<[&str; 1]> = sources.iter().map(|source| [source.title.as_str()]).collect();
    let extracts = sources.iter().zip(&names);
    let extracts: Vec<Extract<'_>> =
        extracts.map(|(source, names)| Extract { text: &source.passage.text, names }).collect();
    let checking = if sources.is_empty() {
        Checking::Unsourced
    } else {
        let written = request.messages.iter().filter(|message| message.role != Role::Assistant);
        let written = written.map(|message| message.content.as_str());
        let (address, phone) = placeholders(language);
        Checking::Against(Arc::new(Checks::new(&extracts, written, Placeholders { address, phone })))
    };
    let text = transforms::answer(checking).apply(answer);
    let found = marks(&text);
    let cited = sources.iter().filter(|source| found.iter().any(|mark| mark.number == source.mark));
    let cited = cited.map(|source| source.title.clone()).collect();
    (text, cited)
}
