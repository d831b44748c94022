//! The configuration: defaults, overridden by a YAML file, overridden by environment variables; secrets may be in files that these name.
//!
//! Each section is defined in the module that uses it. The layers are merged first and deserialised once (`layers`). A bad key or value is
//! reported in one sentence with the key's path and its line in the file or its variable. The list of keys is derived from the types
//! (`keys`), and tests compare `config.example.yaml` with it.

mod error;
pub mod keys;
mod layers;
mod locate;
#[cfg(test)]
mod tests;

use std::{
    env,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    assistant, collections, documents, http, index, inference, matrix, page, privacy, services,
    setting::{self, Refused},
    telemetry,
};

use self::layers::{Layers, PREFIX};

pub use error::{ConfigError, ValueOrigin};

/// The longest file that is read: a hundred times as long as the commented example.
const LONGEST_FILE: u64 = 1 << 20;

/// The whole configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the session, the conversations and the pulled models are kept.
    pub data: Option<PathBuf>,
    /// The folder of compagnons (`*.md`). Without it, those that come with the program.
    pub prompts: Option<PathBuf>,
    /// The homeserver and the account. `chat` and `model` do without.
    pub matrix: Option<matrix::Config>,
    /// The model that answers.
    pub model: inference::Config,
    /// How questions are answered.
    pub assistant: assistant::Config,
    /// How documents are read.
    pub documents: documents::Config,
    /// The other systems that the bot calls.
    pub services: services::Config,
    /// The documents that ops give to compagnons.
    pub collections: collections::Config,
    /// The server in which several bots share collections.
    pub postgres: Option<index::postgres::Config>,
    /// What people are told of their data.
    pub privacy: privacy::Config,
    /// Health and readiness.
    pub http: http::Config,
    /// The public page.
    pub statistics: page::Config,
    /// What is logged.
    pub log: telemetry::Config,
    /// Warnings, one sentence each: for instance a secret in a file that every account can read.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the file (or nothing, for the defaults) and the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let variables = variables()?;
        let Some(path) = file else { return Self::merged("", "", variables) };
        let (name, text) = read(path)?;
        let mut config = Self::merged(&name, &text, variables)?;
        if setting::file::is_open(path) && layers::gives_secret(&text) {
            config.warnings.push(format!(
                "{name} holds a secret, and every account of this machine can read it: chmod o= {name}, or put the secret in a file of \
                 its own (matrix.password_file, matrix.access_token_file)"
            ));
        }
        Ok(config)
    }

    /// Whether the log is to be JSON, also for a configuration that is refused.
    #[must_use]
    pub fn asks_for_json(file: Option<&Path>) -> bool {
        let text = file.and_then(|path| read(path).ok()).map(|(_, text)| text);
        layers::asks_for_json(text.as_deref().map_or("", String::as_str), &variables().unwrap_or_default())
    }

    /// The configuration of `text`, overridden by `variables` (names with their prefix).
    #[cfg(any(test, fuzzing))]
    pub(crate) fn parse(text: &str, variables: Vec<(String, String)>) -> Result<Self, ConfigError> {
        Self::merged("config.yaml", text, variables)
    }

    fn merged(name: &str, text: &str, variables: Vec<(String, String)>) -> Result<Self, ConfigError> {
        let layers = Layers::merge(name, text, variables, keys::keys::<Self>())?;
        let mut config: Self = layers.read()?;
        config.validate().map_err(|refused| layers.refuse(refused))?;
        config.warnings = config.matrix.as_ref().map(matrix::Config::warnings).unwrap_or_default();
        config.warnings.extend(config.services.warnings());
        config.warnings.extend(config.documents.warnings());
        config.warnings.extend(config.assistant.warnings());
        Ok(config)
    }

    fn validate(&self) -> Result<(), Refused> {
        self.matrix.as_ref().map_or(Ok(()), matrix::Config::validate)?;
        self.model.validate()?;
        self.documents.validate()?;
        self.services.validate()?;
        self.collections.validate()?;
        self.statistics.validate()?;
        self.privacy.validate()?;
        let apart = self.statistics.listen.is_none() || self.statistics.listen != self.http.listen;
        let reason =
            "it is that of http.listen; the public page has one of its own, so that health is not public with it";
        setting::require(apart, "statistics.listen", reason)?;
        self.postgres.as_ref().map_or(Ok(()), index::postgres::Config::validate)?;
        if let Some((name, _)) = self.collections.0.iter().find(|(_, one)| one.index == collections::Engine::Postgres) {
            let reason = "the section `postgres` is missing; name the server in it";
            setting::require(self.postgres.is_some(), &format!("collections.{name}.index"), reason)?;
        }
        if let Some(docs) = &self.assistant.docs {
            let reason =
                format!("services.{} is missing; name the address that documents are posted to there", docs.service);
            setting::require(self.services.0.contains_key(&docs.service), "assistant.docs.service", &reason)?;
        }
        self.assistant.validate()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new("data"))
    }

    /// The `matrix` section, or a sentence that says it is missing.
    pub fn matrix(&self) -> Result<&matrix::Config, ConfigError> {
        let missing = || Refused::new("matrix", "this section is missing; name the homeserver and the account in it");
        self.matrix.as_ref().ok_or_else(|| missing().into())
    }
}

/// The file's name and text.
fn read(path: &Path) -> Result<(String, Zeroizing<String>), ConfigError> {
    let name = path.display().to_string();
    match setting::file::read(path, LONGEST_FILE) {
        Ok(text) => Ok((name, text)),
        Err(reason) => Err(ConfigError::File { path: name, reason }),
    }
}

/// The variables that override keys.
fn variables() -> Result<Vec<(String, String)>, ConfigError> {
    let ours = env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
        Some((name, value))
    });
    let text = ours.map(|(name, value)| match value.into_string() {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(ConfigError::Key {
            refused: Refused::new(name[PREFIX.len()..].to_lowercase().replace("__", "."), "it is not UTF-8 text"),
            origin: ValueOrigin::Variable(name),
        }),
    });
    text.collect()
}
