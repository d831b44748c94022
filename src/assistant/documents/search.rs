//! From a question to the passages that answer it, perhaps.
//!
//! Small documents of the conversation are given whole; of the others, the passages that fit, where what speaks for them is enough. What fails
//! or takes too long on the way costs the question its sources, never its answer: that is said below it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    Documents,
    asked::{MOST_SOURCES, Search, place},
    load::LoadError,
    meant::{is_new, is_own, meant},
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

/// What a search came to.
#[derive(Debug)]
pub enum Found {
    /// There was nothing to be searched, or nothing to be searched for.
    NotSearched,
    /// Nothing answers.
    Nothing,
    /// These passages do, perhaps, in the order of their marks.
    Sources(Vec<Source>),
    /// It failed, or took too long.
    Failed,
}

impl Documents {
    /// The documents of these partitions.
    pub async fn of(&self, partitions: &[Partition]) -> Result<Vec<Document>, Failure> {
        let of_store = |one: &&Partition| !matches!(one, Partition::Collection(_));
        let partitions: Vec<Partition> = partitions.iter().filter(of_store).cloned().collect();
        Ok(self.kept.documents(&partitions).await?)
    }

    /// The passages that answer a question, perhaps.
    pub async fn search(&self, search: &Search<'_>) -> Result<Found, Failure> {
        let mut documents = search.documents.to_vec();
        if !search.about.is_empty() {
            documents.retain(|document| search.is_about(document));
        }
        let collections = if search.about.is_empty() { collections_among(search.partitions) } else { Vec::new() };
        if documents.is_empty() && collections.is_empty() {
            return Ok(Found::NotSearched);
        }
        let Some(query) = standalone(search.question, search.before).or_else(|| {
            let about = !search.about.is_empty();
            about.then(|| search.question.to_owned())
        }) else {
            return Ok(Found::NotSearched);
        };
        self.drop_gone().await?;
        match timeout(SEARCH_FOR, self.answering(search, &documents, &collections, &query)).await {
            Ok(Ok(sources)) if sources.is_empty() => Ok(Found::Nothing),
            Ok(Ok(sources)) => Ok(Found::Sources(sources)),
            Ok(Err(LoadError::Store(error))) => Err(error.into()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the documents of a question could not be searched; it is answered without");
                Ok(Found::Failed)
            }
            Err(_) => {
                tracing::warn!("the search for a question takes too long; it is answered without");
                Ok(Found::Failed)
            }
        }
    }

    async fn answering(
        &self,
        search: &Search<'_>,
        documents: &[Document],
        collections: &[String],
        query: &str,
    ) -> Result<Vec<Source>, LoadError> {
        let mut loaded = Vec::new();
        let there = |partition: &&Partition| documents.iter().any(|document| document.partition == **partition);
        for partition in search.partitions.iter().filter(there) {
            // All that the partition has, hidden or not: the next to ask may see more.
            let all = self.kept.documents(std::slice::from_ref(partition)).await?;
            self.load(partition, &all).await?;
            loaded.push(partition.clone());
        }
        self.collections.load(collections).await;
        loaded.extend(collections.iter().cloned().map(Partition::Collection));
        let hits = self.hits(&loaded, query, documents).await?;
        let whole = self.whole(search, documents, &hits).await?;
        let mut sources = assembled(whole, hits, search.characters);
        self.link(documents, &mut sources).await;
        Ok(sources)
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

    /// The passages of the conversation's documents, all of them, where they are small and the question may be about them; where they are not
    /// small together, of those that it is about.
    async fn whole(&self, search: &Search<'_>, documents: &[Document], hits: &[Hit]) -> Result<Vec<Source>, LoadError> {
        let own = documents.iter().filter(|document| !search.about.is_empty() || is_own(document));
        let own: Vec<&Document> = own.collect();
        let is_one = |hit: &Hit| own.iter().any(|one| one.number == hit.document && one.partition == hit.partition);
        let asked = || {
            !search.about.is_empty()
                || is_about_document(search.question)
                || hits.iter().any(is_one)
                || own.iter().any(|document| is_new(search, document))
        };
        let small = if !search.fits(&own) {
            Some(meant(search)).filter(|meant| search.fits(meant)).unwrap_or_default()
        } else if asked() {
            own
        } else {
            Vec::new()
        };
        let mut sources = Vec::new();
        for document in small {
            let passages = self.kept.passages(document).await?.unwrap_or_default();
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
