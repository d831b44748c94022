//! How the parts of the assistant are put together. The only place that knows all of them.

use std::{sync::Arc, time::Instant};

use tokio::sync::{Mutex, Semaphore};

use super::{
    access::AccessRules,
    addressing::Addressing,
    bursts::Bursts,
    commands,
    config::Config,
    courier::{self, Administrators, Courier, DecryptionNotices, Homeserver, RateBudget, Verifications, Withdrawals},
    dispatch::{self, ActiveGenerations, Dispatcher, InProgress, Lanes},
    documents::{DocumentParts, Documents, Ingestion},
    entities::Entities,
    exchange::{self, Exchanges},
    intake::Intake,
    lifecycle::Lifecycle,
    limits::Limits,
    model_cache::ModelCache,
};
use crate::{
    compagnon::LibraryWatcher,
    inference::{ChatModel, EntityModel, Sampling},
    matrix::{Access, Gateway},
    privacy::Facts,
    services::Services,
    store::Store,
};

/// What an assistant is made of.
pub struct Parts {
    /// What the bot remembers.
    pub store: Store,
    /// What answers.
    pub model: Arc<dyn ChatModel>,
    /// What finds names in texts, beside the rules of pseudonymisation.
    pub entities: Option<Arc<dyn EntityModel>>,
    /// The way to Matrix.
    pub gateway: Arc<dyn Gateway>,
    /// The other systems that may be called.
    pub services: Arc<Services>,
    /// What documents are searched with.
    pub documents: DocumentParts,
    /// The library of compagnons.
    pub library: Arc<LibraryWatcher>,
    /// The `assistant` section of the configuration.
    pub config: Config,
    /// What a kilowatt hour emits, in grams of CO₂ equivalent.
    pub co2_grams_per_kwh: f64,
    /// How the model samples, unless a compagnon or a room says otherwise.
    pub sampling: Sampling,
    /// What is true of the service, for what people are told of their data.
    pub privacy: Facts,
    /// Whom the bot works for.
    pub access: Access,
    /// Whether rooms open to people outside of the State are served.
    pub externals: bool,
    /// Whether administration commands are taken from devices that their owner has not signed.
    pub unverified_commands: bool,
}

/// What several parts share, while they are put together.
pub(super) struct Wiring {
    store: Store,
    model: Arc<dyn ChatModel>,
    entities: Option<Arc<Entities>>,
    library: Arc<LibraryWatcher>,
    privacy: Arc<Facts>,
    config: Arc<Config>,
    co2_grams_per_kwh: f64,
    sampling: Arc<Sampling>,
    access: Arc<AccessRules>,
    lifecycle: Arc<Lifecycle>,
    limits: Arc<Limits>,
    pub(super) cache: Arc<ModelCache>,
    lanes: Arc<Lanes>,
    active: Arc<ActiveGenerations>,
    in_progress: InProgress,
    pub(super) homeserver: Arc<Homeserver>,
    withdrawals: Arc<Withdrawals>,
    courier: Arc<Courier>,
    administrators: Arc<Administrators>,
    pub(super) documents: Arc<Documents>,
    ingestion: Arc<Ingestion>,
}

