//! The vectors of all that is searched and asked, made once for a model and a way of embedding, and kept beside the build.

use std::{collections::HashMap, error::Error, fs, path::PathBuf, sync::Arc, thread, time::Instant};

use compagnon::{
    index::generic,
    inference::{
        Config, EmbeddingModel, TextKind,
        config::Encoder,
        local::{Processors, open_embedding},
    },
};
use tokio::runtime::Runtime;

use super::{
    corpus::{self, Fiche, Topic},
    download, support,
};

/// Texts in one call.
const BATCH: usize = 32;

/// The vectors.
pub struct Vectors {
    /// One for each passage, in the order of the fiches.
    pub passages: Vec<Vec<f32>>,
    /// The mean of the generic questions.
    pub generic: Arc<[f32]>,
    queries: HashMap<String, Vec<f32>>,
}

impl Vectors {
    /// Makes them, or reads what was made before.
    pub fn made(runtime: &Runtime, fiches: &[Fiche], topics: &[Topic]) -> Result<Self, Box<dyn Error>> {
        let folder = support::e5::e5()?;
        let config = Config {
            embedding: Some(Encoder { folder: Some(folder.clone()), ..Encoder::default() }),
            ..Config::default()
        };
        let processors = Processors::new(thread::available_parallelism().map_or(1, usize::from))?;
        let model = open_embedding(&processors, &config, &folder)?.ok_or("a section")?;
        let texts: Vec<String> = fiches.iter().flat_map(Fiche::texts).collect();
        let passages = embedded(runtime, &*model, TextKind::Passage, &texts)?;
        let asked = topics.iter().flat_map(|topic| topic.variants.iter().cloned());
        let mut asked: Vec<String> =
            asked.chain(corpus::fresh().into_iter().map(|fresh| fresh.text.to_owned())).collect();
        asked.sort();
        asked.dedup();
        let queries = asked.iter().cloned().zip(embedded(runtime, &*model, TextKind::Query, &asked)?).collect();
        let questions: Vec<String> = generic::QUESTIONS.iter().map(|&question| question.to_owned()).collect();
        let generic = generic::mean(&embedded(runtime, &*model, TextKind::Query, &questions)?).unwrap_or_default();
        Ok(Self { passages, generic: generic.into(), queries })
    }

    /// That of a query.
    pub fn of_query(&self, text: &str) -> Option<Vec<f32>> {
        self.queries.get(text).cloned()
    }

    /// Those of all queries.
    pub fn queries(&self) -> impl Iterator<Item = (&String, &Vec<f32>)> {
        self.queries.iter()
    }
}

/// One vector for each text. What was made is kept in pieces, so that a run that is cut short goes on where it was.
fn embedded(
    runtime: &Runtime,
    model: &dyn EmbeddingModel,
    kind: TextKind,
    texts: &[String],
) -> Result<Vec<Vec<f32>>, Box<dyn Error>> {
    let started = Instant::now();
    let mut made = 0;
    let mut vectors = Vec::with_capacity(texts.len());
    for piece in texts.chunks(32 * BATCH) {
        let file = place(model, kind, piece);
        let mut own = fs::read(&file).map(|bytes| read(&bytes, model.limits().dimension)).unwrap_or_default();
        if own.len() != piece.len() {
            own.clear();
            for batch in piece.chunks(BATCH) {
                own.extend(runtime.block_on(model.embed(kind, batch))?);
            }
            made += own.len();
            fs::create_dir_all(download::folder())?;
            fs::write(&file, own.iter().flatten().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
            eprintln!("{made} texts embedded, {:.1} a second", made as f64 / started.elapsed().as_secs_f64());
        }
        vectors.extend(own);
    }
    Ok(vectors)
}

fn place(model: &dyn EmbeddingModel, kind: TextKind, texts: &[String]) -> PathBuf {
    let hash = blake3::hash(format!("{}\0{kind:?}\0{}", model.name(), texts.join("\0")).as_bytes()).to_hex();
    download::folder().join(format!("{}.vectors", &hash[..16]))
}

fn read(bytes: &[u8], dimension: usize) -> Vec<Vec<f32>> {
    let (values, _) = bytes.as_chunks::<4>();
    values
        .chunks_exact(dimension)
        .map(|vector| vector.iter().map(|value| f32::from_le_bytes(*value)).collect())
        .collect()
}
