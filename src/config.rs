//! The configuration: one YAML file, then environment variables over it, then secrets read from the files it names.
//!
//! Each section is described beside the module that uses it. This file knows how the whole is found, merged and refused: a bad key or
//! value is one sentence with the key's path, and its line in the file or its variable's name.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_yaml::{Mapping, Value};

use crate::{assistant, http, inference, matrix, telemetry};

/// Variables that start with this override a key: `COMPAGNON__MATRIX__USER=x` is `matrix: {user: x}`.
const PREFIX: &str = "COMPAGNON__";

/// Everything that ops decide.
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
    /// Health and readiness.
    pub http: http::Config,
    /// What is logged.
    pub log: telemetry::Config,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The system's reason, or the YAML reader's with key and line.
        reason: String,
    },
    /// An environment variable does not fit.
    #[error("the environment variable {name}: {reason}")]
    Variable {
        /// Its name.
        name: String,
        /// What does not fit.
        reason: String,
    },
    /// A key has a value that cannot be used.
    #[error("{0}")]
    Invalid(String),
}

impl Config {
    /// Reads the file (or nothing, for the defaults) and the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let variables = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let Some(path) = file else {
            return Self::parse("", variables);
        };
        let named = |reason: String| ConfigError::File { path: path.display().to_string(), reason };
        let text = fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
        Self::parse(&text, variables).map_err(|error| match error {
            ConfigError::Invalid(reason) => named(reason),
            other => other,
        })
    }

    /// The configuration of `text`, overridden by `variables` (names with their prefix).
    pub(crate) fn parse(text: &str, mut variables: Vec<(String, String)>) -> Result<Self, ConfigError> {
        let from_file = |text: &str| -> Result<Self, serde_yaml::Error> {
            if text.trim().is_empty() { Ok(Self::default()) } else { serde_yaml::from_str(text) }
        };
        let mut config = from_file(text).map_err(|error| ConfigError::Invalid(error.to_string()))?;
        // One at a time and in a fixed order, so that the variable which does not fit can be named.
        variables.sort();
        let mut tree: Value = serde_yaml::from_str(text).map_err(|error| ConfigError::Invalid(error.to_string()))?;
        for (name, value) in variables {
            let refused = |reason: String| ConfigError::Variable { name: name.clone(), reason };
            let keys: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
            // A number or a boolean is itself; anything else, and what YAML cannot read, is text. A secret is never parsed.
            let parsed = match keys.last().map(String::as_str) {
                Some("password" | "access_token") => Value::String(value),
                _ => serde_yaml::from_str(&value).unwrap_or(Value::String(value)),
            };
            set(&mut tree, &keys, parsed).map_err(refused)?;
            config = serde_yaml::from_value(tree.clone()).map_err(|error| refused(error.to_string()))?;
        }
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.matrix.as_ref().map_or(Ok(()), matrix::Config::validate).map_err(ConfigError::Invalid)?;
        self.model.validate().map_err(ConfigError::Invalid)?;
        self.assistant.validate().map_err(ConfigError::Invalid)
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new("data"))
    }

    /// The `matrix` section, or a sentence that says it is missing.
    pub fn matrix(&self) -> Result<&matrix::Config, ConfigError> {
        self.matrix.as_ref().ok_or_else(|| {
            ConfigError::Invalid(
                "matrix: this section is missing; name the homeserver and the account in it".to_owned(),
            )
        })
    }
}

/// Puts `value` at the path `keys` of the tree, making mappings on the way.
fn set(tree: &mut Value, keys: &[String], value: Value) -> Result<(), String> {
    let Some((first, rest)) = keys.split_first() else {
        *tree = value;
        return Ok(());
    };
    if tree.is_null() {
        *tree = Value::Mapping(Mapping::new());
    }
    let mapping =
        tree.as_mapping_mut().ok_or_else(|| format!("`{first}` cannot be set inside a value that has no keys"))?;
    set(mapping.entry(Value::String(first.clone())).or_insert(Value::Null), rest, value)
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_example_loads_as_it_stands() {
        let config = Config::parse(include_str!("../config.example.yaml"), Vec::new()).expect("a good example");
        assert!(config.matrix.is_some());
    }

    #[test]
    fn nothing_at_all_is_a_configuration() {
        assert!(Config::parse("", Vec::new()).expect("defaults").matrix.is_none());
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_key_and_line() {
        let cases = [
            ("data: x\nmodle: {}\n", "modle", "line 2"),
            ("assistant:\n  streaming:\n    enabled: perhaps\n", "assistant.streaming.enabled", "line 3"),
            ("model:\n  contexte: 5\n", "contexte", "line 2"),
            ("http: [1\n", "http", "line 1"),
        ];
        for (text, key, line) in cases {
            let sentence = Config::parse(text, Vec::new()).expect_err("a bad file").to_string();
            assert!(sentence.contains(key) && sentence.contains(line), "{text:?} → {sentence}");
        }
    }

    #[test]
    fn the_environment_is_over_the_file_and_its_mistakes_are_named() {
        let text = "assistant:\n  compagnon: temoin\n";
        let config = Config::parse(text, variables(&[("COMPAGNON__ASSISTANT__COMPAGNON", "autre")])).expect("fits");
        assert_eq!(config.assistant.compagnon, "autre");
        let sentence =
            Config::parse(text, variables(&[("COMPAGNON__ASSISTANT__COMPAGNE", "autre")])).expect_err("misspelt");
        assert!(sentence.to_string().contains("COMPAGNON__ASSISTANT__COMPAGNE"), "{sentence}");
        let sentence = Config::parse(text, variables(&[("COMPAGNON__DATA__X", "1"), ("COMPAGNON__DATA", "d")]));
        assert!(sentence.expect_err("a path has no keys").to_string().contains("COMPAGNON__DATA__X"));
    }

    #[test]
    fn a_secret_in_the_environment_is_text_whatever_it_looks_like() {
        let text = "matrix: {homeserver: 'http://h', user: u}\n";
        let config = Config::parse(text, variables(&[("COMPAGNON__MATRIX__PASSWORD", "12345")])).expect("fits");
        assert!(!format!("{config:?}").contains("12345"));
    }
}
