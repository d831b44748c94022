//! Stage 4: the passages of documents that answer a question, perhaps.

use super::{
    effective::EffectiveCompagnon,
    parts::Parts,
    synthesis::asks_for_synthesis,
    value::{Exchange, Searched, is_direct},
};
use crate::{
    assistant::{
        clock::now,
        courier::Homeserver,
        documents::{Documents, Found, Long, Scope, Search, characters_for, searched},
        failure::Failure,
    },
    compagnon::{Answers, Choice, Settings},
    conversation::Role,
    document::{Document, Partition},
    matrix::{RoomFacts, RoomKind},
    message::{ConversationId, Incoming},
    store::Store,
};

/// Searches the documents that a question may see. Gives those that are to be read part by part, where it asks for a synthesis of them.
pub async fn search(parts: &Parts, exchange: &mut Exchange) -> Result<Long, Failure> {
    let question = &exchange.queued.question;
    let view = View { settings: &exchange.settings, compagnon: &exchange.compagnon, room: exchange.room.as_ref() };
    let Parts { store, documents, homeserver, .. } = parts;
    let mut readable = readable(store, documents, homeserver, question, &view).await?;
    // What it is itself about, its author reads: that was looked at when it was read.
    for document in &exchange.documents {
        if !readable.has(&document.partition, document.number) {
            readable.documents.push(document.clone());
        }
    }
    let before = exchange.history.before(question).turns;
    let asked_before = before.iter().rfind(|turn| turn.role == Role::User).map(|turn| turn.content.as_str());
    let pointed_at = exchange.material.last().and_then(|material| material.content.as_deref().ok());
    let asked = Search {
        conversation: &question.conversation(),
        partitions: &readable.partitions,
        documents: &readable.documents,
        question: exchange.asked(),
        // What it replies to says more of what it is about than what stands above it.
        before: pointed_at.or(asked_before),
        about: &exchange.documents,
        last_answer: before.last().map(|turn| turn.at),
        now: now(),
        characters: characters_for(parts.model.limits().context_length),
    };
    if asks_for_synthesis(asked.question) {
        let long = documents.long(&asked).await?;
        if !long.documents.is_empty() {
            exchange.searched = Searched::Found;
            return Ok(long);
        }
    }
    let found = documents.search(&asked).await?;
    (exchange.searched, exchange.sources) = match found {
        Found::NotSearched => (Searched::No, Vec::new()),
        Found::Nothing => (Searched::Nothing, Vec::new()),
        Found::Sources(sources) => (Searched::Found, sources),
        Found::Failed => (Searched::Failed, Vec::new()),
    };
    tracing::debug!(searched = ?exchange.searched, sources = exchange.sources.len(), "searched");
    Ok(Long::default())
}

/// From where a person asks.
pub struct View<'a> {
    /// The settings of the room.
    pub settings: &'a Settings,
    /// The compagnon that answers there.
    pub compagnon: &'a EffectiveCompagnon,
    /// What the room is. Of one that is not known, nothing is concluded.
    pub room: Option<&'a RoomFacts>,
}

/// What a message may search.
pub struct Readable {
    /// The partitions.
    pub partitions: Vec<Partition>,
    /// The documents of the store in them that its author can read.
    pub documents: Vec<Document>,
}

impl Readable {
    /// Whether a document may be searched.
    pub fn has(&self, partition: &Partition, number: u64) -> bool {
        match partition {
            Partition::Collection(_) => self.partitions.contains(partition),
            _ => self.documents.iter().any(|one| one.number == number && one.partition == *partition),
        }
    }
}

/// What a message may search, where `view` says: one look into the store, and no more where there are no documents.
pub async fn readable(
    store: &Store,
    documents: &Documents,
    homeserver: &Homeserver,
    question: &Incoming,
    view: &View<'_>,
) -> Result<Readable, Failure> {
    let View { settings, compagnon, room } = view;
    let made = matches!(settings.compagnon, Some(Choice::Made(_) | Choice::Own(_))) && !compagnon.gone;
    let partitions = searched(&Scope {
        conversation: &question.conversation(),
        asker: &question.sender,
        direct: is_direct(*room),
        in_threads: settings.answers == Answers::Thread,
        compagnon: &compagnon.partition(settings),
        collections: &documents.collections().of(&compagnon.compagnon, !made),
    });
    let mut there = documents.of(&partitions).await?;
    if room.is_some_and(|room| room.kind != RoomKind::Direct) {
        drop_those_of_two(store, &mut there).await?;
    }
    drop_those_before(homeserver, question, &mut there).await?;
    Ok(Readable { partitions, documents: there })
}

/// The conversation into which a document was put.
fn conversation_of(document: &Document) -> Option<&ConversationId> {
    match &document.partition {
        Partition::Conversation(conversation) => Some(conversation),
        _ => None,
    }
}

/// When a document was sent.
fn sent_at(document: &Document) -> u64 {
    document.origin.as_ref().map_or(document.added_at, |origin| origin.sent_at)
}

/// Takes out what was put into a conversation while it was one of two: it is not for those who came in since to hear, whoever asks. What
/// came after that stays.
async fn drop_those_of_two(store: &Store, documents: &mut Vec<Document>) -> Result<(), Failure> {
    let mut conversations: Vec<ConversationId> = documents.iter().filter_map(conversation_of).cloned().collect();
    conversations.dedup();
    for conversation in conversations {
        let Some(until) = store.direct_until(&conversation).await? else { continue };
        documents.retain(|document| conversation_of(document) != Some(&conversation) || sent_at(document) > until);
    }
    Ok(())
}

/// Takes out the documents of conversations that came with a message which the asker cannot read: they came in since.
async fn drop_those_before(
    homeserver: &Homeserver,
    question: &Incoming,
    documents: &mut Vec<Document>,
) -> Result<(), Failure> {
    let theirs = |document: &Document| document.origin.as_ref().is_some_and(|origin| origin.sender == question.sender);
    let others = |document: &Document| conversation_of(document).is_some() && !theirs(document);
    if !documents.iter().any(others) {
        return Ok(());
    }
    if let Some(since) = homeserver.reads_since(&question.room_id, &question.sender).await? {
        documents.retain(|document| !others(document) || sent_at(document) >= since);
    }
    Ok(())
}
