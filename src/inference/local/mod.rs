//! The local engine: a GGUF file in this process, answering one request at a time.
//!
//! What is here stands on candle's quantised llama, which cannot batch rooms. The seam above ([`ChatModel`]) does not know that.

mod engine;
pub(crate) mod gguf;
mod sampler;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod tokenizer;

use std::{io::Cursor, path::Path, sync::Arc};

use async_trait::async_trait;

use super::{ChatModel, Config, Generation, InferenceError, Message, Request, hub};
use crate::conversation::Role;
use engine::Engine;
use gguf::Model;
use template::Template;
use tokenizer::Tokenizer;

/// The witness: a tiny model of the project's own, so that everything runs without a network. See `tests/witness/`.
const WITNESS: &[u8] = include_bytes!("../../../tests/witness/witness.gguf");

/// What a message costs beside its text, if the template does not let itself be measured.
const USUAL_OVERHEAD: usize = 8;

/// Why a model cannot be used. Each is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is missing, not the one expected, malformed, or of a kind that the engine does not know.
    #[error("the model {file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The hub's file is not there yet.
    #[error(transparent)]
    Hub(#[from] hub::HubError),
    /// The system gives no thread.
    #[error("the engine cannot start: {0}")]
    Thread(#[from] std::io::Error),
}

/// A model loaded in this process.
pub struct LocalModel {
    name: String,
    engine: Engine,
    tokenizer: Arc<Tokenizer>,
    template: Template,
    context: usize,
    overhead: usize,
}

impl LocalModel {
    /// Opens the model that the configuration names: a file, a file pulled from the hub into `data`, or else the witness.
    pub fn open(config: &Config, data: &Path) -> Result<Self, OpenError> {
        if let Some(hub) = &config.hub {
            let entry = hub::pulled(hub, data)?;
            return Self::from_file(&entry.path(data), Some(&entry.sha256), config);
        }
        match &config.file {
            Some(path) => Self::from_file(path, config.sha256.as_deref(), config),
            None => Self::witness(config),
        }
    }

    /// Opens the embedded witness.
    pub fn witness(config: &Config) -> Result<Self, OpenError> {
        let named = |reason| OpenError::File { file: "embedded in the program".to_owned(), reason };
        Self::new(gguf::read(Cursor::new(WITNESS)).map_err(named)?, "witness (embedded)", config)
    }

    fn from_file(path: &Path, sha256: Option<&str>, config: &Config) -> Result<Self, OpenError> {
        Self::new(gguf::open(path, sha256)?, &path.display().to_string(), config)
    }

    fn new(model: Model, file: &str, config: &Config) -> Result<Self, OpenError> {
        let named = |reason| OpenError::File { file: file.to_owned(), reason };
        let Model { weights, metadata } = model;
        let tokenizer = Arc::new(Tokenizer::read(&metadata).map_err(named)?);
        let template = Template::read(&metadata, &tokenizer).map_err(named)?;
        let own = metadata.number("llama.context_length").unwrap_or(gguf::MOST_POSITIONS);
        let context = config.context.min(own).min(gguf::MOST_POSITIONS);
        if context < config.context {
            tracing::warn!(asked = config.context, context, "model.context is more than this model and engine hold");
        }
        let engine = Engine::start(weights, Arc::clone(&tokenizer), context, config.queue)?;
        let mut model = Self { name: file.to_owned(), engine, tokenizer, template, context, overhead: USUAL_OVERHEAD };
        if let Some(name) = metadata.text("general.name") {
            model.name = format!("{name}, {file}");
        }
        model.overhead = model.measured_overhead().unwrap_or(USUAL_OVERHEAD);
        Ok(model)
    }

    /// What the template adds to each message, in tokens: half of what two more empty turns add.
    fn measured_overhead(&self) -> Option<usize> {
        let message = |role| Message { role, content: String::new() };
        let once = [message(Role::User)];
        let twice = [message(Role::User), message(Role::Assistant), message(Role::User)];
        let length =
            |messages: &[Message]| self.template.encode(&self.tokenizer, messages).ok().map(|tokens| tokens.len());
        Some(length(&twice)?.checked_sub(length(&once)?)?.div_ceil(2))
    }
}

#[async_trait]
impl ChatModel for LocalModel {
    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        let prompt = self.template.encode(&self.tokenizer, &request.messages).map_err(InferenceError::Engine)?;
        if prompt.is_empty() || prompt.len() >= self.context {
            return Err(InferenceError::PromptTooLong { tokens: prompt.len(), context: self.context });
        }
        self.engine.generate(prompt, request.sampling)
    }

    fn count_tokens(&self, message: &Message) -> usize {
        // A text that cannot be encoded counts as its bytes, which no tokenizer exceeds.
        let text = self.tokenizer.encode(&message.content).map_or(message.content.len(), |tokens| tokens.len());
        text + self.overhead
    }

    fn context_length(&self) -> usize {
        self.context
    }

    fn name(&self) -> &str {
        &self.name
    }

    async fn health(&self) -> Result<(), InferenceError> {
        if self.engine.is_alive() { Ok(()) } else { Err(InferenceError::Engine("its thread has ended".to_owned())) }
    }
}