impl Wiring {
    /// The parts that need only what is given, in the order in which they need one another.
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { store, model, entities, gateway, services, documents, library, config, sampling, access, .. } =
            parts;
        let access = AccessRules::new(access, parts.externals, parts.unverified_commands);
        let lifecycle = Arc::new(Lifecycle::new());
        let limits = Arc::new(Limits::new(&config.limits));
        let in_progress = InProgress::default();
        let budget = RateBudget::new(config.streaming.per_second, config.streaming.burst, Instant::now());
        let (config, privacy) = (Arc::new(config), Arc::new(parts.privacy));
        let homeserver = Arc::new(Homeserver::new(gateway, budget, Arc::clone(&lifecycle)));
        let withdrawals =
            Withdrawals::new(store.clone(), Arc::clone(&homeserver), in_progress.clone(), Arc::clone(&lifecycle));
        let withdrawals = Arc::new(withdrawals);
        let courier = Arc::new(Courier::new(courier::Parts {
            store: store.clone(),
            homeserver: Arc::clone(&homeserver),
            services,
            withdrawals: Arc::clone(&withdrawals),
            in_progress: in_progress.clone(),
            limits: Arc::clone(&limits),
            privacy: Arc::clone(&privacy),
            config: Arc::clone(&config),
            lifecycle: Arc::clone(&lifecycle),
        }));
        let documents = Arc::new(Documents::new(Arc::new(store.clone()), documents));
        let active = Arc::default();
        let ingestion = Ingestion::new(
            store.clone(),
            Arc::clone(&documents),
            Arc::clone(&homeserver),
            Arc::clone(&active),
            Arc::clone(&lifecycle),
        );
        Self {
            ingestion: Arc::new(ingestion),
            access: Arc::new(access),
            cache: Arc::new(ModelCache::new(Arc::clone(&model))),
            lanes: Arc::new(Lanes::new(config.waiting, config.waiting_per_conversation)),
            active,
            administrators: Arc::new(Administrators::new(Arc::clone(&courier))),
            documents,
            co2_grams_per_kwh: parts.co2_grams_per_kwh,
            sampling: Arc::new(sampling),
            store,
            model,
            entities: entities.map(|model| Arc::new(Entities::new(model))),
            library,
            privacy,
            config,
            lifecycle,
            limits,
            in_progress,
            homeserver,
            withdrawals,
            courier,
        }
    }

    /// What executes commands.
    pub(super) fn commands(&self) -> Arc<commands::Parts> {
        Arc::new(commands::Parts {
            store: self.store.clone(),
            homeserver: Arc::clone(&self.homeserver),
            courier: Arc::clone(&self.courier),
            administrators: Arc::clone(&self.administrators),
            library: Arc::clone(&self.library),
            privacy: Arc::clone(&self.privacy),
            model: Arc::clone(&self.model),
            cache: Arc::clone(&self.cache),
            config: Arc::clone(&self.config),
            co2_grams_per_kwh: self.co2_grams_per_kwh,
            sampling: Arc::clone(&self.sampling),
            access: Arc::clone(&self.access),
            documents: Arc::clone(&self.documents),
            ingestion: Arc::clone(&self.ingestion),
            active: Arc::clone(&self.active),
            lanes: Arc::clone(&self.lanes),
            lifecycle: Arc::clone(&self.lifecycle),
            deciding: Mutex::default(),
            confirmations: commands::Confirmations::default(),
            checks: Semaphore::new(commands::CHECKS),
        })
    }

    /// What has questions answered in their turn.
    pub(super) fn dispatcher(&self, commands: &Arc<commands::Parts>) -> Arc<Dispatcher> {
        let summaries = exchange::Summaries::new(exchange::SummaryParts {
            store: self.store.clone(),
            model: Arc::clone(&self.model),
            entities: self.entities.clone(),
            library: Arc::clone(&self.library),
            config: Arc::clone(&self.config),
            sampling: Arc::clone(&self.sampling),
            lanes: Arc::clone(&self.lanes),
            lifecycle: Arc::clone(&self.lifecycle),
        });
        let exchanges = Exchanges::new(exchange::Parts {
            store: self.store.clone(),
            model: Arc::clone(&self.model),
            entities: self.entities.clone(),
            library: Arc::clone(&self.library),
            privacy: Arc::clone(&self.privacy),
            config: Arc::clone(&self.config),
            sampling: Arc::clone(&self.sampling),
            access: Arc::clone(&self.access),
            homeserver: Arc::clone(&self.homeserver),
            courier: Arc::clone(&self.courier),
            commands: Arc::clone(commands),
            active: Arc::clone(&self.active),
            cache: Arc::clone(&self.cache),
            limits: Arc::clone(&self.limits),
            documents: Arc::clone(&self.documents),
            ingestion: Arc::clone(&self.ingestion),
            summaries,
            cases: Arc::default(),
            lifecycle: Arc::clone(&self.lifecycle),
        });
        Dispatcher::new(dispatch::Parts {
            store: self.store.clone(),
            lanes: Arc::clone(&self.lanes),
            active: Arc::clone(&self.active),
            cache: Arc::clone(&self.cache),
            in_progress: self.in_progress.clone(),
            exchanges,
            courier: Arc::clone(&self.courier),
            limits: Arc::clone(&self.limits),
            access: Arc::clone(&self.access),
            homeserver: Arc::clone(&self.homeserver),
            config: Arc::clone(&self.config),
            lifecycle: Arc::clone(&self.lifecycle),
        })
    }

    /// What tells authors of messages that could not be decrypted.
    pub(super) fn decryption_notices(&self) -> Arc<DecryptionNotices> {
        let (homeserver, access) = (Arc::clone(&self.homeserver), Arc::clone(&self.access));
        let (config, lifecycle) = (Arc::clone(&self.config), Arc::clone(&self.lifecycle));
        Arc::new(DecryptionNotices::new(self.store.clone(), homeserver, access, config, lifecycle))
    }

    /// What takes what comes from the rooms.
    pub(super) fn intake(self, dispatcher: Arc<Dispatcher>, commands: Arc<commands::Parts>) -> Intake {
        Intake {
            addressing: Addressing::new(self.store.clone(), Arc::clone(&self.config)),
            config: self.config,
            verifications: Arc::new(Verifications::new(Arc::clone(&self.courier), Arc::clone(&self.access))),
            store: self.store,
            access: self.access,
            limits: self.limits,
            bursts: Bursts::default(),
            dispatcher,
            commands,
            courier: self.courier,
            administrators: self.administrators,
            withdrawals: self.withdrawals,
            lifecycle: self.lifecycle,
        }
    }
}
