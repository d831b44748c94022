//! Opens the model, and checks that the compagnons' prompts leave room for a question in it.

use std::sync::Arc;

use anyhow::Context as _;

use super::folder;
use crate::{
    assistant::{Entities, compose},
    compagnon::{Compagnon, Library},
    config::{Config, ConfigError},
    inference::{
        ChatModel, EmbeddingModel, EntityModel, Reranker,
        local::{self, LocalModel, Processors, open_embedding, open_reranker},
    },
    setting,
};

/// Opens the configured model. Packed weights are cached only in a data folder of this account, because the bot could not read another
/// account's files.
pub fn open_model(config: &Config, processors: &Processors) -> anyhow::Result<Arc<dyn ChatModel>> {
    fail::fail_point!("scripted-model", |address| Ok(crate::inference::scripted::open(address.unwrap_or_default())));
    let mut model = config.model.clone();
    model.packed_cache &= folder::is_ours(config.data());
    Ok(Arc::new(LocalModel::open_on(processors, &model, config.data())?))
}

/// The threads that the configured models compute on.
pub fn processors(config: &Config) -> anyhow::Result<Processors> {
    Processors::new(config.model.threads).context("the threads that compute cannot be started")
}

/// The models beside the one that answers: those that search documents, and the one that finds names.
#[derive(Clone, Default)]
pub struct Encoders {
    /// Without it, documents are searched by their words alone.
    pub embedding: Option<Arc<dyn EmbeddingModel>>,
    /// Without it, what was found stays in the order in which it was found.
    pub reranker: Option<Arc<dyn Reranker>>,
    /// Without it, names are found by rules alone.
    pub entities: Option<Arc<dyn EntityModel>>,
}

/// Opens those that are configured. On the threads of the model that answers, they leave most of the time to answers.
pub fn open_encoders(config: &Config, processors: &Processors) -> anyhow::Result<Encoders> {
    let (model, data) = (&config.model, config.data());
    Ok(Encoders {
        embedding: open_embedding(processors, model, data)?,
        reranker: open_reranker(processors, model, data)?,
        entities: local::open_entities(processors, model, data)?,
    })
}

/// Opens the model that finds names, for what is asked outside of rooms.
pub fn open_entities(config: &Config, processors: &Processors) -> anyhow::Result<Option<Arc<Entities>>> {
    let model = local::open_entities(processors, &config.model, config.data())?;
    Ok(model.map(|model| Arc::new(Entities::new(model))))
}

/// Refuses a default compagnon whose prompt is too long for the model, and warns about the others.
pub(super) fn check_prompts(config: &Config, model: &dyn ChatModel, library: &Library) -> anyhow::Result<()> {
    let (sampling, bases) = (&config.model.sampling, library.bases());
    let fits = |compagnon: &Compagnon| compose::fits(model, sampling, &config.assistant, bases, compagnon).is_ok();
    let too_long: Vec<&str> = library.iter().filter(|one| !fits(one)).map(|one| one.id.as_str()).collect();
    let default = config.assistant.compagnon.as_str();
    ensure_fits(library.get(default)?, !too_long.contains(&default), Some(model))?;
    if !too_long.is_empty() {
        let context = model.limits().context_length;
        tracing::warn!(
            ?too_long,
            context,
            "the prompts of some compagnons leave no room for a question in the model's context: they cannot be chosen"
        );
    }
    Ok(())
}

/// Refuses a default compagnon that does not fit: no room could ask anything.
pub fn ensure_fits(default: &Compagnon, fits: bool, model: Option<&dyn ChatModel>) -> Result<(), ConfigError> {
    if fits {
        return Ok(());
    }
    let context = model.map_or(0, |model| model.limits().context_length);
    let reason = format!(
        "the prompt of `{}` does not leave room for a question in the model's {context} tokens; choose a shorter one, or a model with a \
         longer context",
        default.id
    );
    Err(setting::Refused::new("assistant.compagnon", reason).into())
}
