//! What the stages need of the rest of the assistant.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::summary::Summaries;
use crate::{
    assistant::{
        access::AccessRules,
        commands,
        config::Config,
        courier::{Courier, Homeserver},
        dispatch::ActiveGenerations,
        documents::{Documents, Ingestion},
        entities::Entities,
        lifecycle::Lifecycle,
        limits::Limits,
        model_cache::ModelCache,
    },
    compagnon::LibraryWatcher,
    inference::{ChatModel, Sampling},
    privacy::Facts,
    store::Store,
};

/// Handles on the parts that the stages use.
pub struct Parts {
    /// Settings, conversations, questions.
    pub store: Store,
    /// What answers.
    pub model: Arc<dyn ChatModel>,
    /// What finds names beside the rules, where the configuration has that.
    pub entities: Option<Arc<Entities>>,
    /// The library of compagnons.
    pub library: Arc<LibraryWatcher>,
    /// What is true of the service, for what people are told of their data.
    pub privacy: Arc<Facts>,
    /// The `assistant` section of the configuration.
    pub config: Arc<Config>,
    /// How the model samples, unless a compagnon or a room says otherwise.
    pub sampling: Arc<Sampling>,
    /// Who may have the bot act.
    pub access: Arc<AccessRules>,
    /// What a room is, and since when somebody reads it.
    pub homeserver: Arc<Homeserver>,
    /// What brings the answers into the rooms.
    pub courier: Arc<Courier>,
    /// What executes commands.
    pub commands: Arc<commands::Parts>,
    /// The active generations.
    pub active: Arc<ActiveGenerations>,
    /// The keys of the model's prefix cache.
    pub cache: Arc<ModelCache>,
    /// How often rooms are welcomed.
    pub limits: Arc<Limits>,
    /// The documents that answers rest on.
    pub documents: Arc<Documents>,
    /// What makes documents of files.
    pub ingestion: Arc<Ingestion>,
    /// What condenses long conversations.
    pub summaries: Arc<Summaries>,
    /// The cases of one compagnon are run at a time.
    pub cases: Arc<Mutex<()>>,
    /// The tasks.
    pub lifecycle: Arc<Lifecycle>,
}
