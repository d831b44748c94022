//! Opens the encoders of the configuration.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::super::gguf_error::{GgufError, one_line};
use super::super::local_model::OpenError;
use super::super::processors::Processors;
use super::super::safetensors::read_json;
use super::embedding::LocalEncoder;
use super::entities::LocalEntities;
use super::head::Wanted;
use super::labels::Labels;
use super::model::{Encoder, Purpose};
use super::reranker::LocalReranker;
use super::settings::{Shape, Usage, usual_prefixes};
use super::tokens::Tokens;
use super::windows::Windows;
use super::worker::Worker;
use crate::inference::config::{self, Pooling};
use crate::inference::{Config, EmbeddingLimits, EmbeddingModel, EntityModel, Prefixes, Reranker, hub};

/// Opens the model of `model.embedding`; `None` where there is no such section.
pub fn open_embedding(
    processors: &Processors,
    config: &Config,
    data: &Path,
) -> Result<Option<Arc<dyn EmbeddingModel>>, OpenError> {
    let Some(section) = &config.embedding else { return Ok(None) };
    let place = Place::of(section, data)?;
    let settings = Settings::read(&place.folder, section).map_err(|reason| place.refused(reason))?;
    let tokens = settings.tokens(&place.folder).map_err(|reason| place.refused(reason))?;
    let encoder = settings
        .encoder(&place.folder, section, Wanted::Vectors, processors)
        .map_err(|reason| place.refused(reason))?;
    let pooling = section.pooling.or(settings.usage.pooling);
    let pooling = pooling.unwrap_or(if settings.shape.bert { Pooling::Mean } else { Pooling::Cls });
    let usual = settings.usage.prefixes.clone().unwrap_or_else(|| usual_prefixes(&place.name));
    let prefixes = Prefixes {
        query: section.query_prefix.clone().unwrap_or(usual.query),
        passage: section.passage_prefix.clone().unwrap_or(usual.passage),
    };
    let limits =
        EmbeddingLimits { dimension: settings.shape.width, context_length: settings.context, max_batch: section.batch };
    // Vectors of other weights, or of the same used otherwise, cannot be compared.
    let used = blake3::hash(format!("{pooling:?}\0{}\0{}", prefixes.query, prefixes.passage).as_bytes()).to_hex();
    let name = format!("{}@{}{}", place.name, encoder.print, &used[..4]);
    let worker = start(encoder, Some(tokens), Purpose::Embed(pooling), processors, section)?;
    Ok(Some(Arc::new(LocalEncoder { name, limits, prefixes, worker })))
}

/// Opens the model of `model.reranker`; `None` where there is no such section.
pub fn open_reranker(
    processors: &Processors,
    config: &Config,
    data: &Path,
) -> Result<Option<Arc<dyn Reranker>>, OpenError> {
    let Some(section) = &config.reranker else { return Ok(None) };
    let place = Place::of(section, data)?;
    let settings = Settings::read(&place.folder, section).map_err(|reason| place.refused(reason))?;
    let tokens = settings.tokens(&place.folder).map_err(|reason| place.refused(reason))?;
    let encoder =
        settings.encoder(&place.folder, section, Wanted::Scores, processors).map_err(|reason| place.refused(reason))?;
    let name = format!("{}@{}", place.name, encoder.print);
    let worker = start(encoder, Some(tokens), Purpose::Score, processors, section)?;
    Ok(Some(Arc::new(LocalReranker { name, max_batch: section.batch, worker })))
}

/// Opens the model of `model.entities`; `None` where there is no such section.
pub fn open_entities(
    processors: &Processors,
    config: &Config,
    data: &Path,
) -> Result<Option<Arc<dyn EntityModel>>, OpenError> {
    let Some(section) = &config.entities else { return Ok(None) };
    let place = Place::of(section, data)?;
    let settings = Settings::read(&place.folder, section).map_err(|reason| place.refused(reason))?;
    let labels = Labels::read(&settings.json).map_err(|reason| place.refused(reason))?;
    let windows = Windows::open(&place.folder, settings.shape.vocabulary, settings.context);
    let windows = Arc::new(windows.map_err(|reason| place.refused(reason))?);
    let wanted = Wanted::Labels(labels.len());
    let encoder =
        settings.encoder(&place.folder, section, wanted, processors).map_err(|reason| place.refused(reason))?;
    let name = format!("{}@{}", place.name, encoder.print);
    let worker = start(encoder, None, Purpose::Label, processors, section)?;
    let (threshold, max_batch) = (section.threshold, section.batch);
    Ok(Some(Arc::new(LocalEntities { name, windows, labels, threshold, max_batch, worker })))
}

/// Where a model is, and what it is called.
struct Place {
    folder: PathBuf,
    name: String,
}

impl Place {
    fn of(section: &config::Encoder, data: &Path) -> Result<Self, OpenError> {
        if let Some(folder) = &section.folder {
            let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            let name = one_line(&whole.file_name().unwrap_or_default().to_string_lossy());
            return Ok(Self { folder: folder.clone(), name });
        }
        let none = || OpenError::NotPulled("of this section".to_owned());
        let hub = section.hub.as_ref().ok_or_else(none)?;
        let folder = hub::folders::find_folder(hub, data)?.ok_or_else(|| OpenError::NotPulled(hub.repo.clone()))?;
        let name = hub.repo.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Self { folder, name })
    }

    fn refused(&self, reason: GgufError) -> OpenError {
        OpenError::File { path: self.folder.clone(), reason }
    }
}

/// What the files beside a model's weights say.
struct Settings {
    /// `config.json`.
    json: Json,
    shape: Shape,
    usage: Usage,
    context: usize,
}

impl Settings {
    fn read(folder: &Path, section: &config::Encoder) -> Result<Self, GgufError> {
        if !folder.is_dir() {
            return Err(GgufError::damaged("there is no such folder"));
        }
        let config = File::open(folder.join("config.json"))
            .map_err(|_| GgufError::damaged("there is no config.json in it that can be read"))?;
        let json = read_json(&config, "config.json")?;
        let shape = Shape::read(&json)?;
        let usage = Usage::read(folder)?;
        let context = shape.context().min(section.context).min(usage.context.unwrap_or(usize::MAX)).max(8);
        Ok(Self { json, shape, usage, context })
    }

    fn tokens(&self, folder: &Path) -> Result<Tokens, GgufError> {
        Tokens::open(folder, self.shape.vocabulary, self.context)
    }

    fn encoder(
        &self,
        folder: &Path,
        section: &config::Encoder,
        wanted: Wanted,
        processors: &Processors,
    ) -> Result<Encoder, GgufError> {
        Encoder::load(folder, self.shape, section.weights, wanted, Arc::clone(&processors.pool))
    }
}

fn start(
    encoder: Encoder,
    tokens: Option<Tokens>,
    purpose: Purpose,
    processors: &Processors,
    section: &config::Encoder,
) -> Result<Worker, OpenError> {
    let answering = processors.answering.clone();
    Worker::start(encoder, tokens, purpose, answering, section.queue).map_err(OpenError::Thread)
}
