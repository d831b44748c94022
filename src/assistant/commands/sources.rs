//! `!sources`: the passages that the last answer of the conversation cites, or the one replied to, in full.

use super::{Context, Reply, Spec, inert};
use crate::{
    assistant::{
        exchange::{View, compose::described, readable},
        failure::Failure,
        texts::{Text, sources::Sources},
    },
    compagnon::Answers,
    conversation::plain_lines,
    document::{Citation, Source},
};

pub(super) const SPEC: Spec =
    Spec { names: &["sources", "sources", "source"], forms: [&[], &[]], urgent: false, instance: false };

/// The most characters of one passage: that of a synthesis is as long as what was read together.
const LONGEST_PASSAGE: usize = 8_000;

/// The most characters of all passages together.
const LONGEST: usize = 24_000;

pub(super) async fn run(context: &Context<'_>) -> Result<Reply, Failure> {
    let citations = citations(context).await?;
    if citations.is_empty() {
        return say(context, Sources::CitesNothing);
    }
    let (parts, message) = (context.parts, context.message);
    let room = parts.homeserver.room(&message.room_id).await?;
    let compagnon = context.effective_compagnon().await?;
    let view = View { settings: &context.settings, compagnon: &compagnon, room: room.as_ref() };
    // What the answer could cite, who asks for it must be able to see.
    let readable = readable(&parts.store, &parts.documents, &parts.homeserver, message, &view).await?;
    let mut passages = Vec::new();
    let mut length = 0;
    for (index, citation) in citations.iter().enumerate() {
        let source = if readable.has(&citation.partition, citation.document) {
            parts.documents.cited(citation).await?
        } else {
            None
        };
        let shown = match source {
            Some(source) => shown(context, &source),
            None => context.text(&Text::Sources(Sources::Gone { mark: citation.mark })),
        };
        length += shown.chars().count();
        if length > LONGEST && index > 0 {
            let left = citations.len() - index;
            passages.push(context.text(&Text::Sources(Sources::More { left })));
            break;
        }
        passages.push(shown);
    }
    say(context, Sources::Passages { passages: &passages.join("\n\n") })
}

/// What the answer cites that is meant.
async fn citations(context: &Context<'_>) -> Result<Vec<Citation>, Failure> {
    let (store, message) = (&context.parts.store, context.message);
    if let Some(answer) = &message.replies_to {
        return Ok(store.citations_of(&message.room_id, answer).await?.unwrap_or_default());
    }
    let mut conversation = message.conversation();
    if message.thread.is_none() && context.settings.answers == Answers::Thread {
        // Their last question has a thread of its own.
        let last = store.last_thread_of(&message.room_id, &message.sender).await?;
        conversation.thread = last.or(conversation.thread);
    }
    Ok(store.last_citations(&conversation).await?.unwrap_or_default())
}

/// A passage under its number and its place, as a quotation.
fn shown(context: &Context<'_>, source: &Source) -> String {
    let heading = inert(&described(source, context.language));
    let mut text = plain_lines(&source.passage.text);
    if let Some((end, _)) = text.char_indices().nth(LONGEST_PASSAGE) {
        text.truncate(end);
        text.push_str(" […]");
    }
    let lines: String = text.lines().flat_map(|line| ["\n> ", line]).collect();
    format!("**\\[{}\\] {heading}**\n{lines}", source.mark)
}

fn say(context: &Context<'_>, text: Sources<'_>) -> Result<Reply, Failure> {
    context.say(&Text::Sources(text))
}
