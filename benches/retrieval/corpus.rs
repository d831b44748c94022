//! The corpus, the topics and the fresh questions, as they are searched.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use compagnon::{collections::service_public, document::Passage, index::embedding_text};
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

/// Who fiches are written for: the folders of the corpus.
const AUDIENCES: [&str; 3] = ["particuliers", "professionnels", "associations"];

/// The fiches, cut as the program cuts them. One that is published for two audiences keeps one identifier; its passages are numbered on, and
/// those with the same words are there once.
pub fn fiches(folder: &Path) -> Vec<Fiche> {
    let mut order: Vec<String> = Vec::new();
    let mut by_id: HashMap<String, (String, Vec<Passage>)> = HashMap::new();
    for file in AUDIENCES.iter().flat_map(|audience| files(&folder.join(audience))) {
        let Some(segment) = service_public::read(&fs::read(&file).expect("a fiche")) else { continue };
        let id = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let (_, passages) = by_id.entry(id.clone()).or_insert_with(|| {
            order.push(id);
            (segment.title.unwrap_or_default(), Vec::new())
        });
        for passage in segment.passages {
            if !passages.iter().any(|other| other.text == passage.text) {
                passages.push(Passage { ordinal: passages.len() as u32, ..passage });
            }
        }
    }
    let fiche = |id: String| {
        let (title, passages) = by_id.remove(&id).expect("each once");
        Fiche { id, title, passages: passages.into() }
    };
    order.into_iter().map(fiche).collect()
}

/// The fiches of one audience, by their numbers.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the fiches").map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| service_public::is_fiche(path)).collect();
    files.sort_by_key(|path| {
        let stem = path.file_stem().expect("a name").to_string_lossy();
        stem[1..].parse::<u64>().expect("a number")
    });
    files
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
