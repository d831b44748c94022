//! The corpus, the topics and the fresh questions, as they are searched.

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use compagnon::{
    document::{Passage, Place},
    index::embedding_text,
};
use serde::Deserialize;

/// A document of the corpus.
pub struct Fiche {
    pub id: String,
    pub title: String,
    pub passages: Arc<[Passage]>,
}

impl Fiche {
    /// The number that it is indexed under: its identifier is a letter and a number.
    pub fn number(&self) -> u64 {
        self.id[1..].parse().expect("an identifier such as F1234")
    }

    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.passages.iter().map(|passage| embedding_text(&self.title, passage))
    }
}

#[derive(Deserialize)]
struct Line {
    doc: String,
    title: String,
    path: String,
    text: String,
}

/// The fiches, in the order of the file.
pub fn fiches(file: &Path) -> Vec<Fiche> {
    let mut order: Vec<String> = Vec::new();
    let mut by_id: HashMap<String, (String, Vec<Passage>)> = HashMap::new();
    for line in fs::read_to_string(file).expect("the fiches").lines() {
        let line: Line = serde_json::from_str(line).expect("a passage");
        let (_, passages) = by_id.entry(line.doc.clone()).or_insert_with(|| {
            order.push(line.doc.clone());
            (line.title.clone(), Vec::new())
        });
        let headings = line.path.split(" > ").filter(|heading| !heading.is_empty()).map(str::to_owned).collect();
        let ordinal = passages.len() as u32;
        passages.push(Passage { ordinal, place: Place::Whole, headings, text: line.text });
    }
    let fiche = |id: String| {
        let (title, passages) = by_id.remove(&id).expect("each once");
        Fiche { id, title, passages: passages.into() }
    };
    order.into_iter().map(fiche).collect()
}

/// A topic with its variants, as people typed them, and the graded fiches.
#[derive(Deserialize)]
pub struct Topic {
    pub variants: Vec<String>,
    pub relevant: HashMap<String, f64>,
}

impl Topic {
    /// Some of its variants, evenly chosen.
    pub fn chosen(&self, most: usize) -> impl Iterator<Item = &str> {
        let count = most.min(self.variants.len());
        (0..count).map(move |place| self.variants[place * self.variants.len() / count].as_str())
    }
}

/// The topics.
pub fn topics() -> Vec<Topic> {
    let lines = include_str!("queries-2019.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).expect("a topic")).collect()
}

/// A question of ours, and whether the corpus answers it: with which fiche; or it is near, or far.
pub struct Fresh {
    pub kind: &'static str,
    /// The fiche that answers it.
    pub fiche: Option<&'static str>,
    pub text: &'static str,
}

/// The fresh questions.
pub fn fresh() -> Vec<Fresh> {
    let lines = include_str!("fresh.tsv").lines().filter(|line| !line.starts_with('#'));
    let question = |line: &'static str| {
        let mut cells = line.split('\t');
        let (kind, fiche, text) = (cells.next(), cells.next(), cells.next());
        let fiche = fiche.filter(|fiche| *fiche != "-");
        Fresh { kind: kind.expect("a kind"), fiche, text: text.expect("a question") }
    };
    lines.map(question).collect()
}
