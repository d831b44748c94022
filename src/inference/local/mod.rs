//! The local engine: a GGUF file, its tokenizer and its template, and a thread that answers.
//!
//! `header` and `gguf` open the file (`safetensors` opens the other kind and makes it look the same), `packed` keeps what was packed
//! of it for the next start. `vocabulary`, `tokenizer` (with `pretokenizer`, `spm` and `tokenizer_json`) and `template` make the
//! prompt. `model`
//! computes behind the seam `forward` with the arithmetic of `kernels`; `fallback`, which is candle, computes what `model` does not
//! know. `scheduler` and `cache` decide what is computed when and where it is kept, `answer`, `sampler`, `thinking` and
//! `text` turn logits into what people read, `engine` holds the queue and the thread, `supervisor` begins it
//! anew when it dies.

mod answer;
pub mod bench;
mod counter;
mod embedder;
mod engine;
mod entries;
#[cfg(test)]
mod fakes;
mod fallback;
mod forward;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gguf;
mod header;
mod kernels;
mod model;
mod open_requests;
mod packed;
mod pooling;
mod prefix_cache;
mod pretokenizer;
pub mod random;
mod safetensors;
mod sampler;
mod scheduler;
mod spm;
mod supervisor;
mod task;
mod template;
#[cfg(test)]
mod testing;
mod text;
mod thinking;
mod tokenizer;
mod tokenizer_json;
mod vocabulary;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use self::counter::PromptCounter;
use self::engine::{EncodedPrompt, Engine};
use self::fallback::OneByOne;
use self::forward::{BLOCK, Forward};
use self::gguf::{Gguf, one_line};
use self::kernels::Pool;
use self::model::{MemoryLimits, Model};
use self::pooling::Pooling;
use self::template::Template;
use self::tokenizer::{Span, Tokenizer};
use self::vocabulary::Vocabulary;
use super::{
    CacheScope, ChatModel, Config, Generation, Health, InferenceError, ModelLimits, Request, TokenCounter, hub,
};

pub use self::embedder::LocalEmbedder;
pub use self::gguf::GgufError;
pub(in crate::inference) use self::gguf::sum;

/// The witness: a tiny model with a few sentences, for tests and for a first try without a download.
static WITNESS: &[u8] = include_bytes!("../../../tests/witness/witness.gguf");

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
    /// The system gave no thread.
    #[error("the engine's thread cannot be started: {0}")]
    Thread(std::io::Error),
}

/// A model loaded in this process.
pub struct LocalModel {
    name: String,
    tokenizer: Arc<Tokenizer>,
    counter: Arc<PromptCounter>,
    template: Template,
    engine: Engine,
    /// How its file wants hidden states to be pooled; `None` for a way that is not supported.
    pooling: Option<Pooling>,
    /// The token that ends a text to be embedded, for models that are trained with one.
    text_end: Option<u32>,
    /// The texts that are embedded in one call at most: as many as the engine computes together.
    max_batch: usize,
}

