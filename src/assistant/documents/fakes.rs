//! An index for tests: a passage fits by the share of the query's words that it holds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;

use super::{DocumentParts, FileReader};
use crate::{
    assistant::collections::Searchable,
    document::{Partition, Passage, Place},
    documents::{ExtractError, Extracted, Format, Limit, Segments, SourceFile},
    index::{Evidence, Hit, Index, IndexError, IndexedDocument, Query},
    segment::Segment,
};

/// An index without vectors.
#[derive(Default)]
pub struct FakeIndex {
    documents: Mutex<HashMap<Partition, Vec<IndexedDocument>>>,
    /// The next calls fail.
    pub fails: Mutex<usize>,
}

impl FakeIndex {
    /// The parts of an assistant with such an index.
    pub fn parts() -> DocumentParts {
        let index: Arc<dyn Index> = Arc::new(Self::default());
        DocumentParts {
            collections: Arc::new(Searchable::none(Arc::clone(&index))),
            index,
            embedding: None,
            reranker: None,
            reader: Arc::new(FakeReader),
            largest_file: 10_000_000,
        }
    }

    fn play(&self) -> Result<(), IndexError> {
        let mut fails = self.fails.lock().expect("not poisoned");
        if *fails == 0 {
            return Ok(());
        }
        *fails -= 1;
        Err(IndexError::Unreachable("it is away".to_owned()))
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.chars().count() > 3)
        .map(str::to_lowercase)
        .collect()
}

#[async_trait]
impl Index for FakeIndex {
    async fn put(&self, partition: &Partition, document: IndexedDocument) -> Result<(), IndexError> {
        self.play()?;
        let mut documents = self.documents.lock().expect("not poisoned");
        let documents = documents.entry(partition.clone()).or_default();
        documents.retain(|known| known.number != document.number);
        documents.push(document);
        Ok(())
    }

    async fn remove(&self, partition: &Partition, document: Option<u64>) -> Result<(), IndexError> {
        self.play()?;
        let mut documents = self.documents.lock().expect("not poisoned");
        match (document, documents.get_mut(partition)) {
            (Some(number), Some(known)) => known.retain(|known| known.number != number),
            _ => drop(documents.remove(partition)),
        }
        Ok(())
    }

    async fn holds(&self, partition: &Partition) -> Result<bool, IndexError> {
        self.play()?;
        Ok(self.documents.lock().expect("not poisoned").contains_key(partition))
    }

    async fn search(&self, partitions: &[Partition], query: &Query) -> Result<Vec<Hit>, IndexError> {
        self.play()?;
        let asked = words(&query.text);
        let documents = self.documents.lock().expect("not poisoned");
        let mut hits = Vec::new();
        for partition in partitions {
            for document in documents.get(partition).into_iter().flatten() {
                for passage in document.passages.iter() {
                    let held = words(&passage.text);
                    let found = asked.iter().filter(|word| held.contains(word)).count();
                    let share = found as f32 / asked.len().max(1) as f32;
                    let evidence = Evidence { cosine: None, words: share };
                    let (partition, passage, title) = (partition.clone(), passage.clone(), document.title.clone());
                    hits.push(Hit { partition, document: document.number, title, passage, score: share, evidence });
                }
            }
        }
        hits.retain(|hit| hit.score > 0.0);
        hits.sort_by(|one, other| other.score.total_cmp(&one.score));
        hits.truncate(query.most);
        Ok(hits)
    }
}

/// A reader of texts: each paragraph is a passage, each form feed begins a page. Some texts are names of what goes wrong.
#[derive(Clone, Copy, Default)]
pub struct FakeReader;

#[async_trait]
impl FileReader for FakeReader {
    async fn read(&self, file: SourceFile<'_>) -> Result<Extracted, ExtractError> {
        match file.bytes {
            b"!password" => return Err(ExtractError::Encrypted),
            b"!pages" => return Err(ExtractError::TooLarge(Limit::Pages(2_000))),
            b"!bomb" => return Err(ExtractError::TooLarge(Limit::Ratio(100))),
            b"!unknown" => return Err(ExtractError::UnknownType),
            b"!slow" => return Err(ExtractError::TimedOut),
            b"!crash" => return Err(ExtractError::Failed("signal 11".to_owned())),
            _ => {}
        }
        let text = String::from_utf8(file.bytes.to_vec()).map_err(|_| ExtractError::Damaged)?;
        let pages: Vec<&str> = text.split('\u{c}').collect();
        let paragraphs = pages.iter().enumerate().flat_map(|(page, text)| {
            text.split("\n\n").filter(|text| !text.trim().is_empty()).map(move |text| (page as u32 + 1, text))
        });
        let passages: Vec<Passage> = paragraphs
            .enumerate()
            .map(|(ordinal, (page, text))| Passage {
                ordinal: ordinal as u32,
                place: Place::Page(page),
                headings: Vec::new(),
                text: text.trim().to_owned(),
            })
            .collect();
        if passages.is_empty() {
            return Err(ExtractError::NoText);
        }
        let pages = Some(pages.len() as u32);
        Ok(Extracted { format: Format::of_name(file.name).unwrap_or(Format::Text), title: None, pages, passages })
    }

    /// Each paragraph is a segment, each stretch between bars one of its runs.
    async fn segments(&self, file: SourceFile<'_>) -> Result<Segments, ExtractError> {
        let Extracted { format, passages, .. } = self.read(file).await?;
        let runs = |text: &str| text.split('|').map(str::to_owned).collect();
        Ok(Segments { format, segments: passages.iter().map(|passage| Segment::new(runs(&passage.text))).collect() })
    }

    async fn rewritten(&self, _: SourceFile<'_>, texts: Vec<Vec<String>>) -> Result<Vec<u8>, ExtractError> {
        let paragraphs: Vec<String> = texts.iter().map(|runs| runs.join("|")).collect();
        Ok(paragraphs.join("\n\n").into_bytes())
    }
}
