//! The corpus in an index, and the order in which it finds documents.

use std::{collections::HashMap, env, error::Error, path::Path, sync::Arc, thread};

use compagnon::{
    document::Partition,
    index::{Evidence, Hit, Index, IndexedDocument, Query, embedded::EmbeddedIndex, reranking_text},
    inference::{
        Config, Reranker,
        config::Encoder,
        local::{Processors, open_reranker},
    },
};
use tokio::runtime::Runtime;

use super::{
    corpus::{Fiche, Topic},
    measure::{Run, measures},
};

/// Far more than the corpus needs.
pub const MEMORY: u64 = 8 << 30;
/// How many passages are asked for: of ten documents with several each.
const MOST: usize = 100;

/// An index of the corpus.
pub struct Searcher<'a> {
    pub index: EmbeddedIndex,
    pub partition: Partition,
    runtime: &'a Runtime,
    names: HashMap<u64, String>,
}

impl<'a> Searcher<'a> {
    /// Puts the fiches into an index, with the vectors of their passages where there are some.
    pub fn new(runtime: &'a Runtime, fiches: &[Fiche], vectors: Option<&[Vec<f32>]>) -> Self {
        let index = EmbeddedIndex::new(MEMORY);
        let partition = Partition::Collection("fiches".to_owned());
        let mut rest = vectors;
        for fiche in fiches {
            let own = rest.map(|vectors| vectors.split_at(fiche.passages.len()));
            rest = own.map(|(_, rest)| rest);
            let document = IndexedDocument {
                number: fiche.number(),
                title: fiche.title.clone(),
                passages: fiche.passages.clone(),
                vectors: own.map(|(own, _)| Arc::from(own.to_vec())),
            };
            runtime.block_on(index.put(&partition, document)).expect("put");
        }
        let names = fiches.iter().map(|fiche| (fiche.number(), fiche.id.clone())).collect();
        Self { index, partition, runtime, names }
    }

    pub fn search(&self, query: &Query) -> Vec<Hit> {
        let partitions = std::slice::from_ref(&self.partition);
        self.runtime.block_on(self.index.search(partitions, query)).expect("found")
    }

    /// The documents of hits, each once, the best first.
    pub fn documents(&self, hits: &[Hit]) -> Vec<String> {
        let mut documents: Vec<String> = Vec::new();
        for hit in hits {
            let name = &self.names[&hit.document];
            if !documents.contains(name) {
                documents.push(name.clone());
            }
        }
        documents
    }

    /// Measures what is found for each chosen variant of the topics.
    pub fn run(
        &self,
        topics: &[(usize, &Topic)],
        most: usize,
        query: &dyn Fn(&str) -> Query,
        reranking: &Option<Reranking<'_>>,
    ) -> Run {
        let mut run = Run::default();
        for (number, topic) in topics {
            for text in topic.chosen(most) {
                let mut hits = self.search(&query(text));
                if let Some(reranking) = reranking {
                    reranking.order(text, &mut hits);
                }
                let found = self.documents(&hits);
                run.add(*number, measures(&found, &topic.relevant));
            }
        }
        run
    }

    /// The evidence of the best passages for a query.
    pub fn evidence(&self, query: &Query) -> Vec<Evidence> {
        self.search(query).iter().map(|hit| hit.evidence).collect()
    }
}

/// A cross-encoder that puts the best passages in another order.
pub struct Reranking<'a> {
    model: Arc<dyn Reranker>,
    runtime: &'a Runtime,
}

/// How many passages are scored.
const RERANKED: usize = 30;

impl<'a> Reranking<'a> {
    /// The one whose folder the environment names.
    pub fn of_environment(runtime: &'a Runtime) -> Result<Option<Self>, Box<dyn Error>> {
        let Some(folder) = env::var_os("RERANKER") else { return Ok(None) };
        let section = Encoder { folder: Some(folder.into()), ..Encoder::default() };
        let config = Config { reranker: Some(section), ..Config::default() };
        let processors = Processors::new(thread::available_parallelism().map_or(1, usize::from))?;
        let model = open_reranker(&processors, &config, Path::new("."))?;
        Ok(model.map(|model| Self { model, runtime }))
    }

    fn order(&self, query: &str, hits: &mut [Hit]) {
        let most = RERANKED.min(hits.len());
        let texts: Vec<String> = hits[..most].iter().map(|hit| reranking_text(&hit.title, &hit.passage)).collect();
        let scores = self.runtime.block_on(self.model.score(query, &texts)).expect("scores");
        for (hit, score) in hits.iter_mut().zip(scores) {
            hit.score = score;
        }
        hits[..most].sort_by(|one, other| other.score.total_cmp(&one.score));
    }
}

/// A query, as it is asked.
pub fn query(text: &str, vector: Option<Vec<f32>>, generic: Option<Arc<[f32]>>) -> Query {
    Query { text: text.to_owned(), vector, generic, most: MOST }
}
