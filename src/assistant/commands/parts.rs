//! What commands need of the rest of the assistant.

use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore};

use super::Confirmations;
use crate::{
    assistant::{
        access::AccessRules,
        config::Config,
        courier::{Administrators, Courier, Homeserver},
        dispatch::{ActiveGenerations, Lanes},
        documents::{Documents, Ingestion},
        lifecycle::Lifecycle,
        model_cache::ModelCache,
    },
    compagnon::LibraryWatcher,
    inference::{ChatModel, Sampling},
    privacy::Facts,
    store::Store,
};

/// The most checks made beside commands and reactions at a time; what comes on top of them is let go.
pub const CHECKS: usize = 16;

/// Handles on the parts that commands use.
pub struct Parts {
    /// What they read and change.
    pub store: Store,
    /// What a person may do, which rooms there are.
    pub homeserver: Arc<Homeserver>,
    /// What sends their replies.
    pub courier: Arc<Courier>,
    /// Whom a proposal concerns.
    pub administrators: Arc<Administrators>,
    /// The library of compagnons.
    pub library: Arc<LibraryWatcher>,
    /// Whether a prompt fits, and how the model is.
    pub model: Arc<dyn ChatModel>,
    /// What the model keeps of conversations.
    pub cache: Arc<ModelCache>,
    /// What is true of the service, for what people are told of their data.
    pub privacy: Arc<Facts>,
    /// The `assistant` section of the configuration.
    pub config: Arc<Config>,
    /// What a kilowatt hour emits, in grams of CO₂ equivalent.
    pub co2_grams_per_kwh: f64,
    /// How the model samples, unless a compagnon or a room says otherwise.
    pub sampling: Arc<Sampling>,
    /// Who may command what.
    pub access: Arc<AccessRules>,
    /// The documents.
    pub documents: Arc<Documents>,
    /// What makes documents of files.
    pub ingestion: Arc<Ingestion>,
    /// What `!stop` stops.
    pub active: Arc<ActiveGenerations>,
    /// What waits, and what `!refaire` adds.
    pub lanes: Arc<Lanes>,
    /// The tasks.
    pub lifecycle: Arc<Lifecycle>,
    /// Held while a command decides and writes what it changes: what it has read stays true until it is done. Only the store is awaited
    /// meanwhile, never the homeserver.
    pub deciding: Mutex<()>,
    /// What was asked and waits to be confirmed.
    pub confirmations: Confirmations,
    /// Permits for checks of what a person may do that are made beside a command or a reaction.
    pub checks: Semaphore,
}
