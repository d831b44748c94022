//! The sections `model.embedding`, `model.reranker` and `model.entities`: which encoder is read, and how it is used.

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::rules::{default_endpoint, is_hex, is_repo};
use crate::setting::{self, Refused, require, within};

/// The most texts that one call may have.
const MOST_TEXTS: usize = 1024;

/// The most bytes of a prefix.
const LONGEST_PREFIX: usize = 1024;

/// The most files of a model that are named one by one.
const MOST_FILES: usize = 64;

/// A model that turns texts into vectors, one that scores passages, or one that finds names. Without this section there is none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Encoder {
    /// The folder with `config.json`, `tokenizer.json` and `model.safetensors` (or its index and parts).
    pub folder: Option<PathBuf>,
    /// The repository to download these from with `model pull`.
    pub hub: Option<HubFolder>,
    /// What the model wants before a query; without it, what its folder or its name says. Embedding only.
    pub query_prefix: Option<String>,
    /// What the model wants before a passage, likewise.
    pub passage_prefix: Option<String>,
    /// How a text's vector is made from those of its tokens; without it, what the folder says. Embedding only.
    pub pooling: Option<Pooling>,
    /// How likely a word must be a name, from 0 to 1, to be taken for one. Entities only.
    pub threshold: f32,
    /// What the weights are computed in.
    pub weights: Weights,
    /// The most tokens of a text, within what the model was made for; a longer one is cut.
    pub context: usize,
    /// The most texts of one call.
    pub batch: usize,
    /// How many calls may wait.
    pub queue: usize,
}

/// How one vector is made of those of the tokens.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// That of the first token.
    Cls,
}

/// What the weights are computed in.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Weights {
    /// 8 bits, and the activations too: several times as fast.
    #[default]
    Int8,
    /// As the file stores them.
    Stored,
}

/// Files of a repository on the Hugging Face hub, or on a mirror of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct HubFolder {
    /// The repository, `owner/name`.
    pub repo: String,
    /// The full commit: a branch could change under us.
    pub revision: String,
    /// The files to fetch, by their paths in the repository. Without it, those that a model of this kind has.
    #[serde(default)]
    pub files: Vec<String>,
    /// The hub's base URL.
    #[serde(default = "default_endpoint")]
    pub endpoint: String,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            folder: None,
            hub: None,
            query_prefix: None,
            passage_prefix: None,
            pooling: None,
            threshold: 0.5,
            weights: Weights::default(),
            context: 1024,
            batch: 64,
            queue: 64,
        }
    }
}

impl Encoder {
    /// Checks what the types cannot; `key` is the section's name.
    pub(super) fn validate(&self, key: &str) -> Result<(), Refused> {
        let of = |name: &str| format!("{key}.{name}");
        require(
            self.folder.is_some() != self.hub.is_some(),
            &of("folder"),
            "one of folder and hub is needed, and not both",
        )?;
        for (name, prefix) in [("query_prefix", &self.query_prefix), ("passage_prefix", &self.passage_prefix)] {
            require(
                prefix.as_ref().is_none_or(|prefix| prefix.len() <= LONGEST_PREFIX),
                &of(name),
                "it must be at most 1,024 bytes",
            )?;
        }
        within(&of("threshold"), self.threshold, 0.01..=1.0)?;
        within(&of("context"), self.context, 16..=65_536)?;
        within(&of("batch"), self.batch, 1..=MOST_TEXTS)?;
        within(&of("queue"), self.queue, 1..=65_536)?;
        self.hub.as_ref().map_or(Ok(()), |hub| hub.validate(&of("hub")))
    }
}

impl HubFolder {
    fn validate(&self, key: &str) -> Result<(), Refused> {
        let of = |name: &str| format!("{key}.{name}");
        let inside = |file: &String| {
            let path = Path::new(file);
            !file.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)))
        };
        require(is_repo(&self.repo), &of("repo"), "it must be owner/name")?;
        require(is_hex(&self.revision, 40), &of("revision"), "it must be a full commit: 40 hexadecimal digits")?;
        within(&of("files"), self.files.len(), 0..=MOST_FILES)?;
        require(self.files.iter().all(inside), &of("files"), "each must be the path of a file in the repository")?;
        require(setting::is_web(&self.endpoint), &of("endpoint"), "it must be an http or https URL")
    }
}