impl LocalModel {
    /// Opens the model of the configuration: its `file`, or what `model pull` put under `data` for its `hub`, or the witness.
    pub fn open(config: &Config, data: &Path) -> Result<Self, OpenError> {
        let (path, sha256) = match (&config.file, &config.hub) {
            (Some(file), _) => (file.clone(), config.sha256.clone()),
            (None, Some(hub)) => {
                let entry = hub::find(hub, data)?.ok_or_else(|| OpenError::NotPulled(hub.repo.clone()))?;
                entry.check_tokenizer(data)?;
                (entry.path(data), config.sha256.clone().or(Some(entry.sha256)))
            }
            (None, None) => return Self::embedded(config),
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
            .map_err(Failure::File)
            .and_then(|gguf| Self::load(gguf, &stem, beside.exists().then_some(beside.as_path()), config))
            .map_err(|failure| failure.at(path))
    }

    /// Opens the embedded witness model, with the default limits.
    pub fn witness() -> Result<Self, OpenError> {
        Self::embedded(&Config::default())
    }

    fn embedded(config: &Config) -> Result<Self, OpenError> {
        Gguf::embedded(WITNESS)
            .map_err(Failure::File)
            .and_then(|gguf| Self::load(gguf, "witness", None, config))
            .map_err(|failure| failure.at(PathBuf::from("(embedded witness)")))
    }

    fn load(gguf: Gguf, fallback: &str, json: Option<&Path>, config: &Config) -> Result<Self, Failure> {
        let vocabulary = Arc::new(Vocabulary::read(&gguf)?);
        let tokenizer = Arc::new(Tokenizer::load(&gguf, Arc::clone(&vocabulary), json)?);
        let template = read_template(&gguf, &vocabulary)?;
        let counter = PromptCounter::new(&template, Arc::clone(&tokenizer)).map_err(GgufError::damaged)?;
        let counter = Arc::new(counter);
        let name = gguf
            .text("general.name")
            .filter(|name| !name.trim().is_empty())
            .map_or_else(|| fallback.to_owned(), one_line);
        let pooling = read_pooling(&gguf);
        let ends = gguf.flag("tokenizer.ggml.add_eos_token").unwrap_or(false);
        let eos = gguf.number("tokenizer.ggml.eos_token_id").filter(|_| ends);
        let text_end = eos.and_then(|id| u32::try_from(id).ok());
        let forward = forward(gguf, vocabulary.tokens.len(), config)?;
        let engine = Engine::start(forward, vocabulary, config).map_err(Failure::Thread)?;
        if engine.context() < config.context {
            tracing::info!(
                asked = config.context,
                context = engine.context(),
                "the context is bounded by the model and its engine"
            );
        }
        let max_batch = config.sequences;
        Ok(Self { name, tokenizer, counter, template, engine, pooling, text_end, max_batch })
    }

    fn encode(&self, request: &Request) -> Result<EncodedPrompt, InferenceError> {
        let spans = self.template.render(&request.messages).map_err(InferenceError::Engine)?;
        let tokens = self.tokenizer.prompt(&spans).map_err(InferenceError::Engine)?;
        let thinking = matches!(spans.last(), Some(Span::Markup(markup)) if thinking::opened(markup));
        let shared_prefix_len = self.shared_prefix_len(request, &tokens);
        Ok(EncodedPrompt { tokens, shared_prefix_len, cache_key: request.cache.cache_key, thinking })
    }

    /// How many of a prompt's first tokens come from its shared messages alone, in whole blocks.
    ///
    /// No template says where a message ends in the prompt, and words can be cut otherwise across a border. So the shared
    /// messages are encoded by themselves: what the prompt has in common with that can tell nothing of the other messages.
    fn shared_prefix_len(&self, request: &Request, prompt: &[u32]) -> usize {
        let messages = &request.messages[..request.cache.shared_prefix_len.min(request.messages.len())];
        if messages.is_empty() {
            return 0;
        }
        // A template that refuses a conversation without a question shares nothing.
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

/// What computes: our own forward pass, or for what it does not know candle's, one answer at a time.
fn forward(mut gguf: Gguf, vocabulary: usize, config: &Config) -> Result<Box<dyn Forward>, Failure> {
    let pool = Arc::new(Pool::new(config.threads).map_err(Failure::Thread)?);
    let limits = MemoryLimits { context: config.context, memory: config.kv_memory.saturating_mul(1 << 20) };
    let reason = match Model::load(&mut gguf, vocabulary, limits, pool) {
        Ok(model) => return Ok(Box::new(model)),
        Err(GgufError::Unsupported(reason)) => reason,
        Err(other) => return Err(other.into()),
    };
    match OneByOne::load(gguf, vocabulary, config.context) {
        Ok(model) => {
            tracing::warn!(
                reason,
                context = model.limits().context,
                "candle computes this model, one answer at a time"
            );
            Ok(Box::new(model))
        }
        Err(GgufError::Unsupported(theirs)) => {
            Err(GgufError::unsupported(format!("{reason}; nor can candle compute it: {theirs}")).into())
        }
        Err(other) => Err(other.into()),
    }
}

/// What goes wrong while loading, before the file's name is added.
enum Failure {
    File(GgufError),
    Thread(std::io::Error),
}

impl From<GgufError> for Failure {
    fn from(reason: GgufError) -> Self {
        Self::File(reason)
    }
}

impl Failure {
    fn at(self, path: PathBuf) -> OpenError {
        match self {
            Self::File(reason) => OpenError::File { path, reason },
            Self::Thread(error) => OpenError::Thread(error),
        }
    }
}

/// How the file wants hidden states to be pooled (`pooling_type`, as llama.cpp numbers it); the mean where it does not say.
fn read_pooling(gguf: &Gguf) -> Option<Pooling> {
    let architecture = gguf.text("general.architecture").unwrap_or_default();
    match gguf.number(&format!("{architecture}.pooling_type")) {
        None | Some(1) => Some(Pooling::Mean),
        Some(3) => Some(Pooling::Last),
        Some(_) => None,
    }
}

fn read_template(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Template, GgufError> {
    let spelling = |key: &str| {
        let id = gguf.number(key).and_then(|id| vocabulary.tokens.get(id as usize));
        id.cloned().unwrap_or_default()
    };
    let source = match gguf.text("tokenizer.chat_template") {
        Some(source) => source,
        None if ["<|im_start|>", "<|im_end|>"].iter().all(|token| vocabulary.reserved(token).is_some()) => {
            template::CHATML
        }
        None => return Err(GgufError::unsupported("it has no chat template: it is not made for conversations")),
    };
    let (bos, eos) = (spelling("tokenizer.ggml.bos_token_id"), spelling("tokenizer.ggml.eos_token_id"));
    Template::new(source.to_owned(), bos, eos)
}

#[cfg(test)]
mod tests;
