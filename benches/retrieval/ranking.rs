//! The corpus in an index, and the order in which it finds documents.

use std::{collections::HashMap, sync::Arc};

use compagnon::{
    document::Partition,
    index::{Evidence, Hit, Index, IndexedDocument, Query, embedded::EmbeddedIndex},
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
    pub fn run(&self, topics: &[(usize, &Topic)], most: usize, query: &dyn Fn(&str) -> Query) -> Run {
        let mut run = Run::default();
        for (number, topic) in topics {
            for text in topic.chosen(most) {
                let found = self.documents(&self.search(&query(text)));
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

/// A query, as it is asked.
pub fn query(text: &str, vector: Option<Vec<f32>>, generic: Option<Arc<[f32]>>) -> Query {
    Query { text: text.to_owned(), vector, generic, most: MOST }
}
