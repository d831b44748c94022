//! From a question to the passages that answer it, perhaps.
//!
//! Small documents of the conversation are given whole; of the others, the passages that fit, where what speaks for them is enough. What fails
//! or takes too long on the way costs the question its sources, never its answer: that is said below it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    Documents,
    load::LoadError,
    query::{is_about_document, standalone},
};
use crate::{
    assistant::failure::Failure,
    document::{Document, Partition, Source},
    index::{
        Evidence, Hit, Query,
        generic::{QUESTIONS, mean},
        reranking_text,
        select::{balanced, joined},
        threshold::{Threshold, is_evidence_enough},
    },
    inference::{EmbeddingError, TextKind},
};

/// How long loading, searching and reranking may take together.
const SEARCH_FOR: Duration = Duration::from_secs(40);

/// How long the vector of a question is waited for; then it is searched by its words alone.
const EMBED_FOR: Duration = Duration::from_secs(5);

/// How long a reranker is waited for; then the order stays as it was found.
const RERANK_FOR: Duration = Duration::from_secs(15);

/// How many passages are asked of the index.
const MOST_HITS: usize = 40;

/// How many of them a reranker reads.
const MOST_RERANKED: usize = 24;

/// A passage to which a reranker gives less does not answer.
const LEAST_SCORE: f32 = 0.02;

/// How many passages are given at most that were searched for.
const MOST_FOUND: usize = 10;

/// How many passages are given at most.
const MOST_SOURCES: usize = 60;

/// A question, and what it may see.
pub struct Search<'a> {
    /// The partitions that it may search.
    pub partitions: &'a [Partition],
    /// What is asked.
    pub question: &'a str,
    /// What was asked before it.
    pub before: Option<&'a str>,
    /// The documents that it is itself about: nothing else is searched for it.
    pub about: &'a [Document],
    /// Documents that who asks cannot read.
    pub hidden: &'a HashSet<(Partition, u64)>,
    /// When the last answer of the conversation was written: a document that came since is what is asked about.
    pub last_answer: Option<u64>,
    /// About how many characters the passages may have.
    pub characters: usize,
}

/// What a search came to.
#[derive(Debug, Default)]
pub struct Found {
    /// The passages, in the order of their marks.
    pub sources: Vec<Source>,
    /// Whether there was something to be searched, and something to be searched for.
    pub searched: bool,
    /// Whether it failed, or a part of it did so that nothing is known.
    pub failed: bool,
}

impl Documents {
    /// The documents of these partitions.
    pub async fn of(&self, partitions: &[Partition]) -> Result<Vec<Document>, Failure> {
        let of_store = |one: &&Partition| !matches!(one, Partition::Collection(_));
        let partitions: Vec<Partition> = partitions.iter().filter(of_store).cloned().collect();
        Ok(self.store.documents(&partitions).await?)
    }

