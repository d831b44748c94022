//! Stage 4: the passages of documents that answer a question, perhaps.

use std::collections::HashSet;

use ruma::UserId;

use super::{
    effective::EffectiveCompagnon,
    parts::Parts,
    synthesis::{Whole, asks_for_synthesis},
    value::{Exchange, Searched},
};
use crate::{
    assistant::{
        courier::{Homeserver, unless_refused},
        documents::{Documents, Found, Scope, Search, compagnon_of, searched},
        failure::Failure,
    },
    compagnon::{Choice, Settings},
    conversation::Role,
    document::{Document, Partition},
    matrix::{RoomFacts, RoomKind},
    message::Incoming,
    store::Store,
};

/// A token has at least so many characters, nearly always: what is too long all the same is left out when the request is composed.
const CHARACTERS_PER_TOKEN: usize = 3;

/// Searches the documents that a question may see.
pub async fn search(parts: &Parts, exchange: &mut Exchange) -> Result<(), Failure> {
    let question = &exchange.queued.question;
    let view = View { settings: &exchange.settings, compagnon: &exchange.compagnon, room: exchange.room.as_ref() };
    let partitions = readable(&parts.store, &parts.documents, question, &view).await?;
    let hidden = hidden(&parts.documents, &parts.homeserver, &partitions, question).await?;
    let before = exchange.history.before(question).turns;
    let asked_before = before.iter().rfind(|turn| turn.role == Role::User).map(|turn| turn.content.as_str());
    let pointed_at = exchange.material.last().and_then(|material| material.content.as_deref().ok());
    let asked = Search {
        partitions: &partitions,
        question: exchange.asked(),
        // What it replies to says more of what it is about than what stands above it.
        before: pointed_at.or(asked_before),
        about: &exchange.documents,
        hidden: &hidden,
        last_answer: before.last().map(|turn| turn.at),
        characters: parts.model.limits().context_length / 2 * CHARACTERS_PER_TOKEN,
    };
    if asks_for_synthesis(asked.question) {
        let long = parts.documents.long(&asked).await?;
        if !long.is_empty() {
            let long = long.into_iter().map(|(document, passages)| Whole { document, passages }).collect();
            exchange.searched = Searched::Found;
            exchange.long = long;
            return Ok(());
        }
    }
    let Found { sources, searched, failed } = parts.documents.search(&asked).await?;
    exchange.searched = match (searched, failed, sources.is_empty()) {
        (false, ..) => Searched::No,
        (true, true, true) => Searched::Failed,
        (true, false, true) => Searched::Nothing,
        (true, _, false) => Searched::Found,
    };
    tracing::debug!(searched = ?exchange.searched, sources = sources.len(), "searched");
    exchange.sources = sources;
    Ok(())
}

/// From where a person asks.
pub struct View<'a> {
    /// The settings of the room.
    pub settings: &'a Settings,
    /// The compagnon that answers there.
    pub compagnon: &'a EffectiveCompagnon,
    /// What the room is.
    pub room: Option<&'a RoomFacts>,
}

/// The partitions that a message may search.
pub async fn readable(
    store: &Store,
    documents: &Documents,
    question: &Incoming,
    view: &View<'_>,
) -> Result<Vec<Partition>, Failure> {
    let EffectiveCompagnon { compagnon, gone, .. } = view.compagnon;
    let made = matches!(view.settings.compagnon, Some(Choice::Made(_) | Choice::Own(_))) && !gone;
    let direct = view.room.is_some_and(|room| room.kind == RoomKind::Direct);
    // Of a room that is not known, nothing is concluded.
    let several = view.room.is_some_and(|room| room.kind != RoomKind::Direct);
    let conversation = question.conversation();
    let own = [Partition::Conversation(conversation.clone())];
    let opened = several && !documents.of(&own).await?.is_empty() && store.was_direct(&conversation).await?;
    Ok(searched(&Scope {
        conversation: &conversation,
        asker: &question.sender,
        direct,
        opened,
        compagnon: &compagnon_of(view.settings, &compagnon.id, *gone),
        collections: &documents.collections().of(compagnon, !made),
    }))
}

/// The documents of a conversation that came with a message which a person cannot read: they came in since.
pub async fn hidden(
    documents: &Documents,
    homeserver: &Homeserver,
    partitions: &[Partition],
    question: &Incoming,
) -> Result<HashSet<(Partition, u64)>, Failure> {
    let conversations: Vec<Partition> =
        partitions.iter().filter(|one| matches!(one, Partition::Conversation(_))).cloned().collect();
    let mut others = documents.of(&conversations).await?;
    others.retain(|document| !is_of(document, &question.sender));
    if others.is_empty() {
        return Ok(HashSet::new());
    }
    let ask = || homeserver.gateway.reads_since(&question.room_id, &question.sender);
    // Where the homeserver does not say it, they read what they sent.
    let since = unless_refused(homeserver.retry(ask).await)?.unwrap_or(Some(u64::MAX));
    let Some(since) = since else { return Ok(HashSet::new()) };
    others.retain(|document| document.origin.as_ref().map_or(document.added_at, |origin| origin.sent_at) < since);
    Ok(others.into_iter().map(|document| (document.partition, document.number)).collect())
}

fn is_of(document: &Document, person: &UserId) -> bool {
    document.origin.as_ref().is_some_and(|origin| origin.sender == person)
}
