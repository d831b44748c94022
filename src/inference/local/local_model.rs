//! A model file loaded in this process: its tokenizer, its template, and the engine that answers.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::counter::PromptCounter;
use super::engine::{EncodedPrompt, Engine};
use super::forward::BLOCK;
use super::gguf::Gguf;
use super::gguf_error::{GgufError, one_line};
use super::load::{self, LoadError};
use super::pooling::Pooling;
use super::processors::Processors;
use super::safetensors;
use super::template::Template;
use super::thinking::Reasoning;
use super::tokenizer::{Span, Tokenizer};
use super::vocabulary::Vocabulary;
use super::witness::WITNESS;
use crate::conversation::Role;
use crate::inference::{
    CacheScope, ChatModel, Config, Generation, Health, InferenceError, Message, ModelLimits, Request, TokenCounter, hub,
};

/// Why no model could be opened; each is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is missing, damaged, not the expected one, or of a kind this engine cannot run.
    #[error("the model {path} cannot be used: {reason}")]
    File {
        /// The file, or a name for the embedded one.
        path: PathBuf,
        /// What is wrong with it.
        reason: GgufError,
    },
    /// `model.hub` names a model that was never downloaded.
    #[error("the model {0} is not here yet: run `compagnon model pull`")]
    NotPulled(String),
    /// The manifest of downloaded models could not be read.
    #[error(transparent)]
    Hub(#[from] hub::HubError),
    /// The system refused a thread.
    #[error("the engine's thread cannot be started: {0}")]
    Thread(io::Error),
}

/// A model loaded in this process.
pub struct LocalModel {
    pub(super) name: String,
    pub(super) tokenizer: Arc<Tokenizer>,
    counter: Arc<PromptCounter>,
    template: Template,
    pub(super) engine: Engine,
    /// The pooling of hidden states that its file asks for; `None` if it is not supported.
    pub(super) pooling: Option<Pooling>,
    /// The token that ends a text to be embedded, for models that are trained with one.
    pub(super) text_end: Option<u32>,
    /// The most texts that are embedded in one call: as many as the engine computes together, if they fit its queue.
    pub(super) max_batch: usize,
    /// Whether it is the witness.
    is_witness: bool,
}

impl LocalModel {
    /// Opens the model of the configuration: its `file`, or what `model pull` put under `data` for its `hub`, or the witness, the embedded test model.
    /// Its threads are its own.
    pub fn open(config: &Config, data: &Path) -> Result<Self, OpenError> {
        Self::open_on(&Processors::new(config.threads).map_err(OpenError::Thread)?, config, data)
    }

    /// [`LocalModel::open`] on threads that it shares with the encoders.
    pub fn open_on(processors: &Processors, config: &Config, data: &Path) -> Result<Self, OpenError> {
        let (path, sha256) = match (&config.file, &config.hub) {
            (Some(file), _) => (file.clone(), config.sha256.clone()),
            (None, Some(hub)) => {
                let entry = hub::find(hub, data)?.ok_or_else(|| OpenError::NotPulled(hub.repo.clone()))?;
                entry.check_tokenizer(data)?;
                (entry.path(data), config.sha256.clone().or(Some(entry.sha256)))
            }
            (None, None) => return Self::embedded(processors, config),
        };
        let beside = if path.is_dir() { path.join("tokenizer.json") } else { path.with_file_name("tokenizer.json") };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let keep = config.packed_cache.then_some(data);
        let opened = if safetensors::is_one(&path) {
            safetensors::open(&path, sha256.as_deref(), keep)
        } else {
            Gguf::open(&path, sha256.as_deref(), keep)
        };
        opened
            .map_err(LoadError::File)
            .and_then(|gguf| Self::load(gguf, &stem, beside.exists().then_some(beside.as_path()), processors, config))
            .map_err(|failure| failure.at(path))
    }

    /// Opens the witness, the embedded test model, with the default limits.
    pub fn witness() -> Result<Self, OpenError> {
        let config = Config::default();
        Self::embedded(&Processors::new(config.threads).map_err(OpenError::Thread)?, &config)
    }

    fn embedded(processors: &Processors, config: &Config) -> Result<Self, OpenError> {
        Gguf::embedded(WITNESS)
            .map_err(LoadError::File)
            .and_then(|gguf| Self::load(gguf, "witness", None, processors, config))
            .map(|model| Self { is_witness: true, ..model })
            .map_err(|failure| failure.at(PathBuf::from("(embedded witness)")))
    }