    /// The passages that answer a question, perhaps.
    pub async fn search(&self, search: &Search<'_>) -> Result<Found, Failure> {
        self.drop_gone().await?;
        let mut documents = self.of(search.partitions).await?;
        documents.retain(|document| !search.hidden.contains(&place(document)));
        if !search.about.is_empty() {
            documents.retain(|document| search.about.iter().any(|about| place(about) == place(document)));
        }
        let collections = if search.about.is_empty() { collections_among(search.partitions) } else { Vec::new() };
        if documents.is_empty() && collections.is_empty() {
            return Ok(Found::default());
        }
        let Some(query) = standalone(search.question, search.before).or_else(|| {
            let about = !search.about.is_empty();
            about.then(|| search.question.to_owned())
        }) else {
            return Ok(Found::default());
        };
        match timeout(SEARCH_FOR, self.answering(search, &documents, &collections, &query)).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(LoadError::Store(error))) => Err(error.into()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the documents of a question could not be searched; it is answered without");
                Ok(Found { searched: true, failed: true, ..Found::default() })
            }
            Err(_) => {
                tracing::warn!("the search for a question takes too long; it is answered without");
                Ok(Found { searched: true, failed: true, ..Found::default() })
            }
        }
    }

    async fn answering(
        &self,
        search: &Search<'_>,
        documents: &[Document],
        collections: &[String],
        query: &str,
    ) -> Result<Found, LoadError> {
        let mut loaded = Vec::new();
        let there = |partition: &&Partition| documents.iter().any(|document| document.partition == **partition);
        for partition in search.partitions.iter().filter(there) {
            // All that the partition has, hidden or not: the next to ask may see more.
            let all = self.store.documents(std::slice::from_ref(partition)).await?;
            self.load(partition, &all).await?;
            loaded.push(partition.clone());
        }
        self.collections.load(collections).await;
        loaded.extend(collections.iter().cloned().map(Partition::Collection));
        if loaded.is_empty() {
            return Ok(Found::default());
        }
        let hits = self.hits(&loaded, query, documents).await?;
        let whole = self.whole(search, documents, &hits).await?;
        let mut sources = assembled(whole, hits, search.characters);
        self.link(documents, &mut sources).await;
        Ok(Found { sources, searched: true, failed: false })
    }

    /// What the index finds that is worth showing, best first.
    async fn hits(&self, partitions: &[Partition], query: &str, documents: &[Document]) -> Result<Vec<Hit>, LoadError> {
        let vector = self.vector(query).await;
        let generic = match &vector {
            Some(_) => self.generic().await,
            None => None,
        };
        let asked = Query { text: query.to_owned(), vector, generic, most: MOST_HITS };
        let mut hits = self.index.search(partitions, &asked).await?;
        // What was hidden, or is gone since, is not found.
        let there: HashSet<(Partition, u64)> = documents.iter().map(place).collect();
        hits.retain(|hit| {
            matches!(hit.partition, Partition::Collection(_)) || there.contains(&(hit.partition.clone(), hit.document))
        });
        let collected = partitions.iter().any(|partition| matches!(partition, Partition::Collection(_)));
        let passages = documents.iter().map(|document| u64::from(document.passages)).sum();
        // How many passages a collection has is not known here: many.
        let threshold = if collected { Threshold::default() } else { Threshold::among(passages) };
        let enough = |evidence: &Evidence| is_evidence_enough(evidence, &threshold);
        hits.retain(|hit| enough(&hit.evidence));
        hits.truncate(MOST_RERANKED);
        self.rerank(query, &mut hits).await;
        hits.truncate(MOST_FOUND);
        Ok(hits)
    }

    async fn vector(&self, query: &str) -> Option<Vec<f32>> {
        let model = self.embedding.as_ref()?;
        match timeout(EMBED_FOR, model.embed(TextKind::Query, &[query.to_owned()])).await {
            Ok(Ok(mut vectors)) => vectors.pop(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a question is searched for by its words alone");
                None
            }
            Err(_) => {
                tracing::warn!("a question is searched for by its words alone: its vector takes too long");
                None
            }
        }
    }

    /// What the vectors of all questions have in common. Without it the order is worse.
    async fn generic(&self) -> Option<Arc<[f32]>> {
        let model = self.embedding.as_ref()?;
        let made = self.generic.get_or_try_init(|| async {
            let mut vectors = Vec::with_capacity(QUESTIONS.len());
            for batch in QUESTIONS.chunks(model.limits().max_batch.max(1)) {
                let texts: Vec<String> = batch.iter().map(|&question| question.to_owned()).collect();
                vectors.extend(model.embed(TextKind::Query, &texts).await?);
            }
            Ok::<_, EmbeddingError>(mean(&vectors).unwrap_or_default().into())
        });
        match timeout(EMBED_FOR, made).await {
            Ok(Ok(mean)) => Some(Arc::clone(mean)).filter(|mean| !mean.is_empty()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "what questions have in common is not known yet");
                None
            }
            Err(_) => None,
        }
    }

    async fn rerank(&self, query: &str, hits: &mut Vec<Hit>) {
        let Some(model) = self.reranker.as_ref().filter(|_| hits.len() > 1) else { return };
        let scored = async {
            let mut scores = Vec::with_capacity(hits.len());
            let texts: Vec<String> = hits.iter().map(|hit| reranking_text(&hit.title, &hit.passage)).collect();
            for batch in texts.chunks(model.max_batch().max(1)) {
                scores.extend(model.score(query, batch).await?);
            }
            Ok::<_, EmbeddingError>(scores)
        };
        match timeout(RERANK_FOR, scored).await {
            Ok(Ok(given)) if given.len() == hits.len() => {
                for (hit, score) in hits.iter_mut().zip(given) {
                    hit.score = score;
                }
                hits.retain(|hit| hit.score >= LEAST_SCORE);
                hits.sort_by(|one, other| other.score.total_cmp(&one.score));
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what was found is not ordered anew"),
            Err(_) => tracing::warn!("what was found is not ordered anew: it takes too long"),
        }
    }

    /// Says where the documents of sources can be read.
    async fn link(&self, documents: &[Document], sources: &mut [Source]) {
        for source in sources {
            source.link = match &source.partition {
                Partition::Collection(name) => {
                    let document = self.collections.document(name, source.document).await;
                    document.and_then(|document| document.link)
                }
                partition => {
                    let is_it = |one: &&Document| one.number == source.document && one.partition == *partition;
                    documents.iter().find(is_it).and_then(|document| document.link.clone())
                }
            };
        }
    }

    /// The passages of the conversation's documents, all of them, where they are small and the question may be about them.
    async fn whole(&self, search: &Search<'_>, documents: &[Document], hits: &[Hit]) -> Result<Vec<Source>, LoadError> {
        let of_conversation = |one: &&Document| {
            !search.about.is_empty() || matches!(one.partition, Partition::Conversation(_) | Partition::Person(_))
        };
        let small: Vec<&Document> = documents.iter().filter(of_conversation).collect();
        let characters: u64 = small.iter().map(|document| document.characters).sum();
        let passages: u64 = small.iter().map(|document| u64::from(document.passages)).sum();
        if small.is_empty() || characters > search.characters as u64 || passages > MOST_SOURCES as u64 {
            return Ok(Vec::new());
        }
        let is_one = |hit: &Hit| small.iter().any(|one| one.number == hit.document && one.partition == hit.partition);
        let new = |one: &&Document| search.last_answer.is_none_or(|at| one.added_at >= at);
        let asked = !search.about.is_empty() || is_about_document(search.question);
        if !asked && !hits.iter().any(is_one) && !small.iter().any(new) {
            return Ok(Vec::new());
        }
        let mut sources = Vec::new();
        for document in small {
            let passages = self.store.passages(document).await?.unwrap_or_default();
            sources.extend(passages.into_iter().map(|passage| Source {
                mark: 0,
                partition: document.partition.clone(),
                document: document.number,
                title: document.title.clone(),
                link: document.link.clone(),
                passage,
                passages: 1,
            }));
        }
        Ok(sources)
    }
}

fn collections_among(partitions: &[Partition]) -> Vec<String> {
    let named = partitions.iter().filter_map(|partition| match partition {
        Partition::Collection(name) => Some(name.clone()),
        _ => None,
    });
    named.collect()
}

fn place(document: &Document) -> (Partition, u64) {
    (document.partition.clone(), document.number)
}

/// The sources of a question: whole documents first, then what else was found, numbered in this order.
fn assembled(whole: Vec<Source>, hits: Vec<Hit>, characters: usize) -> Vec<Source> {
    let given: HashSet<(Partition, u64)> =
        whole.iter().map(|source| (source.partition.clone(), source.document)).collect();
    let used: usize = whole.iter().map(|source| source.passage.text.chars().count()).sum();
    let others = hits.into_iter().filter(|hit| !given.contains(&(hit.partition.clone(), hit.document)));
    let others: Vec<Hit> = others.collect();
    let ordinals: HashSet<(Partition, u64, u32)> = others.iter().map(|hit| at(hit, hit.passage.ordinal)).collect();
    let found = balanced(joined(others), characters.saturating_sub(used)).into_iter().map(|hit| {
        let passages =
            (0..MOST_HITS as u32).take_while(|more| ordinals.contains(&at(&hit, hit.passage.ordinal + more))).count();
        Source {
            mark: 0,
            document: hit.document,
            title: hit.title,
            link: None,
            passage: hit.passage,
            passages: passages.max(1) as u32,
            partition: hit.partition,
        }
    });
    let mut sources: Vec<Source> = whole.into_iter().chain(found).take(MOST_SOURCES).collect();
    for (index, source) in sources.iter_mut().enumerate() {
        source.mark = index + 1;
    }
    sources
}

fn at(hit: &Hit, ordinal: u32) -> (Partition, u64, u32) {
    (hit.partition.clone(), hit.document, ordinal)
}