    fn load(
        gguf: Gguf,
        fallback: &str,
        json: Option<&Path>,
        processors: &Processors,
        config: &Config,
    ) -> Result<Self, LoadError> {
        let vocabulary = Arc::new(Vocabulary::read(&gguf)?);
        let tokenizer = Arc::new(Tokenizer::load(&gguf, Arc::clone(&vocabulary), json)?);
        let template = Template::of(&gguf, &vocabulary)?;
        let counter = PromptCounter::new(&template, Arc::clone(&tokenizer)).map_err(GgufError::damaged)?;
        let counter = Arc::new(counter);
        let name = gguf
            .text("general.name")
            .filter(|name| !name.trim().is_empty())
            .map_or_else(|| fallback.to_owned(), one_line);
        let pooling = load::pooling(&gguf);
        let ends = gguf.flag("tokenizer.ggml.add_eos_token").unwrap_or(false);
        let eos = gguf.number("tokenizer.ggml.eos_token_id").filter(|_| ends);
        let text_end = eos.and_then(|id| u32::try_from(id).ok());
        let forward = load::forward(gguf, vocabulary.tokens.len(), config, Arc::clone(&processors.pool))?;
        let engine =
            Engine::start(forward, vocabulary, config, processors.answering.clone()).map_err(LoadError::Thread)?;
        if engine.context() < config.context {
            tracing::info!(
                asked = config.context,
                context = engine.context(),
                "the context is bounded by the model and its engine"
            );
        }
        let max_batch = config.sequences.min(config.queue);
        Ok(Self { name, tokenizer, counter, template, engine, pooling, text_end, max_batch, is_witness: false })
    }

    pub(super) fn encode(&self, request: &Request) -> Result<EncodedPrompt, InferenceError> {
        let messages = request.rendered();
        let spans = self.template.render(&messages).map_err(InferenceError::Engine)?;
        let tokens = self.tokenizer.prompt(&spans).map_err(InferenceError::Engine)?;
        let reasoning = match spans.last() {
            Some(Span::Markup(markup)) => Reasoning::after(markup),
            _ => Reasoning::Possible,
        };
        let shared_prefix_len = self.shared_prefix_len(shared(request, &messages).as_ref(), &tokens);
        let (cache_key, format) = (request.cache.cache_key, request.format.clone());
        Ok(EncodedPrompt { tokens, shared_prefix_len, cache_key, reasoning, format })
    }

    /// How many of a prompt's first tokens come from its shared messages alone, in whole blocks.
    ///
    /// No template says where a message ends in the prompt, and words can be tokenised differently across a border. So the shared messages
    /// are encoded by themselves: what the prompt has in common with that contains nothing of the other messages.
    fn shared_prefix_len(&self, messages: &[Message], prompt: &[u32]) -> usize {
        if messages.is_empty() {
            return 0;
        }
        // With a template that refuses a conversation without a question, nothing is shared.
        let spans = self.template.render(messages);
        let alone = spans.and_then(|spans| self.tokenizer.prompt(&spans)).unwrap_or_default();
        let common = alone.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        common / BLOCK * BLOCK
    }
}

#[async_trait]
impl ChatModel for LocalModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> ModelLimits {
        ModelLimits { context_length: self.engine.context() }
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        Arc::<PromptCounter>::clone(&self.counter)
    }

    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        self.engine.generate(self.encode(&request)?, &request.sampling)
    }

    fn is_test_model(&self) -> bool {
        self.is_witness
    }

    fn invalidate(&self, scope: CacheScope) {
        self.engine.invalidate(scope);
    }

    fn health(&self) -> Health {
        self.engine.health()
    }

    async fn dead(&self) -> String {
        self.engine.dead().await
    }
}

/// What of a prompt every conversation may reuse: its first messages, or the base alone.
fn shared<'a>(request: &Request, messages: &'a [Message]) -> Cow<'a, [Message]> {
    match (request.cache.shared_prefix_len, &request.base) {
        (0, None) => Cow::Borrowed(&[]),
        (0, Some(base)) => Cow::Owned(vec![Message::new(Role::System, &**base)]),
        (count, _) => Cow::Borrowed(&messages[..count.min(messages.len())]),
    }
}

impl LoadError {
    fn at(self, path: PathBuf) -> OpenError {
        match self {
            Self::File(reason) => OpenError::File { path, reason },
            Self::Thread(error) => OpenError::Thread(error),
        }
    }
}

#[cfg(test)]
#[path = "local_model_tests.rs"]
mod tests;
